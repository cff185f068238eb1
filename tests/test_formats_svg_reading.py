"""SVG files of many makers: what is read is what a renderer draws."""

import gzip
import io
import itertools
import tracemalloc
from pathlib import Path
from xml.sax.saxutils import quoteattr

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import drawable_floats, sketches, whole_sketches

from sketchrnn.errors import FormatError
from sketchrnn.formats import read_records, streams
from sketchrnn.formats.svg import geometry
from sketchrnn.formats.svg.reading import parse_root, parse_svg
from sketchrnn.formats.svg.writing import Layer, svg_drawing

FILES = sorted((Path(__file__).parent / "svg").glob("*.svg"))
names = pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
WITH_OTHER_CONTENT = {
    "illustrator-styles",
    "text-and-image",
    "hand-shapes",
    "matplotlib",
    "sloppy",
    "filled-logo",
    "cairo",
}
SIDE = 1200


def read(body, **attributes):
    extra = "".join(f" {name}={quoteattr(value)}" for name, value in attributes.items())
    return parse_svg(f'<svg xmlns="http://www.w3.org/2000/svg"{extra}>{body}</svg>'.encode(), "x.svg")


def points(body, **attributes):
    """The points of each line of a body whose shapes need no style of their own."""
    drawing = read(f'<g stroke="#000" fill="none">{body}</g>', **attributes)
    return [line.points.tolist() for line in drawing.lines]


def pixels(svg: bytes) -> np.ndarray:
    """Render: (height, width, 4) from 0 to 255."""
    resvg = pytest.importorskip("resvg_py")
    image = pytest.importorskip("PIL.Image")
    text = (
        svg.decode("utf-16")
        if svg.startswith((b"\xff\xfe", b"\xfe\xff"))
        else svg.decode("latin-1" if b"8859" in svg[:60] else "utf-8")
    )
    data = resvg.svg_to_bytes(
        svg_string=text.replace("UTF-16", "UTF-8").replace("ISO-8859-1", "UTF-8"), width=SIDE, dpi=96
    )
    return np.asarray(image.open(io.BytesIO(bytes(data))).convert("RGBA")).astype(int)


def redrawn(path):
    """What was read of a file, drawn on the same page."""
    root = parse_root(path.read_bytes())
    page = {name: root.get(name) for name in ("width", "height", "viewBox", "transform") if root.get(name)}
    lines = "".join(
        f'<polyline points="{" ".join(f"{x:.9g},{y:.9g}" for x, y in line.points)}" fill="none" '
        f'stroke={quoteattr("#c2255c" if line.color == "currentColor" else line.color)} stroke-width="{line.width}" '
        f'stroke-opacity="{line.opacity}" stroke-linecap="{line.linecap}" stroke-linejoin="{line.linejoin}"/>'
        for line in parse_svg(path.read_bytes(), path.name).lines
    )
    head = "".join(f" {name}={quoteattr(value)}" for name, value in page.items())
    return f'<svg xmlns="http://www.w3.org/2000/svg"{head}>{lines}</svg>'.encode()


@names
def test_what_is_read_is_what_is_drawn(path):
    if path.stem == "filled-logo":
        pytest.skip("not applicable: has no strokes")
    original, ours = pixels(path.read_bytes()), pixels(redrawn(path))
    assert original.shape == ours.shape
    core = ours[..., 3] >= ours[..., 3].max() - 2  # where a line covers the whole pixel
    assert core.sum() > 100
    differ = np.abs(original - ours).max(axis=-1)[core]
    assert np.mean(differ > 40) < 0.06  # curves are flattened, other shapes may lie on top, pens may be oval
    if path.stem not in WITH_OTHER_CONTENT:
        assert np.mean(np.abs(original[..., 3] - ours[..., 3]) > 64) < 0.003


def test_there_are_twenty_makers():
    assert len(FILES) >= 20


@names
def test_every_file_is_one_record(path):
    (record,) = read_records(path)
    assert record.kind == "svg"
    assert record.sketch.strokes


def test_shapes_become_points():
    assert points('<polyline points="1,2 3,4 5 6"/>') == [[[1, 2], [3, 4], [5, 6]]]
    assert points('<polygon points="0,0 4,0 4,4"/>') == [[[0, 0], [4, 0], [4, 4], [0, 0]]]
    assert points('<line x1="1" y1="2" x2="3" y2="4"/>') == [[[1, 2], [3, 4]]]
    assert points('<rect x="1" y="2" width="3" height="4"/>') == [[[1, 2], [4, 2], [4, 6], [1, 6], [1, 2]]]
    assert points('<path d="M1,1 2,2M5 5h3v3z l1 1"/>') == [
        [[1, 1], [2, 2]],
        [[5, 5], [8, 5], [8, 8], [5, 5]],
        [[5, 5], [6, 6]],
    ]


@pytest.mark.parametrize(
    ("body", "center", "radii"),
    [
        ('<circle cx="5" cy="6" r="3"/>', (5, 6), (3, 3)),
        ('<ellipse cx="5" cy="6" rx="3" ry="1"/>', (5, 6), (3, 1)),
        ('<rect width="10" height="10" rx="5"/>', (5, 5), (5, 5)),
        ('<path d="M0,5A5,5 0 1 1 10,5A5,5 0 1 1 0,5z"/>', (5, 5), (5, 5)),
        ('<circle r="2" transform="translate(3 4) rotate(45) scale(2)"/>', (3, 4), (4, 4)),
    ],
)
def test_curves_keep_to_their_shape(body, center, radii):
    drawing = read(f'<g stroke="#000" fill="none">{body}</g>')
    (line,) = drawing.lines
    assert line.closed
    on_unit_circle = np.hypot(*((line.points - center) / radii).T)
    np.testing.assert_allclose(on_unit_circle, 1, atol=2e-3)
    middles = (line.points[1:] + line.points[:-1]) / 2
    np.testing.assert_allclose(np.hypot(*((middles - center) / radii).T), 1, atol=4e-3)
    np.testing.assert_array_equal(line.points[0], line.points[-1])


def test_curves_end_where_they_say():
    (line,) = points('<path d="M0 0C1 5 7 9 10 3Q4 4 2 1t3 3"/>')
    for corner in ([0, 0], [10, 3], [2, 1], [5, 4]):
        assert corner in line


def test_transforms_come_in_order():
    body = '<line x2="1" y2="0" stroke="#000" transform="translate(5,0) rotate(90)"/>'
    (line,) = read(f'<g transform="scale(2)">{body}</g>').lines
    np.testing.assert_allclose(line.points, [[10, 0], [10, 2]], atol=1e-12)
    assert line.width == pytest.approx(2)


def test_lengths_have_units():
    (line,) = points('<line x1="1in" y1="2.54cm" x2="50%" y2="50%"/>', viewBox="0 0 400 300")
    np.testing.assert_allclose(line, [[96, 96], [200, 150]])
    drawing = read('<path d="M0 0H9" stroke="#000" stroke-width="1mm"/>', width="100mm", viewBox="0 0 200 100")
    assert drawing.millimeters == pytest.approx(0.5)
    assert drawing.lines[0].width == pytest.approx(96 / 25.4)
    assert read('<path d="M0 0H9" stroke="#000"/>', width="100").millimeters is None


def test_what_is_not_shown_is_not_read():
    shown = '<path id="shown" d="M0 0H1" stroke="#000" fill="none"/>'
    path = '<path d="M5 5H6" stroke="#000" fill="none"{}/>'
    for hidden in (
        path.format(' display="none"'),
        path.format(' visibility="hidden"'),
        path.format(' opacity="0"'),
        path.format(' stroke-opacity="0"'),
        path.format(' stroke-width="0"'),
        path.format(' style="stroke:none"'),
        path.format(' style="stroke:rgba(0,0,0,0)"'),
        f'<g display="none">{path.format("")}</g>',
        f'<g visibility="hidden">{path.format("")}</g>',
        *(f"<{tag}>{path.format('')}</{tag}>" for tag in ("defs", "symbol", "marker", "mask", "clipPath", "pattern")),
        f"<style>.a {{ display: none }}</style>{path.format(' class=' + chr(34) + 'a' + chr(34))}",
        f'<other xmlns="urn:other">{path.format("")}</other>',
        '<path d="M5 5" stroke="#000"/>',
        '<circle stroke="#000"/>',
    ):
        (line,) = read(shown + hidden).lines
        assert line.ids == ("shown",), hidden


@pytest.mark.parametrize(
    ("rules", "attributes", "color"),
    [
        ("", 'stroke="blue"', "blue"),
        ("path { stroke: red }", 'stroke="blue"', "red"),
        ("path { stroke: red }", 'stroke="blue" style="stroke: green"', "green"),
        ("path { stroke: red !important }", 'style="stroke: green"', "red"),
        ("path { stroke: red !important }", 'style="stroke: green !important"', "green"),
        (".a { stroke: red } path { stroke: tan }", 'class="b a"', "red"),
        (".a { stroke: red } .b { stroke: tan }", 'class="b a"', "tan"),
        ("#p { stroke: red } .a.b { stroke: tan }", 'class="b a" id="p"', "red"),
        ("g g path { stroke: red } g > .a { stroke: tan }", 'class="a"', "tan"),
        ("svg|path { stroke: red } a:b:c { stroke: red }", 'stroke="blue"', "blue"),
        ("@media screen { path { stroke: red } }", 'stroke="blue"', "red"),
        ("@media print { path { stroke: red } }", 'stroke="blue"', "blue"),
        ("path { stroke: no-color }", 'stroke="blue"', "blue"),
        ("path { stroke: light-dark(red, tan) }", 'stroke="blue"', "#ff0000"),
        ("path { stroke: light-dark(red) }", 'stroke="blue"', "blue"),
        ("g { --c: red } path { stroke: var(--c) }", 'stroke="blue"', "red"),
        ("path { stroke: var(--none, tan) }", 'stroke="blue"', "tan"),
        ("path { --a: var(--b); --b: var(--a); stroke: var(--a, red) }", 'stroke="blue"', "red"),
        ("g { stroke: red } path { stroke: var(--none) }", 'stroke="blue"', "red"),
        ("path { stroke: url(#none) tan }", 'stroke="blue"', "tan"),
        ("g { color: red } path { stroke: currentColor }", 'stroke="blue"', "red"),
        ("path { stroke: lab(50 20 20) }", 'stroke="blue"', "blue"),
        ("path { stroke: lab(50 20 20) }", "", "black"),
        ("path { stroke: rgb(255 0 0 / 50%) }", "", "#ff0000"),
        ("g { stroke: red }", "", "red"),
        ("g { stroke: red } path { stroke: inherit }", 'stroke="blue"', "red"),
    ],
)
def test_the_cascade_decides(rules, attributes, color):
    (line,) = read(f'<style>{rules}</style><g><path d="M0 0H1" fill="none" {attributes}/></g>').lines
    assert line.color == color


def test_filled_areas_are_lines_only_where_nothing_is_stroked():
    area, line = '<rect width="9" height="9"/>', '<path d="M1 1H5" stroke="red" fill="none"/>'
    drawing = read(area + line + "<text>a</text>")
    assert [line.color for line in drawing.lines] == ["red"]
    assert drawing.ignored == {"filled shape": 1, "text": 1}
    (outline,) = read(area).lines
    assert (outline.color, outline.width, outline.closed) == ("black", None, True)


def test_use_draws_again():
    body = '<defs><g id="a"><path id="b" d="M0 0H1"/></g></defs><use href="#a" x="3"/><use xlink:href="#b" y="2"/>'
    drawing = read(f'<g stroke="#000">{body}</g>', **{"xmlns:xlink": "http://www.w3.org/1999/xlink"})
    assert [line.points.tolist() for line in drawing.lines] == [[[3, 0], [4, 0]], [[0, 2], [1, 2]]]


def test_use_of_itself_ends():
    drawing = read('<g id="a" stroke="#000"><path d="M0 0H1"/><use href="#a"/><use href="#none"/></g>')
    assert len(drawing.lines) == 1
    assert sum(drawing.ignored.values()) == 2


def test_use_that_explodes_is_refused(monkeypatch):
    monkeypatch.setattr("sketchrnn.formats.svg.reading.MOST_USED", 1000)
    groups = "".join(f'<g id="g{level}">' + f'<use href="#g{level - 1}"/>' * 10 + "</g>" for level in range(1, 12))
    with pytest.raises(FormatError, match="at most 1,000 elements"):
        read(f'<path id="g0" d="M0 0H1" stroke="#000"/>{groups}')


def test_the_last_line_can_be_chosen():
    drawing = read('<g stroke="#000"><g id="a"><path d="M0 0H1"/><path d="M0 1H1"/></g><path id="b" d="M0 2H1"/></g>')
    assert [line.points[0, 1] for line in drawing.continued_from("a").lines] == [2, 0, 1]
    with pytest.raises(FormatError, match="'none'"):
        drawing.continued_from("none")


def test_compressed_files(tmp_path):
    path = tmp_path / "a.svgz"
    path.write_bytes(gzip.compress(FILES[0].read_bytes()))
    assert parse_svg(path.read_bytes(), path.name).sketch == parse_svg(FILES[0].read_bytes(), "a").sketch
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(FormatError, match=r"a\.svgz: .*damage"):
        parse_svg(path.read_bytes(), path.name)


def test_compressed_bombs_are_refused_before_they_fill_the_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(streams, "MOST_UNCOMPRESSED", 1 << 21)
    head, spaces = b'<svg xmlns="http://www.w3.org/2000/svg">', bytes([32]) * (1 << 20)
    pieces = [gzip.compress(head), *[gzip.compress(spaces)] * 256, gzip.compress(b'<path d="M0 0H9"/></svg>')]
    path = tmp_path / "a.svgz"
    path.write_bytes(b"".join(pieces))
    tracemalloc.start()
    with pytest.raises(FormatError, match=r"a\.svgz: expected at most 2,097,152 bytes when uncompressed, found more"):
        parse_svg(path.read_bytes(), path.name)
    assert tracemalloc.get_traced_memory()[1] < 1 << 24  # of 1 << 28
    tracemalloc.stop()
    path.write_bytes(b"".join([pieces[0], pieces[1], pieces[-1]]))
    assert len(parse_svg(path.read_bytes(), path.name).lines) == 1


def test_a_compressed_document_may_be_as_large_as_it_may_be(monkeypatch):
    document = b'<svg xmlns="http://www.w3.org/2000/svg"/>'
    monkeypatch.setattr(streams, "MOST_UNCOMPRESSED", len(document))
    monkeypatch.setattr(streams, "LARGEST_RATIO", 0)
    assert streams.uncompressed(gzip.compress(document), "a") == document
    with pytest.raises(FormatError, match="found more"):
        streams.uncompressed(gzip.compress(document + b"\n"), "a")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("<svg xmlns='http://www.w3.org/2000/svg'><path", "found invalid XML"),
        ("<html/>", "<html>"),
        ("<svg xmlns='urn:other'/>", "<svg>"),
        ("<svg/>", "nothing that is shown"),
        ("<svg><text>a</text><image/></svg>", "1 text, 1 image"),
        ("<svg><path id='p' d='M0 0L1' stroke='red'/></svg>", "<path id='p'>: expected path data"),
        ("<svg><path d='M0 0 L1 nan' stroke='red'/></svg>", "<path> 1: expected path data, found 'L1 nan'"),
        ("<svg><path d='L1 1' stroke='red'/></svg>", "path data"),
        ("<svg><polyline points='1,2 3' stroke='red'/></svg>", "<polyline> 1: expected points"),
        ("<svg><polyline points='1,2 a,b' stroke='red'/></svg>", "expected points"),
        ("<svg><rect width='wide' height='1' stroke='red'/></svg>", "<rect> 1: expected a length, found 'wide'"),
        ("<svg viewBox='0 0 1'><path d='M0 0'/></svg>", "viewBox of four numbers"),
        ("<svg><g transform='rotate(x)'><path d='M0 0'/></g></svg>", "<g> 1: expected a transform"),
        ("<svg><path d='M0 0H1e999' stroke='red'/></svg>", "finite"),
        ("<?xml version='1.0' encoding='no-such'?><svg/>", "decoded"),
        ("<svg>" + "<g>" * 20_000 + "</g>" * 20_000 + "</svg>", "nested too deeply"),
    ],
)
def test_what_is_wrong_is_said(content, message):
    with pytest.raises(FormatError, match=r"^x\.svg: ") as caught:
        parse_svg(content.encode(), "x.svg")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@given(whole_sketches | sketches(drawable_floats))
def test_what_we_write_is_read_as_it_was(sketch):
    if not sketch.strokes:
        return
    as_read = parse_svg(svg_drawing([Layer(sketch, "a")]).encode(), "x.svg").sketch
    expected = [stroke if (stroke != stroke[0]).any() else stroke[:1] for stroke in sketch.strokes]
    assert len(as_read.strokes) == len(expected)
    for stroke, wanted in zip(as_read.strokes, expected, strict=True):
        np.testing.assert_array_equal(stroke, wanted)


@given(st.text(alphabet="MLHVCSQTAZmlhvcsqtaz0123456789.,- e", max_size=40))
def test_any_path_data_is_read_or_refused(data):
    try:
        drawing = read(f'<path d={quoteattr(data)} stroke="#000"/>')
    except FormatError:
        return
    assert all(np.isfinite(line.points).all() for line in drawing.lines)


def test_the_roots_own_transform_is_outside_of_its_coordinates():
    """What is drawn into the root is transformed with all that is there."""
    (line,) = read('<path d="M0 0H1" stroke="#000"/>', transform="translate(5 5)").lines
    assert line.points.tolist() == [[0, 0], [1, 0]]


# damaged content: viewers show the rest of it


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ('<path d="M0 0L9 0L9 9L5"/>', [[[0, 0], [9, 0], [9, 9]]]),
        ('<path d="M0 0L9 0#L9 9"/>', [[[0, 0], [9, 0]]]),
        ('<path d="M0 0L9 0,L9 9"/>', [[[0, 0], [9, 0]]]),
        ('<path d="M0 0L9,,0"/><path d="M1 1H2"/>', [[[1, 1], [2, 1]]]),
        ('<path d="M0 0H3a2 2 0 2 1 9 9"/>', [[[0, 0], [3, 0]]]),
        ('<path d="M0 0L9 0Z4L1 1"/>', [[[0, 0], [9, 0], [0, 0]]]),
        ('<polyline points="0,0 3,4 9"/>', [[[0, 0], [3, 4]]]),
        ('<polygon points="0,0 3,4 3 0 x 9"/>', [[[0, 0], [3, 4], [3, 0], [0, 0]]]),
        ('<line x1="one" y1="2" x2="3" y2="4"/>', [[[0, 2], [3, 4]]]),
        ('<path transform="rotate(x)" d="M0 0H1"/>', [[[0, 0], [1, 0]]]),
    ],
)
def test_damaged_content_is_read_up_to_the_error_and_reported(body, expected):
    drawing = read(f'<g stroke="#000" fill="none">{body}</g>')
    assert [line.points.tolist() for line in drawing.lines] == expected
    assert sum(drawing.ignored.values()) == 1
    assert "damaged" in drawing.notices()[0]


# path data


@pytest.mark.parametrize(
    ("data", "same_as"),
    [
        ("M0 0Q5 9 9 0S20 5 20 0", "M0 0Q5 9 9 0C9 0 20 5 20 0"),
        ("M0 0Q5 9 9 0T20 0s9 5 9 0", "M0 0Q5 9 9 0T20 0c0 0 9 5 9 0"),
        ("M0 0C1 5 7 9 10 3T20 0", "M0 0C1 5 7 9 10 3Q10 3 20 0"),
        ("M0 0c1 5 7 9 10 3s4 4 5 5t9 1", "M0 0C1 5 7 9 10 3C13 -3 14 7 15 8q0 0 9 1"),
        ("M0 0A5 5 0 0 1 9 9T20 0", "M0 0A5 5 0 0 1 9 9Q9 9 20 0"),
        ("M0 0A5 5 0 0 1 9 9S20 5 20 0", "M0 0A5 5 0 0 1 9 9C9 9 20 5 20 0"),
        ("M0 0A0 5 0 0 1 9 9", "M0 0L9 9"),
        ("M0 0H4a5 0 30 1 0 5 5", "M0 0H4L9 5"),
        ("M0 0a5 5 0 015 5", "M0 0A5 5 0 0 1 5 5"),
        ("M0 0a-5-5 0 1150-.5.5", "M0 0a5 5 0 1 1 50 -.5"),
        ("m1 2 3 4zl5 5", "M1 2L4 6ZM1 2L6 7"),
        ("M1 2v.5.5-1", "M1 2V2.5V3V2"),
        ("M1 2Q3 4 5 6t1 1 1 1", "M1 2Q3 4 5 6Q7 8 6 7Q5 6 7 8"),
    ],
)
def test_path_data_follows_the_grammar(data, same_as):
    found, wanted = (points(f'<path d="{text}"/>') for text in (data, same_as))
    assert len(found) == len(wanted)
    for line, expected in zip(found, wanted, strict=True):
        np.testing.assert_allclose(line, expected, atol=1e-9)


numbers = st.sampled_from(["0", "1", "-2", ".5", "-.25", "3.75", "1e1", "+4", "12.5"])
commands = st.sampled_from("MmLlHhVvCcSsQqTtZz").flatmap(
    lambda letter: st.lists(
        numbers, min_size=(count := geometry._ARGUMENTS.get(letter.upper(), 0)), max_size=count
    ).map(lambda arguments: letter + " ".join(arguments))
)


@given(st.lists(commands, max_size=20), st.sampled_from(["x", "..", "L1", "#9"]), st.booleans())
def test_path_data_is_read_up_to_its_first_error(parts, damage, dense):
    data = "M0 0" + "".join(parts)
    data = data.replace(" -", "-") if dense else data
    whole, no_error = geometry.parse_path(data)
    cut, error = geometry.parse_path(f"{data} {damage} L 9 9")
    assert not no_error
    assert error
    assert whole.kinds.tolist() == cut.kinds.tolist()
    np.testing.assert_array_equal(whole.nodes, cut.nodes)


# shapes, lengths and transforms


@pytest.mark.parametrize(
    ("body", "box"),
    [
        ('<ellipse cx="50" cy="50" rx="30"/>', (20, 20, 80, 80)),
        ('<ellipse cx="50" cy="50" rx="auto" ry="10"/>', (40, 40, 60, 60)),
        ('<circle style="cx:50px;cy:40px;r:10px"/>', (40, 30, 60, 50)),
        ('<circle cx="9" r="5" style="cx:50"/>', (4, -5, 14, 5)),
        ('<rect style="width:calc(50% - 10px);height:2em" font-size="10"/>', (0, 0, 40, 20)),
        ('<rect width="10" height="10" style="width:max(5px, min(3px, 9px))"/>', (0, 0, 5, 10)),
        ('<rect x="40" y="90" width="120" height="20" style="transform-box:fill-box;transform-origin:50% 50%" '
         'transform="matrix(0,1,-1,0,0,0)"/>', (90, 40, 110, 160)),
        ('<g style="transform-box:fill-box;transform-origin:center;transform:rotate(90deg)">'
         '<rect x="10" width="20" height="40"/></g>', (0, 10, 40, 30)),
        ('<rect width="20" height="10" style="transform-origin:center" transform="rotate(180)"/>', (80, 90, 100, 100)),
        ('<rect width="20" height="10" transform-origin="10 5" transform="rotate(90)"/>', (5, -5, 15, 15)),
        ('<rect width="20" height="10" style="transform:translate(10px,50%) scale(2)"/>', (10, 50, 50, 70)),
        ('<rect width="20" height="10" transform="scale(3)" style="transform:rotate(90)"/>', (0, 0, 60, 30)),
        ('<rect width="20" height="10" style="translate:5px;scale:2 1;rotate:0deg"/>', (5, 0, 45, 10)),
        ('<defs><svg id="e" x="40" y="30" width="40" height="40" viewBox="0 0 10 10"><path d="M1 1L9 9"/></svg></defs>'
         '<use href="#e" x="1"/>', (45, 34, 77, 66)),
        ('<symbol id="s" viewBox="0 0 10 10"><path d="M0 0L9 9"/></symbol><use href="#s" width="20" height="20"/>',
         (0, 0, 18, 18)),
        ('<svg width="50%" height="20" viewBox="0 0 10 10" preserveAspectRatio="xMaxYMid slice" overflow="visible">'
         '<path d="M0 0L10 10"/></svg>', (0, -15, 50, 35)),
        ('<path style="d:path(&quot;M1 2L3 4&quot;)"/>', (1, 2, 3, 4)),
    ],
)  # fmt: skip
def test_places_are_those_of_a_browser(body, box):
    """Each box was compared with Chromium's; see benchmarks/svg_browser.py."""
    every = np.concatenate(points(body, viewBox="0 0 100 100"))
    np.testing.assert_allclose([*every.min(axis=0), *every.max(axis=0)], box, atol=0.02)


def test_switch_and_conditions():
    rows = [
        ("", 0),
        (' systemLanguage="xx"', None),
        (' systemLanguage="fr, en-US"', 2),
        (' requiredExtensions="x"', None),
    ]
    body = "".join(f'<path d="M0 {number}H1"{extra}/>' for number, (extra, _) in enumerate(rows))
    assert [line[0][1] for line in points(body)] == [0, 2]
    assert [line[0][1] for line in points(f'<switch>{body.replace("M0 0H1", "")}</switch><path d="M0 9H1"/>')] == [9]
    assert [line[0][1] for line in points(f'<switch><unknown/>{body}</switch><path d="M0 9H1"/>')] == [9]


# clipping

CLIP = '<clipPath id="c"{}>{}</clipPath><g clip-path="url(#{})"{}>{}</g>'


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (CLIP.format("", '<rect x="2" y="-5" width="4" height="9"/>', "c", "", '<path d="M0 0H10"/>'),
         [[[2, 0], [6, 0]]]),
        (CLIP.format("", '<rect width="2" height="5"/><rect x="5" width="2" height="5"/>', "c", "",
                     '<path d="M-1 1H9"/>'), [[[0, 1], [2, 1]], [[5, 1], [7, 1]]]),
        (CLIP.format("", '<path clip-rule="evenodd" d="M0 0H9V9H0ZM3 3H6V6H3Z"/>', "c", "", '<path d="M-1 4H20"/>'),
         [[[0, 4], [3, 4]], [[6, 4], [9, 4]]]),
        (CLIP.format(' clipPathUnits="objectBoundingBox"', '<rect width=".5" height="1"/>', "c", "",
                     '<path d="M0 0H8V4"/>'), [[[0, 0], [4, 0]]]),
        (CLIP.format("", "", "c", "", '<path d="M0 0H10"/>') + '<path d="M1 1H2"/>', [[[1, 1], [2, 1]]]),
        (CLIP.format("", '<rect width="2" height="2"/>', "none", "", '<path d="M0 0H10"/>'), [[[0, 0], [10, 0]]]),
        ('<svg width="5" height="5"><path d="M1 1H9"/></svg>', [[[1, 1], [5, 1]]]),
        ('<svg width="5" height="5" overflow="visible"><path d="M1 1H9"/></svg>', [[[1, 1], [9, 1]]]),
        ('<mask id="m" maskUnits="userSpaceOnUse" x="0" y="-5" width="9" height="9"><g stroke="none">'
         '<rect y="-5" width="6" height="9" fill="#fff"/><rect y="-5" width="2" height="9" fill="#000"/></g></mask>'
         '<path mask="url(#m)" d="M0 0H10"/>', [[[2, 0], [6, 0]]]),
        ('<rect width="10" height="10" style="clip-path:inset(-1px 5px 5px -1px)"/>',
         [[[0, 0], [5, 0]], [[0, 5], [0, 0]]]),
    ],
)  # fmt: skip
def test_what_is_clipped_away_is_not_read(body, expected):
    drawing = read(f'<g stroke="#000" fill="none">{body}</g>')
    assert [line.points.tolist() for line in drawing.lines] == expected


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=2, max_size=6), st.integers(1, 8))
def test_a_clipped_line_is_the_line_inside(polyline, side):
    body = f'<svg width="{side}.5" height="{side}.5"><polyline points="{polyline}"/></svg>'
    body = body.replace("(", "").replace(")", "").replace("[", "").replace("]", "")
    drawing = read(f'<g stroke="#000" fill="none">{body}<path d="M90 90H99"/></g>')
    ends = np.array(polyline, float)
    t = np.linspace(0, 1, 50)[:, None]
    dense = np.concatenate([a + t * (b - a) for a, b in itertools.pairwise(ends)])
    inside = dense[(dense < side + 0.5).all(axis=1)]
    kept = [line.points for line in drawing.lines if line.points.max() < 50]
    assert all((line <= side + 0.5 + 1e-9).all() for line in kept)
    assert (len(kept) == 0) <= (len(inside) == 0)


# touching segments


@pytest.mark.parametrize(
    ("body", "counts"),
    [
        ('<path d="M10 10L50 12M50 12L90 10M90 10L88 50"/>', [4]),
        ('<line x2="9"/><line x1="9" x2="9" y2="9"/><line x1="9" y1="9" y2="9"/><line y1="9"/>', [5]),
        ('<line x2="900"/><line x1="900.01" x2="9" y2="9"/>', [3]),
        ('<line x2="900"/><line x1="902" x2="9" y2="9"/>', [2, 2]),
        ('<line x2="9"/><line x1="9" x2="5" y2="5" stroke="red"/>', [2, 2]),
        ('<rect width="9" height="9"/><line x2="9"/>', [5, 2]),
        ('<line x2="9"/><line x2="5"/>', [2, 2]),
    ],
)
def test_touching_segments_are_one_stroke(body, counts):
    drawing = read(f'<g stroke="#000" fill="none">{body}</g>')
    assert [len(line.points) for line in drawing.lines] == counts


def test_a_rectangle_of_four_lines_is_closed():
    sides = '<line id="a" x2="9"/><line x1="9" x2="9" y2="9"/><line x1="9" y1="9" y2="9"/><line id="d" y1="9"/>'
    (line,) = read(f'<g stroke="#000">{sides}</g>').lines
    assert (line.closed, line.ids) == (True, ("a", "d"))


# filled outlines


def test_the_background_is_no_outline():
    logo = '<path fill="#222" d="M20 20H60V60Z"/>'
    for background in (
        '<rect width="100" height="100" fill="#fff"/>',
        '<rect width="100%" height="100%" fill="navy"/>',
        '<path d="M-1-1H101V101H-1Z" fill="white"/>',
        '<circle r="200" fill="#eee"/>',
    ):
        drawing = read(background + logo, viewBox="0 0 100 100")
        assert [line.color for line in drawing.lines] == ["#222"]
        assert drawing.ignored == {"background": 1}
        assert drawing.notices()[1] == "No shape has a stroke: read 1 outline of filled shapes instead."
    assert len(read('<rect width="99" height="60"/>' + logo, viewBox="0 0 100 100").lines) == 2
    with pytest.raises(FormatError, match="1 background"):
        read('<rect width="100" height="100" fill="#fff"/>', viewBox="0 0 100 100")

"""SVG files of many makers: what is read is what a renderer draws."""

import gzip
import io
import tracemalloc
from pathlib import Path
from xml.sax.saxutils import quoteattr

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import drawable_floats, sketches, whole_sketches

from sketchrnn.errors import FormatError
from sketchrnn.formats import read_records
from sketchrnn.formats.svg import reading as svg_reading
from sketchrnn.formats.svg.reading import parse_root, parse_svg, read_svg
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
        f'stroke={quoteattr("#c2255c" if line.colour == "currentColor" else line.colour)} stroke-width="{line.width}" '
        f'stroke-opacity="{line.opacity}" stroke-linecap="{line.linecap}" stroke-linejoin="{line.linejoin}"/>'
        for line in read_svg(path).lines
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
    ("body", "centre", "radii"),
    [
        ('<circle cx="5" cy="6" r="3"/>', (5, 6), (3, 3)),
        ('<ellipse cx="5" cy="6" rx="3" ry="1"/>', (5, 6), (3, 1)),
        ('<rect width="10" height="10" rx="5"/>', (5, 5), (5, 5)),
        ('<path d="M0,5A5,5 0 1 1 10,5A5,5 0 1 1 0,5z"/>', (5, 5), (5, 5)),
        ('<circle r="2" transform="translate(3 4) rotate(45) scale(2)"/>', (3, 4), (4, 4)),
    ],
)
def test_curves_keep_to_their_shape(body, centre, radii):
    drawing = read(f'<g stroke="#000" fill="none">{body}</g>')
    (line,) = drawing.lines
    assert line.closed
    on_unit_circle = np.hypot(*((line.points - centre) / radii).T)
    np.testing.assert_allclose(on_unit_circle, 1, atol=2e-3)
    middles = (line.points[1:] + line.points[:-1]) / 2
    np.testing.assert_allclose(np.hypot(*((middles - centre) / radii).T), 1, atol=4e-3)
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
    assert drawing.millimetres == pytest.approx(0.5)
    assert drawing.lines[0].width == pytest.approx(96 / 25.4)
    assert read('<path d="M0 0H9" stroke="#000"/>', width="100").millimetres is None


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
    ("rules", "attributes", "colour"),
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
        ("@media screen { path { stroke: red } }", 'stroke="blue"', "blue"),
        ("g { stroke: red }", "", "red"),
        ("g { stroke: red } path { stroke: inherit }", 'stroke="blue"', "red"),
    ],
)
def test_the_cascade_decides(rules, attributes, colour):
    (line,) = read(f'<style>{rules}</style><g><path d="M0 0H1" fill="none" {attributes}/></g>').lines
    assert line.colour == colour


def test_filled_areas_are_lines_only_where_nothing_is_stroked():
    area, line = '<rect width="9" height="9"/>', '<path d="M1 1H5" stroke="red" fill="none"/>'
    drawing = read(area + line + "<text>a</text>")
    assert [line.colour for line in drawing.lines] == ["red"]
    assert drawing.left_out == {"filled shape": 1, "text": 1}
    (outline,) = read(area).lines
    assert (outline.colour, outline.width, outline.closed) == ("black", None, True)


def test_use_draws_again():
    body = '<defs><g id="a"><path id="b" d="M0 0H1"/></g></defs><use href="#a" x="3"/><use xlink:href="#b" y="2"/>'
    drawing = read(f'<g stroke="#000">{body}</g>', **{"xmlns:xlink": "http://www.w3.org/1999/xlink"})
    assert [line.points.tolist() for line in drawing.lines] == [[[3, 0], [4, 0]], [[0, 2], [1, 2]]]


def test_use_of_itself_ends():
    drawing = read('<g id="a" stroke="#000"><path d="M0 0H1"/><use href="#a"/><use href="#none"/></g>')
    assert len(drawing.lines) == 2  # the group, and once more what uses it
    assert sum(drawing.left_out.values()) == 3


def test_use_that_explodes_is_refused(monkeypatch):
    monkeypatch.setattr(svg_reading, "MOST_USED", 1000)
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
    assert read_svg(path).sketch == read_svg(FILES[0]).sketch
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(FormatError, match=r"a\.svgz: .*damaged"):
        read_svg(path)


def test_compressed_bombs_are_refused_before_they_fill_the_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(svg_reading, "MOST_UNCOMPRESSED", 1 << 21)
    head, spaces = b'<svg xmlns="http://www.w3.org/2000/svg">', bytes([32]) * (1 << 20)
    pieces = [gzip.compress(head), *[gzip.compress(spaces)] * 256, gzip.compress(b'<path d="M0 0H9"/></svg>')]
    path = tmp_path / "a.svgz"
    path.write_bytes(b"".join(pieces))
    tracemalloc.start()
    with pytest.raises(FormatError, match=r"a\.svgz: expected at most 2,097,152 bytes when uncompressed, found more"):
        read_svg(path)
    assert tracemalloc.get_traced_memory()[1] < 1 << 24  # of 1 << 28
    tracemalloc.stop()
    path.write_bytes(b"".join([pieces[0], pieces[1], pieces[-1]]))
    assert len(read_svg(path).lines) == 1


def test_a_compressed_document_may_be_as_large_as_it_may_be(monkeypatch):
    document = b'<svg xmlns="http://www.w3.org/2000/svg"/>'
    monkeypatch.setattr(svg_reading, "MOST_UNCOMPRESSED", len(document))
    assert svg_reading.uncompressed(gzip.compress(document)) == document
    with pytest.raises(FormatError, match="found more"):
        svg_reading.uncompressed(gzip.compress(document + b"\n"))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("<svg xmlns='http://www.w3.org/2000/svg'><path", "found no XML"),
        ("<html/>", "<html>"),
        ("<svg xmlns='urn:other'/>", "<svg>"),
        ("<svg/>", "nothing that is shown"),
        ("<svg><text>a</text><image/></svg>", "1 text, 1 image"),
        ("<svg><path id='p' d='M0 0L1' stroke='red'/></svg>", "<path id='p'>: expected path data"),
        ("<svg><path d='M0 0 L1 nan' stroke='red'/></svg>", "<path> 1: expected path data, found 'n'"),
        ("<svg><path d='L1 1' stroke='red'/></svg>", "path data"),
        ("<svg><polyline points='1,2 3' stroke='red'/></svg>", "<polyline> 1: expected points"),
        ("<svg><polyline points='1,2 a,b' stroke='red'/></svg>", "expected points"),
        ("<svg><rect width='wide' height='1' stroke='red'/></svg>", "<rect> 1: expected a length, found 'wide'"),
        ("<svg viewBox='0 0 1'><path d='M0 0H1'/></svg>", "viewBox of four numbers"),
        ("<svg><g transform='rotate(x)'><path d='M0 0H1'/></g></svg>", "<g> 1: expected a transform"),
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

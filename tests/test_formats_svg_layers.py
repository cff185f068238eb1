"""Layers in the documents of others: what was there stays, byte for byte, and what was added is where it should be."""

import io
import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import drawable_floats, sketches, whole_sketches

from sketchrnn.errors import FormatError
from sketchrnn.formats.svg.reading import parse_root, parse_svg
from sketchrnn.formats.svg.style import STYLES
from sketchrnn.formats.svg.writing import Layer, add_layers
from sketchrnn.sketch import Sketch

FILES = sorted((Path(__file__).parent / "svg").glob("*.svg"))
INKSCAPE = "{http://www.inkscape.org/namespaces/inkscape}"
names = pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
TRIANGLE = Sketch.from_polylines([[(1, 1), (9.25, 1), (5, 7), (1, 1)], [(4, 4)]])
LABEL = "cat, seed 7, “ёж” & <b>"


def layer(sketch=TRIANGLE, **fields):
    return Layer(sketch, LABEL, **{"color": "#d9480f", "stroke_width": 0.5, **fields})


def canonical(root: ElementTree.Element) -> str:
    return ElementTree.canonicalize(ElementTree.tostring(root, encoding="unicode"), strip_text=True)


def inserted(original: bytes, changed: bytes) -> bytes:
    """What was put into a document, which is otherwise as it was."""
    start = next(place for place in range(len(changed)) if original[place : place + 1] != changed[place : place + 1])
    end = len(original) - start
    while not changed.endswith(original[len(original) - end :]):
        end -= 1
        start += 1
    assert changed[:start] + original[len(original) - end :] == original
    return changed[start : len(changed) - end]


@names
@pytest.mark.parametrize("style", STYLES)
def test_the_original_stays_byte_for_byte(path, style):
    original = path.read_bytes()
    changed = add_layers(original, [layer(), layer(hidden=True)], style=style)
    assert (
        inserted(original, changed).count("sketchrnn-".encode("utf-16-le" if path.stem == "utf-16" else "ascii")) == 2
    )
    root, before = parse_root(changed), parse_root(original)
    added = root[len(before) :]
    assert len(added) == 2
    for group in added:
        assert group.get(f"{INKSCAPE}groupmode") == "layer"
        assert re.fullmatch(rf"\d+ {re.escape(LABEL)}", group.get(f"{INKSCAPE}label"))
        root.remove(group)
    root[-1].tail = before[-1].tail  # what xml:space="preserve" would keep of the line breaks about the layers
    assert canonical(root) == canonical(before)


@names
def test_what_was_added_is_read_where_it_was_drawn(path):
    content = path.read_bytes()
    was, now = (parse_svg(one, path.name) for one in (content, add_layers(content, [layer(), layer(hidden=True)])))
    if path.stem == "filled-logo":  # its outlines were lines as long as there were no strokes
        was_lines = 0
    else:
        was_lines = len(was.lines)
        for before, after in zip(was.lines, now.lines[:was_lines], strict=True):
            np.testing.assert_array_equal(after.points[[0, -1]], before.points[[0, -1]])
    new = now.lines[was_lines:]  # the hidden one is not shown
    assert [line.points.tolist() for line in new] == [stroke.tolist() for stroke in TRIANGLE.strokes]
    assert {(line.color, line.width) for line in new} == {("#d9480f", 0.5)}


def test_rules_of_the_document_do_not_reach_what_is_added():
    style = "<style>*{stroke:red;fill:blue;display:none;stroke-width:9}path{d:none}</style>"
    changed = add_layers(f'<svg xmlns="http://www.w3.org/2000/svg">{style}</svg>'.encode(), [layer()])
    assert [line.color for line in parse_svg(changed.replace(b"display:none;", b""), "x").lines] == ["#d9480f"] * 2


def test_identifiers_are_new():
    original = b'<svg xmlns="http://www.w3.org/2000/svg"><g id="sketchrnn-1"/></svg>'
    once = add_layers(original, [layer()])
    assert [group.get("id") for group in parse_root(add_layers(once, [layer()]))] == [
        "sketchrnn-1",
        "sketchrnn-2",
        "sketchrnn-3",
    ]


@pytest.mark.parametrize(
    "document",
    ['<svg xmlns="http://www.w3.org/2000/svg" id="a/>b" />', '<s:svg xmlns:s="http://www.w3.org/2000/svg"/>', "<svg/>"],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_root_that_closes_itself_is_opened(document, encoding):
    changed = add_layers(document.encode(encoding), [layer()])
    assert len(parse_root(changed)) == 1
    assert len(parse_svg(changed, "x").lines) == 2


def test_what_is_no_svg_is_refused():
    with pytest.raises(FormatError, match="<html>"):
        add_layers(b"<html/>", [layer()])


@given(whole_sketches | sketches(drawable_floats), st.sampled_from(STYLES))
def test_any_sketch_can_be_added_in_any_style(sketch, style):
    changed = add_layers(FILES[0].read_bytes(), [layer(sketch)], style=style)
    assert len(parse_root(changed)[-1]) == len(sketch.strokes)


def test_pixels_of_the_layer_are_drawn():
    resvg, image = pytest.importorskip("resvg_py"), pytest.importorskip("PIL.Image")
    changed = add_layers(b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 10 10"></svg>', [layer()])
    picture = image.open(io.BytesIO(bytes(resvg.svg_to_bytes(svg_string=changed.decode(), width=100))))
    assert picture.getpixel((50, 10)) == (0xD9, 0x48, 0x0F, 255)
    assert picture.getpixel((40, 40))[3] == 255  # the dot
    assert picture.getpixel((90, 90))[3] == 0

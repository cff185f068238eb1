import io
import re
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import drawable_floats, finite_floats, sketches, whole_sketches

from sketchrnn.errors import FormatError
from sketchrnn.formats.svg.style import Length, RenderStyle
from sketchrnn.formats.svg.writing import Layer, svg_drawing, svg_sheet
from sketchrnn.sketch import Sketch

SVG = "{http://www.w3.org/2000/svg}"
SQUARE = Sketch.from_polylines([[(0, 0), (10, 0), (10, 10), (0, 10), (0, 0)]])


def parse(svg: str) -> ElementTree.Element:
    return ElementTree.fromstring(svg.encode())


def polylines(element: ElementTree.Element) -> list[list[tuple[float, ...]]]:
    return [
        [tuple(map(float, pair.split(","))) for pair in line.attrib["points"].split()]
        for line in element.iter(f"{SVG}polyline")
    ]


def as_drawn(sketch: Sketch) -> list[list[tuple[float, float]]]:
    """The points of a sketch, those of one-point strokes twice."""
    return [stroke * 2 if len(stroke) == 1 else stroke for stroke in sketch.polylines()]


def view_box(root: ElementTree.Element) -> list[float]:
    return [float(number) for number in root.attrib["viewBox"].split()]


def pixels(svg: str) -> np.ndarray:
    """Render a picture: (height, width), how opaque each pixel is."""
    cairosvg = pytest.importorskip("cairosvg")
    image = pytest.importorskip("PIL.Image")
    return np.asarray(image.open(io.BytesIO(cairosvg.svg2png(svg.encode()))))[..., 3]


@given(whole_sketches | sketches(drawable_floats), whole_sketches)
def test_points_are_exact(prefix, completion):
    root = parse(svg_drawing([Layer(prefix, "prefix", "#888888"), Layer(completion, "completion")]))
    groups = root.findall(f"{SVG}g")
    assert [(group.attrib["id"], group.attrib["stroke"]) for group in groups] == [
        ("prefix", "#888888"),
        ("completion", "#1a1a1a"),
    ]
    assert [polylines(group) for group in groups] == [as_drawn(prefix), as_drawn(completion)]


@given(whole_sketches | sketches(drawable_floats))
def test_view_box_holds_every_point(sketch):
    root = parse(svg_drawing([Layer(sketch, "a")]))
    x, y, width, height = view_box(root)
    x_min, y_min, x_max, y_max = sketch.bounds()
    assert x <= x_min <= x_max <= x + width
    assert y <= y_min <= y_max <= y + height
    sides = [int(root.attrib[side].removesuffix("px")) for side in ("width", "height")]
    assert max(sides) == 512
    assert min(sides) >= 1


@given(sketches(finite_floats))
def test_any_finite_sketch_is_drawn_or_refused(sketch):
    try:
        root = parse(svg_drawing([Layer(sketch, "a")]))
    except FormatError as error:
        assert "expected a drawing of at most" in str(error)
    else:
        assert polylines(root) == as_drawn(sketch)
        assert np.isfinite(view_box(root)).all()


def test_whole_numbers_are_written_as_integers():
    svg = svg_drawing([Layer(Sketch.from_polylines([[(1.0, -2.0), (0.1, 1e-7)]]), "a")])
    assert 'points="1,-2 0.1,1e-07"' in svg


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_pictures_look_the_same_in_every_unit(scale):
    root = parse(svg_drawing([Layer(SQUARE.transformed(scale), "a")]))
    stroke_width = float(root.find(f"{SVG}g").attrib["stroke-width"])
    assert stroke_width == pytest.approx(0.1 * scale)
    assert view_box(root) == pytest.approx([-0.5 * scale, -0.5 * scale, 11 * scale, 11 * scale])


def test_stroke_width_is_kept_inside_the_picture():
    root = parse(svg_drawing([Layer(SQUARE, "a")], render_style=RenderStyle(stroke_width=Length(4))))
    assert root.find(f"{SVG}g").attrib["stroke-width"] == "4"
    assert view_box(root)[0] <= -2


def test_title_and_description():
    root = parse(svg_drawing([Layer(SQUARE, "a")], title="cats & <dogs>", description="a\x00b"))
    assert root.find(f"{SVG}title").text == "cats & <dogs>"
    assert root.find(f"{SVG}desc").text == "a\ufffdb"


@pytest.mark.parametrize("strokes", [[[(3, 4)]], [[(0, 0), (100, 100)], [(80, 20)]]])
def test_dots_are_visible(strokes):
    root = parse(svg := svg_drawing([Layer(Sketch.from_polylines(strokes), "a")]))
    alpha = pixels(svg)
    x, y, width, _ = view_box(root)
    dot = [round((value - low) / width * 512) for value, low in zip(strokes[-1][0], (x, y), strict=True)]
    near = alpha[dot[1] - 5 : dot[1] + 5, dot[0] - 5 : dot[0] + 5]
    assert near.max() == 255
    assert near.astype(bool).sum() >= 9


def test_background_is_transparent():
    alpha = pixels(svg_drawing([Layer(SQUARE, "a")]))
    assert alpha[0, 0] == alpha[256, 256] == 0
    assert alpha.max() == 255


def test_nothing_to_draw():
    for layers in ([], [Layer(Sketch(()), "a")]):
        root = parse(svg_drawing(layers))
        assert polylines(root) == []
        assert view_box(root) == [-0.5, -0.5, 1, 1]


def test_same_input_same_text():
    assert svg_drawing([Layer(SQUARE, "a")]) == svg_drawing([Layer(SQUARE, "a")])


@given(st.lists(whole_sketches | sketches(drawable_floats), max_size=5), st.none() | st.integers(1, 4))
def test_sheet_keeps_points_and_ids_apart(drawings, columns):
    cells = [(f"picture {index}", [Layer(sketch, "a"), Layer(SQUARE, "b")]) for index, sketch in enumerate(drawings)]
    root = parse(svg_sheet(cells, columns=columns))
    identifiers = [element.attrib["id"] for element in root.iter() if "id" in element.attrib]
    assert identifiers == [f"{name}-{index}" for index in range(len(cells)) for name in "ab"]
    assert polylines(root) == [line for sketch in drawings for line in as_drawn(sketch) + as_drawn(SQUARE)]


@given(st.lists(whole_sketches, min_size=1, max_size=5))
def test_sheet_places_every_picture_inside_its_cell(drawings):
    root = parse(svg_sheet([("x", [Layer(sketch, "a")]) for sketch in drawings], columns=2, cell=100))
    labels = [float(text.attrib["y"]) for text in root.iter(f"{SVG}text")]
    for index, picture in enumerate(root.findall(f"{SVG}g")):
        shift_x, shift_y, scale = map(float, re.findall(r"[-+.e0-9]+(?=[ )])", picture.attrib["transform"]))
        left, top = index % 2 * 100, index // 2 * (labels[-1] - labels[0]) / max(1, (len(drawings) - 1) // 2)
        for x, y in (point for line in polylines(picture) for point in line):
            assert left <= x * scale + shift_x <= left + 100
            assert top - 0.01 <= y * scale + shift_y <= top + 100
        (group,) = picture.findall(f"{SVG}g")
        assert float(group.attrib["stroke-width"]) * scale == pytest.approx(0.9)


def test_sheet_draws_all_cells_alike():
    """A square a million times as large fills its cell with the same pixels."""
    alpha = pixels(svg_sheet([("", [Layer(SQUARE, "a")]), ("", [Layer(SQUARE.transformed(1e6), "a")])], columns=2))
    assert np.abs(alpha[:, :160].astype(int) - alpha[:, 160:]).max() <= 2
    assert alpha.any()


@given(st.text())
def test_any_label_makes_a_document(label):
    root = parse(svg_sheet([(label, [Layer(SQUARE, label)])], title=label))
    assert len(polylines(root)) == 1


def test_labels_are_escaped_and_shortened():
    long = "The Great Wall of China & <more>"
    root = parse(svg_sheet([("<pig> & 'cat'", [Layer(SQUARE, "a")]), (long, [Layer(SQUARE, "a")])]))
    short, cut = (text.text for text in root.iter(f"{SVG}text"))
    assert short == "<pig> & 'cat'"
    assert cut.endswith("…")
    assert long.startswith(cut[:-1])
    assert [title.text for title in root.iter(f"{SVG}title")] == ["<pig> & 'cat'", long]

"""Styles, pages, animations and images."""

import io
import re
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import drawable_floats, sketches, whole_sketches

from sketchrnn.errors import ConfigurationError
from sketchrnn.formats.picture import moving_image, png
from sketchrnn.formats.svg.reading import parse_svg
from sketchrnn.formats.svg.style import (
    STYLES,
    Animation,
    Length,
    Page,
    RenderStyle,
    curve_length,
    line_length,
    optimized,
    smooth_curves,
    stroke_timings,
    travel_length,
)
from sketchrnn.formats.svg.writing import COMPLETION_COLOR, Layer, svg_drawing, svg_sheet
from sketchrnn.sketch import Sketch

SVG = "{http://www.w3.org/2000/svg}"
INKSCAPE = "{http://www.inkscape.org/namespaces/inkscape}"
HOUSE = Sketch.from_polylines(
    [[(0, 100), (0, 40), (50, 0), (100, 40), (100, 100), (0, 100)], [(40, 100), (40, 70)], [(9, 9)]]
)
any_sketches = whole_sketches | sketches(drawable_floats)
styles = pytest.mark.parametrize("style", STYLES)


def parse(svg: str) -> ElementTree.Element:
    return ElementTree.fromstring(svg.encode())


def pixels(svg: str, size: int = 512) -> np.ndarray:
    """(height, width), how opaque each pixel is."""
    pytest.importorskip("resvg_py")
    image = pytest.importorskip("PIL.Image")
    return np.asarray(image.open(io.BytesIO(png(svg, size=size))))[..., 3].astype(int)


def circle(count, radius=100.0):
    angles = np.linspace(0, 2 * np.pi, count) % (2 * np.pi)
    return radius * np.column_stack([np.cos(angles), np.sin(angles)])


# styles


@given(any_sketches, st.sampled_from(STYLES))
def test_every_style_draws_every_stroke(sketch, style):
    root = parse(svg_drawing([Layer(sketch, "a")], render_style=RenderStyle(style=style)))
    assert len(root.find(f"{SVG}g")) == len(sketch.strokes)
    assert "nan" not in ElementTree.tostring(root, encoding="unicode")


@styles
def test_styles_draw_the_same_lines(style):
    """Every point is covered, whatever the style."""
    layer = Layer(HOUSE, "a")
    root = parse(svg := svg_drawing([layer], render_style=RenderStyle(style=style)))
    alpha = pixels(svg)
    x, y, width, _ = map(float, root.get("viewBox").split())
    for px, py in np.concatenate(HOUSE.strokes):
        at = [round((value - low) / width * alpha.shape[1]) for value, low in ((px, x), (py, y))]
        assert alpha[at[1] - 2 : at[1] + 3, at[0] - 2 : at[0] + 3].max() > 200, (px, py)


def test_ink_goes_through_all_points_and_says_so_in_curves():
    root = parse(svg_drawing([Layer(HOUSE, "a")], render_style=RenderStyle(style="ink")))
    data = root.find(f"{SVG}g")[0].get("d")
    assert data.count("C") == 5
    (line, *_) = parse_svg(svg_drawing([Layer(HOUSE, "a")], render_style=RenderStyle(style="ink")).encode(), "x").lines
    for point in HOUSE.strokes[0]:
        assert (line.points == point).all(axis=1).any()


def test_ink_is_round_where_the_drawing_is():
    """A circle of 16 points, drawn smoothly, leaves the true circle by a tenth of what its chords do."""
    curves = smooth_curves(circle(17))
    middles = np.einsum("k,nkd->nd", np.array([1, 3, 3, 1]) / 8, curves)
    chords = (curves[:, 0] + curves[:, 3]) / 2
    assert np.abs(np.hypot(*middles.T) - 100).max() < 0.1 * np.abs(np.hypot(*chords.T) - 100).max()
    assert curve_length(circle(17)) == pytest.approx(2 * np.pi * 100, rel=2e-3)


def test_ink_keeps_corners_and_straight_lines():
    curves = smooth_curves(HOUSE.strokes[0])
    leaving, chord = (curves[[0, 4], k] - curves[[0, 4], 0] for k in (1, 3))
    np.testing.assert_allclose(leaving[:, 0] * chord[:, 1] - leaving[:, 1] * chord[:, 0], 0, atol=1e-9)
    inner = smooth_curves(np.array([(0.0, 0), (10, 0), (20, 0), (30, 0)]))
    np.testing.assert_allclose(inner[..., 1], 0)


def test_brush_is_thin_where_it_is_fast():
    fast, slow = [(x, 0) for x in range(0, 1001, 100)], [(x, 300) for x in range(0, 1001, 10)]
    alpha = pixels(
        svg_drawing(
            [Layer(Sketch.from_polylines([[*fast, *slow[::-1]]]), "a")], render_style=RenderStyle(style="brush")
        )
    )
    column = alpha[:, 256]
    half = len(column) // 2
    assert column[:half].sum() * 1.6 < column[half:].sum()


def test_order_gives_every_stroke_its_color():
    layers = [Layer(HOUSE, "a"), Layer(HOUSE.transformed(1, (200, 0)), "b")]
    root = parse(svg_drawing(layers, render_style=RenderStyle(style="order")))
    colors = [element.get("stroke") for group in root.findall(f"{SVG}g") for element in group]
    assert len(set(colors)) == 6
    assert colors[0] == "#1c3d8f"


def test_unknown_looks_are_refused():
    with pytest.raises(ConfigurationError, match="pen, ink, brush, order"):
        RenderStyle(style="crayon")
    with pytest.raises(ConfigurationError, match="above 0"):
        RenderStyle(stroke_width=Length(0))


def test_background_and_layers():
    layer = Layer(HOUSE, "completion", COMPLETION_COLOR, "house, seed 3")
    root = parse(svg := svg_drawing([layer], render_style=RenderStyle(background="#fee")))
    (group,) = root.findall(f"{SVG}g")
    assert (group.get(f"{INKSCAPE}groupmode"), group.get(f"{INKSCAPE}label")) == ("layer", "1 house, seed 3")
    assert pixels(svg).min() == 255


# travel


@given(any_sketches)
def test_travel_order_keeps_every_stroke(sketch):
    def sorted_strokes(strokes):
        return sorted(sorted([stroke.tolist(), stroke[::-1].tolist()])[0] for stroke in strokes)

    assert sorted_strokes(optimized(sketch).strokes) == sorted_strokes(sketch.strokes)


def test_travel_order_goes_less_in_the_air():
    generator = np.random.default_rng(0)
    strokes = tuple(generator.uniform(0, 100, (200, 1, 2)) + generator.normal(0, 3, (200, 4, 2)))
    start = np.zeros(2)
    assert travel_length(optimized(Sketch(strokes)).strokes, start) < 0.2 * travel_length(strokes, start)
    assert travel_length((np.array([[3.0, 4.0], [3.0, 5.0]]), np.array([[3.0, 6.0]])), start) == 6.0


def test_stroke_order_is_kept_unless_asked():
    far = Sketch.from_polylines([[(0, 0), (1, 0)], [(90, 0), (91, 0)], [(2, 0), (3, 0)]])
    for optimize in (False, True):
        root = parse(svg_drawing([Layer(far, "a")], render_style=RenderStyle(optimize=optimize)))
        points = [line.get("points") for line in root.iter(f"{SVG}polyline")]
        assert (points == ["0,0 1,0", "90,0 91,0", "2,0 3,0"]) is not optimize


# pages


@given(
    any_sketches.filter(lambda sketch: sketch.strokes),
    st.sampled_from(["a6", "a3", "letter", "80x200mm"]),
    st.booleans(),
)
def test_a_drawing_fills_its_page_inside_the_margin(sketch, name, landscape):
    page = Page.parse(name, landscape=landscape)
    look = RenderStyle(page=page, margin=Length(1, "cm"), stroke_width=Length(0.5, "mm"))
    root = parse(svg_drawing([Layer(sketch, "a")], render_style=look))
    assert (root.get("width"), root.get("height")) == (f"{page.width:g}mm", f"{page.height:g}mm")
    drawing = parse_svg(ElementTree.tostring(root), "x")
    assert drawing.millimeters == pytest.approx(1)
    points = np.concatenate([line.points for line in drawing.lines])
    size = np.array([page.width, page.height])
    np.testing.assert_allclose((points.min(axis=0) + points.max(axis=0)) / 2, size / 2, atol=1e-6)
    assert (points >= 10.25 - 1e-6).all()
    assert (points <= size - 10.25 + 1e-6).all()
    if len(set(map(tuple, points.tolist()))) > 1 and np.ptp(np.concatenate(sketch.strokes)) > 1e-3:
        assert np.isclose(np.ptp(points, axis=0), size - 20.5, atol=1e-5).any()
    assert drawing.lines[0].width == pytest.approx(0.5)


def test_pages_and_lengths_have_names():
    assert Page.parse("A4") == Page(210.0, 297.0)
    assert Page.parse("letter", landscape=True) == Page(279.4, 215.9)
    assert Page.parse("5.5x8.5in").height == pytest.approx(215.9)
    for text in ("a11", "", "10x", "0x10mm", "10x10"):
        with pytest.raises(ConfigurationError, match="expected a page"):
            Page.parse(text)
    for text in ("", "mm", "-1mm", "1e3", "3px", "nan"):
        with pytest.raises(ConfigurationError, match="expected a length"):
            Length.parse(text)
    with pytest.raises(ConfigurationError, match="--page"):
        svg_drawing([Layer(HOUSE, "a")], render_style=RenderStyle(margin=Length.parse("3mm")))
    with pytest.raises(ConfigurationError, match="expected space left"):
        svg_drawing([Layer(HOUSE, "a")], render_style=RenderStyle(page=Page(20, 20)))


@styles
def test_sheets_on_pages(style):
    cells = [(f"house {index}", [Layer(HOUSE, "a")]) for index in range(7)]
    look = RenderStyle(style=style, page=Page(297, 210), stroke_width=Length(0.5, "mm"))
    root = parse(svg := svg_sheet(cells, render_style=look))
    assert len(list(root.iter(f"{SVG}text"))) == 7
    assert root.get("width") == "297mm"
    if style == "pen":
        assert {round(line.width, 9) for line in parse_svg(svg.encode(), "x").lines} == {0.5}


# animation


@given(any_sketches, st.floats(0.1, 100))
def test_strokes_are_drawn_one_after_the_other(sketch, seconds):
    moments = stroke_timings([sketch], seconds)
    assert len(moments) == len(sketch.strokes)
    ends = [moment.begin + moment.duration for moment in moments]
    assert all(
        begin >= end - 1e-9 * seconds for begin, end in zip([m.begin for m in moments[1:]], ends[:-1], strict=True)
    )
    assert all(moment.duration > 0 for moment in moments)
    if moments:
        assert moments[0].begin == pytest.approx(0, abs=1e-9 * seconds)
        assert ends[-1] == pytest.approx(seconds)


def test_long_strokes_take_long():
    slow, fast = stroke_timings([Sketch.from_polylines([[(0, 0), (300, 0)], [(300, 0), (300, 100)]])], 4)
    assert slow.duration == pytest.approx(3 * fast.duration)
    assert [fast.progress(at) for at in (0, 3, 3.5, 4, 9)] == [0, 0, 0.5, 1, 1]


@styles
def test_a_moment_shows_what_is_drawn_by_then(style):
    layers = [Layer(HOUSE, "prefix"), Layer(HOUSE.transformed(1, (120, 0)), "completion", COMPLETION_COLOR)]
    look = RenderStyle(style=style)
    whole = pixels(svg_drawing(layers, render_style=look))
    inks = [pixels(svg_drawing(layers, render_style=look, animation=Animation(2, at=at))) for at in (0, 0.5, 1, 1.5, 2)]
    assert inks[0].max() == 0
    np.testing.assert_array_equal(inks[-1], whole)
    amounts = [int((ink > 128).sum()) for ink in inks]
    assert amounts == sorted(set(amounts))
    assert all(np.mean(ink > whole + 50) < 1e-4 for ink in inks)  # nothing that is not there in the end, but a cap
    assert inks[2][:, 300:].max() == 0  # half-time: the prefix is done, the completion not begun


@styles
def test_what_moves_is_whole_without_animation_and_has_no_script(style):
    layer = Layer(HOUSE, "a")
    svg = svg_drawing([layer], render_style=RenderStyle(style=style), animation=Animation(3))
    assert "prefers-reduced-motion" in svg
    assert "script" not in svg
    assert np.abs(pixels(svg) - pixels(svg_drawing([layer], render_style=RenderStyle(style=style)))).max() <= 3
    ends = [sum(map(float, times)) for times in re.findall(r"delay:([\d.]+)s;animation-duration:([\d.]+)s", svg)]
    assert max(ends) == pytest.approx(3, abs=2e-3)
    assert len(ends) == len(HOUSE.strokes)


def test_sheets_move_too():
    svg = svg_sheet(
        [("a", [Layer(HOUSE, "a")]), ("b", [Layer(HOUSE, "a")])],
        render_style=RenderStyle(style="brush"),
        animation=Animation(3),
    )
    identifiers = re.findall(r' id="([^"]*)"', svg)
    assert len(set(identifiers)) == len(identifiers)


def test_impossible_times():
    for seconds in (0, -1, float("nan"), 1e9):
        with pytest.raises(ConfigurationError, match="seconds"):
            Animation(seconds)


# images


@pytest.mark.parametrize("kind", ["gif", "apng"])
def test_moving_images_show_the_drawing_as_it_grows(kind):
    image = pytest.importorskip("PIL.Image")
    pytest.importorskip("resvg_py")
    layers = [Layer(HOUSE, "a")]
    data = moving_image(lambda moment: svg_drawing(layers, animation=moment), kind, 0.5, size=100)
    moving = image.open(io.BytesIO(data))
    assert moving.format == {"gif": "GIF", "apng": "PNG"}[kind]
    assert (moving.n_frames, max(moving.size)) == (10, 100)
    inks = []
    for number in range(moving.n_frames):
        moving.seek(number)
        frame = np.asarray(moving.convert("RGBA")).astype(int)
        inks.append(int(((frame[..., 3] > 128) & (frame[..., 0] < 128)).sum()))
    assert inks == sorted(inks)
    assert 0 < inks[0] < inks[4] < inks[-1]


@pytest.mark.parametrize("size", [16, 1000])
def test_png_at_any_size(size):
    alpha = pixels(svg_drawing([Layer(HOUSE, "a")]), size)
    assert max(alpha.shape) == size
    assert alpha.max() > 40
    assert line_length(HOUSE.strokes[1]) == 30

"""What the strokes of a drawing look like: a style each, as elements of SVG.

Reference:
    Catmull-Rom splines with centripetal knots: C. Yuksel, S. Schaefer, J. Keyser, "Parameterization and applications of
    Catmull-Rom curves", Computer-Aided Design 43, 2011.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from sketchrnn.errors import ConfigurationError
from sketchrnn.formats.json_values import shortest_number
from sketchrnn.formats.page import Length, Page
from sketchrnn.settings import LOOK, check_settings, setting
from sketchrnn.sketch import Sketch
from sketchrnn.sketch.sketch import FloatArray

STYLES = ("pen", "ink", "brush", "order")
"""A line of one width through the points; smooth curves; a width that goes with speed; a colour for each stroke."""
ORDER_COLOURS = ("#1c3d8f", "#7b2a9e", "#c92a6b", "#e8590c", "#e6a700")
"""From the first stroke to the last: dark and cold to bright and warm, all dark enough for white paper."""

_CORNER = math.radians(80)  # a sharper turn is a corner: small circles turn by up to 72 degrees a point, squares by 90
_SPEED_SHARE = 0.5  # how much the width goes with speed: none at 0, inversely at 1
_THINNEST, _THICKEST = 0.5, 1.7  # of the line's width
_TAPER = 0.55  # width at the ends of a brush stroke, of what it would be
_TAPER_LENGTH = 3.0  # of the line's width
_SAMPLES = 12  # points of a brush's outline for each curve
_CAP_POINTS = 5


@dataclass(frozen=True)
class Look:
    """What a picture looks like.

    Attributes:
        style: one of :data:`STYLES`.
        stroke_width: of the lines; by default a hundredth of the drawing's larger side, or of a page a usual pen's.
        background: a CSS colour; None for none.
        page: the paper; None for a picture as large as its drawing.
        margin: around the drawing; by default 5 % of its larger side, or a page's usual one.
        optimise: the strokes of each layer in an order for plotters, instead of that in which they were drawn.
    """

    style: str = setting(
        "pen",
        "pen: one width; ink: smooth curves; brush: thin where fast; order: a color for each stroke.",
        choices=STYLES,
        panel=LOOK,
        common=True,
    )
    stroke_width: Length | None = setting(
        None,
        "Width of lines: in the drawing's unit, in % of it, or with --page in mm, cm, in, pt.",
        parse=Length.parse,
        default_text="1% of the drawing, on a page 0.35mm",
        panel=LOOK,
        flags=("--line-width",),
        metavar="LENGTH",
    )
    background: str | None = setting(
        None, "Fill the page with a color.", type=str, default_text="transparent", panel=LOOK, metavar="COLOR"
    )
    page: Page | None = setting(
        None,
        "Paper size: a6 to a0, letter, legal, tabloid, or width and height such as 100x150mm.",
        parse=Page.parse,
        panel=LOOK,
        metavar="SIZE",
    )
    margin: Length | None = setting(
        None,
        "Margin around the drawing, with units as for --line-width.",
        parse=Length.parse,
        default_text="15mm of a page, else 5%",
        panel=LOOK,
        metavar="LENGTH",
    )
    optimise: bool = setting(
        False, "Order each layer's strokes for short pen travel.", panel=LOOK, flags=("--optimize",)
    )

    def __post_init__(self) -> None:
        """Check every field.

        Raises:
            ConfigurationError: a field is outside its range.
        """
        check_settings(self)
        if self.stroke_width is not None and self.stroke_width.value <= 0:
            raise ConfigurationError(f"line width: expected a length above 0, found {self.stroke_width}")


@dataclass(frozen=True)
class Mark:
    """One element of SVG.

    Attributes:
        tag: ``polyline``, ``path`` or ``circle``.
        geometry: attributes that say where it is.
        paint: presentation attributes that differ from those of the drawing's other lines.
        length: of the line, in the drawing's unit; 0 for a dot.
        reveal: for an outline, the path data of its middle line and a width that covers it.
    """

    tag: str
    geometry: dict[str, str]
    paint: dict[str, str] = field(default_factory=dict)
    length: float = 0.0
    reveal: tuple[str, float] | None = None


def marks_of(
    strokes: Sequence[FloatArray], style: str, width: float, colour: str, *, first: int = 0, total: int | None = None
) -> list[Mark]:
    """Return an element for each stroke.

    Args:
        strokes: (points, 2) each.
        style: one of :data:`STYLES`.
        width: of the line, in the strokes' unit.
        colour: of the line, for styles that fill it.
        first: which stroke of the picture the first one is, counted from 0.
        total: how many strokes the picture has; by default as many as there are here.
    """
    if style == "brush":
        return [_brush(stroke, width, colour) for stroke in strokes]
    total = total or len(strokes)
    marks = []
    for number, stroke in enumerate(strokes, first):
        paint = {"stroke": order_colour(number, total)} if style == "order" else {}
        if style == "ink" and len(stroke) > 2:
            mark = Mark("path", {"d": curve_data(stroke)}, paint, curve_length(stroke))
        else:
            points = np.repeat(stroke, 2, axis=0) if len(stroke) == 1 else stroke  # no renderer draws one point alone
            pairs = " ".join(f"{number_text(x)},{number_text(y)}" for x, y in points.tolist())
            mark = Mark("polyline", {"points": pairs}, paint, line_length(stroke))
        marks.append(mark)
    return marks


def order_colour(number: int, total: int) -> str:
    """Return the colour of stroke ``number`` of ``total``.

    >>> order_colour(0, 3), order_colour(1, 3), order_colour(2, 3)
    ('#1c3d8f', '#c92a6b', '#e6a700')
    """
    place = number / max(total - 1, 1) * (len(ORDER_COLOURS) - 1)
    low = min(int(place), len(ORDER_COLOURS) - 2)
    ends = [[int(colour[at : at + 2], 16) for at in (1, 3, 5)] for colour in ORDER_COLOURS[low : low + 2]]
    mixed = [round(start + (end - start) * (place - low)) for start, end in zip(*ends, strict=True)]
    return "#{:02x}{:02x}{:02x}".format(*mixed)


def curve_data(stroke: FloatArray) -> str:
    """Return path data of a smooth curve through all points of a stroke, with its corners kept.

    >>> curve_data(np.array([(0.0, 0.0), (4.0, 0.0), (4.0, 4.0)]))
    'M0,0C1.3333,0 2.6667,0 4,0C4,1.3333 4,2.6667 4,4'
    """
    curves = smooth_curves(stroke)
    extent = float(np.ptp(stroke, axis=0).max()) or 1.0
    decimals = max(0, 3 - math.floor(math.log10(extent)) + 1)
    data = [f"M{number_text(stroke[0, 0])},{number_text(stroke[0, 1])}"]
    for curve in curves:
        controls = [
            f"{number_text(round(x, decimals))},{number_text(round(y, decimals))}" for x, y in curve[1:3].tolist()
        ]
        data.append(f"C{controls[0]} {controls[1]} {number_text(curve[3, 0])},{number_text(curve[3, 1])}")
    return "".join(data)


def smooth_curves(stroke: FloatArray) -> FloatArray:
    """Return cubic Bezier curves through a stroke's points, (curves, 4, 2); none for a dot.

    Between corners they follow a centripetal Catmull-Rom spline, which has no loops and no cusps; a stroke that ends
    where it began is smooth there too.
    """
    points = stroke[np.append(True, (np.diff(stroke, axis=0) != 0).any(axis=1))]
    if len(points) < 2:
        return np.zeros((0, 4, 2))
    steps = np.diff(points, axis=0)
    closed = len(points) > 3 and bool((points[0] == points[-1]).all())
    before, after = points[:-2], points[2:]
    corner = np.ones(len(points), dtype=bool)
    corner[1:-1] = _turn(steps[:-1], steps[1:]) > _CORNER
    previous, following = 2 * points - np.roll(points, -1, axis=0), 2 * points - np.roll(points, 1, axis=0)
    previous[1:-1][~corner[1:-1]] = before[~corner[1:-1]]
    following[1:-1][~corner[1:-1]] = after[~corner[1:-1]]
    if closed and _turn(steps[-1:], steps[:1])[0] <= _CORNER:
        previous[0], following[-1] = points[-2], points[1]
    start, end = points[:-1], points[1:]
    return np.stack(
        [start, _control(previous[:-1], start, end), _control(following[1:], end, start), end], axis=1
    )  # fmt: skip


def line_length(stroke: FloatArray) -> float:
    """Return the length of the way through a stroke's points."""
    return float(np.hypot(*np.diff(stroke, axis=0).T).sum())


def curve_length(stroke: FloatArray) -> float:
    """Return the length of the smooth curve through a stroke's points."""
    return sum(line_length(samples) for samples in _sampled(smooth_curves(stroke)))


def travel_order(strokes: Sequence[FloatArray], start: FloatArray) -> list[FloatArray]:
    """Return strokes in an order, and some turned round, for which a pen has little way to go in the air.

    From each end on to the nearest end that is left.

    Args:
        strokes: (points, 2) each.
        start: where the pen is, (2,).
    """
    left = list(range(len(strokes)))
    ends = np.array([(stroke[0], stroke[-1]) for stroke in strokes]).reshape(-1, 2, 2)
    ordered = []
    place = start
    while left:
        distance = np.hypot(*np.moveaxis(ends[left] - place, -1, 0))  # (left, 2)
        chosen, turned = divmod(int(distance.argmin()), 2)
        stroke = strokes[left.pop(chosen)]
        ordered.append(stroke[::-1] if turned else stroke)
        place = ordered[-1][-1]
    return ordered


def travel_length(strokes: Sequence[FloatArray], start: FloatArray) -> float:
    """Return how far a pen goes in the air, from ``start`` on through all strokes."""
    starts = np.array([stroke[0] for stroke in strokes]).reshape(-1, 2)
    ends = np.concatenate([start[None], np.array([stroke[-1] for stroke in strokes]).reshape(-1, 2)[:-1]])
    return float(np.hypot(*(starts - ends[: len(starts)]).T).sum())


def optimised(sketch: Sketch) -> Sketch:
    """Return a drawing with its strokes in an order for plotters, from the upper left corner on."""
    x_min, y_min, _, _ = sketch.bounds()
    return Sketch(tuple(travel_order(sketch.strokes, np.array([x_min, y_min]))))


def number_text(value: float) -> str:
    """Write a number so that reading it gives the same float64."""
    return str(shortest_number(float(value)))


def _turn(incoming: FloatArray, outgoing: FloatArray) -> FloatArray:
    """Return by how much the direction changes, in radians from 0 to pi."""
    cross = incoming[:, 0] * outgoing[:, 1] - incoming[:, 1] * outgoing[:, 0]
    return np.abs(np.arctan2(cross, (incoming * outgoing).sum(axis=1)))


def _control(before: FloatArray, at: FloatArray, after: FloatArray) -> FloatArray:
    """Return the control point beside ``at`` of the curve from there to ``after``, (curves, 2) each."""
    past = np.sqrt(np.hypot(*(at - before).T))[:, None]  # centripetal knots
    ahead = np.sqrt(np.hypot(*(after - at).T))[:, None]
    numerator = past**2 * after - ahead**2 * before + (2 * past**2 + 3 * past * ahead + ahead**2) * at
    return numerator / (3 * past * (past + ahead))


def _brush(stroke: FloatArray, width: float, colour: str) -> Mark:
    """Return the outline of a stroke whose width goes with speed: far from point to point is fast, and thin."""
    paint = {"fill": colour, "stroke": "none"}
    curves = smooth_curves(stroke)
    if not len(curves):
        x, y = (number_text(value) for value in stroke[0].tolist())
        return Mark("circle", {"cx": x, "cy": y, "r": number_text(width * _THICKEST / 2)}, paint)
    step = np.hypot(*(curves[:, 3] - curves[:, 0]).T)
    at_points = np.concatenate([step[:1], np.sqrt(step[1:] * step[:-1]), step[-1:]])
    factor = np.clip((np.median(step) / at_points) ** _SPEED_SHARE, _THINNEST, _THICKEST)
    samples = _sampled(curves)
    t = (np.arange(_SAMPLES + 1) / _SAMPLES)[None]
    ease = t * t * (3 - 2 * t)
    half = width / 2 * (factor[:-1, None] * (1 - ease) + factor[1:, None] * ease)  # (curves, samples)
    way = np.concatenate([[0.0], np.cumsum(step)])
    along = way[:-1, None] * (1 - t) + way[1:, None] * t
    near_end = np.minimum(along, way[-1] - along) / min(_TAPER_LENGTH * width, way[-1] / 2)
    half = half * (_TAPER + (1 - _TAPER) * np.clip(near_end, 0.0, 1.0))
    tangents = np.gradient(samples, axis=1)
    directions = np.arctan2(tangents[..., 1], tangents[..., 0])
    decimals = max(0, 3 - math.floor(math.log10(width)))
    pieces = [
        _ribbon(np.concatenate(samples[a:b]), np.concatenate(directions[a:b]), np.concatenate(half[a:b]), decimals)
        for a, b in _smooth_runs(curves)
    ]
    reveal = (curve_data(stroke), 2.0 * _THICKEST * width)
    return Mark("path", {"d": "".join(pieces)}, paint, curve_length(stroke), reveal)


def _sampled(curves: FloatArray) -> FloatArray:
    """Return points along Bezier curves, (curves, samples, 2)."""
    t = (np.arange(_SAMPLES + 1) / _SAMPLES)[None, :, None]
    start, first, second, end = np.moveaxis(curves[:, None], 2, 0)
    return (1 - t) ** 3 * start + 3 * (1 - t) ** 2 * t * first + 3 * (1 - t) * t**2 * second + t**3 * end


def _smooth_runs(curves: FloatArray) -> list[tuple[int, int]]:
    """Return where the runs of curves without a corner between them begin and end."""
    turns = _turn(curves[:-1, 3] - curves[:-1, 2], curves[1:, 1] - curves[1:, 0])
    cuts = [0, *(np.flatnonzero(turns > math.radians(20)) + 1).tolist(), len(curves)]
    return list(itertools.pairwise(cuts))


def _ribbon(points: FloatArray, direction: FloatArray, half: FloatArray, decimals: int) -> str:
    """Return path data of a band along points, round at its ends."""
    left = points + half[:, None] * np.column_stack([np.sin(direction), -np.cos(direction)])
    right = points - half[:, None] * np.column_stack([np.sin(direction), -np.cos(direction)])
    fan = np.linspace(-np.pi / 2, np.pi / 2, _CAP_POINTS + 2)[1:-1]
    caps = [
        points[end] + half[end] * np.column_stack([np.cos(angle + fan), np.sin(angle + fan)])
        for end, angle in ((-1, direction[-1]), (0, direction[0] + np.pi))
    ]
    outline = np.concatenate([left, caps[0], right[::-1], caps[1]])
    pairs = [f"{number_text(round(x, decimals))},{number_text(round(y, decimals))}" for x, y in outline.tolist()]
    return "M" + " ".join(pairs) + "Z"

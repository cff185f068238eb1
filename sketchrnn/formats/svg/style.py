"""What a picture looks like: paper and lengths, the shapes of strokes, and when each stroke is drawn.

Reference:
    https://www.w3.org/TR/css-animations-1/; https://www.w3.org/TR/mediaqueries-5/#prefers-reduced-motion
    Catmull-Rom splines with centripetal knots: C. Yuksel, S. Schaefer, J. Keyser, "Parameterization and applications of
    Catmull-Rom curves", Computer-Aided Design 43, 2011.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from sketchrnn.errors import ConfigurationError
from sketchrnn.formats.json_values import shortest_number
from sketchrnn.settings import LOOK, Settings, setting
from sketchrnn.sketch import Sketch
from sketchrnn.sketch.sketch import FloatArray

INCH = 25.4
_MILLIMETERS = {"mm": 1.0, "cm": 10.0, "in": INCH, "pt": INCH / 72}
_SIZES = {
    "a6": (105.0, 148.0),
    "a5": (148.0, 210.0),
    "a4": (210.0, 297.0),
    "a3": (297.0, 420.0),
    "a2": (420.0, 594.0),
    "a1": (594.0, 841.0),
    "a0": (841.0, 1189.0),
    "letter": (215.9, 279.4),
    "legal": (215.9, 355.6),
    "tabloid": (279.4, 431.8),
}
PAGE_NAMES = tuple(_SIZES)
_LENGTH = re.compile(rf"([0-9]+\.?[0-9]*|\.[0-9]+)\s*(%|{'|'.join(_MILLIMETERS)})?")
_PAGE = re.compile(rf"([0-9.]+)\s*x\s*([0-9.]+)\s*({'|'.join(_MILLIMETERS)})")
DEFAULT_MARGIN = 15.0
"""Default margin of a page, in millimeters: space for a plotter's clips."""
DEFAULT_PEN = 0.35
"""Width of a line on a page, in millimeters: a usual technical pen."""


@dataclass(frozen=True)
class Length:
    """A length.

    Attributes:
        value: not negative.
        unit: ``mm``, ``cm``, ``in``, ``pt``, ``%``, or nothing.
    """

    value: float
    unit: str = ""

    @classmethod
    def parse(cls, text: str) -> Length:
        """Read a length such as ``0.3mm``.

        Raises:
            ConfigurationError: the text is not a length.

        >>> Length.parse("1cm").millimeters
        10.0
        """
        match = _LENGTH.fullmatch(text.strip().lower())
        if match is None:
            raise ConfigurationError(f"expected a length such as 3, 0.3mm, 0.1in or 5%, found {text!r}")
        return cls(float(match[1]), match[2] or "")

    @property
    def millimeters(self) -> float | None:
        """The length in millimeters; None for a plain number and for %."""
        return self.value * _MILLIMETERS[self.unit] if self.unit in _MILLIMETERS else None

    def on_page(self, larger_side: float) -> float:
        """The length in millimeters on a page; a plain number is in millimeters."""
        if self.unit == "%":
            return self.value / 100.0 * larger_side
        return self.value if self.unit == "" else self.value * _MILLIMETERS[self.unit]

    def in_drawing(self, larger_side: float) -> float:
        """Return the length in the unit of the drawing; a plain number is in this unit.

        Raises:
            ConfigurationError: the length has a unit of paper.
        """
        if self.unit in _MILLIMETERS:
            raise ConfigurationError(f"expected a number or % for a length without --page, found {self}")
        return self.value / 100.0 * larger_side if self.unit == "%" else self.value

    def __str__(self) -> str:
        return f"{self.value:g}{self.unit}"


@dataclass(frozen=True)
class Page:
    """A sheet of paper.

    Attributes:
        width: in millimeters.
        height: in millimeters.
    """

    width: float
    height: float

    @classmethod
    def parse(cls, text: str, *, landscape: bool = False) -> Page:
        """Read the name of a size, or a size such as ``100x150mm``.

        Args:
            text: name or size.
            landscape: the longer side is horizontal.

        Raises:
            ConfigurationError: the text is not a page size.

        >>> Page.parse("a4", landscape=True)
        Page(width=297.0, height=210.0)
        """
        size = _SIZES.get(text.strip().lower())
        match = _PAGE.fullmatch(text.strip().lower())
        if size is None and match is not None:
            width, height = (Length.parse(side + match[3]).millimeters or 0.0 for side in match.groups()[:2])
            size = (width, height)
        if size is None or min(size) <= 0:
            raise ConfigurationError(f"expected a page such as {', '.join(PAGE_NAMES)} or 100x150mm, found {text!r}")
        return cls(*(sorted(size, reverse=True) if landscape else size))


STYLES = ("pen", "ink", "brush", "order")
"""One width; smooth curves; thin where the pen is fast; a color per stroke."""
ORDER_COLORS = ("#1c3d8f", "#7b2a9e", "#c92a6b", "#e8590c", "#e6a700")
"""Colors from the first stroke to the last, all visible on white paper."""
SEPARATE_STROKES = ("data-strokes", "separate")
"""Attribute of a group whose shapes are not joined, so that our own drawings are read back exactly."""
DEFAULT_SECONDS = 4.0
LONGEST_SECONDS = 3600.0

_CORNER = math.radians(80)  # a sharper turn is a corner: small circles turn by up to 72 degrees a point, squares by 90
_SPEED_SHARE = 0.5  # dependence of the width on the speed: 0 none, 1 inversely proportional
_THINNEST, _THICKEST = 0.5, 1.7  # of the line's width
_TAPER = 0.55  # factor of the width at the ends of a brush stroke
_TAPER_LENGTH = 3.0  # of the line's width
_SAMPLES = 12  # points of a brush's outline for each curve
_CAP_POINTS = 5
_AIR_SPEED = 3.0  # speed of a lifted pen, relative to its speed on paper
_DOT = 0.01  # smallest share of the whole length for a dot or a short stroke
STYLE_SHEET = """
@media (prefers-reduced-motion: no-preference) {
  .stroke { animation: draw linear backwards }
  .dot { animation: dot linear backwards }
}
@keyframes draw {
  from { visibility: hidden; stroke-dasharray: 1 2; stroke-dashoffset: 1 }
  to { visibility: visible; stroke-dasharray: 1 2; stroke-dashoffset: 0 }
}
@keyframes dot { from { visibility: hidden } to { visibility: visible } }
"""
"""Shows the finished drawing if animations are not supported, and respects ``prefers-reduced-motion``."""


@dataclass(frozen=True)
class RenderStyle(Settings):
    """What the lines and the page look like."""

    style: str = setting(
        "pen",
        "pen: one width; ink: smooth curves; brush: thin where fast; order: a color per stroke.",
        choices=STYLES,
        panel=LOOK,
        common=True,
    )
    stroke_width: Length | None = setting(
        None,
        "Width of lines, as 3 (in the drawing's unit) or 2%; with --page also 0.3mm, cm, in, pt.",
        parse=Length.parse,
        default_text="1% of the drawing; on a page 0.35mm",
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
        default_text="5% of the drawing; on a page 15mm",
        panel=LOOK,
        metavar="LENGTH",
    )
    optimize: bool = setting(
        False, "Reorder the strokes of each layer, so that a plotter's lifted pen travels less.", panel=LOOK
    )

    def __post_init__(self) -> None:
        """Check every field.

        Raises:
            ConfigurationError: a field is outside its range.
        """
        super().__post_init__()
        if self.stroke_width is not None and self.stroke_width.value <= 0:
            raise ConfigurationError(f"line width: expected a length above 0, found {self.stroke_width}")


@dataclass(frozen=True)
class Animation:
    """An animation of a drawing, or one frame of it.

    Attributes:
        seconds: from the first point to the last.
        at: time of the single frame, in seconds; None for the whole animation.
    """

    seconds: float = DEFAULT_SECONDS
    at: float | None = None

    def __post_init__(self) -> None:
        """Check the duration.

        Raises:
            ConfigurationError: it is outside its range.
        """
        if not 0.0 < self.seconds <= LONGEST_SECONDS:
            raise ConfigurationError(
                f"seconds: expected a number above 0 and up to {LONGEST_SECONDS:g}, found {self.seconds}"
            )


@dataclass(frozen=True)
class StrokeTiming:
    """When a stroke is drawn.

    Attributes:
        begin: in seconds.
        duration: in seconds.
    """

    begin: float
    duration: float

    def progress(self, at: float) -> float:
        """Return how much of the stroke is drawn at a time, from 0 to 1."""
        return min(max((at - self.begin) / self.duration, 0.0), 1.0)


def stroke_timings(sketches: Sequence[Sketch], seconds: float) -> list[StrokeTiming]:
    """Return when each stroke is drawn, by a pen of constant speed that is faster in the air.

    Args:
        sketches: drawn one after the other.
        seconds: the duration of the whole.
    """
    strokes = [stroke for sketch in sketches for stroke in sketch.strokes]
    if not strokes:
        return []
    on_paper = np.array([line_length(stroke) for stroke in strokes])
    on_paper = np.maximum(on_paper, max(on_paper.sum() * _DOT, np.finfo(float).tiny))
    jumps = np.array([stroke[0] for stroke in strokes[1:]]) - np.array([stroke[-1] for stroke in strokes[:-1]])
    in_air = np.append(0.0, np.hypot(*jumps.reshape(-1, 2).T) / _AIR_SPEED)
    ends = np.cumsum(in_air + on_paper)
    begins, durations = (
        (ends - on_paper) / ends[-1] * seconds,
        on_paper / ends[-1] * seconds,
    )  # shares first: no overflow
    return [StrokeTiming(float(begin), float(duration)) for begin, duration in zip(begins, durations, strict=True)]


@dataclass(frozen=True)
class SvgElement:
    """One SVG element that draws a stroke.

    Attributes:
        tag: ``polyline``, ``path`` or ``circle``.
        geometry: attributes of its shape and position.
        paint: presentation attributes that differ from those of the group.
        length: of the line, in the drawing's unit; 0 for a dot.
        reveal: for an outline, the path data of its middle line and a width that covers the outline.
    """

    tag: str
    geometry: dict[str, str]
    paint: dict[str, str] = field(default_factory=dict)
    length: float = 0.0
    reveal: tuple[str, float] | None = None


def elements_of(
    strokes: Sequence[FloatArray], style: str, width: float, color: str, *, first: int = 0, total: int | None = None
) -> list[SvgElement]:
    """Return an element for each stroke.

    Args:
        strokes: (points, 2) each.
        style: one of :data:`STYLES`.
        width: of the line, in the strokes' unit.
        color: of the line, for styles that fill an outline.
        first: index of the first stroke in the picture.
        total: number of strokes in the picture; by default the number given here.
    """
    if style == "brush":
        return [_brush(stroke, width, color) for stroke in strokes]
    total = total or len(strokes)
    elements = []
    for number, stroke in enumerate(strokes, first):
        paint = {"stroke": order_color(number, total)} if style == "order" else {}
        if style == "ink" and len(stroke) > 2:
            element = SvgElement("path", {"d": curve_data(stroke)}, paint, curve_length(stroke))
        else:
            points = np.repeat(stroke, 2, axis=0) if len(stroke) == 1 else stroke  # renderers do not draw single points
            pairs = " ".join(f"{number_text(x)},{number_text(y)}" for x, y in points.tolist())
            element = SvgElement("polyline", {"points": pairs}, paint, line_length(stroke))
        elements.append(element)
    return elements


def order_color(number: int, total: int) -> str:
    """Return the color of stroke ``number`` of ``total``.

    >>> order_color(0, 3), order_color(1, 3), order_color(2, 3)
    ('#1c3d8f', '#c92a6b', '#e6a700')
    """
    position = number / max(total - 1, 1) * (len(ORDER_COLORS) - 1)
    low = min(int(position), len(ORDER_COLORS) - 2)
    ends = [[int(color[at : at + 2], 16) for at in (1, 3, 5)] for color in ORDER_COLORS[low : low + 2]]
    mixed = [round(start + (end - start) * (position - low)) for start, end in zip(*ends, strict=True)]
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

    Between corners they follow a centripetal Catmull-Rom spline, which has no loops and no cusps; a closed stroke is
    also smooth at its start.
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
    """Return the length of the lines through a stroke's points."""
    return float(np.hypot(*np.diff(stroke, axis=0).T).sum())


def curve_length(stroke: FloatArray) -> float:
    """Return the length of the smooth curve through a stroke's points."""
    return sum(line_length(samples) for samples in _sampled(smooth_curves(stroke)))


def travel_order(strokes: Sequence[FloatArray], start: FloatArray) -> list[FloatArray]:
    """Return strokes reordered, some of them reversed, to reduce the pen travel in the air.

    The next stroke is always the one with the nearest end.

    Args:
        strokes: (points, 2) each.
        start: where the pen is, (2,).
    """
    left = list(range(len(strokes)))
    ends = np.array([(stroke[0], stroke[-1]) for stroke in strokes]).reshape(-1, 2, 2)
    ordered = []
    pen = start
    while left:
        distance = np.hypot(*np.moveaxis(ends[left] - pen, -1, 0))  # (left, 2)
        chosen, turned = divmod(int(distance.argmin()), 2)
        stroke = strokes[left.pop(chosen)]
        ordered.append(stroke[::-1] if turned else stroke)
        pen = ordered[-1][-1]
    return ordered


def travel_length(strokes: Sequence[FloatArray], start: FloatArray) -> float:
    """Return how far a pen travels in the air, from ``start`` through all strokes."""
    starts = np.array([stroke[0] for stroke in strokes]).reshape(-1, 2)
    ends = np.concatenate([start[None], np.array([stroke[-1] for stroke in strokes]).reshape(-1, 2)[:-1]])
    return float(np.hypot(*(starts - ends[: len(starts)]).T).sum())


def optimized(sketch: Sketch) -> Sketch:
    """Return a drawing with its strokes reordered for plotters, from the upper left corner on."""
    x_min, y_min, _, _ = sketch.bounds()
    return Sketch(tuple(travel_order(sketch.strokes, np.array([x_min, y_min]))))


def number_text(value: float) -> str:
    """Write a number so that reading it gives the same float64."""
    return str(shortest_number(float(value)))


def _turn(incoming: FloatArray, outgoing: FloatArray) -> FloatArray:
    """Return the change of direction, in radians from 0 to pi."""
    cross = incoming[:, 0] * outgoing[:, 1] - incoming[:, 1] * outgoing[:, 0]
    angle: FloatArray = np.abs(np.arctan2(cross, (incoming * outgoing).sum(axis=1)))
    return angle


def _control(before: FloatArray, at: FloatArray, after: FloatArray) -> FloatArray:
    """Return the control point beside ``at`` of the curve from there to ``after``, (curves, 2) each."""
    past = np.sqrt(np.hypot(*(at - before).T))[:, None]  # centripetal knots
    ahead = np.sqrt(np.hypot(*(after - at).T))[:, None]
    numerator = past**2 * after - ahead**2 * before + (2 * past**2 + 3 * past * ahead + ahead**2) * at
    control: FloatArray = numerator / (3 * past * (past + ahead))
    return control


def _brush(stroke: FloatArray, width: float, color: str) -> SvgElement:
    """Return the outline of a stroke that is thin where its points are far apart, like the line of a brush."""
    paint = {"fill": color, "stroke": "none"}
    curves = smooth_curves(stroke)
    if not len(curves):
        x, y = (number_text(value) for value in stroke[0].tolist())
        return SvgElement("circle", {"cx": x, "cy": y, "r": number_text(width * _THICKEST / 2)}, paint)
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
    return SvgElement("path", {"d": "".join(pieces)}, paint, curve_length(stroke), reveal)


def _sampled(curves: FloatArray) -> FloatArray:
    """Return points along Bezier curves, (curves, samples, 2)."""
    t = (np.arange(_SAMPLES + 1) / _SAMPLES)[None, :, None]
    start, first, second, end = np.moveaxis(curves[:, None], 2, 0)
    points: FloatArray = (1 - t) ** 3 * start + 3 * (1 - t) ** 2 * t * first + 3 * (1 - t) * t**2 * second + t**3 * end
    return points


def _smooth_runs(curves: FloatArray) -> list[tuple[int, int]]:
    """Return the start and end of each run of curves without corners."""
    turns = _turn(curves[:-1, 3] - curves[:-1, 2], curves[1:, 1] - curves[1:, 0])
    cuts = [0, *(np.flatnonzero(turns > math.radians(20)) + 1).tolist(), len(curves)]
    return list(itertools.pairwise(cuts))


def _ribbon(points: FloatArray, direction: FloatArray, half: FloatArray, decimals: int) -> str:
    """Return path data of a band along points, with round ends."""
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

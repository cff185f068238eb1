"""Geometry of SVG: path data, shapes, transforms, flattening, joining and clipping, on NumPy arrays.

A shape's outline is an array of nodes, (nodes, 6) float64: two control points and the end of each segment, as
(x1, y1, x2, y2, x, y); the control points are only used for curves. The kinds of the segments are in an array beside
it.

Reference:
    https://www.w3.org/TR/SVG2/paths.html, https://www.w3.org/TR/SVG2/shapes.html,
    https://www.w3.org/TR/css-transforms-2/
"""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import tinycss2
from numpy.typing import NDArray

from sketchrnn.formats.svg.css import NUMBER, Units, split_at_commas
from sketchrnn.sketch.sketch import FloatArray

MOVE, LINE, CURVE, CLOSE = range(4)
"""Kinds of segments; a subpath begins with MOVE, and CLOSE is a straight line to its first point."""
Matrix = tuple[float, float, float, float, float, float]
"""(a, b, c, d, e, f): x' = a x + c y + e, y' = b x + d y + f."""
IDENTITY: Matrix = (1.0, 0.0, 0.0, 1.0, 0.0, 0.0)

_COMMANDS = re.compile(r"([MmZzLlHhVvCcSsQqTtAa])")
_NOT_PATH_DATA = re.compile(r"[^MmZzLlHhVvCcSsQqTtAaEe0-9+\-., \t\r\n\f]")
_IRREGULAR = re.compile(r"\.(?![0-9])|,\s*(?![0-9+\-.])|(?:^|[A-Za-z])\s*,")
"""Characters that are errors in path data, but that float() accepts or the replacement of commas hides."""
_NUMBER = re.compile(NUMBER)
_SEPARATOR = re.compile(r"[ \t\r\n\f]*(?:,[ \t\r\n\f]*)?")
_ARGUMENTS = {"M": 2, "L": 2, "H": 1, "V": 1, "C": 6, "S": 4, "Q": 4, "T": 2, "A": 7}
_KAPPA = 4 / 3 * (math.sqrt(2) - 1)  # control point distance of a cubic curve for a quarter of a circle


@dataclass(frozen=True)
class Outline:
    """The segments of a shape.

    Attributes:
        nodes: (nodes, 6) float64.
        kinds: (nodes,) int8: MOVE, LINE, CURVE or CLOSE.
    """

    nodes: FloatArray
    kinds: NDArray[np.int8]

    @classmethod
    def of_polyline(cls, points: FloatArray, *, closed: bool = False) -> Outline:
        """Return straight lines through points, (points, 2)."""
        nodes = np.zeros((len(points) + closed, 6))
        nodes[: len(points), 4:] = points
        kinds = np.full(len(nodes), LINE, np.int8)
        kinds[:1] = MOVE
        if closed:
            nodes[-1, 4:] = points[0]
            kinds[-1] = CLOSE
        return cls(nodes, kinds)

    @classmethod
    def of_ellipse(cls, cx: float, cy: float, rx: float, ry: float) -> Outline:
        """Return an ellipse, clockwise from its rightmost point on."""
        corners = [(1.0, 0.0), (0.0, 1.0), (-1.0, 0.0), (0.0, -1.0)]
        nodes = [(0.0, 0.0, 0.0, 0.0, cx + rx, cy)]
        for (x0, y0), (x1, y1) in zip(corners, [*corners[1:], corners[0]], strict=True):
            nodes.append(_quarter(cx, cy, rx, ry, x0, y0, x1, y1))
        nodes.append(nodes[0])
        return cls(np.array(nodes), np.array([MOVE, *[CURVE] * 4, CLOSE], np.int8))

    @classmethod
    def of_rectangle(cls, x: float, y: float, width: float, height: float, rx: float = 0.0, ry: float = 0.0) -> Outline:
        """Return a rectangle, clockwise from its upper left corner on, whose corners may be round."""
        rx, ry = min(rx, width / 2), min(ry, height / 2)
        if rx <= 0 or ry <= 0:
            return cls.of_polyline(
                np.array([(x, y), (x + width, y), (x + width, y + height), (x, y + height)]), closed=True
            )
        right, bottom = x + width, y + height
        nodes: list[tuple[float, ...]] = [(0.0, 0.0, 0.0, 0.0, x + rx, y)]
        for to_x, to_y, cx, cy, start, end in (
            (right - rx, y, right - rx, y + ry, (0, -1), (1, 0)),
            (right, bottom - ry, right - rx, bottom - ry, (1, 0), (0, 1)),
            (x + rx, bottom, x + rx, bottom - ry, (0, 1), (-1, 0)),
            (x, y + ry, x + rx, y + ry, (-1, 0), (0, -1)),
        ):
            nodes.append((0.0, 0.0, 0.0, 0.0, to_x, to_y))
            nodes.append(_quarter(cx, cy, rx, ry, *start, *end))
        nodes.append(nodes[0])
        return cls(np.array(nodes), np.array([MOVE, *[LINE, CURVE] * 4, CLOSE], np.int8))

    def transformed(self, matrix: Matrix) -> Outline:
        """Return the outline with every point mapped by a matrix."""
        if matrix == IDENTITY:
            return self
        a, b, c, d, e, f = matrix
        x, y = self.nodes[:, 0::2], self.nodes[:, 1::2]
        nodes = np.empty_like(self.nodes)
        with np.errstate(over="ignore", invalid="ignore"):
            nodes[:, 0::2] = a * x + c * y + e
            nodes[:, 1::2] = b * x + d * y + f
        return Outline(nodes, self.kinds)

    def bounds(self) -> tuple[float, float, float, float] | None:
        """Return (x_min, y_min, x_max, y_max), tight also around curves; None for an outline without segments."""
        points = [line for line in flatten([self], None).lines if len(line)]
        if not points:
            return None
        every = np.concatenate(points)
        (x_min, y_min), (x_max, y_max) = every.min(axis=0), every.max(axis=0)
        return float(x_min), float(y_min), float(x_max), float(y_max)


def _quarter(
    cx: float, cy: float, rx: float, ry: float, x0: float, y0: float, x1: float, y1: float
) -> tuple[float, float, float, float, float, float]:
    """Return a quarter of an ellipse between two points of the unit circle that are on its axes."""
    first, second = (x0 + _KAPPA * x1, y0 + _KAPPA * y1), (x1 + _KAPPA * x0, y1 + _KAPPA * y0)
    return (
        *(cx + rx * first[0], cy + ry * first[1], cx + rx * second[0], cy + ry * second[1]),
        *(cx + rx * x1, cy + ry * y1),
    )


def parse_path(data: str) -> tuple[Outline, str]:
    """Return the segments of path data up to its first error, as viewers draw it, and the text with the error.

    >>> outline, error = parse_path("M1 2h3L5")
    >>> outline.nodes[:, 4:].tolist(), error
    ([[1.0, 2.0], [4.0, 2.0]], 'L5')
    """
    wrong = _NOT_PATH_DATA.search(data)
    error = "" if wrong is None else data[wrong.start() :]
    text = data if wrong is None else data[: wrong.start()]
    pieces = _COMMANDS.split(text)
    if pieces[0].strip():
        return _NO_OUTLINE, data
    if len(pieces) > 1 and pieces[1] not in "Mm":
        return _NO_OUTLINE, data
    strict = _IRREGULAR.search(text) is not None
    builder = _PathBuilder()
    for letter, arguments in zip(pieces[1::2], pieces[2::2], strict=True):
        count = _ARGUMENTS.get(letter.upper(), 0)
        numbers, complete = _numbers(arguments, strict, is_arc=count == 7)
        if count == 0:
            complete = complete and not numbers
            builder.close()
        else:
            whole = len(numbers) // count * count
            complete = complete and whole == len(numbers) > 0
            if whole:
                builder.add(letter, numbers[:whole])
        if not complete:
            return builder.outline(), f"{letter}{arguments}{error}"
    return builder.outline(), error


def parse_points(text: str) -> tuple[FloatArray, str]:
    """Return the points of a polyline up to the first error, (points, 2), and the text with the error."""
    strict = _IRREGULAR.search(text) is not None or "_" in text
    numbers, complete = _numbers(text, strict)
    points = np.array(numbers[: len(numbers) // 2 * 2], dtype=np.float64).reshape(-1, 2)
    return points, "" if complete and len(numbers) % 2 == 0 else text


def _numbers(text: str, strict: bool, *, is_arc: bool = False) -> tuple[list[float], bool]:
    """Return numbers up to the first error, and whether there was none."""
    if not strict and not is_arc:
        try:
            numbers = [*map(float, text.replace(",", " ").split())]
            if not (numbers and any(letter in text for letter in "nN")):  # nan and inf
                return numbers, True
        except ValueError:  # numbers without anything between them, such as 1-2 and .5.5
            if not _NUMBER.sub("", text).replace(",", "").strip():
                return [*map(float, _NUMBER.findall(text))], True
    numbers = []
    text = text.strip()
    position = 0
    while position < len(text):
        if is_arc and len(numbers) % 7 in (3, 4):  # a flag is one digit; nothing has to follow it
            if text[position] not in "01":
                return numbers, False
            end = position + 1
        else:
            match = _NUMBER.match(text, position)
            if match is None:
                return numbers, False
            end = match.end()
        numbers.append(float(text[position:end]))
        match = _SEPARATOR.match(text, end)
        position = match.end() if match else end
        if position == len(text) and position > end and "," in text[end:]:
            return numbers, False
    return numbers, True


class _PathBuilder:
    """Collects the segments of a path."""

    def __init__(self) -> None:
        self._nodes: list[tuple[float, ...]] = []
        self._kinds = bytearray()
        self._start = self._current = (0.0, 0.0)
        self._cubic = self._quadratic = (0.0, 0.0)  # last control point, which S and T reflect
        self._is_closed = False

    def outline(self) -> Outline:
        nodes = np.array(self._nodes, np.float64).reshape(-1, 6)
        return Outline(nodes, np.frombuffer(bytes(self._kinds), np.int8))

    def close(self) -> None:
        self._reopen()
        self._append(CLOSE, *self._start)
        self._current = self._cubic = self._quadratic = self._start
        self._is_closed = True

    def add(self, letter: str, numbers: list[float]) -> None:
        """Add the segments of one command with all its arguments."""
        command, relative = letter.upper(), letter.islower()
        count = _ARGUMENTS[command]
        if command != "M":
            self._reopen()
        for position in range(0, len(numbers), count):
            if command == "M" and position:  # further points are lines
                command = "L"
            self._add_segment(command, numbers[position : position + count], relative)

    def _reopen(self) -> None:
        """Begin a new subpath at the same point if the last one was closed."""
        if self._is_closed:
            self._append(MOVE, *self._start)
            self._is_closed = False

    def _append(self, kind: int, x: float, y: float, controls: tuple[float, ...] = (0.0, 0.0, 0.0, 0.0)) -> None:
        self._nodes.append((*controls, x, y))
        self._kinds.append(kind)

    def _add_segment(self, command: str, values: list[float], relative: bool) -> None:
        x0, y0 = self._current
        if command == "H":
            values = [*values, 0.0 if relative else y0]
        elif command == "V":
            values = [0.0 if relative else x0, *values]
        if relative:
            first = 5 if command == "A" else 0
            values[first:] = [value + (x0, y0)[axis & 1] for axis, value in enumerate(values[first:])]
        x, y = self._current = (values[-2], values[-1])
        if command == "M":
            self._start, self._is_closed = self._current, False
            self._append(MOVE, x, y)
        elif command in "LHV":
            self._append(LINE, x, y)
        elif command == "A":
            rx, ry, turn, large, sweep = values[:5]
            curves = _arc((x0, y0), abs(rx), abs(ry), math.radians(turn), large != 0.0, sweep != 0.0, (x, y))
            for *controls, end_x, end_y in curves:
                self._append(CURVE, end_x, end_y, tuple(controls))
            if not curves:
                self._append(LINE, x, y)
        else:
            if command in "ST":
                last = self._cubic if command == "S" else self._quadratic
                values = [2 * x0 - last[0], 2 * y0 - last[1], *values]
            if command in "QT":  # the same curve with two control points
                self._quadratic = quadratic_x, quadratic_y = (values[0], values[1])
                values = [(x0 + 2 * quadratic_x) / 3, (y0 + 2 * quadratic_y) / 3]
                values += [(x + 2 * quadratic_x) / 3, (y + 2 * quadratic_y) / 3]
            else:
                self._cubic = (values[2], values[3])
            self._append(CURVE, x, y, tuple(values[:4]))
        if command not in "CS":
            self._cubic = self._current
        if command not in "QT":
            self._quadratic = self._current


_NO_OUTLINE = Outline(np.zeros((0, 6)), np.zeros(0, np.int8))


def _arc(
    start: tuple[float, float],
    rx: float,
    ry: float,
    turn: float,
    large: bool,
    sweep: bool,
    end: tuple[float, float],
) -> list[tuple[float, ...]]:
    """Return an elliptical arc as cubic curves; none for a straight line.

    Reference:
        SVG 2, appendix "Elliptical arc implementation notes", B.2.4 and B.2.5.
    """
    if start == end:
        return []
    try:
        cosine, sine = math.cos(turn), math.sin(turn)
        half_x, half_y = (start[0] - end[0]) / 2, (start[1] - end[1]) / 2
        x, y = cosine * half_x + sine * half_y, cosine * half_y - sine * half_x
        enlarged = math.hypot(x / rx, y / ry)
        if enlarged > 1.0:
            rx, ry = rx * enlarged, ry * enlarged
        inside = (x / rx) ** 2 + (y / ry) ** 2
        factor = math.sqrt(max(0.0, 1.0 / inside - 1.0)) * (-1.0 if large == sweep else 1.0)
        cx, cy = factor * rx * y / ry, -factor * ry * x / rx
        first = math.atan2((y - cy) / ry, (x - cx) / rx)
        last = math.atan2((-y - cy) / ry, (-x - cx) / rx)
        angle = last - first
        if sweep and angle < 0:
            angle += 2 * math.pi
        elif not sweep and angle > 0:
            angle -= 2 * math.pi
        count = max(1, math.ceil(abs(angle) / (math.pi / 2) - 1e-9))
        middle_x = cosine * cx - sine * cy + (start[0] + end[0]) / 2
        middle_y = sine * cx + cosine * cy + (start[1] + end[1]) / 2
        step = angle / count
        reach = 4 / 3 * math.tan(step / 4)
    except (ArithmeticError, ValueError):  # a radius of 0, or numbers that float64 cannot compute with
        return []

    def mapped(u: float, v: float) -> tuple[float, float]:
        return middle_x + cosine * rx * u - sine * ry * v, middle_y + sine * rx * u + cosine * ry * v

    curves: list[tuple[float, ...]] = []
    for number in range(count):
        a, b = first + number * step, first + (number + 1) * step
        to = mapped(math.cos(b), math.sin(b)) if number < count - 1 else end
        curves.append(
            (
                *mapped(math.cos(a) - reach * math.sin(a), math.sin(a) + reach * math.cos(a)),
                *mapped(math.cos(b) + reach * math.sin(b), math.sin(b) - reach * math.cos(b)),
                *to,
            )
        )
    return curves


@dataclass(frozen=True)
class Flattened:
    """Polylines along outlines.

    Attributes:
        lines: (points, 2) each; (1, 2) for a dot.
        closed: for each line whether its path closes it.
        owners: for each line the index of its outline.
    """

    lines: list[FloatArray]
    closed: NDArray[np.bool_]
    owners: NDArray[np.int64]


def flatten(outlines: Sequence[Outline], flatness: float | None) -> Flattened:
    """Return a polyline for each subpath of outlines; a subpath that only moves draws nothing.

    Args:
        outlines: in one coordinate system.
        flatness: largest distance of the lines from a curve, as a share of the larger side of all outlines; None for 32
            points on every curve.

    Raises:
        OverflowError: coordinates are not finite.

    Reference:
        Wang's bound on the segments of a Bezier curve: G. Wang 1984; R. Goldman, "Pyramid Algorithms", 2003, 5.6.3.
    """
    nodes = np.concatenate([np.zeros((0, 6)), *(outline.nodes for outline in outlines)])
    kinds = np.concatenate([np.zeros(0, np.int8), *(outline.kinds for outline in outlines)])
    owner = np.repeat(np.arange(len(outlines)), [len(outline.kinds) for outline in outlines])
    # a move that no segment follows draws nothing
    idle = (kinds == MOVE) & np.append(kinds[1:] == MOVE, True)
    nodes, kinds, owner = nodes[~idle], kinds[~idle], owner[~idle]
    if not len(kinds):
        return Flattened([], np.zeros(0, bool), np.zeros(0, np.int64))
    curves = np.flatnonzero(kinds == CURVE)
    corners = np.concatenate([nodes[:, 4:], nodes[curves, :4].reshape(-1, 2)])
    with np.errstate(over="ignore", invalid="ignore"):
        extent = np.ptp(corners, axis=0).max()
    if not np.isfinite(extent):
        raise OverflowError("coordinates outside the range of float64")
    counts = np.ones(len(kinds), np.int64)
    start, end = nodes[curves - 1, 4:], nodes[curves, 4:]
    first, second = nodes[curves, :2], nodes[curves, 2:4]
    if flatness is None:
        counts[curves] = 32
    else:
        tolerance = max(float(extent) * flatness, np.finfo(float).tiny)
        bend = np.maximum(
            np.hypot(*(start - 2 * first + second).T), np.hypot(*(first - 2 * second + end).T)
        )  # fmt: skip
        counts[curves] = np.maximum(1, np.ceil(np.sqrt(0.75 * bend / tolerance))).astype(np.int64)
    ends = np.cumsum(counts)
    points = np.empty((int(ends[-1]), 2))
    points[ends - 1] = nodes[:, 4:]
    if len(curves):
        inner = counts[curves] - 1  # the points between the ends
        which = np.repeat(np.arange(len(curves)), inner)
        number = np.arange(inner.sum()) - np.repeat(np.cumsum(inner) - inner, inner) + 1
        t = (number / np.repeat(counts[curves], inner))[:, None]
        s = 1.0 - t
        at = np.repeat(ends[curves] - counts[curves], inner) + number - 1
        points[at] = (
            s**3 * start[which] + 3 * s * s * t * first[which] + 3 * s * t * t * second[which] + t**3 * end[which]
        )
    begins = (ends - counts)[kinds == MOVE]
    is_repeated = np.zeros(len(points), bool)  # a closing line of no length
    closing = (ends - 1)[kinds == CLOSE]
    is_repeated[closing] = (points[closing] == points[closing - 1]).all(axis=1)
    line_of = np.cumsum(np.bincount(begins, minlength=len(points))) - 1
    differs = (points != points[begins][line_of]).any(axis=1)
    is_dot = ~np.logical_or.reduceat(differs, begins)
    keep = ~is_repeated & ~is_dot[line_of]
    keep[begins] = True
    closed = np.zeros(len(begins), bool)
    closed[line_of[closing]] = True
    starts = np.cumsum(np.add.reduceat(keep, begins))[:-1]
    return Flattened(np.split(points[keep], starts), closed, owner[kinds == MOVE])


def join_touching(
    lines: Sequence[FloatArray], may_join: NDArray[np.bool_], tolerance: float
) -> tuple[list[FloatArray], NDArray[np.int64]]:
    """Join each line to the previous one if it starts at the end of the previous one.

    Args:
        lines: (points, 2) each, in the order in which they are drawn.
        may_join: (lines - 1,): whether a line may be joined to the previous one.
        tolerance: the largest distance between an end and a start that touch.

    Returns:
        The joined lines, and for each given line the index of its joined line.
    """
    if not lines:
        return [], np.zeros(0, np.int64)
    first = np.array([line[0] for line in lines])
    last = np.array([line[-1] for line in lines])
    touches = may_join & (np.hypot(*(first[1:] - last[:-1]).T) <= tolerance)
    group = np.concatenate([[0], np.cumsum(~touches)])
    if not touches.any():
        return list(lines), group
    joined = []
    bounds = np.flatnonzero(np.diff(group, prepend=-1, append=group[-1] + 1))
    for begin, end in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True):
        if end == begin + 1:
            joined.append(lines[begin])
        else:
            parts = [lines[begin], *(line[1:] for line in lines[begin + 1 : end])]
            joined.append(np.concatenate(parts))
    return joined, group


@dataclass(frozen=True)
class Region:
    """The visible region of a clip path or a mask: the points inside any of its areas, and inside all of ``within``.

    Attributes:
        areas: each a list of closed polygons, (points, 2); whether they fill by the even-odd rule; the regions that
            clip this area; and its lightness, from 0 to 1. A later area covers earlier ones.
        within: further regions; points must be inside all of them.
    """

    areas: list[tuple[list[FloatArray], bool, tuple[Region, ...], float]] = field(default_factory=list)
    within: tuple[Region, ...] = ()

    @functools.cached_property
    def edges(self) -> FloatArray:
        """The edges of all polygons, (edges, 4): start and end."""
        found = [np.zeros((0, 4))]
        for polygons, _, within, _ in self.areas:
            found += [np.column_stack([polygon, np.roll(polygon, -1, axis=0)]) for polygon in polygons]
            found += [region.edges for region in within]
        return np.concatenate([*found, *(region.edges for region in self.within)])

    def contains(self, points: FloatArray, margin: float) -> NDArray[np.bool_]:
        """Return which points, (points, 2), are inside, or at most ``margin`` outside."""
        lightness = np.zeros(len(points))
        for polygons, even_odd, within, light in self.areas:
            inside = _inside(points, polygons, even_odd, margin)
            for region in within:
                inside[inside] = region.contains(points[inside], margin)
            lightness[inside] = light
        shown = lightness > 0.004
        for region in self.within:
            shown[shown] = region.contains(points[shown], margin)
        return shown

    def clip(self, line: FloatArray, margin: float) -> list[FloatArray]:
        """Return the parts of a line, (points, 2), that are inside."""
        edges = self.edges
        low = np.minimum(edges[:, :2], edges[:, 2:])
        high = np.maximum(edges[:, :2], edges[:, 2:])
        if len(edges):
            apart = (line.max(axis=0) < low.min(axis=0) - margin) | (line.min(axis=0) > high.max(axis=0) + margin)
        if not len(edges) or apart.any():
            return []
        if len(line) == 1:
            return [line] if self.contains(line, margin)[0] else []
        near = (low <= line.max(axis=0) + margin).all(axis=1) & (high >= line.min(axis=0) - margin).all(axis=1)
        segment, share = _crossings(line, edges[near])
        at = np.concatenate([np.arange(len(line), dtype=np.float64), segment + share])
        order = np.unique(at)
        whole = np.minimum(order.astype(np.int64), len(line) - 2)
        cuts = line[whole] + (order - whole)[:, None] * (line[whole + 1] - line[whole])
        exact = order == np.floor(order)
        cuts[exact] = line[order[exact].astype(np.int64)]
        inside = self.contains((cuts[1:] + cuts[:-1]) / 2, margin)
        if inside.all():
            return [line]
        steps = np.flatnonzero(np.diff(np.concatenate([[0], inside.astype(np.int8), [0]])))
        return [cuts[begin : end + 1] for begin, end in zip(steps[0::2].tolist(), steps[1::2].tolist(), strict=True)]


_PAIRS_AT_ONCE = 4_000_000  # of points and edges


def _inside(points: FloatArray, polygons: list[FloatArray], even_odd: bool, margin: float) -> NDArray[np.bool_]:
    """Return which points are inside closed polygons by their winding number, or at most ``margin`` outside."""
    inside = np.zeros(len(points), bool)
    if not polygons or not len(points):
        return inside
    start = np.concatenate(polygons)
    end = np.concatenate([np.roll(polygon, -1, axis=0) for polygon in polygons])
    along = end - start
    length = np.maximum((along**2).sum(axis=1), np.finfo(float).tiny)
    for piece in np.array_split(np.arange(len(points)), max(1, len(points) * len(start) // _PAIRS_AT_ONCE + 1)):
        offset = points[piece][:, None] - start  # (points, edges, 2)
        below = start[:, 1] <= points[piece][:, None, 1]
        crosses = below != (end[:, 1] <= points[piece][:, None, 1])
        left = along[:, 0] * offset[..., 1] - offset[..., 0] * along[:, 1]
        winding = np.where(crosses & below & (left > 0), 1, 0) - np.where(crosses & ~below & (left < 0), 1, 0)
        number = winding.sum(axis=1)
        share = np.clip((offset * along).sum(axis=2) / length, 0.0, 1.0)
        gap = offset - share[..., None] * along
        on_edge = np.hypot(gap[..., 0], gap[..., 1]).min(axis=1) <= margin
        inside[piece] = ((number % 2 == 1) if even_odd else (number != 0)) | on_edge
    return inside


def _crossings(line: FloatArray, edges: FloatArray) -> tuple[NDArray[np.int64], FloatArray]:
    """Return the crossings of a line with edges: the index of the segment, and the position on it from 0 to 1."""
    start, along = line[:-1], np.diff(line, axis=0)
    segments, shares = [np.zeros(0, np.int64)], [np.zeros(0)]
    pieces = max(1, len(start) * len(edges) // _PAIRS_AT_ONCE + 1)
    for piece in np.array_split(np.arange(len(start)), pieces):
        edge_along = edges[:, 2:] - edges[:, :2]
        offset = edges[:, :2] - start[piece][:, None]  # (segments, edges, 2)
        step = along[piece][:, None]
        cross = step[..., 0] * edge_along[:, 1] - step[..., 1] * edge_along[:, 0]
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            share = (offset[..., 0] * edge_along[:, 1] - offset[..., 1] * edge_along[:, 0]) / cross
            other = (offset[..., 0] * step[..., 1] - offset[..., 1] * step[..., 0]) / cross
        hit, edge = np.nonzero((share > 0) & (share < 1) & (other >= 0) & (other <= 1))
        segments.append(piece[hit])
        shares.append(share[hit, edge])
    return np.concatenate(segments), np.concatenate(shares)


def multiplied(outer: Matrix, inner: Matrix) -> Matrix:
    """Return the matrix that applies ``inner`` first, then ``outer``."""
    a, b, c, d, e, f = outer
    g, h, i, j, k, m = inner
    return (a * g + c * h, b * g + d * h, a * i + c * j, b * i + d * j, a * k + c * m + e, b * k + d * m + f)


def translation(x: float, y: float) -> Matrix:
    """Return the matrix that moves by (x, y)."""
    return (1.0, 0.0, 0.0, 1.0, x, y)


def scale_of(matrix: Matrix) -> float:
    """Return the mean factor by which a matrix changes lengths."""
    return math.sqrt(abs(matrix[0] * matrix[3] - matrix[1] * matrix[2]))


_TRANSFORM = re.compile(r"\s*(matrix|translate|scale|rotate|skewX|skewY)\s*\(([^()]*)\)\s*,?")
_ARGUMENT_COUNTS = {
    "matrix": (6,),
    "translate": (1, 2),
    "scale": (1, 2),
    "rotate": (1, 3),
    "skewX": (1,),
    "skewY": (1,),
}


@functools.lru_cache(maxsize=4096)
def parse_transform_attribute(text: str) -> Matrix | None:
    """Return the matrix of a ``transform`` attribute; None if it is not valid.

    >>> parse_transform_attribute("translate(3) scale(2,-1)")
    (2.0, 0.0, 0.0, -1.0, 3.0, 0.0)
    """
    matrix, position = IDENTITY, 0
    text = text.rstrip()
    while position < len(text):
        match = _TRANSFORM.match(text, position)
        if match is None:
            return None
        numbers, complete = _numbers(match[2], strict=True)
        if not complete or len(numbers) not in _ARGUMENT_COUNTS[match[1]]:
            return None
        matrix = multiplied(matrix, _function_matrix(match[1].lower(), numbers))
        position = match.end()
    return None if text.endswith(",") else matrix


def _function_matrix(name: str, values: Sequence[float]) -> Matrix:
    """Return the matrix of one transform function, its angles in degrees."""
    if name == "matrix":
        return (values[0], values[1], values[2], values[3], values[4], values[5])
    if name == "translate":
        return translation(values[0], values[1] if len(values) > 1 else 0.0)
    if name == "scale":
        return (values[0], 0.0, 0.0, values[1] if len(values) > 1 else values[0], 0.0, 0.0)
    angle = math.radians(math.fmod(values[0], 360.0))
    if name == "rotate":
        turn: Matrix = (math.cos(angle), math.sin(angle), -math.sin(angle), math.cos(angle), 0.0, 0.0)
        if len(values) < 3:
            return turn
        return multiplied(multiplied(translation(values[1], values[2]), turn), translation(-values[1], -values[2]))
    slope = math.tan(angle)
    return (1.0, 0.0, slope, 1.0, 0.0, 0.0) if name == "skewx" else (1.0, slope, 0.0, 1.0, 0.0, 0.0)


_DEGREES = {"deg": 1.0, "grad": 0.9, "rad": 180.0 / math.pi, "turn": 360.0}


def parse_css_transform(
    text: str, name: str, sides: tuple[float, float], units: Units, font_size: float
) -> Matrix | None:
    """Return the matrix of the property ``transform``, ``translate``, ``rotate`` or ``scale``; None if not valid.

    In the grammar of CSS, lengths and angles have units. Percentages are of the sides of the reference box.
    """
    if text.lower() == "none":
        return IDENTITY
    if name != "transform":  # rotate: 45deg is the same as transform: rotate(45deg)
        words = text.split()
        if name == "rotate" and len(words) > 1:
            axis = {"x": "rotatex", "y": "rotatey", "z": "rotate"}.get(words[0].lower())
            return None if axis is None or len(words) > 2 else _css_function(axis, [words[1]], sides, units, font_size)
        arguments = _space_separated(text)
        return _css_function(name, arguments, sides, units, font_size)
    matrix = IDENTITY
    for token in tinycss2.parse_component_value_list(text):
        if token.type in ("whitespace", "comment"):
            continue
        if token.type != "function":
            return None
        arguments = [tinycss2.serialize(part).strip() for part in split_at_commas(token.arguments)]
        found = _css_function(token.lower_name, arguments, sides, units, font_size)
        if found is None:
            return None
        matrix = multiplied(matrix, found)
    return matrix


def _space_separated(text: str) -> list[str]:
    """Return the component values of a text; a function such as calc() is one of them."""
    tokens = tinycss2.parse_component_value_list(text)
    return [tinycss2.serialize([token]) for token in tokens if token.type not in ("whitespace", "comment")]


def _css_function(
    name: str, arguments: list[str], sides: tuple[float, float], units: Units, font_size: float
) -> Matrix | None:
    def lengths(which: Sequence[str]) -> list[float] | None:
        found = []
        for text, side in zip(which, (*sides, 0.0), strict=False):
            value = units.length(text, side, font_size)
            if value is None or (value != 0.0 and re.fullmatch(NUMBER, text.strip())):
                return None  # a length needs a unit
            found.append(value)
        return found

    def numbers(which: Sequence[str]) -> list[float] | None:
        found = [units.length(text, 1.0, font_size) for text in which]
        return [value for value in found if value is not None] if None not in found else None

    def angle(text: str) -> float | None:
        match = re.fullmatch(rf"\s*({NUMBER})(deg|grad|rad|turn)?\s*", text, re.IGNORECASE)
        if match is None or (match[2] is None and float(match[1]) != 0.0):
            return None
        return float(match[1]) * _DEGREES[(match[2] or "deg").lower()]

    count = len(arguments)
    axis = {"x": 0, "y": 1}.get(name[-1], 2)
    if name == "matrix":
        found = numbers(arguments) if count == 6 else None
        return None if found is None else _function_matrix("matrix", found)
    if name in ("translate", "translate3d") and 1 <= count <= 3:
        found = lengths(arguments)
        return None if found is None else _function_matrix("translate", found[:2])
    if name in ("translatex", "translatey") and count == 1:
        found = lengths(["0", *arguments] if axis else arguments)
        return None if found is None else _function_matrix("translate", found)
    if name in ("scale", "scale3d") and 1 <= count <= 3:
        found = numbers(arguments)
        return None if found is None else _function_matrix("scale", found[:2])
    if name in ("scalex", "scaley") and count == 1:
        found = numbers(arguments)
        return None if found is None else _function_matrix("scale", [1.0, *found] if axis else [*found, 1.0])
    if name in ("translatez", "scalez", "perspective") and count == 1:
        return IDENTITY
    if name in ("rotate", "rotatez", "rotatex", "rotatey", "skewx", "skewy") and count == 1:
        turn = angle(arguments[0])
        if turn is None:
            return None
        if name.startswith("rotate") and axis < 2:  # seen from the front
            squeezed = math.cos(math.radians(turn))
            return _function_matrix("scale", [squeezed, 1.0] if axis else [1.0, squeezed])
        return _function_matrix("rotate" if name.startswith("rotate") else name, [turn])
    if name == "skew" and 1 <= count <= 2:
        turns = [angle(text) for text in arguments]
        if None in turns:
            return None
        x, y = (math.tan(math.radians(turn or 0.0)) for turn in (*turns, *[0.0] * (2 - count)))
        return (1.0, y, x, 1.0, 0.0, 0.0)
    return None


def parse_origin(text: str, sides: tuple[float, float], units: Units, font_size: float) -> tuple[float, float] | None:
    """Return the point that ``transform-origin`` names in a box of these sides; None if it is not valid."""
    words = [word.lower() for word in _space_separated(text)]
    if not 1 <= len(words) <= 3:
        return None
    names = {"left": (0, 0.0), "right": (0, 1.0), "top": (1, 0.0), "bottom": (1, 1.0), "center": (2, 0.5)}
    words = words[:2]
    if len(words) == 1:
        words = ["center", words[0]] if words[0] in ("top", "bottom") else [words[0], "center"]
    if (names.get(words[0], (2, 0))[0] == 1) or (names.get(words[1], (2, 0))[0] == 0):
        words.reverse()
    point = []
    for axis, word in enumerate(words):
        if word in names:
            if names[word][0] not in (axis, 2):
                return None
            point.append(names[word][1] * sides[axis])
            continue
        value = units.length(word, sides[axis], font_size)
        if value is None or (value != 0.0 and re.fullmatch(NUMBER, word)):
            return None
        point.append(value)
    return point[0], point[1]


def parse_basic_shape(
    text: str, box: tuple[float, float, float, float], units: Units, font_size: float
) -> tuple[Outline, bool] | None:
    """Return the outline of a CSS shape in a box, and whether it fills by the even-odd rule.

    ``inset``, ``circle``, ``ellipse``, ``polygon`` and ``path`` are supported; None for others.
    """
    tokens = [
        token for token in tinycss2.parse_component_value_list(text) if token.type not in ("whitespace", "comment")
    ]
    if not tokens or tokens[0].type != "function":
        return None
    name, sides = tokens[0].lower_name, (box[2] - box[0], box[3] - box[1])
    parts = [tinycss2.serialize(part).strip() for part in split_at_commas(tokens[0].arguments)]
    even_odd = parts[0].lower() == "evenodd"
    if name in ("polygon", "path") and parts[0].lower() in ("evenodd", "nonzero"):
        parts = parts[1:]
    if name == "path" and len(parts) == 1 and parts[0][:1] in "\"'":
        return parse_path(parts[0][1:-1])[0].transformed(translation(box[0], box[1])), even_odd
    words = [_space_separated(part) for part in parts]
    if name == "polygon" and all(len(pair) == 2 for pair in words):
        points = [
            [units.length(word, side, font_size) for word, side in zip(pair, sides, strict=True)] for pair in words
        ]
        if any(value is None for pair in points for value in pair):
            return None
        return Outline.of_polyline(np.array(points, np.float64) + box[:2], closed=True), even_odd
    if name == "inset" and "round" not in words[0] and 1 <= len(words[0]) <= 4:
        top, right = words[0][0], words[0][min(1, len(words[0]) - 1)]
        bottom = words[0][2] if len(words[0]) > 2 else top
        left = words[0][3] if len(words[0]) > 3 else right
        found = [
            units.length(word, sides[axis], font_size)
            for word, axis in zip((top, right, bottom, left), (1, 0, 1, 0), strict=True)
        ]
        inset = [0.0 if value is None else value for value in found]
        if None in found:
            return None
        width, height = sides[0] - inset[1] - inset[3], sides[1] - inset[0] - inset[2]
        return Outline.of_rectangle(box[0] + inset[3], box[1] + inset[0], max(width, 0.0), max(height, 0.0)), False
    if name in ("circle", "ellipse") and len(parts) == 1:
        radii, _, position = parts[0].partition("at ") if not parts[0].startswith("at ") else ("", "", parts[0][3:])
        center = parse_origin(position.strip() or "center", sides, units, font_size)
        if center is None:
            return None
        distances = [[center[axis], sides[axis] - center[axis]] for axis in (0, 1)]
        texts = _space_separated(radii) or ["closest-side"] * (1 if name == "circle" else 2)
        values = []
        for axis, word in enumerate(texts):
            near = distances[axis] if name == "ellipse" else [*distances[0], *distances[1]]
            relative = sides[axis] if name == "ellipse" else math.hypot(*sides) / math.sqrt(2)
            keyword = {"closest-side": min, "farthest-side": max}.get(word.lower())
            values.append(keyword(map(abs, near)) if keyword else units.length(word, relative, font_size))
        if None in values or len(values) != (1 if name == "circle" else 2):
            return None
        rx, ry = (float(value or 0.0) for value in (values[0], values[-1]))
        return Outline.of_ellipse(box[0] + center[0], box[1] + center[1], rx, ry), False
    return None

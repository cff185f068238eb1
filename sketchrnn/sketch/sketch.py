"""The type of a drawing, for all formats: :class:`Sketch`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sketchrnn.errors import FormatError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from PIL.Image import Image
    from shapely import MultiLineString

FloatArray = NDArray[np.float64]

SMALLEST_EXTENT, LARGEST_EXTENT = 1e-30, 1e30
"""Range of the extent of a drawing that float32 can compute with."""


@dataclass(frozen=True, eq=False)
class Sketch:
    """A drawing: strokes in the order they were drawn, in any unit, y pointing down.

    Make one with :meth:`from_polylines` or :meth:`from_stroke3`, which check their arguments.

    Attributes:
        strokes: one array (points, 2) of float64 for each stroke; none is empty.
        pen_down: the last stroke is unfinished: the pen is still on its last point.
    """

    strokes: tuple[FloatArray, ...]
    pen_down: bool = False

    @classmethod
    def from_polylines(cls, polylines: Iterable[ArrayLike], *, pen_down: bool = False) -> Sketch:
        """Make a sketch of point lists. Strokes without points are skipped.

        Args:
            polylines: for each stroke its points, (points, 2).
            pen_down: the last stroke is unfinished.

        Raises:
            FormatError: a stroke is not a list of pairs of finite numbers.

        >>> Sketch.from_polylines([[(0, 0), (3, 4)], [], [(5, 5)]]).point_count
        3
        """
        strokes = []
        for index, polyline in enumerate(polylines):
            try:
                points = np.array(polyline, dtype=np.float64)
            except (TypeError, ValueError, OverflowError) as error:
                raise FormatError(f"stroke {index}: expected a list of (x, y) numbers") from error
            if points.size == 0:
                continue
            if points.ndim != 2 or points.shape[1] != 2:
                raise FormatError(f"stroke {index}: expected points (x, y), found an array of shape {points.shape}")
            if not np.isfinite(points).all():
                place = int(np.flatnonzero(~np.isfinite(points).all(axis=1))[0])
                x, y = points[place]
                raise FormatError(f"stroke {index}, point {place}: expected finite coordinates, found ({x}, {y})")
            strokes.append(points)
        return cls(tuple(strokes), pen_down=pen_down and bool(strokes))

    @classmethod
    def from_stroke3(cls, rows: ArrayLike, origin: ArrayLike = (0.0, 0.0)) -> Sketch:
        """Make a sketch of stroke-3 rows; the inverse of :meth:`to_stroke3`.

        The origin is a real point, before row 0. A last row without a lift leaves the pen down. There is one exception:
        if the first stroke never moves, its n rows are n equal points, without the origin. A first stroke of one point
        then has a row for its lift.

        Args:
            rows: (L, 3), each (dx, dy, lift): the offset from the previous point; 1 if the pen rises after this one.
            origin: (x, y) of the first point.

        Raises:
            FormatError: the rows are not an (L, 3) array of finite numbers.

        >>> Sketch.from_stroke3([(3, 4, 1), (1, 0, 0), (0, 2, 1)]).polylines()
        [[(0.0, 0.0), (3.0, 4.0)], [(4.0, 4.0), (4.0, 6.0)]]
        """
        array = np.asarray(rows, dtype=np.float64)
        if array.size == 0:
            return cls(())
        if array.ndim != 2 or array.shape[1] != 3:
            raise FormatError(f"expected stroke-3 rows (dx, dy, lift), found an array of shape {array.shape}")
        if not np.isfinite(array).all():
            place = int(np.flatnonzero(~np.isfinite(array).all(axis=1))[0])
            raise FormatError(f"row {place}: expected finite offsets, found {array[place].tolist()}")
        start = np.asarray(origin, dtype=np.float64).reshape(1, 2)
        points = np.concatenate([start, start + np.cumsum(array[:, :2], axis=0)])  # (L + 1, 2)
        lifts = array[:, 2] > 0.5
        ends = np.flatnonzero(lifts) + 2  # where each stroke ends, in points
        first_rows = int(ends[0]) - 1 if ends.size else len(array)
        if not array[:first_rows, :2].any():
            points, ends = points[1:], ends - 1
        strokes = [stroke for stroke in np.split(points, ends) if len(stroke)]
        return cls(tuple(strokes), pen_down=not bool(lifts[-1]))

    @classmethod
    def from_geometry(cls, geometry: object) -> Sketch:
        """Make a sketch of the lines of a shapely geometry, or of any other that has ``__geo_interface__``.

        Lines become strokes, the rings of polygons closed strokes, and points strokes of one point. A third coordinate
        is ignored. The y axis is not flipped.

        Args:
            geometry: an object with ``__geo_interface__``, or a GeoJSON mapping: geometry, feature or collection.

        Raises:
            FormatError: it is not a geometry, or a coordinate is not a finite number.

        >>> Sketch.from_geometry({"type": "LineString", "coordinates": [(0, 0), (3, 4)]}).polylines()
        [[(0.0, 0.0), (3.0, 4.0)]]
        """
        from sketchrnn.sketch.conversions import lines_of_geometry

        return cls.from_polylines(lines_of_geometry(geometry))

    @property
    def __geo_interface__(self) -> dict[str, Any]:
        """The strokes as a GeoJSON-like MultiLineString; a stroke of one point has that point twice."""
        from sketchrnn.sketch.conversions import geo_interface

        return geo_interface(self)

    def to_shapely(self) -> MultiLineString:
        """Return the strokes as shapely's MultiLineString, y down. Needs the extra ``shapely``.

        A stroke of one point becomes a line from that point to itself.
        """
        from sketchrnn.sketch.conversions import shapely_lines

        return shapely_lines(self)

    def plot(self, ax: Axes | None = None, **options: Any) -> Axes:
        """Draw the sketch with matplotlib, y down, with equal axes. Needs the extra ``plot``.

        Args:
            ax: where to draw; by default matplotlib's current axes.
            options: properties of :class:`matplotlib.collections.LineCollection`, such as ``color`` and ``linewidth``.

        Returns:
            The axes.
        """
        from sketchrnn.sketch.conversions import plot

        return plot(self, ax, options)

    def to_array(self, size: int = 64) -> NDArray[np.float32]:
        """Return the gray picture that the recognizer sees: (size, size), 1 is ink, 0 paper.

        The drawing is centered and fills the picture up to a margin of 3 pixels; lines are one pixel wide.

        Args:
            size: width and height, in pixels.

        Raises:
            ConfigurationError: the size is outside its range.
            FormatError: the sketch is too small or too large to compute with.
        """
        from sketchrnn.sketch.conversions import array

        return array(self, size)

    def to_image(self, size: int = 256) -> Image:
        """Return a Pillow image to look at: mode L, size x size, black on white. Needs the extra ``image``.

        The lines are those of the SVG picture: 1 % of the drawing wide. The drawing is centered.

        Args:
            size: width and height, in pixels.

        Raises:
            ConfigurationError: the size is outside its range.
            FormatError: the sketch is too small or too large to compute with.
        """
        from sketchrnn.sketch.conversions import image

        return image(self, size)

    def to_stroke3(self) -> FloatArray:
        """Return the stroke-3 rows: (L, 3) float64, without the first point, which is the origin.

        The conversion is exact in both directions if the differences of the coordinates are exact, as for whole numbers
        below 2**53.

        >>> Sketch.from_polylines([[(1, 1), (4, 5)], [(5, 5)]]).to_stroke3().tolist()
        [[3.0, 4.0, 1.0], [1.0, 0.0, 1.0]]
        """
        if not self.strokes:
            return np.zeros((0, 3))
        points = np.concatenate(self.strokes)
        lifts = np.zeros(len(points))
        lifts[np.cumsum([len(stroke) for stroke in self.strokes]) - 1] = 1.0
        if self.pen_down:
            lifts[-1] = 0.0
        offsets = np.diff(points, axis=0, prepend=points[:1])
        rows = np.column_stack([offsets, lifts])
        first_stroke_moves = bool((self.strokes[0] != self.strokes[0][0]).any())
        return rows[1:] if first_stroke_moves else rows

    def polylines(self) -> list[list[tuple[float, float]]]:
        """Return the strokes as plain lists of (x, y)."""
        return [[(float(x), float(y)) for x, y in stroke] for stroke in self.strokes]

    @property
    def point_count(self) -> int:
        """Number of points of all strokes."""
        return sum(len(stroke) for stroke in self.strokes)

    @property
    def first_point(self) -> FloatArray:
        """(x, y) of the first point; (0, 0) for an empty sketch."""
        return self.strokes[0][0] if self.strokes else np.zeros(2)

    @property
    def last_point(self) -> FloatArray:
        """(x, y) where the pen is; (0, 0) for an empty sketch."""
        return self.strokes[-1][-1] if self.strokes else np.zeros(2)

    def bounds(self) -> tuple[float, float, float, float]:
        """Return (x_min, y_min, x_max, y_max); all 0 for an empty sketch."""
        if not self.strokes:
            return (0.0, 0.0, 0.0, 0.0)
        points = np.concatenate(self.strokes)
        (x_min, y_min), (x_max, y_max) = points.min(axis=0), points.max(axis=0)
        return (float(x_min), float(y_min), float(x_max), float(y_max))

    @property
    def extent(self) -> float:
        """The larger side of the bounds."""
        x_min, y_min, x_max, y_max = self.bounds()
        return max(x_max - x_min, y_max - y_min)

    def transformed(self, scale: float = 1.0, shift: ArrayLike = (0.0, 0.0)) -> Sketch:
        """Return the sketch with every point at ``point * scale + shift``."""
        offset = np.asarray(shift, dtype=np.float64)
        return Sketch(tuple(stroke * scale + offset for stroke in self.strokes), self.pen_down)

    def _repr_svg_(self) -> str:
        """Return the picture that a notebook shows."""
        from sketchrnn.formats.svg.writing import (  # the only import that points up; setup.cfg allows it
            Layer,
            svg_drawing,
        )

        return svg_drawing([Layer(self, "drawing")])

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sketch):
            return NotImplemented
        return (
            self.pen_down == other.pen_down
            and len(self.strokes) == len(other.strokes)
            and all(np.array_equal(mine, theirs) for mine, theirs in zip(self.strokes, other.strokes, strict=True))
        )

    __hash__ = None  # type: ignore[assignment]  # arrays can change


START = (0.0, 0.0, 1.0, 0.0, 0.0)
END = (0.0, 0.0, 0.0, 0.0, 1.0)


def stroke5_from_stroke3(rows: ArrayLike) -> FloatArray:
    """Convert stroke-3 rows to stroke-5: START, the rows, END.

    Args:
        rows: (L, 3), each (dx, dy, lift).

    Returns:
        (L + 2, 5) float64, each (dx, dy, p1, p2, p3).

    Reference:
        Ha and Eck 2017, arXiv:1704.03477, section 3.1.

    >>> stroke5_from_stroke3([(3, 4, 1)]).tolist()[1]
    [3.0, 4.0, 0.0, 1.0, 0.0]
    """
    stroke3 = np.asarray(rows, dtype=np.float64).reshape(-1, 3)
    stroke5 = np.zeros((len(stroke3) + 2, 5))
    stroke5[0] = START
    stroke5[-1] = END
    stroke5[1:-1, :2] = stroke3[:, :2]
    stroke5[1:-1, 2] = 1.0 - stroke3[:, 2]
    stroke5[1:-1, 3] = stroke3[:, 2]
    return stroke5


def stroke3_from_stroke5(rows: ArrayLike) -> FloatArray:
    """Convert stroke-5 rows to stroke-3: the rows before the first END, or all; without START.

    Args:
        rows: (N, 5); padding after the first END is ignored. The first row START is optional: Magenta's files have
            none.

    Raises:
        FormatError: the rows are not an (N, 5) array, or a row does not have one pen state.
    """
    stroke5 = np.asarray(rows, dtype=np.float64)
    if stroke5.ndim != 2 or stroke5.shape[1] != 5:
        raise FormatError(f"expected stroke-5 rows (dx, dy, p1, p2, p3), found an array of shape {stroke5.shape}")
    ends = np.flatnonzero(stroke5[:, 4] == 1.0)
    body = stroke5[int(len(stroke5) > 0 and tuple(stroke5[0]) == START) : ends[0] if ends.size else len(stroke5)]
    wrong = np.flatnonzero(np.sort(body[:, 2:], axis=1) @ (1, 2, 4) != 4)
    if len(wrong):
        raise FormatError(f"expected stroke-5 rows with one pen state of 1, found {body[wrong[0]].tolist()}")
    return np.column_stack([body[:, :2], body[:, 3]])

"""Sketches as gray pictures, and as other packages have them: GeoJSON-like geometry, shapely, matplotlib, Pillow.

Each conversion imports its package when it is called.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sketchrnn.errors import ConfigurationError, FormatError, import_extra
from sketchrnn.sketch.sketch import LARGEST_EXTENT, SMALLEST_EXTENT

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.axes import Axes
    from numpy.typing import NDArray
    from PIL.Image import Image
    from shapely import MultiLineString

    from sketchrnn.sketch.sketch import Sketch

SMALLEST_PICTURE, LARGEST_PICTURE = 8, 16_384
LINE_DEPTH = {
    "Point": 0,
    "MultiPoint": 1,
    "LineString": 1,
    "LinearRing": 1,
    "MultiLineString": 2,
    "Polygon": 2,
    "MultiPolygon": 3,
}
"""Nesting depth of points in the coordinates of a geometry: 0 for a point, 1 for a list of points."""


def lines_of_geometry(geometry: object) -> list[Any]:
    """Return the lines of a geometry, each a list of (x, y).

    Args:
        geometry: an object with ``__geo_interface__``, or its mapping.

    Raises:
        FormatError: it is neither, or a geometry without coordinates or of an unknown type.

    Reference:
        RFC 7946, "The GeoJSON Format", section 3.1; https://gist.github.com/sgillies/2217756, ``__geo_interface__``.
    """
    try:
        return list(_lines(getattr(geometry, "__geo_interface__", geometry)))
    except (TypeError, IndexError, KeyError) as error:  # for coordinates that are not lists, or too short
        raise FormatError(f"{type(geometry).__name__}: expected points (x, y), found other coordinates") from error


def _lines(geometry: object) -> Iterator[Any]:
    kind = geometry.get("type") if isinstance(geometry, Mapping) else None
    if not isinstance(geometry, Mapping) or not isinstance(kind, str):
        raise FormatError(
            f"expected a geometry with __geo_interface__ or a GeoJSON mapping, found {type(geometry).__name__}"
        )
    children = {"GeometryCollection": "geometries", "FeatureCollection": "features", "Feature": "geometry"}
    member = children.get(kind, "coordinates")
    if member not in geometry:
        raise FormatError(f"{kind}: expected the member {member!r}, found none")
    content = geometry[member]
    if kind == "Feature":
        if content is not None:  # a feature can have no geometry
            yield from _lines(content)
    elif kind in children:
        for child in content:
            yield from _lines(child)
    elif kind not in LINE_DEPTH:
        raise FormatError(f"expected a geometry of {', '.join((*LINE_DEPTH, *children))}, found type {kind!r}")
    else:
        yield from _at_depth(content, LINE_DEPTH[kind], kind)


def _at_depth(coordinates: Any, depth: int, kind: str) -> Iterator[list[Any]]:
    if depth == 0 or kind == "MultiPoint":  # each point is a stroke of its own
        points = [coordinates] if depth == 0 else coordinates
        yield from ([(point[0], point[1])] for point in points if len(point))
    elif depth == 1:
        yield [(point[0], point[1]) for point in coordinates]  # without the height
    else:
        for part in coordinates:
            yield from _at_depth(part, depth - 1, kind)


def geo_interface(sketch: Sketch) -> dict[str, Any]:
    """Return a sketch as a GeoJSON-like MultiLineString; a stroke of one point has that point twice."""
    lines = [line * 2 if len(line) == 1 else line for line in map(tuple, sketch.polylines())]
    return {"type": "MultiLineString", "coordinates": tuple(lines)}


def shapely_lines(sketch: Sketch) -> MultiLineString:
    """Return a sketch as shapely's MultiLineString.

    Raises:
        ConfigurationError: shapely is not installed.
    """
    return import_extra("shapely", "shapely").MultiLineString(geo_interface(sketch)["coordinates"])


def plot(sketch: Sketch, axes: Axes | None, options: Mapping[str, Any]) -> Axes:
    """Draw a sketch with matplotlib; arguments: see :meth:`Sketch.plot`.

    Raises:
        ConfigurationError: matplotlib is not installed.
    """
    matplotlib, pyplot, collections = (
        import_extra(f"matplotlib{name}", "plot") for name in ("", ".pyplot", ".collections")
    )
    axes = axes if axes is not None else pyplot.gca()
    look: dict[str, Any] = {"color": "black", "linewidth": 1.5, "capstyle": "round", "joinstyle": "round"}
    look |= matplotlib.cbook.normalize_kwargs(dict(options), collections.LineCollection)
    axes.add_collection(collections.LineCollection([stroke for stroke in sketch.strokes if not is_dot(stroke)], **look))
    dots = [stroke[0] for stroke in sketch.strokes if is_dot(stroke)]
    if dots:  # matplotlib draws nothing for a line without length
        x, y = zip(*dots, strict=True)
        axes.scatter(x, y, s=look["linewidth"] ** 2, color=look["color"], linewidths=0)
    axes.autoscale_view()
    axes.set_aspect("equal")
    if not axes.yaxis_inverted():
        axes.invert_yaxis()
    return axes


def is_dot(stroke: NDArray[np.float64]) -> bool:
    """Return whether all points of a stroke are the same."""
    return bool((stroke == stroke[0]).all())


def array(sketch: Sketch, size: int) -> NDArray[np.float32]:
    """Return a sketch as a gray picture, (size, size): 1 is ink, 0 paper.

    Raises:
        ConfigurationError: the size is outside its range.
        FormatError: the sketch is too small or too large to compute with.
    """
    _check_size(size)
    extent = sketch.extent
    if extent and not SMALLEST_EXTENT < extent < LARGEST_EXTENT:
        raise FormatError(f"expected a sketch {SMALLEST_EXTENT:g} to {LARGEST_EXTENT:g} units wide, found {extent:g}")
    picture: NDArray[np.float32] = pictures([sketch.strokes], size)[0]
    return picture


def image(sketch: Sketch, size: int) -> Image:
    """Return a sketch as a Pillow image of mode L, black on white, size x size.

    Raises:
        ConfigurationError: the size is outside its range, or resvg or Pillow is not installed.
    """
    from sketchrnn.formats.picture import on_white

    _check_size(size)
    picture = on_white(sketch._repr_svg_(), size).convert("L")
    result: Image = import_extra("PIL.ImageOps", "image").pad(picture, (size, size), color=255)
    return result


def _check_size(size: int) -> None:
    if not SMALLEST_PICTURE <= size <= LARGEST_PICTURE:
        raise ConfigurationError(f"size: expected {SMALLEST_PICTURE} to {LARGEST_PICTURE} pixels, found {size}")


MARGIN = 3.0
"""Pixels that stay empty on each side of the picture."""
SAMPLE_SPACING = 0.7
"""Lines are drawn as dots at most this many pixels apart."""


def pictures(drawings: Sequence[Sequence[NDArray[Any]]], size: int) -> NDArray[np.float32]:
    """Return gray pictures of drawings, (B, size, size): 1 is ink, 0 paper.

    The larger side of a drawing's bounds fills the picture up to MARGIN, and the drawing is centered. Lines are dots
    at most SAMPLE_SPACING apart, each spread over the four nearest pixels in proportion; a line has an ink of 1 for
    each pixel of its length, a stroke without extent is one dot, and no pixel has more than 1.

    Args:
        drawings: for each its strokes, arrays (points, 2) in any unit, y down. One without a point is an empty picture.
        size: width and height, in pixels.
    """
    strokes = [np.asarray(stroke, np.float64) for drawing in drawings for stroke in drawing if len(stroke)]
    if not strokes:
        return np.zeros((len(drawings), size, size), np.float32)
    strokes_of = [sum(len(stroke) > 0 for stroke in drawing) for drawing in drawings]
    points_of = np.array([len(stroke) for stroke in strokes])
    drawing = np.repeat(np.repeat(np.arange(len(drawings)), strokes_of), points_of)  # of each point
    points = _fitted(np.concatenate(strokes), drawing, size)
    # A segment leads from each point to the next of its stroke; from the last point of a stroke, nowhere.
    last = np.cumsum(points_of) - 1
    vector = np.diff(points, axis=0, append=points[-1:])
    vector[last] = 0.0
    length = np.hypot(vector[:, 0], vector[:, 1])
    dot = last[np.add.reduceat(length, last + 1 - points_of) == 0.0]  # strokes without extent
    weight = length.copy()
    weight[dot] = 1.0
    count = np.ceil(length / SAMPLE_SPACING).astype(np.int64)
    count[dot] = 1
    number = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    along = (number + 0.5) / np.repeat(count, count)
    samples = np.repeat(points, count, axis=0) + along[:, None] * np.repeat(vector, count, axis=0)
    sample_weight = np.repeat(weight / np.maximum(count, 1), count)
    corner = np.floor(samples).astype(np.int64)
    right, below = (samples - corner).T
    pixel = (np.repeat(drawing, count) * size + corner[:, 1]) * size + corner[:, 0]
    pixels = np.concatenate([pixel, pixel + 1, pixel + size, pixel + size + 1])
    shares = np.concatenate([(1 - right) * (1 - below), right * (1 - below), (1 - right) * below, right * below])
    ink = np.bincount(pixels, shares * np.tile(sample_weight, 4), len(drawings) * size * size)
    return np.minimum(ink, 1.0).astype(np.float32).reshape(len(drawings), size, size)


def _fitted(points: NDArray[np.float64], drawing: NDArray[np.int64], size: int) -> NDArray[np.float64]:
    """Return the points (n, 2) of drawings, given in their order (n,), moved and scaled into their pictures."""
    changes = np.flatnonzero(np.diff(drawing, prepend=-1))
    low, high = np.minimum.reduceat(points, changes), np.maximum.reduceat(points, changes)  # (drawings, 2)
    extent = (high - low).max(axis=1)
    scale = np.where(extent > 0, (size - 1 - 2.0 * MARGIN) / np.where(extent > 0, extent, 1.0), 0.0)
    repeats = np.diff(changes, append=len(points))
    center = np.repeat(0.5 * low + 0.5 * high, repeats, axis=0)
    fitted: NDArray[np.float64] = (points - center) * np.repeat(scale, repeats)[:, None] + 0.5 * (size - 1)
    return fitted

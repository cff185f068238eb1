"""The simplification that Google applied to the Quick, Draw! drawings, and the shape of a simplified drawing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sketchrnn.sketch.sketch import FloatArray, Sketch

BOX = 255.0
"""Largest side of a simplified Quick, Draw! drawing."""
FEWER_POINTS = 0.7
"""A sketch is simplified for a model only if that leaves at most this share of its points, so that simplified drawings
do not change."""
DECIMALS = 3
"""Decimals to which the model's units are rounded, so that a drawing in two units gives the same result."""


def fit_to_box(sketch: Sketch, side: float = BOX) -> Sketch:
    """Move a sketch to the top left and scale it, keeping its proportions, so that its largest side is ``side``.

    A sketch without extent is only moved.
    """
    extent = sketch.extent
    corner = np.array(sketch.bounds()[:2])
    if not extent > 0:
        side = extent = 1.0
    # moved first, then scaled: the same order of rounding as in Google's records
    return Sketch(tuple((stroke - corner) * side / extent for stroke in sketch.strokes), sketch.pen_down)


def resample(stroke: FloatArray, spacing: float = 1.0) -> FloatArray:
    """Return points every ``spacing`` along a stroke (points, 2), including both ends; two points for a dot."""
    lengths = np.hypot(*np.diff(stroke, axis=0).T)
    distance = np.concatenate([[0.0], np.cumsum(lengths)])
    if distance[-1] == 0.0:
        return stroke[[0, -1]]
    wanted = np.append(np.arange(0.0, distance[-1], spacing), distance[-1])
    return np.column_stack([np.interp(wanted, distance, stroke[:, axis]) for axis in (0, 1)])


def simplify(sketch: Sketch, epsilon: float = 2.0) -> Sketch:
    """Convert a drawing to the form of Google's simplified files.

    It is moved to the top left, scaled to a largest side of 255, resampled every pixel, simplified by
    Ramer-Douglas-Peucker, rounded to whole pixels.

    Args:
        sketch: a drawing in any unit.
        epsilon: largest distance from the line, in pixels of the 255 box.

    Reference:
        The Quick, Draw! dataset's description, "Simplified drawing files".
    """
    strokes = [resample(stroke) for stroke in fit_to_box(sketch).strokes]
    return Sketch(tuple(np.rint(stroke) for stroke in ramer_douglas_peucker(strokes, epsilon)), sketch.pen_down)


def simplify_in_place(sketch: Sketch, epsilon: float = 2.0) -> Sketch:
    """Simplify strokes by Ramer-Douglas-Peucker. Strokes with more than one point per pixel are first resampled.

    They are not moved, scaled or rounded; the ends of each stroke do not move.

    Args:
        sketch: in pixels of the 255 box, anywhere.
        epsilon: largest distance from the line, in the same unit.
    """
    strokes = []
    for stroke in sketch.strokes:
        length = np.hypot(*np.diff(stroke, axis=0).T).sum()
        even = resample(stroke) if len(stroke) > length + 1 else stroke
        strokes.append(even)
    return Sketch(tuple(ramer_douglas_peucker(strokes, epsilon)), sketch.pen_down)


def as_trained(sketch: Sketch) -> Sketch:
    """Return a sketch in the model's unit with as few points as the training drawings have.

    A sketch with many more points than its shape needs is simplified as Google simplified the Quick, Draw! drawings.
    """
    simplified = simplify_in_place(sketch)
    if simplified.point_count <= FEWER_POINTS * sketch.point_count:
        return rounded(simplified)
    return rounded(sketch, DECIMALS)


def with_at_most(sketch: Sketch, limit: int) -> Sketch:
    """Return a sketch with at most ``limit`` points: simplified if it has more, then only its last points.

    Args:
        sketch: in any unit.
        limit: at least 2.
    """
    if sketch.point_count <= limit:
        return sketch
    factor, corner = BOX / (sketch.extent or 1.0), np.array(sketch.bounds()[:2])
    simplified = simplify_in_place(sketch.transformed(factor, -factor * corner), epsilon=0.5)
    kept, missing = [], limit
    for stroke in reversed(simplified.strokes):
        if missing <= 0:
            break
        kept.append(stroke[-missing:])
        missing -= len(stroke)
    return Sketch(tuple(reversed(kept)), sketch.pen_down).transformed(1.0 / factor, corner)


def ramer_douglas_peucker(strokes: Sequence[FloatArray], epsilon: float) -> list[FloatArray]:
    """Return strokes with the points that Ramer-Douglas-Peucker keeps, in the same way as Google's code.

    The distance of a point is measured from the infinite *line* through the two ends, not from the segment between
    them: 94 % of Google's drawings are then reproduced exactly, instead of 20 %. If the two ends are equal, it is the
    distance from this point. Of several points with the same distance, the first one is kept. Google's choice depends
    on rounding, which explains the remaining differences. All strokes are processed together, longest pieces first, so
    that NumPy does most of the work.

    Args:
        strokes: each (points, 2).
        epsilon: a point that is farther than this from the line is kept.

    Reference:
        Ramer 1972, "An iterative procedure for the polygonal approximation of plane curves"; Douglas and Peucker 1973,
        "Algorithms for the reduction of the number of points required to represent a digitized line or its caricature".
    """
    if not strokes:
        return []
    points = np.concatenate(strokes)
    ends = np.cumsum([len(stroke) for stroke in strokes])
    first, last = np.concatenate([[0], ends[:-1]]), ends - 1  # of each piece between two points that are kept
    kept = np.zeros(len(points), bool)
    kept[first] = kept[last] = True
    while True:
        between = last - first - 1
        first, last, between = first[between > 0], last[between > 0], between[between > 0]
        if not len(first):
            break
        start = np.cumsum(between) - between
        inside = np.arange(between.sum()) + np.repeat(first + 1 - start, between)
        origin, along = points[first], points[last] - points[first]
        length = np.hypot(along[:, 0], along[:, 1])
        is_place = length == 0.0
        length[is_place] = 1.0
        x, y = (points[inside] - np.repeat(origin, between, axis=0)).T
        along_x, along_y = np.repeat(along, between, axis=0).T
        # divided last: rounding then mostly chooses the same of equally far points as in Google's records
        distance = np.abs(along_x * y - along_y * x) / np.repeat(length, between)
        if is_place.any():
            at_place = np.repeat(is_place, between)
            distance[at_place] = np.hypot(x[at_place], y[at_place])
        farthest = np.maximum.reduceat(distance, start)
        candidates = np.flatnonzero(distance == np.repeat(farthest, between))
        piece = np.repeat(np.arange(len(first)), between)[candidates]
        chosen = inside[candidates[np.diff(piece, prepend=-1) > 0]]
        split = farthest > epsilon
        chosen, first, last = chosen[split], first[split], last[split]
        kept[chosen] = True
        first, last = np.concatenate([first, chosen]), np.concatenate([chosen, last])
    return [stroke[mask] for stroke, mask in zip(strokes, np.split(kept, ends[:-1]), strict=True)]


def rounded(sketch: Sketch, decimals: int = 0) -> Sketch:
    """Round every coordinate to a number of digits after the decimal point."""
    return Sketch(tuple(np.round(stroke, decimals) for stroke in sketch.strokes), sketch.pen_down)


SIGNATURE_POINTS = 64
SAME_SHAPE = 4.0
"""Mean distance, in pixels of the 255 box and per axis, below which two drawings are the same. The published npz and
the simplified files round and simplify differently: drawings that are in both differ by at most 2.5, all others by more
than 6 (pig and face)."""


def signature(sketch: Sketch) -> NDArray[np.float32]:
    """Return 64 points at equal distances on the path of the pen, also in the air, in the 255 box, (128,)."""
    points = np.concatenate(fit_to_box(sketch, BOX).strokes)
    distance = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(points, axis=0).T))])
    wanted = np.linspace(0.0, distance[-1], SIGNATURE_POINTS)
    path = np.column_stack([np.interp(wanted, distance, points[:, axis]) for axis in (0, 1)])
    return path.ravel().astype(np.float32)


def same_shape(candidates: NDArray[np.float32], others: NDArray[np.float32], chunk: int = 256) -> NDArray[np.bool_]:
    """Return which candidates are also among the others.

    Args:
        candidates: signatures, (n, 128).
        others: signatures, (m, 128).
        chunk: candidates compared at a time, which bounds the memory.

    Returns:
        (n,) bool.
    """
    found = np.zeros(len(candidates), dtype=bool)
    if not len(others):
        return found
    squares = np.square(others).sum(1)
    for start in range(0, len(candidates), chunk):
        block = candidates[start : start + chunk]
        # the nearest neighbor by squared distance, as a matrix product; then the mean distance to it
        nearest = others[np.argmin(squares - 2.0 * block @ others.T, axis=1)]
        found[start : start + chunk] = np.abs(block - nearest).mean(1) < SAME_SHAPE
    return found

"""The simplification that Google applied to the Quick, Draw! drawings, for any drawing."""

import numpy as np
from simplification.cutil import simplify_coords

from sketchrnn.sketch.sketch import FloatArray, Sketch

BOX = 255.0
"""Largest side of a simplified Quick, Draw! drawing."""


def fit_to_box(sketch: Sketch, side: float = BOX) -> Sketch:
    """Move a sketch to the top left and scale it, keeping its proportions, so that its largest side is ``side``.

    A sketch of a single place has no size and is only moved.
    """
    x_min, y_min, x_max, y_max = sketch.bounds()
    extent = max(x_max - x_min, y_max - y_min)
    scale = side / extent if extent > 0 else 1.0
    return sketch.transformed(scale, (-x_min * scale, -y_min * scale))


def resample(stroke: FloatArray, spacing: float = 1.0) -> FloatArray:
    """Return points every ``spacing`` along a stroke (points, 2), its two ends included."""
    lengths = np.hypot(*np.diff(stroke, axis=0).T)
    distance = np.concatenate([[0.0], np.cumsum(lengths)])
    if distance[-1] == 0.0:
        return stroke[:1]
    wanted = np.append(np.arange(0.0, distance[-1], spacing), distance[-1])
    return np.column_stack([np.interp(wanted, distance, stroke[:, axis]) for axis in (0, 1)])


def simplify(sketch: Sketch, epsilon: float = 2.0) -> Sketch:
    """Bring a drawing to the form of Google's simplified files.

    Moved to the top left, scaled to a largest side of 255, resampled every pixel, simplified by Ramer-Douglas-Peucker,
    rounded to whole pixels.

    Args:
        sketch: a drawing in any unit.
        epsilon: largest distance from the line, in pixels of the 255 box.

    Reference:
        The Quick, Draw! dataset's description, "Simplified drawing files".
    """
    strokes = [
        np.rint(simplify_coords(np.ascontiguousarray(resample(stroke)), epsilon))
        for stroke in fit_to_box(sketch).strokes
    ]
    return Sketch(tuple(strokes), sketch.pen_down)


def simplify_in_place(sketch: Sketch, epsilon: float = 2.0) -> Sketch:
    """Simplify strokes by Ramer-Douglas-Peucker, those with more than a point a pixel after resampling to one.

    Neither moved, scaled nor rounded; the ends of each stroke stay where they are.

    Args:
        sketch: in pixels of the 255 box, wherever it lies.
        epsilon: largest distance from the line, in the same.
    """
    strokes = []
    for stroke in sketch.strokes:
        length = np.hypot(*np.diff(stroke, axis=0).T).sum()
        even = resample(stroke) if len(stroke) > length + 1 else stroke
        strokes.append(simplify_coords(np.ascontiguousarray(even), epsilon))
    return Sketch(tuple(strokes), sketch.pen_down)


def rounded(sketch: Sketch, decimals: int = 0) -> Sketch:
    """Round every coordinate to so many digits after the point."""
    return Sketch(tuple(np.round(stroke, decimals) for stroke in sketch.strokes), sketch.pen_down)

"""Gray pictures of drawings, as the recognizer sees them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

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
    """Return points (n, 2) such that each drawing is centered and fills its picture up to MARGIN.

    Args:
        points: in any unit.
        drawing: which drawing each point belongs to, in ascending order, (n,).
        size: width and height of a picture, in pixels.
    """
    changes = np.flatnonzero(np.diff(drawing, prepend=-1))
    low, high = np.minimum.reduceat(points, changes), np.maximum.reduceat(points, changes)  # (drawings, 2)
    extent = (high - low).max(axis=1)
    scale = np.where(extent > 0, (size - 1 - 2.0 * MARGIN) / np.where(extent > 0, extent, 1.0), 0.0)
    repeats = np.diff(changes, append=len(points))
    center = np.repeat(0.5 * low + 0.5 * high, repeats, axis=0)
    fitted: NDArray[np.float64] = (points - center) * np.repeat(scale, repeats)[:, None] + 0.5 * (size - 1)
    return fitted

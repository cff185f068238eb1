"""The shape of a drawing as a vector, to find drawings that are in two files."""

import numpy as np
from numpy.typing import NDArray

from sketchrnn.sketch.simplify import BOX, fit_to_box
from sketchrnn.sketch.sketch import Sketch

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

"""Drawings that stand in two files: by key where there is one, by shape where there is none."""

import numpy as np
from numpy.typing import NDArray

SAME_SHAPE = 4.0
"""Mean distance, in pixels of the 255 box and per axis, below which two drawings are one. The published npz and the
simplified files round and simplify differently: the pairs common to both lie within 2.5, the nearest others are beyond
6 (pig and face)."""


def same_shape(candidates: NDArray[np.float32], others: NDArray[np.float32], chunk: int = 256) -> NDArray[np.bool_]:
    """Tell which candidates are also among the others.

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
        # the nearest by squared distance, one matrix product; then the measure itself, on that one only
        nearest = others[np.argmin(squares - 2.0 * block @ others.T, axis=1)]
        found[start : start + chunk] = np.abs(block - nearest).mean(1) < SAME_SHAPE
    return found

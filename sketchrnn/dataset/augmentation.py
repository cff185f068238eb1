"""Changes that leave a drawing what it is, on whole batches at once."""

import numpy as np
from numpy.typing import NDArray

KEPT_ROWS = 2
"""Rows at the beginning of each stroke that are never dropped."""


def augment(
    offsets: NDArray[np.float32],
    lifts: NDArray[np.bool_],
    lengths: NDArray[np.int64],
    generator: np.random.Generator,
    *,
    scale: float,
    drop: float,
) -> tuple[NDArray[np.float32], NDArray[np.bool_], NDArray[np.int64]]:
    """Stretch every drawing along each axis, and drop points inside its strokes.

    A dropped row's offset is merged into the row kept before it, which so takes the dropped one's place: all later
    points stay where they are. The first two rows of a stroke and the one that lifts the pen are never dropped.

    Args:
        offsets: (rows, 2), the drawings one behind the other.
        lifts: (rows,).
        lengths: rows of each drawing, (B,).
        generator: source of the randomness.
        scale: each axis is multiplied by a factor between 1 - scale and 1 + scale.
        drop: probability of dropping a point.

    Returns:
        The new offsets, lifts and lengths.

    Reference:
        Magenta, sketch_rnn/utils.py: ``augment_strokes`` and ``DataLoader.random_scale``.
    """
    drawing = np.repeat(np.arange(len(lengths)), lengths)  # of each row
    factors = generator.uniform(1.0 - scale, 1.0 + scale, (len(lengths), 2)).astype(np.float32)
    offsets = offsets * factors[drawing]
    if drop == 0.0 or not len(offsets):
        return offsets, lifts, lengths
    row = np.arange(len(offsets))
    begins = np.concatenate([[True], lifts[:-1]])
    begins[np.cumsum(lengths)[:-1]] = True
    position = row - np.maximum.accumulate(np.where(begins, row, 0))  # in its stroke
    dropped = (position >= KEPT_ROWS) & ~lifts & (generator.random(len(row)) < drop)
    kept = np.flatnonzero(~dropped)
    return np.add.reduceat(offsets, kept, axis=0), lifts[kept], np.bincount(drawing[kept], minlength=len(lengths))

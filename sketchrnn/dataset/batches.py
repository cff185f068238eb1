"""Batches of drawings of similar length, padded to the longest of the batch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sketchrnn.dataset.augmentation import augment
from sketchrnn.dataset.drawings import Drawings

POOL_BATCHES = 50
"""Batches whose drawings are sorted by length together; more means less padding and a less random order."""


@dataclass(frozen=True)
class Batch:
    """What the network is given.

    Attributes:
        stroke5: START, rows, END and padding (which repeats END), (B, N + 1, 5) float32, in offset scales.
        lengths: rows of each drawing, START and END not counted, (B,) int64.
        category: (B,) int64.
    """

    stroke5: NDArray[np.float32]
    lengths: NDArray[np.int64]
    category: NDArray[np.int64]


def collate(
    drawings: Drawings,
    index: NDArray[np.int64],
    offset_scale: float,
    *,
    generator: np.random.Generator | None = None,
    augment_scale: float = 0.0,
    augment_drop: float = 0.0,
    pad_to: int = 0,
) -> Batch:
    """Make a batch of some drawings, without a loop over them.

    Args:
        drawings: where they are.
        index: which, (B,).
        offset_scale: what offsets are divided by.
        generator: source of the augmentation; none without.
        augment_scale: see :func:`sketchrnn.dataset.augmentation.augment`.
        augment_drop: see there.
        pad_to: fewest rows to pad to, START and END not counted.
    """
    rows = drawings.rows_of(index)
    offsets, lifts, lengths = drawings.offsets[rows], drawings.lifts[rows], drawings.lengths[index]
    if generator is not None:
        offsets, lifts, lengths = augment(offsets, lifts, lengths, generator, scale=augment_scale, drop=augment_drop)
    count, longest = len(index), max(int(lengths.max()), pad_to)
    stroke5 = np.zeros((count, longest + 2, 5), dtype=np.float32)
    stroke5[:, 0, 2] = 1.0  # START
    drawing = np.repeat(np.arange(count), lengths)
    step = np.arange(len(drawing)) - np.repeat(np.cumsum(lengths) - lengths, lengths) + 1
    stroke5[drawing, step, :2] = offsets / np.float32(offset_scale)
    stroke5[drawing, step, 2] = ~lifts
    stroke5[drawing, step, 3] = lifts
    stroke5[..., 4] = np.arange(longest + 2)[None] > lengths[:, None]
    return Batch(stroke5, lengths, drawings.category[index])


def epoch_batches(
    lengths: NDArray[np.int64], batch_size: int, generator: np.random.Generator
) -> list[NDArray[np.int64]]:
    """Cut a shuffled epoch into batches of similar length: each drawing once, the last ones no less than the rest.

    Args:
        lengths: rows of each drawing.
        batch_size: drawings in a batch; where it does not divide their number, some batches hold one fewer or more.
        generator: source of the order.

    Returns:
        For each batch the places of its drawings.
    """
    order = generator.permutation(len(lengths))
    batches: list[NDArray[np.int64]] = []
    count = max(1, round(len(order) / batch_size))
    for pool in np.array_split(order, -(-count // POOL_BATCHES)):
        in_length_order = pool[np.argsort(lengths[pool], kind="stable")]
        batches += np.array_split(in_length_order, max(1, round(len(pool) / batch_size)))
    return [batches[place] for place in generator.permutation(len(batches))]


def length_order_batches(lengths: NDArray[np.int64], batch_size: int) -> list[NDArray[np.int64]]:
    """Cut all drawings, the shortest first, into batches; the incomplete last one is there too."""
    order = np.argsort(lengths, kind="stable")
    return [order[start : start + batch_size] for start in range(0, len(order), batch_size)]

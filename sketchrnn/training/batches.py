"""Batches of drawings of similar length, padded to the longest of the batch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sketchrnn.dataset.drawings import Drawings
from sketchrnn.training.augmentation import Augmentation, AugmentationNoise, augment
from sketchrnn.training.configuration import TrainingConfiguration
from sketchrnn.training.distributed import ALONE, Workers

POOL_BATCHES = 50
"""Batches whose drawings are sorted by length together; more means less padding and a less random order."""


@dataclass(frozen=True)
class Batch:
    """The input of the network, on one device.

    Attributes:
        stroke5: START, rows, END and padding (which repeats END), (B, N + 1, 5) float32, in offset scales.
        lengths: rows of each drawing, without START and END, (B,) int64.
        category: (B,) int64.
        shard: the drawings of the global batch that are in this batch; other processes have the others.
        global_batch_size: drawings of the batches of all processes together.
        clarity: of each drawing, -1 to 1, 0 for unknown, (B,); None if no drawing is rated.
    """

    stroke5: Tensor
    lengths: Tensor
    category: Tensor
    shard: slice
    global_batch_size: int
    clarity: Tensor | None = None

    def __len__(self) -> int:
        return len(self.lengths)


class Collator:
    """Makes batches of drawings, on the device of the training.

    If all drawings fit into half of the free memory of a GPU, they are copied there once, and a batch is made without a
    loop over its drawings. Else the rows of each batch are read from the data set.

    Attributes:
        device: of the batches.
        offset_scale: divisor of offsets.
    """

    def __init__(
        self,
        drawings: Drawings,
        offset_scale: float,
        device: str = "cpu",
        clarity: NDArray[np.float32] | None = None,
    ) -> None:
        """Prepare to make batches.

        Args:
            drawings: the data set.
            offset_scale: divisor of offsets.
            device: of the batches.
            clarity: of each drawing, -1 to 1, (drawings,); None if they are not rated.
        """
        self._clarity = clarity
        self.device = torch.device(device)
        self.offset_scale = offset_scale
        self._drawings = drawings
        self._resident: _Resident | None = None
        if self.device.type == "cuda":
            free, _ = torch.cuda.mem_get_info(self.device)
            if drawings.nbytes <= free // 2:
                self._resident = _Resident(drawings, self.device)

    def sorted_by_position(self, index: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the drawings of a batch, sorted by their relative position in their category's file.

        Batches have drawings of similar length, and categories differ in length; but in the file of a category, length
        does not depend on the position. In this order, one shard of every batch therefore comes from one part of every
        file.
        """
        return index[np.argsort(self._drawings.relative_position(index), kind="stable")]

    def collate(
        self,
        index: NDArray[np.int64],
        *,
        shard: slice = slice(None),
        generator: torch.Generator | None = None,
        augmentation: Augmentation | None = None,
        pad_to: int = 0,
        clarity_dropout: float = 0.0,
    ) -> Batch:
        """Make a batch, or one shard of it; drawings of other shards are not read.

        Args:
            index: the drawings of the global batch.
            shard: the part to make; its random numbers are the same as in the whole batch.
            generator: source of the augmentation, on the batch's device.
            augmentation: the largest changes; none without a generator.
            pad_to: fewest rows to pad to, START and END not counted.
            clarity_dropout: share of the drawings whose clarity is unknown in this batch; needs a generator.
        """
        global_batch_size = len(index)
        longest_of_all = max(int(self._drawings.lengths[index].max()), pad_to)
        index = index[shard]
        longest = max(int(self._drawings.lengths[index].max(initial=0)), pad_to)
        lengths = self._on_device(self._drawings.lengths[index].astype(np.int64))  # (B,)
        category = self._on_device(self._drawings.category[index].astype(np.int64))
        if self._resident is not None:
            offsets, lifts = self._resident.padded(self._on_device(index), lengths, longest)
        else:
            offsets, lifts = map(self._on_device, self._drawings.padded(index, longest))
        if generator is not None and augmentation is not None:
            noise = AugmentationNoise.sample(global_batch_size, longest_of_all, generator)[shard]
            offsets, lifts, lengths = augment(offsets, lifts, lengths, noise, augmentation)
            if lengths.is_cpu and len(index):  # reading the lengths from a GPU would wait for it
                longest = max(int(lengths.max()), pad_to)
        stroke5 = torch.zeros(len(index), longest + 2, 5, device=self.device)
        stroke5[:, 0, 2] = 1.0  # START
        stroke5[:, 1:-1, :2] = offsets[:, :longest] / self.offset_scale
        stroke5[:, 1:-1, 2] = ~lifts[:, :longest]
        stroke5[:, 1:-1, 3] = lifts[:, :longest]
        ended = torch.arange(longest + 2, device=self.device)[None] > lengths[:, None]
        stroke5[..., 2:4].masked_fill_(ended[..., None], 0.0)
        stroke5[..., 4] = ended
        clarity = None
        if generator is not None and self._clarity is not None:
            kept = torch.rand(global_batch_size, generator=generator, device=self.device)[shard] >= clarity_dropout
            clarity = self._on_device(self._clarity[index]) * kept
        return Batch(stroke5, lengths, category, shard, global_batch_size, clarity)

    def _on_device(self, array: NDArray[Any]) -> Tensor:
        tensor = torch.from_numpy(array)
        if self.device.type == "cuda":
            tensor = tensor.pin_memory()  # without it the copy waits for the GPU
        return tensor.to(self.device, non_blocking=True)


class _Resident:
    """All rows of some drawings on a GPU."""

    def __init__(self, drawings: Drawings, device: torch.device) -> None:
        pieces = [
            [torch.from_numpy(array).to(device) for array in (piece.offsets, piece.lifts, piece.scale(drawings.unit))]
            for piece in drawings.pieces()
        ]
        self._offsets, self._lifts, self._scale = (torch.cat(parts) for parts in zip(*pieces, strict=True))
        starts = np.cumsum(drawings.lengths, dtype=np.int64) - drawings.lengths
        self._starts = torch.from_numpy(starts).to(device)

    def padded(self, index: Tensor, lengths: Tensor, longest: int) -> tuple[Tensor, Tensor]:
        """Return the same as :meth:`Drawings.padded`."""
        row = torch.arange(longest, device=index.device)[None]
        real = row < lengths[:, None]  # (B, N)
        rows = torch.where(real, self._starts[index][:, None] + row, 0)
        offsets = self._offsets[rows] * self._scale[index][:, None, None]
        return offsets * real[..., None], self._lifts[rows] & real


def epoch_batches(
    lengths: NDArray[np.int32], batch_size: int, generator: np.random.Generator
) -> list[NDArray[np.int64]]:
    """Cut a shuffled epoch into batches of drawings of similar length; each drawing is in one batch.

    Args:
        lengths: rows of each drawing.
        batch_size: drawings in a batch; if it does not divide their number, some batches have one more or less.
        generator: source of the order.

    Returns:
        The indices of the drawings of each batch.
    """
    order = generator.permutation(len(lengths))
    batches: list[NDArray[np.int64]] = []
    count = max(1, round(len(order) / batch_size))
    for pool in np.array_split(order, -(-count // POOL_BATCHES)):
        in_length_order = pool[np.argsort(lengths[pool], kind="stable")]
        batches += np.array_split(in_length_order, max(1, round(len(pool) / batch_size)))
    return [batches[index] for index in generator.permutation(len(batches))]


def length_order_batches(lengths: NDArray[np.int32], batch_size: int) -> list[NDArray[np.int64]]:
    """Cut all drawings, the shortest first, into batches; the last one may be incomplete."""
    order = np.argsort(lengths, kind="stable")
    return [order[start : start + batch_size] for start in range(0, len(order), batch_size)]


def few_of_each(category: NDArray[np.int32], most: int, generator: np.random.Generator) -> NDArray[np.int64]:
    """Return the indices of at most ``most`` random drawings of each category, in random order."""
    order = generator.permutation(len(category))
    by_category = order[np.argsort(category[order], kind="stable")]
    counts = np.bincount(category)
    rank = np.arange(len(order)) - np.repeat(np.cumsum(counts) - counts, counts)
    return generator.permutation(by_category[rank < most])


def batch_stream(
    drawings: Drawings,
    collator: Collator,
    training: TrainingConfiguration,
    first_step: int,
    max_length: int,
    workers: Workers = ALONE,
) -> Iterator[Batch]:
    """Yield this process's shard of the batch of every step from ``first_step`` on, without end.

    The drawings of a batch are sorted by their position in the store's files. So the shard of the first process comes
    from the beginning of each file, that of the last process from its end, and the processes read different rows.

    Batches are made in the same thread, which takes less than 1 % of a step. A second thread would cost more on a CPU,
    and a GPU computes in the meantime.

    Args:
        drawings: those of the collator.
        collator: makes the batches.
        training: size, augmentation and seed.
        first_step: counted from 0.
        max_length: Nmax; batches are padded to it if the pen's loss counts the padding.
        workers: the processes that share every batch.
    """
    amounts = Augmentation(
        training.augment_scale,
        training.augment_rotation,
        training.augment_shear,
        training.augment_drop,
        training.augment_mirror,
    )

    def make(step: int, index: NDArray[np.int64]) -> Batch:
        generator = torch.Generator(collator.device).manual_seed(derived_seed(training.seed, 1, step))
        return collator.collate(
            collator.sorted_by_position(index),
            shard=workers.contiguous_shard(len(index)),
            generator=generator,
            augmentation=amounts,
            pad_to=max_length if training.pen_over_padding else 0,
            clarity_dropout=training.clarity_dropout,
        )

    def numbered() -> Iterator[tuple[int, NDArray[np.int64]]]:
        step = epoch = 0
        while True:
            generator = np.random.default_rng([training.seed, 0, epoch])
            chosen = np.arange(len(drawings))
            if training.most_of_a_category:
                chosen = few_of_each(drawings.category, training.most_of_a_category, generator)
            for index in epoch_batches(drawings.lengths[chosen], training.batch_size, generator):
                if step >= first_step:
                    yield step, chosen[index]
                step += 1
            epoch += 1

    return (make(step, index) for step, index in numbered())


def derived_seed(*numbers: int) -> int:
    """Return a seed for a torch generator that is different for each combination of numbers."""
    return int(np.random.SeedSequence(numbers).generate_state(1, np.uint64)[0] >> 1)

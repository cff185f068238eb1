"""Batches of drawings of similar length, padded to the longest of the batch, and their augmentation."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import Dataset

from sketchrnn.dataset.drawings import SPLITS, Drawings
from sketchrnn.dataset.load import DEFAULT_MAX_LENGTH, load
from sketchrnn.errors import ConfigurationError, DatasetError
from sketchrnn.training.configuration import TrainingConfiguration
from sketchrnn.training.distributed import ALONE, Workers

KEPT_ROWS = 2
"""Rows at the beginning of each stroke that are never dropped."""


@dataclass(frozen=True)
class Augmentation:
    """How much a drawing is changed: the largest random change of each kind.

    Attributes:
        scale: each axis is multiplied by a factor between 1 - scale and 1 + scale.
        rotation: largest angle, in degrees, in both directions.
        shear: largest share of y that is added to x, or subtracted from it.
        drop: probability of dropping a point inside a stroke.
        mirror: probability of swapping left and right.
    """

    scale: float = 0.0
    rotation: float = 0.0
    shear: float = 0.0
    drop: float = 0.0
    mirror: float = 0.0


@dataclass(frozen=True)
class AugmentationNoise:
    """Random numbers that decide how the drawings of a batch are changed.

    Attributes:
        scale: of each axis, between -1 and 1, (B, 2).
        rotation: between -1 and 1, (B, 1).
        shear: between -1 and 1, (B, 1).
        drop: of each row, between 0 and 1; rows with low numbers are dropped, (B, N).
        mirror: between 0 and 1; drawings with low numbers are mirrored, (B, 1).
    """

    scale: Tensor
    rotation: Tensor
    shear: Tensor
    drop: Tensor
    mirror: Tensor

    @classmethod
    def sample(cls, count: int, longest: int, generator: torch.Generator) -> AugmentationNoise:
        """Sample the numbers of ``count`` drawings, padded to ``longest`` rows, on the generator's device."""
        scale, rotation, shear = (
            2.0 * torch.rand(count, size, generator=generator, device=generator.device) - 1.0 for size in (2, 1, 1)
        )
        drop, mirror = (torch.rand(count, size, generator=generator, device=generator.device) for size in (longest, 1))
        return cls(scale, rotation, shear, drop, mirror)

    def __getitem__(self, index: slice) -> AugmentationNoise:
        return AugmentationNoise(*(value[index] for value in vars(self).values()))


def augment(
    offsets: Tensor, lifts: Tensor, lengths: Tensor, noise: AugmentationNoise, amounts: Augmentation
) -> tuple[Tensor, Tensor, Tensor]:
    """Mirror, scale, shear and rotate every drawing, and drop points inside its strokes.

    The offset of a dropped row is added to the last kept row before it, so that all later points keep their positions.
    The first two rows of a stroke and the one that lifts the pen are never dropped.

    Args:
        offsets: padded with zeros, (B, N, 2).
        lifts: padded with False, (B, N).
        lengths: rows of each drawing, (B,).
        noise: of these drawings, on the same device; of N rows or more.
        amounts: the largest changes.

    Returns:
        The new offsets, lifts and lengths, padded as before.

    Reference:
        Magenta, sketch_rnn/utils.py: ``augment_strokes`` and ``DataLoader.random_scale``.
    """
    angle = noise.rotation * math.radians(amounts.rotation)
    x, y = ((1.0 + noise.scale * amounts.scale)[:, None] * offsets).unbind(-1)  # (B, N) each
    x = torch.where(noise.mirror < amounts.mirror, -x, x)
    x = x + noise.shear * amounts.shear * y
    offsets = torch.stack([angle.cos() * x - angle.sin() * y, angle.sin() * x + angle.cos() * y], dim=-1)
    if amounts.drop == 0.0 or not offsets.shape[1]:
        return offsets, lifts, lengths
    row = torch.arange(offsets.shape[1], device=offsets.device).expand_as(lifts)  # (B, N)
    begins = torch.roll(lifts, 1, dims=1)
    begins[:, 0] = True
    position = row - (row * begins).cummax(1).values  # in its stroke
    not_dropped = noise.drop[:, : offsets.shape[1]] >= amounts.drop
    kept = ((position < KEPT_ROWS) | lifts | not_dropped) & (row < lengths[:, None])
    index = (kept.cumsum(1) - 1).clamp_min(0)  # of a kept row, or of the row that a dropped row is added to
    merged = torch.zeros_like(offsets).scatter_add_(1, index[..., None].expand_as(offsets), offsets)
    lifted = torch.zeros_like(index).scatter_add_(1, index, lifts.long()) > 0
    return merged, lifted, kept.sum(1)


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


class Strokes(Dataset[tuple[Tensor, int]]):
    """The drawings of a store, one split of them, for :class:`torch.utils.data.DataLoader`.

    Item i is ``(stroke5, category)``: START, the rows and END, (L + 2, 5) float32, offsets divided by
    ``offset_scale``; and the category as an index into ``categories``. A loader needs ``collate_fn=Strokes.collate``::

        strokes = sketchrnn.training.Strokes("store", split="train")
        for batch in DataLoader(strokes, batch_size=100, shuffle=True, collate_fn=strokes.collate):
            ...  # batch.stroke5 (B, N + 2, 5), batch.lengths (B,), batch.category (B,)

    Attributes:
        drawings: the drawings of the split, for our own training.
        categories: the categories' names.
        offset_scale: divisor of offsets.
    """

    def __init__(
        self,
        store: str | Path | Sequence[str | Path],
        split: str = "train",
        *,
        max_length: int = DEFAULT_MAX_LENGTH,
        offset_scale: float | None = None,
    ) -> None:
        """Open a store. Its rows stay on the disk until an item is read.

        Args:
            store: a store that ``sketchrnn prepare`` wrote, or several; or files, which are prepared first.
            split: "train", "valid", "test" or "all".
            max_length: drawings with more rows are skipped.
            offset_scale: divisor of offsets; None for the standard deviation of the training offsets, which
                is the same for every split of a store.

        Raises:
            ConfigurationError: the split is unknown, or offset_scale is not a positive number.
            DatasetError: the store is damaged, or has no such drawings.
        """
        if split not in (*SPLITS, "all"):
            raise ConfigurationError(f"split: expected one of {', '.join((*SPLITS, 'all'))}, found {split!r}")
        if offset_scale is not None and not 0.0 < offset_scale < float("inf"):
            raise ConfigurationError(f"offset_scale: expected a positive number, found {offset_scale}")
        paths = [store] if isinstance(store, (str, Path)) else list(store)
        drawings, _ = load(paths, max_length=max_length)
        self.offset_scale = drawings.offset_scale() if offset_scale is None else offset_scale
        self.categories = drawings.categories
        self.drawings = drawings.of_split(split)
        if not len(self.drawings):
            raise DatasetError(f"{', '.join(map(str, paths))}: expected drawings of the split {split!r}, found none")
        self._collator = Collator(self.drawings, self.offset_scale)

    def __len__(self) -> int:
        return len(self.drawings)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        place = range(len(self))[index]  # negative ones count from the end; IndexError beyond
        batch = self._collator.collate(np.array([place]))
        return batch.stroke5[0], int(batch.category[0])

    @staticmethod
    def collate(items: Sequence[tuple[Tensor, int]]) -> Batch:
        """Make a batch of items, padded with END to the longest one."""
        rows, categories = map(list, zip(*items, strict=True))
        lengths = torch.tensor([len(one) - 2 for one in rows])
        stroke5 = pad_sequence(rows, batch_first=True)  # (B, N + 2, 5)
        ended = torch.arange(stroke5.shape[1]) > lengths[:, None]
        stroke5[..., 4].masked_fill_(ended, 1.0)
        return Batch(stroke5, lengths, torch.tensor(categories), slice(None), len(rows))

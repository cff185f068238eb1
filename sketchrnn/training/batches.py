"""Batches of drawings of similar length, padded to the longest of the batch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sketchrnn.dataset.drawings import Drawings
from sketchrnn.training.augmentation import Augmentation, Chances, augment

POOL_BATCHES = 50
"""Batches whose drawings are sorted by length together; more means less padding and a less random order."""


@dataclass(frozen=True)
class Batch:
    """What the network is given, on one device.

    Attributes:
        stroke5: START, rows, END and padding (which repeats END), (B, N + 1, 5) float32, in offset scales.
        lengths: rows of each drawing, START and END not counted, (B,) int64.
        category: (B,) int64.
        part: which drawings of a larger batch these are; all others are made by other processes.
        whole: drawings of that.
    """

    stroke5: Tensor
    lengths: Tensor
    category: Tensor
    part: slice
    whole: int

    def __len__(self) -> int:
        return len(self.lengths)


class Collator:
    """Makes batches of some drawings, on the device where they are trained on.

    On a GPU the drawings themselves lie there too, as long as they take no more than half of what is free; a batch is
    then made without a loop over them. Otherwise its rows are read from where the drawings lie.

    Attributes:
        device: where the batches are.
        offset_scale: what offsets are divided by.
    """

    def __init__(self, drawings: Drawings, offset_scale: float, device: str = "cpu") -> None:
        """Take over the drawings.

        Args:
            drawings: where batches are made of.
            offset_scale: what offsets are divided by.
            device: where the batches are to be.
        """
        self.device = torch.device(device)
        self.offset_scale = offset_scale
        self._drawings = drawings
        self._resident: _Resident | None = None
        if self.device.type == "cuda":
            free, _ = torch.cuda.mem_get_info(self.device)
            if drawings.nbytes <= free // 2:
                self._resident = _Resident(drawings, self.device)

    def in_order_of_depth(self, index: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the drawings of a batch with those first that lie at the beginning of their category's file.

        Batches are of drawings of similar length, and categories differ in that; within a category's file the length
        does not depend on the place. So one part of every batch in this order lies in one part of every file.
        """
        return index[np.argsort(self._drawings.relative_position(index), kind="stable")]

    def collate(
        self,
        index: NDArray[np.int64],
        *,
        part: slice = slice(None),
        generator: torch.Generator | None = None,
        augmentation: Augmentation | None = None,
        pad_to: int = 0,
    ) -> Batch:
        """Make a batch, or a part of it, of which no other drawing is read.

        Args:
            index: which drawings.
            part: which of these; chance treats them as if all were made.
            generator: source of the augmentation, on the batch's device.
            augmentation: how much the drawings are changed; not at all without a generator.
            pad_to: fewest rows to pad to, START and END not counted.
        """
        whole, longest_of_all = len(index), max(int(self._drawings.lengths[index].max()), pad_to)
        index = index[part]
        longest = max(int(self._drawings.lengths[index].max(initial=0)), pad_to)
        lengths = self._on_device(self._drawings.lengths[index].astype(np.int64))  # (B,)
        category = self._on_device(self._drawings.category[index].astype(np.int64))
        if self._resident is not None:
            offsets, lifts = self._resident.padded(self._on_device(index), lengths, longest)
        else:
            offsets, lifts = map(self._on_device, self._drawings.padded(index, longest))
        if generator is not None and augmentation is not None:
            chances = Chances.draw(whole, longest_of_all, generator)[part]
            offsets, lifts, lengths = augment(offsets, lifts, lengths, chances, augmentation)
            if lengths.is_cpu and len(index):  # a GPU would have to be waited for to know how many rows are left
                longest = max(int(lengths.max()), pad_to)
        stroke5 = torch.zeros(len(index), longest + 2, 5, device=self.device)
        stroke5[:, 0, 2] = 1.0  # START
        stroke5[:, 1:-1, :2] = offsets[:, :longest] / self.offset_scale
        stroke5[:, 1:-1, 2] = ~lifts[:, :longest]
        stroke5[:, 1:-1, 3] = lifts[:, :longest]
        ended = torch.arange(longest + 2, device=self.device)[None] > lengths[:, None]
        stroke5[..., 2:4].masked_fill_(ended[..., None], 0.0)
        stroke5[..., 4] = ended
        return Batch(stroke5, lengths, category, part, whole)

    def _on_device(self, array: NDArray[Any]) -> Tensor:
        tensor = torch.from_numpy(array)
        if self.device.type == "cuda":
            tensor = tensor.pin_memory()  # else the copy waits for the GPU
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
        """Return what :meth:`Drawings.padded` does."""
        row = torch.arange(longest, device=index.device)[None]
        real = row < lengths[:, None]  # (B, N)
        rows = torch.where(real, self._starts[index][:, None] + row, 0)
        offsets = self._offsets[rows] * self._scale[index][:, None, None]
        return offsets * real[..., None], self._lifts[rows] & real


def epoch_batches(
    lengths: NDArray[np.int32], batch_size: int, generator: np.random.Generator
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


def length_order_batches(lengths: NDArray[np.int32], batch_size: int) -> list[NDArray[np.int64]]:
    """Cut all drawings, the shortest first, into batches; the incomplete last one is there too."""
    order = np.argsort(lengths, kind="stable")
    return [order[start : start + batch_size] for start in range(0, len(order), batch_size)]

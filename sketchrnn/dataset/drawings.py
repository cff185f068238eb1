"""The drawings of a data set, wherever they lie: a view on arrays that may be mapped into memory."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from sketchrnn.dataset.splits import SPLITS
from sketchrnn.errors import DatasetError

_ROWS_AT_ONCE = 1 << 20


@dataclass(frozen=True)
class Block:
    """Stroke-3 rows of some drawings, one behind the other. Nothing but the rows that are asked for is read.

    Attributes:
        offsets: (rows, 2), in a unit of each drawing's own.
        lifts: (rows,) bool, the pen rises after this row's point.
        starts: (drawings + 1,) int64: drawing i has the rows starts[i] to starts[i + 1].
        scale: (drawings,) float32: what a drawing's offsets are multiplied by.
    """

    offsets: NDArray[np.int16] | NDArray[np.float32]
    lifts: NDArray[np.bool_]
    starts: NDArray[np.int64]
    scale: NDArray[np.float32]

    def rows_of(self, index: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the places of the rows of some drawings, in their order."""
        lengths = self.starts[index + 1] - self.starts[index]
        ends = np.cumsum(lengths)
        total = int(ends[-1]) if len(ends) else 0
        return np.arange(total) + np.repeat(self.starts[index] - (ends - lengths), lengths)

    def scaled_offsets(self) -> NDArray[np.float32]:
        """Return the offsets of all rows times their drawings' scales, (rows, 2)."""
        return self.offsets * np.repeat(self.scale, np.diff(self.starts))[:, None]


@dataclass(frozen=True)
class Drawings:
    """Some of the drawings of some blocks, in any order.

    Attributes:
        blocks: where their rows are.
        place: (drawings,) int64: each drawing's number among all of the blocks' drawings.
        lengths: (drawings,) int32, rows of each.
        category: (drawings,) int32, index into ``categories``.
        split: (drawings,) uint8, index into SPLITS.
        categories: the categories' names.
        unit: "box" for the 255 box, "source" for what the files are measured in.
        known_offset_scale: what :meth:`offset_scale` is, if that is known without looking at the rows.
        known_fingerprint: names the rows and the choice of them, if that can be said without looking at them.
    """

    blocks: tuple[Block, ...]
    place: NDArray[np.int64]
    lengths: NDArray[np.int32]
    category: NDArray[np.int32]
    split: NDArray[np.uint8]
    categories: tuple[str, ...]
    unit: str
    known_offset_scale: float | None = None
    known_fingerprint: str | None = None

    @classmethod
    def in_memory(
        cls,
        offsets: NDArray[np.float32],
        lifts: NDArray[np.bool_],
        starts: NDArray[np.int64],
        category: NDArray[np.int64],
        split: NDArray[np.int64],
        categories: Sequence[str],
        unit: str = "box",
    ) -> Drawings:
        """Return the drawings of one block; the arguments are the attributes of :class:`Block` and of this class."""
        count = len(starts) - 1
        return cls(
            (Block(offsets, lifts, starts, np.ones(count, np.float32)),),
            np.arange(count),
            np.diff(starts).astype(np.int32),
            np.asarray(category, np.int32),
            np.asarray(split, np.uint8),
            tuple(categories),
            unit,
        )

    def __len__(self) -> int:
        return len(self.place)

    @property
    def nbytes(self) -> int:
        """What the rows take in memory."""
        widest = max((block.offsets.itemsize for block in self.blocks), default=0)
        return int(self.lengths.sum(dtype=np.int64)) * (2 * widest + 1)

    def located(self, index: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return for some drawings which block each one lies in, and its number there."""
        ends = np.cumsum([len(block.scale) for block in self.blocks])
        place = self.place[index]
        block = np.searchsorted(ends, place, side="right")
        return block, place - np.concatenate([[0], ends])[block]

    def relative_position(self, index: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the position of drawings in their blocks: from 0 for the first one to 1 for the last one."""
        block, number = self.located(index)
        return number / np.array([len(one.scale) for one in self.blocks])[block]

    def stroke3(self, index: int) -> NDArray[np.float64]:
        """Return the rows (dx, dy, lift) of a drawing, (L, 3), in ``unit``."""
        offsets, lifts = self.padded(np.array([index]), int(self.lengths[index]))
        return np.column_stack([offsets[0], lifts[0]]).astype(np.float64)

    def padded(self, index: NDArray[np.int64], longest: int) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Return the rows of some drawings: offsets (B, longest, 2), padded with 0, and lifts (B, longest)."""
        offsets = np.zeros((len(index), longest, 2), np.float32)
        lifts = np.zeros((len(index), longest), np.bool_)
        lengths = self.lengths[index].tolist()
        scales = np.ones(len(index), np.float32)
        for row, (which, number) in enumerate(zip(*(part.tolist() for part in self.located(index)), strict=True)):
            block, length = self.blocks[which], lengths[row]
            start = block.starts[number]
            offsets[row, :length] = block.offsets[start : start + length]
            lifts[row, :length] = block.lifts[start : start + length]
            scales[row] = block.scale[number]
        offsets *= scales[:, None, None]
        return offsets, lifts

    def subset(self, index: NDArray[np.int64]) -> Drawings:
        """Return some of the drawings."""
        return replace(
            self,
            place=self.place[index],
            lengths=self.lengths[index],
            category=self.category[index],
            split=self.split[index],
            known_offset_scale=None,
            known_fingerprint=None,
        )

    def of_split(self, name: str) -> Drawings:
        """Return the drawings of one split, ``train``, ``valid`` or ``test``, or ``all`` of them."""
        if name == "all":
            return self
        return self.subset(np.flatnonzero(self.split == SPLITS.index(name)))

    def with_categories(self, categories: Sequence[str]) -> Drawings:
        """Return the drawings with the categories of a model, in its order.

        Raises:
            DatasetError: a drawing is of another category.
        """
        index = {name: place for place, name in enumerate(categories)}
        missing = sorted({self.categories[i] for i in np.unique(self.category)} - set(index))
        if missing:
            more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
            raise DatasetError(f"the model does not know the category {', '.join(map(repr, missing[:3]))}{more}")
        translation = np.array([index.get(name, -1) for name in self.categories], dtype=np.int32)
        return replace(self, category=translation[self.category], categories=tuple(categories))

    def offset_scale(self) -> float:
        """Standard deviation of the training drawings' offsets, both axes together, in ``unit``.

        Raises:
            DatasetError: there is no training drawing, or none of them ever moves.
        """
        scale = self.known_offset_scale
        if scale is None:
            count, total, squares = 0, 0.0, 0.0
            for piece in self.of_split("train").pieces():
                offsets = piece.scaled_offsets()
                count += offsets.size
                total += float(offsets.sum(dtype=np.float64))
                squares += float(np.square(offsets, dtype=np.float64).sum())
            scale = deviation(count, total, squares)
        if scale == 0.0:
            raise DatasetError("no drawing of the training split has any extent: nothing to learn from")
        return scale

    def pieces(self) -> Iterator[Block]:
        """Read the rows of all drawings, in their order, some at a time, as blocks of their own."""
        block, number = self.located(np.arange(len(self)))
        changes = np.flatnonzero(np.diff(block)) + 1
        for run in np.split(np.arange(len(self)), changes):
            parts = -(-int(self.lengths[run].sum(dtype=np.int64)) // _ROWS_AT_ONCE)
            for part in np.array_split(run, max(1, parts)) if len(run) else []:
                source = self.blocks[block[part[0]]]
                rows = source.rows_of(number[part])
                starts = np.concatenate([np.zeros(1, np.int64), np.cumsum(self.lengths[part], dtype=np.int64)])
                yield Block(source.offsets[rows], source.lifts[rows], starts, source.scale[number[part]])

    def fingerprint(self) -> str:
        """Return a short hash of all drawings, their order, categories and splits."""
        digest = hashlib.blake2b(digest_size=8)
        if self.known_fingerprint is not None:
            digest.update(self.known_fingerprint.encode())
        else:
            lifts = hashlib.blake2b()
            for piece in self.pieces():
                digest.update(piece.scaled_offsets().tobytes())
                lifts.update(piece.lifts.tobytes())
            digest.update(lifts.digest())
        for array in (self.lengths, self.category, self.split):
            digest.update(np.ascontiguousarray(array).tobytes())
        digest.update(repr((self.categories, self.unit)).encode())
        return digest.hexdigest()


def deviation(count: float, total: float, squares: float) -> float:
    """Return the standard deviation of so many numbers with this sum and this sum of squares; 0 of none."""
    return float(np.sqrt(max(0.0, squares / count - (total / count) ** 2))) if count else 0.0

"""Stroke-3 rows of many drawings, their splits, and the selection that training reads.

The rows are in memory or mapped from a store's files.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sketchrnn.errors import DatasetError

SPLITS = ("train", "valid", "test")
TEST_SHARE = 0.10
VALID_SHARE = 0.05
FEW = (10, 40)
"""With a number of drawings in this range, hashes can leave the validation split empty. One of the first ten is then
moved to it."""

_TRAIN, _VALID, _TEST = range(len(SPLITS))


def split_of_hash(hashes: NDArray[np.uint64]) -> NDArray[np.uint8]:
    """Return the splits of drawings, as indices into SPLITS, by 64-bit hashes of their keys.

    10 % of all keys are for tests, 5 % for validation, the rest for training. Added files do not move drawings.
    """
    fraction = hashes.astype(np.float64) / 2.0**64
    valid = np.uint8(_VALID) * (fraction < TEST_SHARE + VALID_SHARE).astype(np.uint8)
    splits: NDArray[np.uint8] = np.where(fraction < TEST_SHARE, np.uint8(_TEST), valid)
    return splits


def early_validation(splits: NDArray[np.uint8], hashes: NDArray[np.uint64]) -> int | None:
    """Return the drawing of a small category to move to the validation split.

    If none of the first ten drawings is in the validation split, the one with the smallest hash of their training
    drawings is moved. Drawings that are added after the first ten do not change it.

    Args:
        splits: of the category's drawings, in their order, as indices into SPLITS.
        hashes: of their keys.

    Returns:
        The drawing's index; None if no drawing has to be moved.
    """
    fewest, most = FEW
    training = np.flatnonzero(splits[:fewest] == _TRAIN)
    if not fewest <= len(splits) <= most or len(training) < 2 or (splits[:fewest] == _VALID).any():
        return None
    return int(training[np.argmin(hashes[training])])


def missing_validation(splits: NDArray[np.uint8], hashes: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Return the training drawings to use for validation if there are none: by their hash, or else one."""
    training = splits == _TRAIN
    moved: NDArray[np.bool_] = training & (split_of_hash(hashes) == _VALID)
    if (splits == _VALID).any() or training.sum() < 2:
        return np.zeros(len(splits), bool)
    if not moved.any() or moved.sum() == training.sum():
        moved = training & (hashes == hashes[training].min())
    return moved


ROW_ARRAYS = ("offsets", "lifts")
"""The arrays with a value for each row; the others have one for each drawing."""

_ROWS_AT_ONCE = 1 << 20


@dataclass(frozen=True)
class Encoded:
    """Drawings as they are stored: the stroke-3 rows of all drawings, one drawing after another.

    Attributes:
        offsets: (rows, 2), each drawing in its own unit.
        lifts: (rows,), the pen rises after this row's point.
        lengths: rows of each drawing, (drawings,).
        keys: hash of each drawing's key_id, or of its rows if it has none, (drawings,).
        keyed: the drawing has a key_id, (drawings,).
        splits: index into SPLITS, (drawings,).
        box_scale: the offsets times this are measured in the 255 box, (drawings,).
        source_scale: the offsets times this are measured in the unit of the drawing's file, (drawings,).
    """

    offsets: NDArray[np.int16] | NDArray[np.float32]
    lifts: NDArray[np.bool_]
    lengths: NDArray[np.int32]
    keys: NDArray[np.uint64]
    keyed: NDArray[np.bool_]
    splits: NDArray[np.uint8]
    box_scale: NDArray[np.float32]
    source_scale: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.lengths)

    @functools.cached_property
    def starts(self) -> NDArray[np.int64]:
        """Drawing i has the rows starts[i] to starts[i + 1], (drawings + 1,)."""
        return np.concatenate([np.zeros(1, np.int64), np.cumsum(self.lengths, dtype=np.int64)])

    def scale(self, unit: str) -> NDArray[np.float32]:
        """Return the factor of each drawing's offsets for a unit, "box" or "source", (drawings,)."""
        return self.box_scale if unit == "box" else self.source_scale

    def scaled_offsets(self, unit: str) -> NDArray[np.float32]:
        """Return the offsets of all rows in a unit, "box" or "source", (rows, 2)."""
        return self.offsets * np.repeat(self.scale(unit), self.lengths)[:, None]

    def take(self, chosen: NDArray[np.bool_]) -> Encoded:
        """Return some of the drawings; ``chosen`` is (drawings,) bool."""
        if chosen.all():
            return self
        return self._each(chosen, np.repeat(chosen, self.lengths))

    def at(self, index: NDArray[np.int64]) -> Encoded:
        """Return the drawings at these indices, in this order. No other rows are read."""
        lengths = self.lengths[index].astype(np.int64)
        ends = np.cumsum(lengths)
        total = int(ends[-1]) if len(ends) else 0
        return self._each(index, np.arange(total) + np.repeat(self.starts[index] - (ends - lengths), lengths))

    @staticmethod
    def joined(parts: Sequence[Encoded]) -> Encoded:
        """Return the drawings of all parts, in their order; empty without parts."""
        if len(parts) == 1:
            return parts[0]
        if not parts:
            empty: Any = np.zeros(0)
            types = (np.bool_, np.int32, np.uint64, np.bool_, np.uint8, np.float32, np.float32)
            return Encoded(np.zeros((0, 2), np.int16), *(empty.astype(one) for one in types))
        return Encoded(*(np.concatenate([getattr(part, one.name) for part in parts]) for one in fields(Encoded)))

    def pieces(self, rows: int = 1 << 18) -> Iterator[Encoded]:
        """Yield all drawings in pieces of about this number of rows."""
        count = max(1, -(-int(self.starts[-1]) // rows))
        yield from (self.at(part) for part in np.array_split(np.arange(len(self)), count) if len(part))

    def _each(self, drawings: NDArray[np.generic], rows: NDArray[np.generic]) -> Encoded:
        return Encoded(
            *(getattr(self, one.name)[rows if one.name in ROW_ARRAYS else drawings] for one in fields(Encoded))
        )


@dataclass(frozen=True)
class Drawings:
    """A selection of the drawings of some blocks, in any order, for training and evaluation.

    Attributes:
        blocks: the arrays with the rows.
        index: (drawings,) int64: index of each drawing among the drawings of all blocks.
        lengths: (drawings,) int32, rows of each drawing.
        category: (drawings,) int32, index into ``categories``.
        split: (drawings,) uint8, index into SPLITS.
        categories: the categories' names.
        unit: "box" for the 255 box, "source" for the unit of the files.
        known_offset_scale: the value of :meth:`offset_scale`, if it is known without reading the rows.
        known_fingerprint: identifies the rows and their selection, if it is known without reading the rows.
    """

    blocks: tuple[Encoded, ...]
    index: NDArray[np.int64]
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
        """Return drawings that are in memory; the arguments are attributes of :class:`Encoded` and of this class."""
        lengths, splits = np.diff(starts).astype(np.int32), np.asarray(split, np.uint8)
        count, scale = len(lengths), np.ones(len(lengths), np.float32)
        keys, keyed = np.zeros(count, np.uint64), np.zeros(count, np.bool_)
        block = Encoded(offsets, lifts, lengths, keys, keyed, splits, scale, scale)
        return cls((block,), np.arange(count), lengths, np.asarray(category, np.int32), splits, tuple(categories), unit)

    def __len__(self) -> int:
        return len(self.index)

    @property
    def nbytes(self) -> int:
        """Size of the rows in memory, in bytes."""
        widest = max((block.offsets.itemsize for block in self.blocks), default=0)
        return int(self.lengths.sum(dtype=np.int64)) * (2 * widest + 1)

    def located(self, index: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return for some drawings the index of the block that has each drawing, and its index in the block."""
        ends = np.cumsum([len(block) for block in self.blocks])
        among_all = self.index[index]
        block = np.searchsorted(ends, among_all, side="right")
        return block, among_all - np.concatenate([[0], ends])[block]

    def relative_position(self, index: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the position of some drawings in their blocks, from 0 (the first drawing) to 1."""
        block, in_block = self.located(index)
        position: NDArray[np.float64] = in_block / np.array([len(one) for one in self.blocks])[block]
        return position

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
        block_scales = [block.scale(self.unit) for block in self.blocks]
        for row, (which, in_block) in enumerate(zip(*(part.tolist() for part in self.located(index)), strict=True)):
            block, length = self.blocks[which], lengths[row]
            start = block.starts[in_block]
            offsets[row, :length] = block.offsets[start : start + length]
            lifts[row, :length] = block.lifts[start : start + length]
            scales[row] = block_scales[which][in_block]
        offsets *= scales[:, None, None]
        return offsets, lifts

    def subset(self, index: NDArray[np.int64]) -> Drawings:
        """Return some of the drawings."""
        return replace(
            self,
            index=self.index[index],
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
        """Return the drawings with the categories of a model, in the model's order.

        Raises:
            DatasetError: a drawing has a category that is not among them.
        """
        index = {name: number for number, name in enumerate(categories)}
        missing = sorted({self.categories[i] for i in np.unique(self.category)} - set(index))
        if missing:
            more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
            raise DatasetError(f"expected categories of the model, found {', '.join(map(repr, missing[:3]))}{more}")
        translation = np.array([index.get(name, -1) for name in self.categories], dtype=np.int32)
        return replace(self, category=translation[self.category], categories=tuple(categories))

    def offset_scale(self) -> float:
        """Return the standard deviation of the training drawings' offsets, of both axes together, in ``unit``.

        Raises:
            DatasetError: there is no training drawing, or all offsets are 0.
        """
        scale = self.known_offset_scale
        if scale is None:
            count, total, squares = 0, 0.0, 0.0
            for piece in self.of_split("train").pieces():
                offsets = piece.scaled_offsets(self.unit)
                count += offsets.size
                total += float(offsets.sum(dtype=np.float64))
                squares += float(np.square(offsets, dtype=np.float64).sum())
            scale = deviation(count, total, squares)
        if scale == 0.0:
            raise DatasetError("expected training drawings with an extent, found only single points")
        return scale

    def pieces(self) -> Iterator[Encoded]:
        """Yield all drawings in their order, in pieces that fit into memory."""
        block, in_block = self.located(np.arange(len(self)))
        changes = np.flatnonzero(np.diff(block)) + 1
        for run in np.split(np.arange(len(self)), changes):
            parts = -(-int(self.lengths[run].sum(dtype=np.int64)) // _ROWS_AT_ONCE)
            for part in np.array_split(run, max(1, parts)) if len(run) else []:
                yield self.blocks[block[part[0]]].at(in_block[part])

    def fingerprint(self) -> str:
        """Return a short hash of all drawings, their order, categories and splits."""
        digest = hashlib.blake2b(digest_size=8)
        if self.known_fingerprint is not None:
            digest.update(self.known_fingerprint.encode())
        else:
            lifts = hashlib.blake2b()
            for piece in self.pieces():
                digest.update(piece.scaled_offsets(self.unit).tobytes())
                lifts.update(piece.lifts.tobytes())
            digest.update(lifts.digest())
        for array in (self.lengths, self.category, self.split):
            digest.update(np.ascontiguousarray(array).tobytes())
        digest.update(repr((self.categories, self.unit)).encode())
        return digest.hexdigest()


def deviation(count: float, total: float, squares: float) -> float:
    """Return the standard deviation of numbers by their count, sum and sum of squares; 0 if there are none."""
    return float(np.sqrt(max(0.0, squares / count - (total / count) ** 2))) if count else 0.0

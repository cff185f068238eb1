"""The drawings of a data set, row behind row in a few arrays."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sketchrnn.dataset.splits import SPLITS
from sketchrnn.errors import DatasetError


@dataclass(frozen=True)
class Drawings:
    """Stroke-3 rows of many drawings, one after the other.

    Attributes:
        offsets: (rows, 2) float32, in ``unit``.
        lifts: (rows,) bool, the pen rises after this row's point.
        starts: (drawings + 1,) int64: drawing i has the rows starts[i] to starts[i + 1].
        category: (drawings,) int64, index into ``categories``.
        split: (drawings,) int64, index into SPLITS.
        categories: the categories' names.
        unit: "box" for the 255 box, "source" for what the files are measured in.
    """

    offsets: NDArray[np.float32]
    lifts: NDArray[np.bool_]
    starts: NDArray[np.int64]
    category: NDArray[np.int64]
    split: NDArray[np.int64]
    categories: tuple[str, ...]
    unit: str

    def __len__(self) -> int:
        return len(self.category)

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Rows of each drawing, (drawings,)."""
        return np.diff(self.starts)

    def rows_of(self, index: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the places of the rows of some drawings, in their order."""
        lengths = self.lengths[index]
        ends = np.cumsum(lengths)
        total = int(ends[-1]) if len(ends) else 0
        return np.arange(total) + np.repeat(self.starts[index] - (ends - lengths), lengths)

    def subset(self, index: NDArray[np.int64]) -> Drawings:
        """Return some of the drawings."""
        rows = self.rows_of(index)
        starts = np.concatenate([[0], np.cumsum(self.lengths[index])]).astype(np.int64)
        return Drawings(
            self.offsets[rows],
            self.lifts[rows],
            starts,
            self.category[index],
            self.split[index],
            self.categories,
            self.unit,
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
        translation = np.array([index.get(name, -1) for name in self.categories], dtype=np.int64)
        return Drawings(
            self.offsets,
            self.lifts,
            self.starts,
            translation[self.category],
            self.split,
            tuple(categories),
            self.unit,
        )

    def offset_scale(self) -> float:
        """Standard deviation of the training drawings' offsets, both axes together, in ``unit``.

        Raises:
            DatasetError: there is no training drawing, or none of them ever moves.
        """
        offsets = self.of_split("train").offsets
        scale = float(np.std(offsets, dtype=np.float64)) if len(offsets) else 0.0
        if scale == 0.0:
            raise DatasetError("no drawing of the training split has any extent: nothing to learn from")
        return scale

    def fingerprint(self) -> str:
        """Return a short hash of all drawings, their order, categories and splits."""
        digest = hashlib.blake2b(digest_size=8)
        for array in (self.offsets, self.lifts, self.starts, self.category, self.split):
            digest.update(np.ascontiguousarray(array).tobytes())
        digest.update(repr((self.categories, self.unit)).encode())
        return digest.hexdigest()

"""What a store holds, in numbers: from what its files say of themselves, without looking at a drawing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sketchrnn.dataset.shard import offset_scale
from sketchrnn.dataset.splits import SPLITS
from sketchrnn.dataset.store import Store

PERCENTILES = (5, 50, 95)


@dataclass(frozen=True)
class Stats:
    """Some drawings in numbers.

    Attributes:
        name: the category's, or "all".
        splits: drawings of each split.
        length_counts: how many drawings have so many rows; (longest + 1,).
        offset_scale: of the training drawings, in the store's unit.
        stored_bytes: of their files.
    """

    name: str
    splits: dict[str, int]
    length_counts: NDArray[np.int64]
    offset_scale: float
    stored_bytes: int

    @property
    def drawings(self) -> int:
        """How many there are."""
        return int(self.length_counts.sum())

    @property
    def rows(self) -> int:
        """Of all drawings."""
        return int(self.length_counts @ np.arange(len(self.length_counts)))

    def percentile(self, percent: float) -> int:
        """Return the length that so many percent of the drawings do not exceed."""
        wanted = percent / 100 * self.drawings
        return int(np.searchsorted(np.cumsum(self.length_counts), wanted))

    @property
    def longest(self) -> int:
        """Rows of the longest."""
        return len(self.length_counts) - 1

    def to_json(self) -> dict[str, Any]:
        """Return all this as JSON values."""
        return {
            "category": self.name,
            "drawings": self.drawings,
            **self.splits,
            "rows": self.rows,
            "mean_length": self.rows / max(1, self.drawings),
            **{f"length_{percent}": self.percentile(percent) for percent in PERCENTILES},
            "longest": self.longest,
            "offset_scale": self.offset_scale,
            "bytes": self.stored_bytes,
        }


def stats_of(store: Store) -> tuple[list[Stats], Stats]:
    """Return the numbers of each category, and of all together."""
    unit = store.unit()
    by_category: dict[str, tuple[list[NDArray[np.float64]], int]] = {}
    for shard in store.shards:
        moments, size = by_category.get(shard.category, ([], 0))
        by_category[shard.category] = ([*moments, shard.arrays["moments"]], size + shard.path.stat().st_size)
    each = [_stats(name, np.concatenate(moments), size, unit) for name, (moments, size) in by_category.items()]
    everything = [moments for pieces, _ in by_category.values() for moments in pieces]
    total = sum(size for _, size in by_category.values())
    return each, _stats("all", np.concatenate(everything), total, unit)


def _stats(name: str, moments: NDArray[np.float64], size: int, unit: str) -> Stats:
    lengths, counts = moments[:, 1].astype(np.int64), moments[:, 2].astype(np.int64)
    splits = {split: int(counts[moments[:, 0] == index].sum()) for index, split in enumerate(SPLITS)}
    by_length = np.zeros(int(lengths.max(initial=0)) + 1, np.int64)
    np.add.at(by_length, lengths, counts)
    return Stats(name, splits, by_length, offset_scale(moments, unit), size)

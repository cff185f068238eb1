"""Statistics of a store, computed from the headers and moments of its files without reading the drawings."""

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
    """Statistics of drawings.

    Attributes:
        name: the category's name, or "all".
        splits: number of drawings in each split.
        length_counts: number of drawings with each number of rows, (longest + 1,).
        offset_scale: standard deviation of the training drawings' offsets, in the store's unit.
        stored_bytes: size of the files.
    """

    name: str
    splits: dict[str, int]
    length_counts: NDArray[np.int64]
    offset_scale: float
    stored_bytes: int

    @property
    def drawings(self) -> int:
        """Number of drawings."""
        return int(self.length_counts.sum())

    @property
    def rows(self) -> int:
        """Number of rows of all drawings."""
        return int(self.length_counts @ np.arange(len(self.length_counts)))

    def percentile(self, percent: float) -> int:
        """Return the number of rows that this percentage of the drawings does not exceed."""
        wanted = percent / 100 * self.drawings
        return int(np.searchsorted(np.cumsum(self.length_counts), wanted))

    @property
    def longest(self) -> int:
        """Number of rows of the longest drawing."""
        return len(self.length_counts) - 1

    def to_json(self) -> dict[str, Any]:
        """Return the statistics as JSON values."""
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
    """Return the statistics of each category, and of all categories together."""
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

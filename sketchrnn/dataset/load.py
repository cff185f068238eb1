"""Opens stores and files of drawings: for training and evaluation, for statistics, and to look at some of them."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import json
import os
import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sketchrnn.dataset.drawings import SPLITS, Drawings
from sketchrnn.dataset.encode import Selection
from sketchrnn.dataset.store import (
    PREPARING,
    VERSION,
    Report,
    Shard,
    drawings_of,
    is_store,
    offset_scale,
    open_stores,
    shard_paths,
    unit_of,
)
from sketchrnn.errors import CategoryError, SketchRNNError
from sketchrnn.files import CACHE_VARIABLE, cache_folder, reason
from sketchrnn.formats import Record, category_of_name, read_records
from sketchrnn.sketch import Sketch

if TYPE_CHECKING:
    from sketchrnn.dataset.prepare import Progress

DEFAULT_MAX_LENGTH = 250

_KEPT_UNUSED = 30 * 24 * 3600.0  # seconds


def load(
    paths: Sequence[str | Path],
    *,
    max_length: int = DEFAULT_MAX_LENGTH,
    unit: str | None = None,
    processes: int = 1,
    progress: Progress | None = None,
) -> tuple[Drawings, Report]:
    """Return the drawings of stores and files. Files are prepared into a store in the cache first.

    Args:
        paths: stores, and all inputs of :func:`sketchrnn.dataset.prepare.prepare`.
        max_length: drawings with more rows are skipped.
        unit: "box" or "source"; None for "source" if all files are published npz files, otherwise "box".
        processes: number of processes that read.
        progress: receives the number of bytes that are read.

    Raises:
        SketchRNNError: a file cannot be read, or the cache cannot be written.
        DatasetError: a store is damaged or incomplete, or all drawings are skipped.
    """
    shards, notes = open_all(paths, max_length=max_length, processes=processes, progress=progress)
    drawings, report = drawings_of(shards, max_length, unit)
    report.notes += notes
    return drawings, report


def open_all(
    paths: Sequence[str | Path],
    *,
    max_length: int = Selection.max_length,
    processes: int = 1,
    progress: Progress | None = None,
) -> tuple[list[Shard], list[str]]:
    """Return the shards of stores and files, and messages for the user. See :func:`load`."""
    stores = [Path(path) for path in paths if is_store(path)]
    files = [path for path in paths if not is_store(path)]
    notes: list[str] = []
    if files:
        store, notes = _cached(files, max_length, processes, progress)
        stores.append(store)
    return open_stores(stores), notes


def _cached(
    files: Sequence[str | Path], max_length: int, processes: int, progress: Progress | None
) -> tuple[Path, list[str]]:
    import filelock

    from sketchrnn.dataset.prepare import prepare_sources
    from sketchrnn.dataset.sources import find_sources

    selection = Selection(max_length=max(max_length, Selection.max_length))
    sources, notes = find_sources(files)
    described = [[source.location, source.to_json(), source.category] for source in sources]
    identity = json.dumps([VERSION, described, selection.to_json()], sort_keys=True)
    folder = cache_folder("stores")
    store = folder / hashlib.blake2b(identity.encode(), digest_size=12).hexdigest()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(store.with_suffix(".lock")):  # the first process of a run prepares; the others wait
            if not shard_paths(store) or (store / PREPARING).exists():
                _forget_unused(folder)
                notes += prepare_sources(sources, store, selection, processes=processes, progress=progress).notes
            os.utime(store)  # records the last use
    except OSError as error:
        hint = f". The environment variable {CACHE_VARIABLE} sets another folder"
        raise SketchRNNError(f"{folder}: cannot be written: {reason(error)}{hint}") from error
    return store, notes


def _forget_unused(folder: Path) -> None:
    for store in folder.iterdir():
        with contextlib.suppress(OSError):
            if store.is_dir() and time.time() - store.stat().st_mtime > _KEPT_UNUSED:
                shutil.rmtree(store)


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


def stats_of(shards: Sequence[Shard]) -> tuple[list[Stats], Stats]:
    """Return the statistics of each category, and of all categories together."""
    unit = unit_of(shards)
    by_category: dict[str, tuple[list[NDArray[np.float64]], int]] = {}
    for shard in shards:
        moments, size = by_category.get(shard.category, ([], 0))
        by_category[shard.category] = ([*moments, shard.moments], size + shard.path.stat().st_size)
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


def choose(
    paths: Sequence[str | Path], *, category: str | None, count: int | None, seed: int | None, skip: int = 0
) -> tuple[list[Record], bool]:
    """Return some drawings as records, and whether there are more.

    From a store only the chosen drawings are read. A file is read up to the last chosen drawing, or completely for a
    random choice.

    Args:
        paths: stores and files; their drawings form one list.
        category: choose from this category only.
        count: number of drawings; None for all.
        seed: seed of a random choice, which needs ``count``; None for the first drawings.
        skip: number of drawings to skip before.

    Raises:
        CategoryError: a store has no such category.
        SketchRNNError: a file cannot be read.
    """
    if seed is not None and count is not None and all(map(is_store, paths)):
        return _random_of_stores(paths, category, count, seed)
    records = itertools.chain.from_iterable(_records(path, category) for path in paths)
    if seed is None or count is None:
        found = list(itertools.islice(records, skip, None if count is None else skip + count + 1))
        return found[:count], count is not None and len(found) > count
    # every drawing has the same probability, in one pass: Vitter 1985, "Random sampling with a reservoir", algorithm R
    generator = np.random.default_rng(seed)
    kept: list[tuple[int, Record]] = []
    number = -1
    for number, record in enumerate(itertools.islice(records, skip, None)):
        replaced = number if number < count else int(generator.integers(number + 1))
        if replaced < count:
            kept[replaced:] = [(number, record), *kept[replaced + 1 :]]
    return [record for _, record in sorted(kept, key=lambda one: one[0])], number >= count


def _random_of_stores(
    paths: Sequence[str | Path], category: str | None, count: int, seed: int
) -> tuple[list[Record], bool]:
    drawings, _ = drawings_of(open_stores(paths))
    candidates = np.arange(len(drawings))
    if category is not None:
        candidates = candidates[drawings.category == _index(drawings.categories, category)]
    chosen = np.sort(np.random.default_rng(seed).permutation(candidates)[:count])
    records = [
        Record(Sketch.from_stroke3(drawings.stroke3(index)), word=drawings.categories[drawings.category[index]])
        for index in chosen
    ]
    return records, len(candidates) > count


def _records(path: str | Path, category: str | None) -> Iterator[Record]:
    if not is_store(path):
        for record in read_records(path):
            if category is None or (record.word or category_of_name(path)) == category:
                yield record
        return
    drawings, _ = drawings_of(open_stores([path]))
    wanted = None if category is None else _index(drawings.categories, category)
    for index in range(len(drawings)):
        if wanted is None or drawings.category[index] == wanted:
            word = drawings.categories[drawings.category[index]]
            yield Record(Sketch.from_stroke3(drawings.stroke3(index)), word=word)


def _index(categories: tuple[str, ...], category: str) -> int:
    if category not in categories:
        more = " and others" if len(categories) > 5 else ""
        raise CategoryError(f"expected one of the categories {', '.join(categories[:5])}{more}, found {category!r}")
    return categories.index(category)

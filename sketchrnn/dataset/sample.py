"""Chooses drawings of stores and files to show."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from sketchrnn.dataset.store import is_store, open_stores
from sketchrnn.errors import CategoryError
from sketchrnn.formats import Record, category_of_name, read_records
from sketchrnn.sketch import Sketch


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
    drawings, _ = open_stores(paths).drawings()
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
    drawings, _ = open_stores([path]).drawings()
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

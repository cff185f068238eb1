"""Some drawings of stores and files, to look at."""

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

    Of a store only these drawings are read; a file is read as far as they reach, or whole for a random choice.

    Args:
        paths: stores and files; read as one list.
        category: only its drawings.
        count: how many; None for all.
        seed: of a random choice, for which ``count`` is needed; None for the first ones.
        skip: how many to leave out before.

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
    # every drawing has the same chance, in one pass: Vitter 1985, "Random sampling with a reservoir", algorithm R
    generator = np.random.default_rng(seed)
    kept: list[tuple[int, Record]] = []
    number = -1
    for number, record in enumerate(itertools.islice(records, skip, None)):
        place = number if number < count else int(generator.integers(number + 1))
        if place < count:
            kept[place:] = [(number, record), *kept[place + 1 :]]
    return [record for _, record in sorted(kept, key=lambda one: one[0])], number >= count


def _random_of_stores(
    paths: Sequence[str | Path], category: str | None, count: int, seed: int
) -> tuple[list[Record], bool]:
    drawings, _ = open_stores(paths).drawings()
    places = np.arange(len(drawings))
    if category is not None:
        places = places[drawings.category == _index(drawings.categories, category)]
    chosen = np.sort(np.random.default_rng(seed).permutation(places)[:count])
    records = [
        Record(Sketch.from_stroke3(drawings.stroke3(place)), word=drawings.categories[drawings.category[place]])
        for place in chosen
    ]
    return records, len(places) > count


def _records(path: str | Path, category: str | None) -> Iterator[Record]:
    if not is_store(path):
        for record in read_records(path):
            if category is None or (record.word or category_of_name(path)) == category:
                yield record
        return
    drawings, _ = open_stores([path]).drawings()
    wanted = None if category is None else _index(drawings.categories, category)
    for place in range(len(drawings)):
        if wanted is None or drawings.category[place] == wanted:
            word = drawings.categories[drawings.category[place]]
            yield Record(Sketch.from_stroke3(drawings.stroke3(place)), word=word)


def _index(categories: tuple[str, ...], category: str) -> int:
    if category not in categories:
        more = " and others" if len(categories) > 5 else ""
        raise CategoryError(f"the store has no category {category!r}, but {', '.join(categories[:5])}{more}")
    return categories.index(category)

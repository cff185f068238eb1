"""The inputs of drawing commands: the records of a file, and the terms of interpolation and arithmetic."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sketchrnn.cli.messages import LOGGER
from sketchrnn.errors import CategoryError, SketchRNNError
from sketchrnn.files import STANDARD_STREAM

if TYPE_CHECKING:
    from sketchrnn.formats import Record
    from sketchrnn.model.model import LatentEnd, Model

TERM_HELP = "FILE, FILE:INDEX (one record of the file, counted from 0), or the name of a category"


def read_prefixes(
    path: str, index: int | None = None, key_id: str | None = None
) -> tuple[Iterator[Record | SketchRNNError], bool]:
    """Return all records of a file, or the selected one, and whether there are several.

    If there are several, an invalid line of ndjson gives an error instead of a record.

    Raises:
        SketchRNNError: the file cannot be read, or has no such record.
    """
    from sketchrnn.formats import read_each

    if index is not None and key_id is not None:
        raise click.UsageError("--index and --key-id cannot be used together")
    records = read_each(path)
    if key_id is not None:
        records = (each for each in records if not isinstance(each, SketchRNNError) and each.key_id == key_id)
        first = list(itertools.islice(records, 1))
        missing = f"expected a record with key_id {key_id}, found none"
    elif index is not None:
        first = list(itertools.islice(records, index, index + 1))
        missing = f"expected a record with index {index} (counted from 0), found fewer records"
    else:
        first = list(itertools.islice(records, 2))
        missing = "expected drawings, found none"
    if not first:
        raise SketchRNNError(f"{path}: {missing}")
    if len(first) == 1 and isinstance(first[0], SketchRNNError):
        raise first[0]
    if len(first) == 1 and not isinstance(first[0], SketchRNNError) and first[0].source is not None:
        for notice in first[0].source.drawing.notices():
            LOGGER.info(f"{path}: {notice}")
    rest: Iterator[Record | SketchRNNError] = itertools.chain(first, records if len(first) > 1 else ())
    return rest, len(first) > 1


def read_terms(model: Model, terms: tuple[str, ...]) -> Iterator[tuple[list[LatentEnd], bool]]:
    """Return the sketches or categories of terms, a list for each result, and whether there are several results.

    Record i of each file goes into result i. A file with one record, or a category, goes into each result.

    Raises:
        SketchRNNError: a file cannot be read, or there is neither file nor category, or the numbers of records differ.
    """
    columns = [_read_term(model, text) for text in terms]
    counts = {len(column): text for column, text in zip(columns, terms, strict=True) if len(column) > 1}
    if len(counts) > 1:
        listed = ", ".join(f"{count} in {text}" for count, text in counts.items())
        raise SketchRNNError(f"expected files with one record or with the same number of records, found {listed}")
    count = max(counts, default=1)
    for number in range(count):
        yield [column[number if len(column) > 1 else 0] for column in columns], count > 1


def _read_term(model: Model, text: str) -> list[LatentEnd]:
    path, colon, number = text.rpartition(":")
    index = int(number) if colon and number.isdecimal() and not Path(text).exists() else None
    path = text if index is None else path
    if not Path(path).exists() and path != STANDARD_STREAM:
        try:
            model.configuration.category_name(text)
        except CategoryError as error:
            raise CategoryError(f"{text}: expected a file or a category, found neither: {error}") from error
        return [text]
    found = list(read_prefixes(path, index)[0])
    for number_, record in enumerate(found):
        if isinstance(record, SketchRNNError):
            raise SketchRNNError(f"{path}: record {number_}: {record}")
    return [record for record in found if not isinstance(record, SketchRNNError)]

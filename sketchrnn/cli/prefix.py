"""Which record of a file is meant, and what it is to become."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from sketchrnn.cli.talk import say
from sketchrnn.errors import CategoryError, SketchRNNError

if TYPE_CHECKING:
    from sketchrnn.formats import Record
    from sketchrnn.model.network import NumpyNetwork

AUTO = "auto"


def one_record(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options that name one record of a file of many."""
    command = click.option("--key-id", metavar="ID", help="Only the record of a file of many with this key_id.")(
        command
    )
    return click.option(
        "--index", type=click.IntRange(0), help="Only this record of a file of many, counted from 0."
    )(command)  # fmt: skip


def read_prefixes(path: str, index: int | None, key_id: str | None) -> list[Record]:
    """Return the records of a file: all, or the one that is asked for."""
    from sketchrnn.formats import read_records

    if index is not None and key_id is not None:
        raise click.UsageError("--index and --key-id both name a record; give one of them")
    records = read_records(path)
    if key_id is not None:
        chosen = next((record for record in records if record.key_id == key_id), None)
        if chosen is None:
            raise SketchRNNError(f"{path}: holds no record with key_id {key_id}")
        return [chosen]
    if index is not None:
        chosen = next(itertools.islice(records, index, None), None)
        if chosen is None:
            raise SketchRNNError(f"{path}: holds no record {index}, counted from 0")
        return [chosen]
    return list(records)


def read_one(path: str, index: int | None, key_id: str | None) -> Record:
    """Return the one record of a file that is asked for.

    Raises:
        SketchRNNError: it holds several, and none is named.
    """
    records = read_prefixes(path, index, key_id)
    if len(records) > 1:
        raise SketchRNNError(f"{path}: holds more than one record; name one with --index or --key-id")
    return records[0]


def continued_from(record: Record, identifier: str | None) -> Record:
    """Return a record as a prefix: of an SVG document the lines, those of an element last, with the pen where they end.

    The pen of an SVG document rests on the end of its last line, unless that line is closed.

    Args:
        record: as it was read.
        identifier: of the element that is to be continued; None for the last one that is drawn.

    Raises:
        FormatError: the document has no such element.
        UsageError: an element is named, but the record is of another kind.
    """
    if record.source is None:
        if identifier is not None:
            raise click.UsageError("--continue-from names an element of an SVG document; the prefix is none")
        return record
    drawing = record.source.drawing
    for notice in drawing.notices():
        say(notice)
    if identifier is not None:
        drawing = drawing.continued_from(identifier)
    sketch = replace(drawing.sketch, pen_down=not drawing.lines[-1].closed)
    return replace(record, sketch=sketch, source=replace(record.source, drawing=drawing))


def choose_categories(
    network: NumpyNetwork, record: Record, category: str | None, scale: float | None
) -> list[str | None]:
    """Return what a record is to become, as the model spells it; None for a model without names.

    Args:
        network: the model.
        record: the prefix, with its word if it has one.
        category: what the user asks for: a name, "auto" or "auto:3" for the most probable ones; None for the record's
            word, or else the most probable one.
        scale: of the sketch, if it is known.
    """
    configuration = network.configuration
    wanted = category or record.word
    if not configuration.conditional or (wanted is not None and wanted.partition(":")[0] != AUTO):
        return [configuration.category_name(None if wanted == AUTO else wanted)]
    from sketchrnn.model.guess import guess
    from sketchrnn.model.prefix import see_prefix

    count = 1
    if wanted is not None and wanted != AUTO:
        number = wanted.partition(":")[2]
        if not number.isdecimal() or not 1 <= int(number) <= len(configuration.categories):
            raise CategoryError(f"expected auto, or auto:K with K from 1 to {len(configuration.categories)}")
        count = int(number)
    guesses = guess(network, see_prefix(network, record.sketch, scale=scale))
    listed = ", ".join(f"{one.category} {one.probability:.0%}" for one in guesses[: max(3, count)])
    say(f"guessed: {listed}; --category NAME says otherwise")
    return [one.category for one in guesses[:count]]

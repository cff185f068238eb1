"""Quick, Draw! records, one JSON object a line: simplified (x, y) and raw (x, y, time).

Reference:
    https://github.com/googlecreativelab/quickdraw-dataset, "The raw moderated dataset" and "Simplified drawing files".
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import ndjson

from sketchrnn.errors import FormatError
from sketchrnn.files import open_source, source_name
from sketchrnn.formats.json_values import (
    JSON_ERRORS,
    all_numbers,
    found,
    optional_flag,
    optional_text,
    reject_constant,
    shortest_number,
)
from sketchrnn.formats.record import Kind, Record
from sketchrnn.sketch import Sketch

_KINDS: dict[int, Kind] = {2: "simplified", 3: "raw"}  # by the number of lists that make a stroke


def read_ndjson(path: str | Path) -> Iterator[Record]:
    """Read Quick, Draw! records one by one, in constant memory; ``-`` is standard input.

    Each record's kind follows from its strokes: ``[xs, ys]`` is simplified, ``[xs, ys, times]`` raw. Times are checked
    for their number and dropped. Blank lines are skipped; countrycode, timestamp, recognized, key_id and word may be
    missing.

    Raises:
        FormatError: a line is no such record, or there is none; the message names the file and the line.
        SketchRNNError: the file cannot be read.
    """
    with open_source(path) as file:
        yield from parse_ndjson(file, source_name(path))


def parse_ndjson(lines: Iterable[bytes], name: str, first: int = 1) -> Iterator[Record]:
    """Read records from lines of bytes, as :func:`read_ndjson` does.

    Args:
        lines: the lines.
        name: what messages call their source.
        first: the number of the first line, for messages.
    """
    numbered = _NumberedLines(lines, first)
    values = ndjson.reader(numbered, parse_constant=reject_constant)
    count = 0
    while True:
        try:
            record = _record(next(values))
        except StopIteration:
            break
        except UnicodeDecodeError as error:
            raise FormatError(f"{name}, line {numbered.number}: expected UTF-8 text, found other bytes") from error
        except JSON_ERRORS as error:
            reason = f"{error.msg}, column {error.colno}" if isinstance(error, json.JSONDecodeError) else error
            raise FormatError(f"{name}, line {numbered.number}: expected JSON: {reason}") from error
        except FormatError as error:
            raise FormatError(f"{name}, line {numbered.number}: {error}") from error
        yield record
        count += 1
    if count == 0:
        raise FormatError(f"{name}: is empty: expected Quick, Draw! records, one a line")


def ndjson_record(
    sketch: Sketch,
    *,
    word: str | None = None,
    countrycode: str | None = None,
    timestamp: str | None = None,
    recognized: bool | None = None,
    key_id: str | None = None,
) -> dict[str, Any]:
    """Return a sketch as a record in the layout of the simplified files, ready for JSON.

    What is None is left out. An unfinished last stroke, which Quick, Draw! knows nothing of, is noted as
    ``"pen_down": true``, so that reading the record gives an equal sketch.

    >>> ndjson_record(Sketch.from_polylines([[(0, 1), (2.5, 3)]]), word="pig")
    {'word': 'pig', 'drawing': [[[0, 2.5], [1, 3]]]}
    """
    fields: dict[str, Any] = {
        "word": word,
        "countrycode": countrycode,
        "timestamp": timestamp,
        "recognized": recognized,
        "key_id": key_id,
        "pen_down": sketch.pen_down or None,
        "drawing": [
            [[shortest_number(value) for value in axis] for axis in stroke.T.tolist()] for stroke in sketch.strokes
        ],
    }
    return {key: value for key, value in fields.items() if value is not None}


def dumps_ndjson(records: Iterable[Record]) -> str:
    """Return records as the text of a simplified file, a line each."""
    layout = (
        ndjson_record(
            record.sketch,
            word=record.word,
            countrycode=record.countrycode,
            timestamp=record.timestamp,
            recognized=record.recognized,
            key_id=record.key_id,
        )
        for record in records
    )
    text: str = ndjson.dumps(layout, separators=(",", ":"))
    return text + "\n" if text else ""


class _NumberedLines:
    """Lines as text, and the number of the one read last."""

    def __init__(self, lines: Iterable[bytes], first: int) -> None:
        self.number = first - 1
        self._lines = iter(lines)

    def __next__(self) -> str:
        self.number += 1
        return next(self._lines).decode("utf-8-sig")


def _record(value: object) -> Record:
    if not isinstance(value, dict):
        raise FormatError(f"expected a JSON object, found {found(value)}")
    if "drawing" not in value:
        raise FormatError(f'expected a record with "drawing", found {found(value)}')
    drawing = value["drawing"]
    if not isinstance(drawing, list):
        raise FormatError(f'expected "drawing" to be a list of strokes, found {found(drawing)}')
    dimensions = len(drawing[0]) if drawing and isinstance(drawing[0], list) else 2
    polylines = [_points(stroke, f"stroke {index}", dimensions) for index, stroke in enumerate(drawing)]
    sketch = Sketch.from_polylines(polylines, pen_down=bool(optional_flag(value, "pen_down")))
    return Record(
        sketch=sketch,
        word=optional_text(value, "word"),
        key_id=optional_text(value, "key_id"),
        recognized=optional_flag(value, "recognized"),
        countrycode=optional_text(value, "countrycode"),
        timestamp=optional_text(value, "timestamp"),
        kind=_KINDS[dimensions],
        empty_strokes=len(drawing) - len(sketch.strokes),
    )


def _points(stroke: object, place: str, dimensions: int) -> list[tuple[float, float]]:
    """Check a stroke and return its points; ``dimensions`` is how many lists the record's first stroke has."""
    if not isinstance(stroke, list) or len(stroke) not in _KINDS:
        raise FormatError(f"{place}: expected [xs, ys] or [xs, ys, times], found {found(stroke)}")
    if len(stroke) != dimensions:
        raise FormatError(f"{place}: expected {dimensions} lists as in stroke 0, found {len(stroke)}")
    for label, values in zip(("xs", "ys", "times"), stroke, strict=False):
        if not isinstance(values, list):
            raise FormatError(f"{place}: expected {label} to be a list of numbers, found {found(values)}")
        if not all_numbers(values):
            raise FormatError(f"{place}: expected {label} to be numbers, found {found(_first_other(values))}")
        if len(values) != len(stroke[0]):
            raise FormatError(f"{place}: expected as many {label} as xs ({len(stroke[0])}), found {len(values)}")
    return list(zip(stroke[0], stroke[1], strict=True))


def _first_other(values: list[object]) -> object:
    return next(value for value in values if not all_numbers([value]))

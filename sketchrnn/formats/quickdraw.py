"""Quick, Draw! drawings in files: JSON records, one a line, the same records in a table, and the binary files.

The binary files hold simplified drawings, one after another, without a header. Little-endian: key_id u64, country
2 bytes, recognized i8, time stamp u32 (seconds since 1970), strokes u16; for each stroke points u16, then all x and all
y as u8.

Reference:
    https://github.com/googlecreativelab/quickdraw-dataset, "The raw moderated dataset", "Simplified drawing files",
    "Binary files" and examples/binary_file_parser.py; https://www.kaggle.com/c/quickdraw-doodle-recognition/data
"""

from __future__ import annotations

import csv
import datetime
import io
import json
import re
import struct
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, BinaryIO

import ndjson
import numpy as np

from sketchrnn.errors import FormatError
from sketchrnn.formats.json_values import (
    JSON_ERRORS,
    all_numbers,
    found,
    optional_flag,
    optional_text,
    reject_constant,
    shortest_number,
)
from sketchrnn.formats.record import Format, Kind, Record
from sketchrnn.sketch import Sketch

_KINDS: dict[int, Kind] = {2: "simplified", 3: "raw"}  # by the number of lists in a stroke
_LINE = re.compile(rb'\s*\{[^\n]*"drawing"\s*:')  # also an incomplete line


def quickdraw_record(fields: Mapping[str, object]) -> Record:
    """Return the drawing of a Quick, Draw! record: a JSON object with "drawing", or the fields of a table's row.

    The drawing's kind follows from its strokes: ``[xs, ys]`` is simplified, ``[xs, ys, times]`` raw. The times are
    checked and dropped. A drawing can also be JSON text, as in spreadsheets and tables. All other fields may be
    missing.

    Raises:
        FormatError: the fields are not a record.
    """
    drawing = fields["drawing"]
    if isinstance(drawing, str):
        try:
            drawing = json.loads(drawing, parse_constant=reject_constant)
        except JSON_ERRORS as error:
            raise FormatError(f'expected "drawing" to be a list of strokes, found {found(drawing)}: {error}') from error
    if not isinstance(drawing, list):
        raise FormatError(f'expected "drawing" to be a list of strokes, found {found(drawing)}')
    dimensions = len(drawing[0]) if drawing and isinstance(drawing[0], list) else 2
    polylines = [_points(stroke, f"stroke {index}", dimensions) for index, stroke in enumerate(drawing)]
    sketch = Sketch.from_polylines(polylines, pen_down=bool(optional_flag(fields, "pen_down")))
    return Record(
        sketch=sketch,
        word=optional_text(fields, "word"),
        key_id=optional_text(fields, "key_id"),
        recognized=optional_flag(fields, "recognized"),
        countrycode=optional_text(fields, "countrycode"),
        timestamp=optional_text(fields, "timestamp"),
        kind=_KINDS[dimensions],
        empty_strokes=len(drawing) - len(sketch.strokes),
    )


def parse_ndjson(
    lines: Iterable[bytes], name: str, first: int = 1, convert: Callable[[object], list[Record]] | None = None
) -> Iterator[Record]:
    """Read records as :func:`parse_lines` does, up to the first line that is not one.

    Raises:
        FormatError: a line is not a record, or there is no record; the message names the file and the line.
    """
    for record in parse_lines(lines, name, first, convert):
        if isinstance(record, FormatError):
            raise record
        yield record


def parse_lines(
    lines: Iterable[bytes], name: str, first: int = 1, convert: Callable[[object], list[Record]] | None = None
) -> Iterator[Record | FormatError]:
    """Read records from lines of bytes, in constant memory. Blank lines are skipped.

    A line that is not a record gives an error instead of a record; its message names the file and the line, counted
    from ``first``. ``convert`` returns the drawings of a line's value; by default, it is a Quick, Draw! record.
    """
    numbered = _NumberedLines(lines, first)
    values = ndjson.reader(numbered, parse_constant=reject_constant)
    count = 0
    while True:
        count += 1
        try:
            yield from (convert or _one_record)(next(values))
        except StopIteration:
            break
        except UnicodeDecodeError:
            yield FormatError(f"{name}, line {numbered.number}: expected UTF-8 text, found other bytes")
        except JSON_ERRORS as error:
            reason = f"{error.msg}, column {error.colno}" if isinstance(error, json.JSONDecodeError) else error
            yield FormatError(f"{name}, line {numbered.number}: expected JSON: {reason}")
        except FormatError as error:
            yield FormatError(f"{name}, line {numbered.number}: {error}")
    if count == 1:
        yield FormatError(f"{name}: is empty: expected Quick, Draw! records, one a line")


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

    Fields that are None are not written. An unfinished last stroke is marked by ``"pen_down": true``, which is not part
    of Google's layout, so that reading the record gives an equal sketch.

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
    """Return records as the text of a simplified file, one line each."""
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
    """Lines as text, and the number of the line that was read last."""

    def __init__(self, lines: Iterable[bytes], first: int) -> None:
        self.number = first - 1
        self._lines = iter(lines)

    def __next__(self) -> str:
        self.number += 1
        return next(self._lines).decode("utf-8-sig")


def _one_record(value: object) -> list[Record]:
    if not isinstance(value, dict):
        raise FormatError(f"expected a JSON object, found {found(value)}")
    if "drawing" not in value:
        raise FormatError(f'expected a record with "drawing", found {found(value)}')
    return [quickdraw_record(value)]


def _points(stroke: object, place: str, dimensions: int) -> list[tuple[float, float]]:
    """Check a stroke and return its points; ``dimensions`` is the number of lists of the record's first stroke."""
    if not isinstance(stroke, list) or len(stroke) not in _KINDS:
        hint = '. Lists of points [x, y] are written as "strokes", not as "drawing"' if _is_points(stroke) else ""
        raise FormatError(f"{place}: expected [xs, ys] or [xs, ys, times], found {found(stroke)}{hint}")
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


def _is_points(stroke: object) -> bool:
    return isinstance(stroke, list) and all(isinstance(one, list) and len(one) == 2 for one in stroke)


def _first_other(values: list[object]) -> object:
    return next(value for value in values if not all_numbers([value]))


NDJSON = Format(
    "Quick, Draw! ndjson",
    (".ndjson", ".jsonl"),
    lambda head: _LINE.match(head) is not None,
    lambda file, name, _: parse_ndjson(file, name),
    dumps_ndjson,
)


HEADER = struct.Struct("<Q2sbIH")
_COUNT = struct.Struct("<H")


def is_binary(start: bytes) -> bool:
    """Return whether the first bytes of a file can be those of a binary file, which has no signature."""
    if len(start) < HEADER.size:
        return False
    _, country, recognized, _, _ = HEADER.unpack_from(start)
    return country.isalnum() and recognized in (0, 1)


def parse_binary(content: bytes, name: str, word: str | None) -> Iterator[Record]:
    """Read the drawings of a binary file.

    Raises:
        FormatError: the file is damaged or has other content; the message names the file and the drawing.
    """
    for index, (offset, strokes) in enumerate(walk(content, name)):
        key, country, recognized, seconds, count = HEADER.unpack_from(content, offset)
        polylines = [
            np.frombuffer(content, np.uint8, 2 * points, start).reshape(2, points).T
            for start, points in strokes
            if points
        ]
        if not polylines:
            raise FormatError(f"{name}, drawing {index}: expected strokes, found none")
        yield Record(
            Sketch.from_polylines(polylines),
            word=word,
            key_id=str(key),
            recognized=bool(recognized),
            countrycode=country.decode("ascii"),
            timestamp=f"{datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc):%Y-%m-%d %H:%M:%S} UTC",
            kind="binary",
            empty_strokes=count - len(polylines),
        )


def walk(content: bytes | memoryview, name: str, first: int = 0) -> Iterator[tuple[int, list[tuple[int, int]]]]:
    """Find the drawings of a binary file and their strokes.

    Yields:
        For each drawing the offset of its header, and for each of its strokes the offset of its x and its number of
        points.

    Raises:
        FormatError: the content ends inside a drawing, or has other bytes than drawings.
    """
    offset, index = 0, first
    while offset < len(content):
        strokes = strokes_of(content, offset)
        if strokes is None:
            raise FormatError(f"{name}, drawing {index}: expected the whole drawing, found the end of the file")
        _, country, recognized, _, _ = HEADER.unpack_from(content, offset)
        if recognized not in (0, 1) or not country.isalnum():
            raise FormatError(f"{name}, drawing {index}: expected a Quick, Draw! drawing, found other bytes")
        yield offset, strokes
        start, points = strokes[-1] if strokes else (offset + HEADER.size, 0)
        offset = start + 2 * points
        index += 1


def strokes_of(content: bytes | memoryview, offset: int) -> list[tuple[int, int]] | None:
    """Return the offset of the x and the number of points of each stroke; None if the content ends before."""
    try:
        count = HEADER.unpack_from(content, offset)[-1]
        offset += HEADER.size
        strokes = []
        for _ in range(count):
            (points,) = _COUNT.unpack_from(content, offset)
            strokes.append((offset + _COUNT.size, points))
            offset += _COUNT.size + 2 * points
    except struct.error:
        return None
    return strokes if offset <= len(content) else None


BINARY = Format(
    "Quick, Draw! binary", (".bin",), is_binary, lambda file, name, word: parse_binary(file.read(), name, word)
)


_DELIMITERS = ",;\t"
_LONGEST_FIELD = 1 << 27  # characters; drawings with times are longer than the csv module's own limit


def _delimiter(head: bytes) -> str | None:
    """Return the separator of the columns if the first line has a column "drawing"; else None."""
    names = head.strip().partition(b"\n")[0].decode("utf-8", "replace")
    for delimiter in _DELIMITERS:
        if "drawing" in (name.strip(' "\ufeff') for name in names.split(delimiter)):
            return delimiter
    return None


def _read_table(file: BinaryIO, name: str, _: str | None) -> Iterator[Record]:
    csv.field_size_limit(_LONGEST_FIELD)
    text = io.TextIOWrapper(file, "utf-8-sig", newline="")
    line = 1
    try:
        header = text.readline()
        while not header.strip():
            header = text.readline()
        delimiter = _delimiter(header.encode()) or ","
        fields = [column.strip() for column in next(csv.reader([header], delimiter=delimiter))]
        rows = csv.DictReader(text, fields, delimiter=delimiter, restkey="", strict=True)
        for row in rows:
            line = 1 + rows.line_num
            if row.get("") or row["drawing"] is None:
                raise FormatError(f"expected {len(fields)} columns, found {'more' if row.get('') else 'fewer'}")
            yield quickdraw_record(row)
    except UnicodeDecodeError as error:
        raise FormatError(f"{name}, after line {line}: expected UTF-8 text, found other bytes") from error
    except csv.Error as error:
        raise FormatError(f"{name}, after line {line}: expected a CSV table: {error}") from error
    except FormatError as error:
        raise FormatError(f"{name}, line {line}: {error}") from error


CSV = Format("Kaggle doodle CSV", (".csv", ".tsv"), lambda head: _delimiter(head) is not None, _read_table)

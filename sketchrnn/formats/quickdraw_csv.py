"""Quick, Draw! drawings in a table, as in Kaggle's doodle recognition challenge: a column has the drawing as JSON.

Reference:
    https://www.kaggle.com/c/quickdraw-doodle-recognition/data
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import BinaryIO

from sketchrnn.errors import FormatError
from sketchrnn.formats.quickdraw_ndjson import quickdraw_record
from sketchrnn.formats.record import Format, Record

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

"""The binary files of Quick, Draw!: simplified drawings one after the other, without a header.

Little-endian: key_id u64, country 2 bytes, recognized i8, time stamp u32 (seconds since 1970), strokes u16; for each
stroke points u16, then all x and all y as u8.

Reference:
    https://github.com/googlecreativelab/quickdraw-dataset, "Binary files" and examples/binary_file_parser.py.
"""

from __future__ import annotations

import datetime
import struct
from collections.abc import Iterator
from typing import BinaryIO

import numpy as np

from sketchrnn.errors import FormatError
from sketchrnn.formats.record import Format, Record
from sketchrnn.sketch import Sketch

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

    Args:
        content: the whole file.
        name: its name for messages.
        word: the drawings' category.

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

    Args:
        content: whole drawings.
        name: the file's name for messages.
        first: the number of the first drawing, for messages.

    Yields:
        For each drawing the offset of its header, and for each of its strokes the offset of its x and its number of
        points.

    Raises:
        FormatError: the content ends inside a drawing, or has other bytes than drawings.
    """
    offset, index, end = 0, first, len(content)
    header, count = HEADER.unpack_from, _COUNT.unpack_from
    while offset < end:
        start = offset
        try:
            _, country, recognized, _, stroke_count = header(content, offset)
            offset += HEADER.size
            strokes = []
            for _ in range(stroke_count):
                (points,) = count(content, offset)
                strokes.append((offset + 2, points))
                offset += 2 + 2 * points
        except struct.error:
            offset = end + 1
        if offset > end:
            raise FormatError(f"{name}, drawing {index}: expected the whole drawing, found the end of the file")
        if recognized not in (0, 1) or not country.isalnum():
            raise FormatError(f"{name}, drawing {index}: expected a Quick, Draw! drawing, found other bytes")
        yield start, strokes
        index += 1


BINARY = Format(
    "Quick, Draw! binary", (".bin",), is_binary, lambda file, name, word: parse_binary(file.read(), name, word)
)

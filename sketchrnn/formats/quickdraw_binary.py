"""The binary files of Quick, Draw!: simplified drawings, one behind the other, without a header.

Little-endian: key_id u64, country 2 bytes, recognized i8, time stamp u32 (seconds since 1970), strokes u16; for each
stroke points u16, then all x and all y as u8.

Reference:
    https://github.com/googlecreativelab/quickdraw-dataset, "Binary files" and examples/binary_file_parser.py.
"""

from __future__ import annotations

import datetime
import re
import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from sketchrnn.errors import FormatError
from sketchrnn.files import STANDARD_STREAM, open_source, source_name
from sketchrnn.formats.record import Record
from sketchrnn.sketch import Sketch

HEADER = struct.Struct("<Q2sbIH")
_COUNT = struct.Struct("<H")
_MARKS = re.compile(r"\.(full|raw|first\d+)$")


def read_binary(path: str | Path) -> Iterator[Record]:
    """Read the drawings of a binary file; ``-`` is standard input. The word is the file's name.

    Raises:
        FormatError: the file is damaged or holds something else; the message names the file and the drawing.
        SketchRNNError: the file cannot be read.
    """
    with open_source(path) as file:
        yield from parse_binary(file.read(), source_name(path), word_of(path))


def word_of(path: str | Path) -> str | None:
    """Return the category that a file of Quick, Draw! is named after; None for standard input.

    >>> word_of("data/alarm clock.full.npz"), word_of("cat.first100.bin")
    ('alarm clock', 'cat')
    """
    return None if str(path) == STANDARD_STREAM else _MARKS.sub("", Path(path).stem)


def is_binary(start: bytes) -> bool:
    """Tell whether a file that begins so can be a binary one, which has no mark of its own."""
    if len(start) < HEADER.size:
        return False
    _, country, recognized, _, _ = HEADER.unpack_from(start)
    return country.isalpha() and country.isupper() and recognized in (0, 1)


def parse_binary(content: bytes, name: str, word: str | None) -> Iterator[Record]:
    """Read drawings, as :func:`read_binary` does; ``name`` is what messages call their source."""
    for index, (place, strokes) in enumerate(walk(content, name)):
        key, country, recognized, seconds, count = HEADER.unpack_from(content, place)
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
    """Go from drawing to drawing.

    Args:
        content: drawings one behind the other.
        name: what messages call them.
        first: the number of the first one, for messages.

    Yields:
        For each drawing the place of its header, and for each of its strokes the place of its x and its points.

    Raises:
        FormatError: the content ends inside a drawing, or something that is no drawing comes.
    """
    place, index, end = 0, first, len(content)
    header, count = HEADER.unpack_from, _COUNT.unpack_from
    while place < end:
        start = place
        try:
            _, country, recognized, _, strokes = header(content, place)
            place += HEADER.size
            places = []
            for _ in range(strokes):
                (points,) = count(content, place)
                places.append((place + 2, points))
                place += 2 + 2 * points
        except struct.error:
            place = end + 1
        if place > end:
            raise FormatError(f"{name}, drawing {index}: expected the whole drawing, found the end of the file")
        if recognized not in (0, 1) or not country.isalnum():
            raise FormatError(f"{name}, drawing {index}: expected a Quick, Draw! drawing, found other bytes")
        yield start, places
        index += 1

"""Reads many simplified Quick, Draw! drawings at once as columns of numbers, much faster than one by one.

Only lines with the fields and numbers of Google's files are read here, with the same result as :mod:`.quickdraw`, which
reads or rejects all other lines.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Annotated

import msgspec
import numpy as np
from numpy.typing import NDArray

from sketchrnn.formats.quickdraw import HEADER, walk

_Text = Annotated[str, msgspec.Meta(max_length=64)]
_Numbers = tuple[NDArray[np.int16], NDArray[np.int16], NDArray[np.int64], NDArray[np.int64]]
_GAP_IN_STROKE, _GAP_OF_STROKES, _GAP_OF_DRAWINGS = b"],[", b"]],[[", b"]]]\n[[["
_COMMA, _ZERO, _CLOSE = b",0]"


class _Line(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    """A line of a simplified file; the numbers of its drawing are read later."""

    drawing: msgspec.Raw
    word: _Text = ""
    countrycode: _Text = ""
    timestamp: _Text = ""
    recognized: bool = True
    key_id: _Text = ""


_DECODE = msgspec.json.Decoder(_Line).decode


@dataclass(frozen=True)
class Columns:
    """Drawings as arrays: the points of all drawings, one drawing after another.

    Attributes:
        x: x of each point, (points,) int16.
        y: y of each point, (points,) int16.
        stroke_points: number of points of each stroke, at least 1, (strokes,).
        drawing_strokes: number of strokes of each drawing, at least 1, (drawings,).
        words: category of each drawing, empty if the file does not name it, (drawings,).
        keys: key_id of each drawing, or empty, (drawings,).
        recognized: False for drawings that the game did not recognize, True for all others, (drawings,).
        countries: country code of each drawing, or empty, (drawings,).
        empty_strokes: number of each drawing's strokes without a point, which the columns do not contain, (drawings,).
    """

    x: NDArray[np.int16]
    y: NDArray[np.int16]
    stroke_points: NDArray[np.int64]
    drawing_strokes: NDArray[np.int64]
    words: NDArray[np.str_]
    keys: NDArray[np.str_]
    recognized: NDArray[np.bool_]
    countries: NDArray[np.str_]
    empty_strokes: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.drawing_strokes)

    def take(self, chosen: NDArray[np.bool_]) -> Columns:
        """Return some of the drawings; ``chosen`` is (drawings,) bool."""
        if chosen.all():
            return self
        strokes = np.repeat(chosen, self.drawing_strokes)
        points = np.repeat(strokes, self.stroke_points)
        masks = {"x": points, "y": points, "stroke_points": strokes}
        return Columns(*(getattr(self, one.name)[masks.get(one.name, chosen)] for one in fields(self)))


def columns_of_lines(lines: Sequence[bytes]) -> tuple[Columns, NDArray[np.bool_]]:
    """Return the drawings of the lines in Google's layout, and for each line whether it is one of them, (lines,)."""
    found = [_fields(line) for line in lines]
    read = [line for line in found if line is not None]
    good = np.array([line is not None for line in found], bool)
    numbers = _numbers([bytes(line.drawing) for line in read])
    if isinstance(numbers, set):
        good[np.flatnonzero(good)[list(numbers)]] = False
        read = [line for number, line in enumerate(read) if number not in numbers]
        numbers = _numbers([bytes(line.drawing) for line in read])
        assert not isinstance(numbers, set)
    columns = Columns(
        *numbers,
        words=np.array([line.word for line in read], "U"),
        keys=np.array([line.key_id for line in read], "U"),
        recognized=np.array([line.recognized for line in read], bool),
        countries=np.array([line.countrycode for line in read], "U"),
        empty_strokes=np.zeros(len(read), np.int64),
    )
    return columns, good


def _fields(line: bytes) -> _Line | None:
    """Return the fields of a line; None for another layout, and for escapes: NumPy cannot store all characters."""
    try:
        return None if b"\\" in line else _DECODE(line)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None


def columns_of_binary(content: bytes, name: str, first: int = 0) -> Columns:
    """Read whole drawings of a Quick, Draw! binary file.

    Raises:
        FormatError: the drawings are damaged.
    """
    starts: list[int] = []
    stroke_points: list[int] = []
    drawing_strokes, keys, recognized, countries, empty = [], [], [], [], []
    for offset, strokes in walk(content, name, first):
        key, country, guessed, _, _ = HEADER.unpack_from(content, offset)
        keys.append(str(key))
        countries.append(country.decode())
        recognized.append(guessed)
        drawn = [stroke for stroke in strokes if stroke[1]]
        empty.append(len(strokes) - len(drawn))
        drawing_strokes.append(len(drawn))
        starts += [stroke[0] for stroke in drawn]
        stroke_points += [stroke[1] for stroke in drawn]
    counts = np.array(stroke_points, np.int64)
    before = np.cumsum(counts) - counts
    x_index = np.repeat(np.array(starts, np.int64) - before, counts) + np.arange(counts.sum())
    values = np.frombuffer(content, np.uint8)
    return Columns(
        values[x_index].astype(np.int16),
        values[x_index + np.repeat(counts, counts)].astype(np.int16),
        counts,
        np.array(drawing_strokes, np.int64),
        np.zeros(len(keys), "U1"),
        np.array(keys, "U"),
        np.array(recognized, bool),
        np.array(countries, "U"),
        np.array(empty, np.int64),
    )


def _numbers(drawings: list[bytes]) -> _Numbers | set[int]:
    """Read ``[[[x, ...], [y, ...]], ...]`` of many drawings.

    Between two numbers is a comma, or the end of a list and the beginning of the next: from x to y, to the next stroke,
    or to the next drawing. All letters are checked at once.

    Returns:
        x and y of all points, the number of points of each stroke and of strokes of each drawing. If drawings have
        another layout or are damaged, their indices instead.
    """
    if not drawings:
        none = np.zeros(0, np.int64)
        return none.astype(np.int16), none.astype(np.int16), none, none
    text = b"\n".join(drawings)
    if b" " in text:
        text = b"\n".join([drawing.replace(b", ", b",") for drawing in drawings])
    text += b"\n[[["  # the same text follows each drawing
    letters = np.frombuffer(text + _GAP_OF_DRAWINGS, np.uint8)  # padding, so that a gap can be compared at any index
    digits = letters - np.uint8(_ZERO)  # unsigned: letters before "0" become large
    is_digit = digits < 10
    digits *= is_digit
    ends = np.flatnonzero(is_digit[:-1] > is_digit[1:])  # the last digit of each number
    tens = digits[:-1] * np.uint8(10)
    tens += digits[1:]
    values = (digits[:-2] * is_digit[1:-1]).astype(np.int16)  # hundreds of the number that ends two letters later
    values *= np.int16(100)
    values += tens[1:]
    numbers = values[ends - 2]
    digit_count = np.count_nonzero(is_digit)
    # no number starts with 0 or has four digits
    good = digit_count == len(ends) + sum(np.count_nonzero(numbers >= size) for size in (10, 100))
    behind = letters[ends + 1]
    list_ends = np.flatnonzero(behind == _CLOSE)  # index of the last number of each list
    commas = len(ends) - len(list_ends)
    good &= np.count_nonzero(behind == _COMMA) == commas
    after = ends[list_ends] + 1
    after_x, after_y = after[0::2], after[1::2]
    ends_drawing = letters[after_y + 2] == _CLOSE
    size = len(b"[[[") + digit_count + commas
    for gap, positions in (
        (_GAP_IN_STROKE, after_x),
        (_GAP_OF_STROKES, after_y[~ends_drawing]),
        (_GAP_OF_DRAWINGS, after_y[ends_drawing]),
    ):
        good &= all((letters[positions + offset] == letter).all() for offset, letter in enumerate(gap))
        size += len(gap) * len(positions)
    good &= text.startswith(b"[[[") and size == len(text)  # there is no other text
    lengths = np.diff(list_ends, prepend=-1)
    # each stroke has two lists of the same length
    good = good and len(after_x) == len(after_y) and bool((lengths[0::2] == lengths[1::2]).all())
    if not good:
        if len(drawings) == 1:
            return {0}
        half = len(drawings) // 2
        parts = [(0, _numbers(drawings[:half])), (half, _numbers(drawings[half:]))]
        return {first + index for first, part in parts if isinstance(part, set) for index in part}
    stroke_points = lengths[0::2]
    index = np.arange(len(numbers) // 2)
    index += np.repeat(np.cumsum(stroke_points) - stroke_points, stroke_points)  # skips the y of the strokes before
    x = numbers[index]
    index += np.repeat(stroke_points, stroke_points)
    return x, numbers[index], stroke_points, np.diff(np.flatnonzero(ends_drawing), prepend=-1)

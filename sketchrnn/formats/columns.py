"""Many Quick, Draw! drawings at once, as columns of numbers: a hundred times what one drawing after the other costs.

Only what is laid out as Google lays it out is read so, and read to the same as :mod:`.quickdraw_ndjson` and
:mod:`.quickdraw_binary` do; any other line is handed back, to be read by them or refused with their message.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from sketchrnn.formats.quickdraw_binary import HEADER, walk

_TEXT = rb'"([^"\\\x00-\x1f]*)"'
_LINE = re.compile(
    rb'^\{"word": ?' + _TEXT + rb'(?:, ?"countrycode": ?' + _TEXT + rb')?(?:, ?"timestamp": ?"[^"\\\x00-\x1f]*")?'
    rb'(?:, ?"recognized": ?(true|false))?(?:, ?"key_id": ?' + _TEXT + rb')?, ?"drawing": ?(\[.*\])\}[ \t\r]*$',
    re.MULTILINE,
)
_GAP_IN_STROKE, _GAP_OF_STROKES, _GAP_OF_DRAWINGS = (len(between) for between in ("],[", "]],[[", "]]]\n[[["))
_COMMA, _OPEN, _CLOSE, _ZERO = (ord(letter) for letter in ",[]0")


@dataclass(frozen=True)
class Columns:
    """Drawings, the points of all of them one behind the other.

    Attributes:
        x: of each point, (points,) int16.
        y: of each point, (points,) int16.
        stroke_points: points of each stroke, none of them 0, (strokes,).
        drawing_strokes: strokes of each drawing, none of them 0, (drawings,).
        words: the category of each drawing, here and below as the file has it, and empty where it has none.
        keys: the key_id of each drawing.
        recognized: ``true`` or ``false``.
        countries: where each was drawn.
        empty_strokes: of each drawing, strokes without a point, which are left out, (drawings,).
    """

    x: NDArray[np.int16]
    y: NDArray[np.int16]
    stroke_points: NDArray[np.int64]
    drawing_strokes: NDArray[np.int64]
    words: Sequence[bytes]
    keys: Sequence[bytes]
    recognized: Sequence[bytes]
    countries: Sequence[bytes]
    empty_strokes: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.drawing_strokes)

    def take(self, chosen: NDArray[np.bool_]) -> Columns:
        """Return some of the drawings; ``chosen`` is (drawings,) bool."""
        if chosen.all():
            return self
        strokes = np.repeat(chosen, self.drawing_strokes)
        points = np.repeat(strokes, self.stroke_points)
        return Columns(
            self.x[points],
            self.y[points],
            self.stroke_points[strokes],
            self.drawing_strokes[chosen],
            list(itertools.compress(self.words, chosen)),
            list(itertools.compress(self.keys, chosen)),
            list(itertools.compress(self.recognized, chosen)),
            list(itertools.compress(self.countries, chosen)),
            self.empty_strokes[chosen],
        )


@dataclass
class Lines:
    """Lines of ndjson, sorted by how they can be read.

    Attributes:
        columns: those in Google's layout.
        places: which lines these are.
        others: all other lines that are not blank, by their place.
    """

    columns: Columns
    places: list[int]
    others: dict[int, bytes] = field(default_factory=dict)


def columns_of_lines(content: bytes) -> Lines:
    """Read whole lines of Quick, Draw! ndjson."""
    lines = content.count(b"\n") + (not content.endswith(b"\n"))
    matches: list[tuple[bytes, ...]] = _LINE.findall(content)
    places, others = list(range(lines)), {}
    if len(matches) != lines or not content.isascii():
        split = content.split(b"\n")
        found = [_LINE.fullmatch(line) if line.isascii() else None for line in split]
        matches = [match.groups(b"") for match in found if match]
        places = [place for place, match in enumerate(found) if match]
        others = {place: split[place] for place, match in enumerate(found) if not match and split[place].strip()}
    if isinstance(numbers := _numbers([match[4] for match in matches]), set):
        split = content.split(b"\n")
        others |= {places[index]: split[places[index]] for index in numbers}
        matches = [match for index, match in enumerate(matches) if index not in numbers]
        places = [place for index, place in enumerate(places) if index not in numbers]
        numbers = _numbers([match[4] for match in matches])
        assert not isinstance(numbers, set)
    x, y, stroke_points, drawing_strokes = numbers
    words, countries, recognized, keys, _ = zip(*matches, strict=True) if matches else ((),) * 5
    columns = Columns(
        x, y, stroke_points, drawing_strokes, words, keys, recognized, countries, np.zeros(len(matches), np.int64)
    )
    return Lines(columns, places, others)


def columns_of_binary(content: bytes, name: str, first: int = 0) -> Columns:
    """Read whole drawings of a Quick, Draw! binary file.

    Args:
        content: the drawings.
        name: what messages call them.
        first: the number of the first one, for messages.

    Raises:
        FormatError: they are damaged.
    """
    starts: list[int] = []
    stroke_points: list[int] = []
    drawing_strokes, keys, recognized, countries, empty = [], [], [], [], []
    for place, strokes in walk(content, name, first):
        key, country, guessed, _, _ = HEADER.unpack_from(content, place)
        keys.append(b"%d" % key)
        countries.append(country)
        recognized.append(b"true" if guessed else b"false")
        drawn = [stroke for stroke in strokes if stroke[1]]
        empty.append(len(strokes) - len(drawn))
        drawing_strokes.append(len(drawn))
        starts += [stroke[0] for stroke in drawn]
        stroke_points += [stroke[1] for stroke in drawn]
    counts = np.array(stroke_points, np.int64)
    before = np.cumsum(counts) - counts
    x_place = np.repeat(np.array(starts, np.int64) - before, counts) + np.arange(counts.sum())
    values = np.frombuffer(content, np.uint8)
    return Columns(
        values[x_place].astype(np.int16),
        values[x_place + np.repeat(counts, counts)].astype(np.int16),
        counts,
        np.array(drawing_strokes, np.int64),
        [b""] * len(keys),
        keys,
        recognized,
        countries,
        np.array(empty, np.int64),
    )


def _numbers(
    drawings: list[bytes],
) -> tuple[NDArray[np.int16], NDArray[np.int16], NDArray[np.int64], NDArray[np.int64]] | set[int]:
    """Read ``[[[x, ...], [y, ...]], ...]`` of many drawings.

    Between two numbers stands a comma, or what ends a list and begins the next: y after x, a stroke, a drawing. That
    these and nothing else are there is checked for all letters at once.

    Returns:
        x and y of all points, points of each stroke, strokes of each drawing; or else which drawings to leave out,
        because they are none or are laid out otherwise.
    """
    if not drawings:
        none = np.zeros(0, np.int64)
        return none.astype(np.int16), none.astype(np.int16), none, none
    text = b"\n".join(drawings)
    if b" " in text:
        text = b"\n".join([drawing.replace(b", ", b",") for drawing in drawings])
    text = b"\n" + text + b"\n[[["  # so that every drawing has the same before and after it
    letters = np.frombuffer(text, np.uint8)
    digits = letters - _ZERO  # of unsigned bytes: what is below 0 is far above 9
    is_digit = digits < 10
    digits *= is_digit
    ends = np.flatnonzero(is_digit[:-1] > is_digit[1:])  # the last digit of each number
    numbers = digits[ends].astype(np.int16)
    numbers += np.int16(10) * digits[ends - 1]
    numbers += np.int16(100) * digits[ends - 2] * is_digit[ends - 1]
    # as many digits as these numbers have: none begins with 0, none has four
    good = np.count_nonzero(is_digit) == len(ends) + sum(np.count_nonzero(numbers >= size) for size in (10, 100))
    list_ends = np.flatnonzero(letters[ends + 1] == _CLOSE)  # the number of the last number of each list
    between_numbers = is_digit[:-2] & (letters[1:-1] == _COMMA) & is_digit[2:]
    good &= len(ends) == len(list_ends) + np.count_nonzero(between_numbers)
    after = ends[list_ends] + 1
    begins = np.flatnonzero(is_digit[1:] & (letters[:-1] == _OPEN)) + 1  # the first digit of each list
    good &= text.startswith(b"\n[[[") and 0 < len(begins) == len(after) and begins[0] == 4
    if good:
        gaps = np.append(begins[1:], len(letters)) - after
        for between in (b"],[", b"]],[[", b"]]]\n[[["):
            places = after[gaps == len(between)]
            good &= all((letters[places + offset] == letter).all() for offset, letter in enumerate(between))
        # two lists a stroke, of the same length
        good &= len(gaps) % 2 == 0 and (gaps[0::2] == _GAP_IN_STROKE).all()
        good &= ((gaps[1::2] == _GAP_OF_STROKES) | (gaps[1::2] == _GAP_OF_DRAWINGS)).all()
        lengths = np.diff(list_ends, prepend=-1)
        good = good and bool((lengths[0::2] == lengths[1::2]).all())
    if not good:
        if len(drawings) == 1:
            return {0}
        half = len(drawings) // 2
        parts = [(0, _numbers(drawings[:half])), (half, _numbers(drawings[half:]))]
        return {first + place for first, part in parts if isinstance(part, set) for place in part}
    is_x = np.repeat(np.arange(len(lengths)) % 2 == 0, lengths)
    last_strokes = np.flatnonzero(gaps[1::2] == _GAP_OF_DRAWINGS)
    return numbers[is_x], numbers[~is_x], lengths[0::2], np.diff(last_strokes, prepend=-1)

"""Many Quick, Draw! drawings at once, as columns of numbers: a hundred times what one drawing after the other costs.

Only what is laid out as Google lays it out is read so, and read to the same as :mod:`.quickdraw_ndjson` and
:mod:`.quickdraw_binary` do; any other line is handed back, to be read by them or refused with their message.
"""

from __future__ import annotations

import itertools
import re
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
_GAP_IN_STROKE, _GAP_OF_DRAWINGS = len("],["), len("]]]\n[[[")
_COMMA, _OPEN, _CLOSE, _ZERO = (ord(letter) for letter in ",[]0")


@dataclass(frozen=True)
class Columns:
    """Drawings, the points of all of them one behind the other.

    Attributes:
        x: of each point, (points,) int16.
        y: of each point, (points,) int16.
        stroke_points: points of each stroke, none of them 0, (strokes,).
        drawing_strokes: strokes of each drawing, none of them 0, (drawings,).
        words: the category of each drawing; None for the file's own.
        keys: the key_id of each drawing, if it has one.
        recognized: whether the game guessed each drawing, if it says.
        countries: where each was drawn, if it says.
        empty_strokes: of each drawing, strokes without a point, which are left out, (drawings,).
    """

    x: NDArray[np.int16]
    y: NDArray[np.int16]
    stroke_points: NDArray[np.int64]
    drawing_strokes: NDArray[np.int64]
    words: list[str | None]
    keys: list[str | None]
    recognized: list[bool | None]
    countries: list[str | None]
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
    while isinstance(numbers := _numbers([match[4] for match in matches]), set):
        split = content.split(b"\n")
        others |= {places[index]: split[places[index]] for index in numbers}
        matches = [match for index, match in enumerate(matches) if index not in numbers]
        places = [place for index, place in enumerate(places) if index not in numbers]
    x, y, stroke_points, drawing_strokes = numbers
    columns = Columns(
        x,
        y,
        stroke_points,
        drawing_strokes,
        [_text(match[0]) for match in matches],
        [_text(match[3]) for match in matches],
        [match[2] == b"true" if match[2] else None for match in matches],
        [_text(match[1]) for match in matches],
        np.zeros(len(matches), np.int64),
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
        keys.append(str(key))
        countries.append(country.decode("ascii"))
        recognized.append(bool(guessed))
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
        [None] * len(keys),
        list(keys),
        list(recognized),
        list(countries),
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
        because they are none or are laid out otherwise, or stand beside one that is.
    """
    if not drawings:
        none = np.zeros(0, np.int64)
        return none.astype(np.int16), none.astype(np.int16), none, none
    text = b"\n".join(drawings)
    if b" " in text:
        drawings = [drawing.replace(b", ", b",") for drawing in drawings]
        text = b"\n".join(drawings)
    text = b"\n" + text + b"\n[[["  # so that every drawing has the same before and after it
    letters = np.frombuffer(text, np.uint8)
    digits = letters - _ZERO  # of unsigned bytes: what is below 0 is far above 9
    is_digit = digits < 10
    digits = digits * is_digit
    values = digits.astype(np.int16)  # of the number that ends here
    values[1:] += np.int16(10) * digits[:-1]
    values[2:] += np.int16(100) * digits[:-2] * is_digit[1:-1]
    is_end = is_digit[:-1] & ~is_digit[1:]
    wrong = np.zeros(len(letters), bool)
    wrong[:-2] = is_end[:-1] & (letters[1:-1] != _CLOSE) & ~((letters[1:-1] == _COMMA) & is_digit[2:])
    wrong[3:] |= is_digit[3:] & is_digit[2:-1] & is_digit[1:-2] & is_digit[:-3]  # four digits: none of Google's
    wrong[1:-1] |= ~is_digit[:-2] & (letters[1:-1] == _ZERO) & is_digit[2:]  # 0 before other digits
    ends = np.flatnonzero(is_end)
    list_ends = np.flatnonzero(letters[ends + 1] == _CLOSE)  # the number of the last number of each list
    after = ends[list_ends] + 1
    begins = np.flatnonzero((letters[:-1] == _OPEN) & is_digit[1:]) + 1  # the first digit of each list
    wrong[0] = not text.startswith(b"\n[[[") or len(begins) == 0 or begins[0] != 4 or len(begins) != len(after)
    if not wrong[0]:
        gaps = np.append(begins[1:], len(letters)) - after
        unknown = np.ones(len(gaps), bool)
        for between in (b"],[", b"]],[[", b"]]]\n[[["):
            places = np.flatnonzero(gaps == len(between))
            same = np.ones(len(places), bool)
            for offset, letter in enumerate(between):
                same &= letters[after[places] + offset] == letter
            unknown[places] = ~same
        for begin, end in zip(after[unknown], np.append(begins[1:], len(letters))[unknown], strict=True):
            wrong[begin : end - 1] = True  # drawings without a number lie there, if there is more than one
    lengths = np.diff(list_ends, prepend=-1)
    if not wrong.any():
        in_pairs = len(gaps) % 2 == 0 and not (gaps[0::2] != _GAP_IN_STROKE).any()
        if not in_pairs or (gaps[1::2] == _GAP_IN_STROKE).any():  # not every stroke has two lists
            stroke = np.cumsum(gaps != _GAP_IN_STROKE) - (gaps != _GAP_IN_STROKE)
            wrong[after] = (np.bincount(stroke, gaps == _GAP_IN_STROKE) != 1)[stroke]
        else:
            wrong[after] = np.repeat(lengths[0::2] != lengths[1::2], 2)
    if wrong.any():
        if wrong[0]:  # somewhere the lists do not fit together
            return _one_by_one(drawings)
        line_ends = np.cumsum([len(drawing) + 1 for drawing in drawings])  # in letters, less the first one
        places = np.minimum(np.flatnonzero(wrong) - 1, len(text) - len("\n\n[[[") - 1)
        return set(np.searchsorted(line_ends, places, side="right").tolist())
    is_x = np.repeat(np.arange(len(lengths)) % 2 == 0, lengths)
    numbers = values[ends]
    last_strokes = np.flatnonzero(gaps[1::2] == _GAP_OF_DRAWINGS)
    return numbers[is_x], numbers[~is_x], lengths[0::2], np.diff(last_strokes, prepend=-1)


def _one_by_one(drawings: list[bytes]) -> set[int]:
    """Return which drawings cannot be read by :func:`_numbers`, if not all of them can."""
    if len(drawings) == 1:
        return {0}
    return {place for place, drawing in enumerate(drawings) if isinstance(_numbers([drawing]), set)}


def _text(content: bytes) -> str | None:
    return content.decode() if content else None

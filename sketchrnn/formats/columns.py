"""Many Quick, Draw! drawings at once, as columns of numbers: a hundred times what one drawing after the other costs.

Only what is laid out as Google lays it out is read so, and read to the same as :mod:`.quickdraw_ndjson` and
:mod:`.quickdraw_binary` do; any other line is handed back, to be read by them or refused with their message.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from sketchrnn.formats.quickdraw_binary import HEADER, walk

_TEXT = rb'"([^"\\\x00-\x1f]*)"'
_LINE = re.compile(
    rb'\{"word": ?' + _TEXT + rb'(?:, ?"countrycode": ?' + _TEXT + rb')?(?:, ?"timestamp": ?' + _TEXT + rb")?"
    rb'(?:, ?"recognized": ?(true|false))?(?:, ?"key_id": ?' + _TEXT + rb')?, ?"drawing": ?(\[[^"]*\])\}'
)
_WORD, _COUNTRY, _TIMESTAMP, _RECOGNIZED, _KEY, _DRAWING = range(1, 7)  # its groups
_FIELDS = range(_WORD, _DRAWING)
_LONGEST_FIELD = 64  # bytes
_GAP_IN_STROKE, _GAP_OF_STROKES, _GAP_OF_DRAWINGS = b"],[", b"]],[[", b"]]]\n[[["
_NEWLINE, _SPACE, _QUOTE, _COMMA, _ZERO, _BACKSLASH, _CLOSE, _BRACE, _DELETE = b'\n ",0\\]}\x7f'


@dataclass(frozen=True)
class Columns:
    """Drawings, the points of all of them one behind the other.

    Attributes:
        x: of each point, (points,) int16.
        y: of each point, (points,) int16.
        stroke_points: points of each stroke, none of them 0, (strokes,).
        drawing_strokes: strokes of each drawing, none of them 0, (drawings,).
        words: the category of each drawing, empty where the file has none, (drawings,); so are keys and countries.
        keys: the key_id of each drawing.
        recognized: False for drawings that the game did not recognize, True for all others, (drawings,).
        countries: where each was drawn.
        empty_strokes: of each drawing, strokes without a point, which are left out, (drawings,).
    """

    x: NDArray[np.int16]
    y: NDArray[np.int16]
    stroke_points: NDArray[np.int64]
    drawing_strokes: NDArray[np.int64]
    words: NDArray[np.bytes_]
    keys: NDArray[np.bytes_]
    recognized: NDArray[np.bool_]
    countries: NDArray[np.bytes_]
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
            self.words[chosen],
            self.keys[chosen],
            self.recognized[chosen],
            self.countries[chosen],
            self.empty_strokes[chosen],
        )


@dataclass(frozen=True)
class Lines:
    """Lines of ndjson, sorted by how they can be read.

    Attributes:
        count: of all lines.
        columns: those in Google's layout.
        places: which lines these are, (drawings,).
        others: all other lines that are not blank, by their place.
    """

    count: int
    columns: Columns
    places: NDArray[np.int64]
    others: dict[int, bytes]


def columns_of_lines(content: bytes) -> Lines:
    """Read whole lines of Quick, Draw! ndjson, one at least.

    A line in Google's layout says which fields there are and how they are spaced. What stands between its values is
    looked for in all other lines at once, to which their quotes lead; what is left has another such line, or none.
    """
    if b"\r" in content:
        content = content.replace(b"\r\n", b"\n")
    if not content.endswith(b"\n"):
        content += b"\n"
    letters = np.frombuffer(content + bytes(_LONGEST_FIELD), np.uint8)  # so that a field can be looked for anywhere
    marks = np.flatnonzero((letters == _QUOTE) | (letters == _NEWLINE))
    newlines = np.flatnonzero(letters[marks] == _NEWLINE)  # which of the marks
    ends = marks[newlines]
    starts = np.concatenate([np.zeros(1, np.int64), ends[:-1] + 1])
    quotes = np.diff(newlines, prepend=-1) - 1
    left = np.ones(len(ends), bool)
    # control characters, escapes and letters beyond ASCII: for others to read
    strange = (letters - np.uint8(_SPACE) >= _DELETE - _SPACE) | (letters == _BACKSLASH)
    strange[ends] = strange[len(content) :] = False
    if strange.any():
        left[np.searchsorted(ends, np.flatnonzero(strange))] = False
    found = [(np.zeros(0, np.int64), np.zeros((_DRAWING + 1, 2, 0), np.int64))]
    while left.any():
        first = int(left.argmax())
        left[first] = False
        model = _LINE.fullmatch(content, int(starts[first]), int(ends[first]))
        if model is not None and all(model.end(one) - model.start(one) <= _LONGEST_FIELD for one in _FIELDS):
            count = int(quotes[first])
            alike = np.append(first, np.flatnonzero(left & (quotes == count)))
            quote = marks[(newlines[alike] - count)[:, None] + np.arange(count)]
            spans, fits = _spans(model, letters, starts[alike], quote, ends[alike])
            left[alike[fits]] = False
            found.append((alike[fits], spans[:, :, fits]))
    places, spans = np.concatenate([one for one, _ in found]), np.concatenate([one for _, one in found], axis=2)
    if len(found) > 2:
        order = np.argsort(places)
        places, spans = places[order], spans[:, :, order]
    drawings = [content[start:end] for start, end in zip(*spans[_DRAWING].tolist(), strict=True)]
    numbers = _numbers(drawings)
    if isinstance(numbers, set):
        good = np.ones(len(places), bool)
        good[list(numbers)] = False
        places, spans = places[good], spans[:, :, good]
        numbers = _numbers([drawing for drawing, one in zip(drawings, good, strict=True) if one])
        assert not isinstance(numbers, set)
    columns = Columns(
        *numbers,
        words=_texts(letters, spans[_WORD]),
        keys=_texts(letters, spans[_KEY]),
        recognized=_texts(letters, spans[_RECOGNIZED]) != b"false",
        countries=_texts(letters, spans[_COUNTRY]),
        empty_strokes=np.zeros(len(places), np.int64),
    )
    unread = np.ones(len(ends), bool)
    unread[places] = False
    others = {place: content[starts[place] : ends[place]] for place in np.flatnonzero(unread).tolist()}
    return Lines(len(ends), columns, places, {place: line for place, line in others.items() if line.strip()})


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
        recognized.append(guessed)
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
        np.zeros(len(keys), "S1"),
        np.array(keys, "S"),
        np.array(recognized, bool),
        np.array(countries, "S2"),
        np.array(empty, np.int64),
    )


def _spans(
    model: re.Match[bytes],
    letters: NDArray[np.uint8],
    start: NDArray[np.int64],
    quote: NDArray[np.int64],
    end: NDArray[np.int64],
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Find the fields of lines that have as many quotes as a model.

    Args:
        model: a line, as the expression matches it.
        letters: where the lines are, and something behind them.
        start: of each line, (lines,).
        quote: the places of its quotes, (lines, quotes).
        end: of each line, (lines,).

    Returns:
        Where each field of the expression begins and ends, nowhere if it is not there, (fields + 1, 2, lines); and
        which lines have the same between them as the model, (lines,) bool.
    """
    spans = np.zeros((_DRAWING + 1, 2, len(start)), np.int64)
    fits = letters[end - 1] == _BRACE
    there = [group for group in range(_WORD, _DRAWING + 1) if model.start(group) >= 0]
    number = 0
    for before, group in pairwise([0, *there]):
        literal = model.string[model.end(before) if before else model.start() : model.start(group)]
        begin = quote[:, number] - literal.index(b'"')
        fits &= _windows(letters, len(literal))[begin] == literal
        number += literal.count(b'"')
        spans[before, 1] = begin
        spans[group, 0] = begin + len(literal)
    spans[_DRAWING, 1] = end - 1
    fits &= spans[0, 1] == start
    lengths = np.diff(spans, axis=1)[:, 0]
    fits &= (lengths[_WORD:] >= 0).all(0) & (lengths[_WORD:_DRAWING] <= _LONGEST_FIELD).all(0)
    if _RECOGNIZED in there:
        said = _texts(letters, np.where(fits, spans[_RECOGNIZED], 0))
        fits &= (said == b"true") | (said == b"false")
    return spans, fits


def _windows(letters: NDArray[np.uint8], width: int) -> NDArray[np.bytes_]:
    """Return what begins at each letter, so many letters of it."""
    windows: NDArray[np.bytes_] = np.ndarray(len(letters) - width + 1, f"S{width}", letters, strides=(1,))
    return windows


def _texts(letters: NDArray[np.uint8], span: NDArray[np.int64]) -> NDArray[np.bytes_]:
    """Return the letters from begin to end for each of many (begin, end), (2, texts), none of them long."""
    lengths = span[1] - span[0]
    width = int(lengths.max(initial=1))
    texts = _windows(letters, width)[span[0]]
    if (lengths < width).any():
        texts.view(np.uint8).reshape(-1, width)[np.arange(width) >= lengths[:, None]] = 0
    return texts


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
    text += b"\n[[["  # so that every drawing has the same behind it
    letters = np.frombuffer(text + _GAP_OF_DRAWINGS, np.uint8)  # so that a gap can be looked for anywhere
    digits = letters - np.uint8(_ZERO)  # of unsigned bytes: what is below 0 is far above 9
    is_digit = digits < 10
    digits *= is_digit
    ends = np.flatnonzero(is_digit[:-1] > is_digit[1:])  # the last digit of each number
    tens = digits[:-1] * np.uint8(10)
    tens += digits[1:]
    values = (digits[:-2] * is_digit[1:-1]).astype(np.int16)  # of what ends two letters on
    values *= np.int16(100)
    values += tens[1:]
    numbers = values[ends - 2]
    digit_count = np.count_nonzero(is_digit)
    # as many digits as these numbers have: none begins with 0, none has four
    good = digit_count == len(ends) + sum(np.count_nonzero(numbers >= size) for size in (10, 100))
    behind = letters[ends + 1]
    list_ends = np.flatnonzero(behind == _CLOSE)  # the number of the last number of each list
    commas = len(ends) - len(list_ends)
    good &= np.count_nonzero(behind == _COMMA) == commas
    after = ends[list_ends] + 1
    after_x, after_y = after[0::2], after[1::2]
    ends_drawing = letters[after_y + 2] == _CLOSE
    size = len(b"[[[") + digit_count + commas
    for gap, places in (
        (_GAP_IN_STROKE, after_x),
        (_GAP_OF_STROKES, after_y[~ends_drawing]),
        (_GAP_OF_DRAWINGS, after_y[ends_drawing]),
    ):
        good &= all((letters[places + offset] == letter).all() for offset, letter in enumerate(gap))
        size += len(gap) * len(places)
    good &= text.startswith(b"[[[") and size == len(text)  # there is nothing else
    lengths = np.diff(list_ends, prepend=-1)
    # two lists a stroke, of the same length
    good = good and len(after_x) == len(after_y) and bool((lengths[0::2] == lengths[1::2]).all())
    if not good:
        if len(drawings) == 1:
            return {0}
        half = len(drawings) // 2
        parts = [(0, _numbers(drawings[:half])), (half, _numbers(drawings[half:]))]
        return {first + place for first, part in parts if isinstance(part, set) for place in part}
    stroke_points = lengths[0::2]
    places = np.arange(len(numbers) // 2)
    places += np.repeat(np.cumsum(stroke_points) - stroke_points, stroke_points)  # of the strokes' y before
    x = numbers[places]
    places += np.repeat(stroke_points, stroke_points)
    return x, numbers[places], stroke_points, np.diff(np.flatnonzero(ends_drawing), prepend=-1)

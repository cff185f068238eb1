"""Plain polylines as JSON: ``[[[x, y], ...], ...]``, or an object that has them as "strokes".

The format for whoever draws with code: a list of strokes, each a list of points, which may have a time, ``[x, y, t]``,
that is dropped. As an object it may say more: ``{"strokes": ..., "word": "pig", "pen_down": true}``.
"""

import json
from pathlib import Path

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
from sketchrnn.formats.record import Record
from sketchrnn.sketch import Sketch

_LAYOUT = 'strokes [[[x, y], ...], ...] or an object with "strokes"'


def read_polyline_json(path: str | Path) -> Record:
    """Read the drawing of a polyline JSON file; ``-`` is standard input.

    Raises:
        FormatError: the file holds something else; the message names the file, the stroke and the point.
        SketchRNNError: the file cannot be read.
    """
    with open_source(path) as file:
        return parse_polyline_json(file.read(), source_name(path))


def parse_polyline_json(content: bytes, name: str) -> Record:
    """Read a drawing, as :func:`read_polyline_json` does; ``name`` is what messages call its source."""
    if not content.strip():
        raise FormatError(f"{name}: is empty: expected {_LAYOUT}")
    try:
        return _record(json.loads(content.decode("utf-8-sig"), parse_constant=reject_constant))
    except UnicodeDecodeError as error:
        raise FormatError(f"{name}: expected UTF-8 text, found other bytes") from error
    except JSON_ERRORS as error:
        raise FormatError(f"{name}: expected {_LAYOUT}, found no JSON: {error}") from error
    except FormatError as error:
        raise FormatError(f"{name}: {error}") from error


def dumps_polyline_json(sketch: Sketch) -> str:
    r"""Return a sketch as polyline JSON; reading it gives an equal sketch.

    A sketch whose last stroke is unfinished becomes an object, for only that can say so.

    >>> dumps_polyline_json(Sketch.from_polylines([[(0, 1), (2.5, 3)]]))
    '[[[0,1],[2.5,3]]]\n'
    """
    strokes = [[[shortest_number(x), shortest_number(y)] for x, y in stroke] for stroke in sketch.polylines()]
    value = {"strokes": strokes, "pen_down": True} if sketch.pen_down else strokes
    return json.dumps(value, separators=(",", ":")) + "\n"


def _record(value: object) -> Record:
    fields = value if isinstance(value, dict) else {"strokes": value}
    strokes = fields.get("strokes")
    if not isinstance(strokes, list):
        raise FormatError(f"expected {_LAYOUT}, found {found(value)}")
    for index, stroke in enumerate(strokes):
        _check_stroke(stroke, f"stroke {index}")
    points = [[point[:2] for point in stroke] for stroke in strokes]
    sketch = Sketch.from_polylines(points, pen_down=bool(optional_flag(fields, "pen_down")))
    return Record(sketch, word=optional_text(fields, "word"), empty_strokes=len(strokes) - len(sketch.strokes))


def _check_stroke(stroke: object, place: str) -> None:
    if not isinstance(stroke, list):
        raise FormatError(f"{place}: expected a list of points [x, y], found {found(stroke)}")
    for index, point in enumerate(stroke):
        if not isinstance(point, list) or len(point) not in (2, 3) or not all_numbers(point):
            raise FormatError(f"{place}, point {index}: expected [x, y] or [x, y, time], found {found(point)}")

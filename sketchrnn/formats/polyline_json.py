"""Strokes as JSON: ``[[[x, y], ...], ...]``, or an object with "strokes".

A drawing is a list of strokes, and each stroke is a list of points. A point can have a time, ``[x, y, t]``, which is
ignored. An object can have more fields: ``{"strokes": ..., "word": "pig", "pen_down": true}``. Points can also be
objects, ``{"x": 1, "y": 2}``, and strokes objects with "points", as many drawing libraries write them.

The value of "drawing" in a Quick, Draw! record has the same nesting but another meaning: a stroke is ``[xs, ys]``. A
list without a key is read as the layout that it matches; if it matches both, it is rejected.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import BinaryIO

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
from sketchrnn.formats.quickdraw_ndjson import parse_ndjson, quickdraw_record
from sketchrnn.formats.record import Format, Record
from sketchrnn.sketch import Sketch

_LAYOUT = 'strokes [[[x, y], ...], ...] or an object with "strokes"'
_STROKE_LISTS = ("strokes", "lines")  # "lines": react-canvas-draw
_POINT_LISTS = ("points", "paths")  # of a stroke: signature_pad, react-canvas-draw; react-sketch-canvas


def parse_json(content: bytes, name: str) -> Iterator[Record]:
    """Read the drawings of a JSON document, or of a JSON document on each line.

    Args:
        content: the document.
        name: the file's name for messages.

    Raises:
        FormatError: the content is not a drawing; the message names the file, the stroke and the point.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FormatError(f"{name}: expected UTF-8 text, found other bytes") from error
    try:
        value = json.loads(text, parse_constant=reject_constant)
    except JSON_ERRORS as error:
        if isinstance(error, json.JSONDecodeError) and error.msg == "Extra data" and "\n" in text[: error.pos]:
            yield from parse_ndjson(content.splitlines(), name, convert=_records)
            return
        raise FormatError(f"{name}: expected {_LAYOUT}, found invalid JSON: {error}") from error
    try:
        yield from _records(value)
    except FormatError as error:
        raise FormatError(f"{name}: {error}") from error


def dumps_polyline_json(sketch: Sketch) -> str:
    r"""Return a sketch as polyline JSON; reading it gives an equal sketch.

    The result is an object if a list is not enough: if the last stroke is unfinished, or if the numbers could also be
    Quick, Draw! lists.

    >>> dumps_polyline_json(Sketch.from_polylines([[(0, 1), (2.5, 3)], [(4, 4)]]))
    '[[[0,1],[2.5,3]],[[4,4]]]\n'
    """
    strokes = [[[shortest_number(x), shortest_number(y)] for x, y in stroke] for stroke in sketch.polylines()]
    value: object = strokes if _layouts(strokes) <= {"points"} else {"strokes": strokes}
    if sketch.pen_down:
        value = {"strokes": strokes, "pen_down": True}
    return json.dumps(value, separators=(",", ":")) + "\n"


def _records(value: object) -> list[Record]:
    """Return the drawings of a JSON value of any layout."""
    if isinstance(value, dict):
        if "drawing" in value:
            return [quickdraw_record(value)]
        records = _records_of_program(value)
        return [_strokes_record(value)] if records is None else records
    if isinstance(value, list) and any(isinstance(one, dict) and {"drawing", "strokes"} & set(one) for one in value):
        return [record for index, one in enumerate(value) for record in _numbered_records(one, index)]
    layouts = _layouts(value)
    if len(layouts) > 1:
        raise FormatError(
            "expected a list of strokes that can be read in one way only, found one that can be points "
            '[[x, y], ...] or Quick, Draw! lists [[xs], [ys]]. Write {"strokes": ...} for points or '
            '{"drawing": ...} for Quick, Draw! lists'
        )
    return [quickdraw_record({"drawing": value}) if layouts == {"lists"} else _strokes_record({"strokes": value})]


def _numbered_records(value: object, index: int) -> list[Record]:
    try:
        return _records(value)
    except FormatError as error:
        raise FormatError(f"record {index}: {error}") from error


def _layouts(strokes: object) -> set[str]:
    """Return what a nested list can be: "points" [x, y], Quick, Draw! "lists" [xs, ys] of each stroke, both, or
    neither.

    Points have the same number of values: x, y, and perhaps a time or a pressure. Lists of a stroke have the same
    length. Times do not decrease; pressures are between 0 and 1.
    """
    if not isinstance(strokes, list) or not all(isinstance(stroke, list) for stroke in strokes):
        return set()
    inner = [values for stroke in strokes for values in stroke]
    if not all(isinstance(values, list) and all_numbers(values) for values in inner):
        return set()
    widths, counts = {len(values) for values in inner}, {len(stroke) for stroke in strokes}
    is_points = widths <= {2, 3} or widths in ({4}, {5}, {6})
    is_lists = counts in ({2}, {3}) and all(len({len(values) for values in stroke}) == 1 for stroke in strokes)
    if is_points and is_lists:
        thirds = [[point[2] for point in stroke] for stroke in strokes] if widths == {3} else []
        is_points = all(third == sorted(third) or (min(third) >= 0 and max(third) <= 1) for third in thirds)
        is_lists = counts == {2} or all(stroke[2] == sorted(stroke[2]) for stroke in strokes)
    return {layout for layout, possible in (("points", is_points), ("lists", is_lists)) if possible}


def _strokes_record(fields: dict[str, object]) -> Record:
    strokes = next((fields[key] for key in _STROKE_LISTS if key in fields), None)
    if isinstance(strokes, list) and (foreign := _foreign_list(strokes)) is not None:
        raise FormatError(f"expected {_LAYOUT}, found {foreign}")
    if not isinstance(strokes, list):
        raise FormatError(f"expected {_LAYOUT}, found {found(fields if strokes is None else strokes)}")
    points = [_points(stroke, f"stroke {index}") for index, stroke in enumerate(strokes)]
    sketch = Sketch.from_polylines(points, pen_down=bool(optional_flag(fields, "pen_down")))
    return Record(sketch, word=optional_text(fields, "word"), empty_strokes=len(strokes) - len(sketch.strokes))


def _points(stroke: object, place: str) -> list[list[float]]:
    """Return the points of a stroke in any of the layouts that drawing libraries write."""
    if isinstance(stroke, dict):
        x, y = stroke.get("x"), stroke.get("y")
        if isinstance(x, list) and isinstance(y, list):  # jSignature
            if len(x) != len(y):
                raise FormatError(f"{place}: expected as many y as x ({len(x)}), found {len(y)}")
            stroke = [list(point) for point in zip(x, y, strict=True)]
        else:
            stroke = next((stroke[key] for key in _POINT_LISTS if key in stroke), stroke)
    if not isinstance(stroke, list):
        raise FormatError(f"{place}: expected a list of points [x, y], found {found(stroke)}")
    points: list[list[float]] = []
    for index, point in enumerate(stroke):
        values = [point.get("x"), point.get("y")] if isinstance(point, dict) else point
        if not isinstance(values, list) or len(values) not in (2, 3) or not all_numbers(values):
            raise FormatError(f"{place}, point {index}: expected [x, y] or [x, y, time], found {found(point)}")
        points.append(values[:2])
    return points


JSON = Format(
    "JSON (strokes, records, Excalidraw, tldraw, GeoJSON)",
    (".json", ".geojson", ".excalidraw", ".excalidrawlib", ".tldr"),
    lambda head: head.lstrip()[:1] in (b"[", b"{"),
    lambda file, name, _: parse_json(file.read(), name),
    lambda records: "".join(dumps_polyline_json(record.sketch) for record in records),
    one_drawing=True,
)

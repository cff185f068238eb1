"""Drawings as JSON: strokes, ``[[[x, y], ...], ...]`` or an object with "strokes", and documents of other programs.

A drawing is a list of strokes, and each stroke is a list of points. A point can have a time, ``[x, y, t]``, which is
ignored. An object can have more fields: ``{"strokes": ..., "word": "pig", "pen_down": true}``. Points can also be
objects, ``{"x": 1, "y": 2}``, and strokes can be objects with "points". Excalidraw, tldraw and GeoJSON are read;
documents of some other programs are named in the error.

The value of "drawing" in a Quick, Draw! record has the same nesting but another meaning: a stroke is ``[xs, ys]``. A
list without a key is read as the layout that it matches; if it matches both, it is rejected.

Reference:
    https://github.com/excalidraw/excalidraw/blob/master/packages/excalidraw/element/types.ts;
    https://github.com/tldraw/tldraw/blob/main/packages/tlschema/src/shapes/TLDrawShape.ts;
    RFC 7946, "The GeoJSON Format".
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator
from typing import Any

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
from sketchrnn.formats.quickdraw import parse_ndjson, quickdraw_record
from sketchrnn.formats.record import Format, Record
from sketchrnn.sketch import Sketch
from sketchrnn.sketch.sketch import LARGEST_EXTENT, FloatArray

_LAYOUT = 'strokes [[[x, y], ...], ...] or an object with "strokes"'
_STROKE_LISTS = ("strokes", "lines")  # "lines": react-canvas-draw
_POINT_LISTS = ("points", "paths")  # of a stroke: signature_pad, react-canvas-draw; react-sketch-canvas


def parse_json(content: bytes, name: str) -> Iterator[Record]:
    """Read the drawings of a JSON document, or of a JSON document on each line.

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


_GEOMETRIES = {  # nesting depth of the points of a line
    "LineString": 0,
    "MultiLineString": 1,
    "Polygon": 1,
    "MultiPolygon": 2,
}
_GEOJSON = {*_GEOMETRIES, "Point", "MultiPoint", "GeometryCollection", "Feature", "FeatureCollection"}
_AS_SVG = "Export the drawing as SVG"
_FOREIGN = {  # recognized by keys that only these objects have
    ("objects",): f"a Fabric.js canvas. {_AS_SVG} (canvas.toSVG())",
    ("className", "attrs"): f"a Konva stage. {_AS_SVG}, or write the points of its lines as strokes",
    ("shapes", "colors"): f"a Literally Canvas snapshot. {_AS_SVG} (getSVGString())",
    ("image", "word"): 'a Quick, Draw! record of another program. Rename "image" to "drawing"',
}


def _records_of_program(value: dict[str, Any]) -> list[Record] | None:
    """Return the drawings of another program's document; None if its format is unknown.

    Raises:
        FormatError: the format is known, but the document cannot be read.
    """
    kind = value.get("type")
    if isinstance(kind, str) and kind.startswith("excalidraw"):
        items = value.get("libraryItems", value.get("library"))
        if items is None:
            return [_excalidraw(value.get("elements"))]
        items = _list(items, '"libraryItems"')
        return [_excalidraw(item.get("elements") if isinstance(item, dict) else item) for item in items]
    if isinstance(kind, str) and kind in _GEOJSON:
        ignored: Counter[str] = Counter()
        lines = [_coordinates(line, f"line {index}") for index, line in enumerate(_geometry_lines(value, ignored))]
        return [_drawing([line * (1.0, -1.0) for line in lines], ignored, "lines (LineString)")]
    shapes = _tldraw_records(value)
    if shapes is not None:
        return _tldraw(shapes)
    for keys, name in _FOREIGN.items():
        if set(keys) <= set(value):
            raise FormatError(f"expected a drawing, found {name}")
    return None


def _foreign_list(values: list[Any]) -> str | None:
    """Describe a list that looks like another format, and how to convert it; None for other lists."""
    if not values:
        return None
    first = values[0]
    if isinstance(first, dict) and {"dx", "dy"} <= set(first):
        return "offsets dx, dy as ml5.js gives them. Add them up to points [x, y]"
    if isinstance(first, dict) and all_numbers([first.get("x"), first.get("y")]):
        return "the points of one stroke. Put them into a list of strokes, [[...]]"
    if isinstance(first, list) and first and first[0] in ("M", "m"):
        return f"path commands as Fabric.js writes them. {_AS_SVG}"
    rows = [row for row in values if isinstance(row, list) and row and all_numbers(row)]
    if len(rows) < len(values):
        return None
    layouts = {
        2: "the points of one stroke. Put them into a list of strokes, [[[x, y], ...]]",
        3: "rows of 3 numbers: stroke-3 (dx, dy, lift), or one stroke of points with a time. Save stroke-3 rows as a "
        ".npy file, or put the points into a list of strokes, [[[x, y, time], ...]]",
        5: "stroke-5 rows. Save them as a .npy file",
    }
    widths = {len(row) for row in rows}
    return layouts.get(widths.pop()) if len(widths) == 1 else None


def _excalidraw(elements: object) -> Record:
    strokes, ignored = [], Counter[str]()
    for index, element in enumerate(_list(elements, '"elements"')):
        place = f"element {index}"
        if not isinstance(element, dict):
            raise FormatError(f"{place}: expected an object, found {found(element)}")
        if element.get("isDeleted"):
            continue
        if element.get("type") not in ("freedraw", "line"):
            ignored[str(element.get("type"))] += 1
            continue
        points = _coordinates(element.get("points"), place)
        if not len(points):
            continue
        center = (points.min(axis=0) + points.max(axis=0)) / 2
        x, y, angle = (_number(element, key, place) for key in ("x", "y", "angle"))
        strokes.append((points - center) @ _rotation(angle) + center + (x, y))
    return _drawing(strokes, ignored, "freedraw elements")


def _tldraw_records(value: dict[str, Any]) -> list[Any] | None:
    """Return the records of a tldraw file, snapshot or clipboard; None if the document is something else."""
    for holder in (value, value.get("document"), value.get("data"), value.get("snapshot")):
        if not isinstance(holder, dict):
            continue
        for key in ("records", "store", "shapes"):
            records = holder.get(key)
            records = list(records.values()) if isinstance(records, dict) else records
            if isinstance(records, list) and any(isinstance(one, dict) and "typeName" in one for one in records):
                return records
    return None


def _tldraw(records: list[Any]) -> list[Record]:
    """Return a drawing for each page: its draw shapes, the lowest first."""
    shapes = {
        str(one.get("id", number)): one
        for number, one in enumerate(records)
        if isinstance(one, dict) and one.get("typeName") == "shape"
    }

    def ancestors(shape: dict[str, Any]) -> list[dict[str, Any]]:
        chain = [shape]
        while (parent := shapes.get(str(chain[0].get("parentId")))) is not None and len(chain) <= len(shapes):
            chain.insert(0, parent)
        return chain

    chains = [ancestors(shape) for shape in shapes.values()]
    chains.sort(key=lambda chain: [str(shape.get("index", "")) for shape in chain])
    pages: dict[str, tuple[list[FloatArray], Counter[str]]] = {}
    for chain in chains:
        strokes, ignored = pages.setdefault(str(chain[0].get("parentId")), ([], Counter()))
        shape = chain[-1]
        if shape.get("type") != "draw":
            ignored[str(shape.get("type"))] += shape.get("type") not in ("group", "frame")
            continue
        points = _tldraw_points(shape)
        for one in reversed(chain):
            place = f"shape {one.get('id', '')}"
            points = points @ _rotation(_number(one, "rotation", place)) + [_number(one, key, place) for key in "xy"]
        strokes.append(points)
    drawn = [page for page in pages.values() if page[0]] or list(pages.values())[:1] or [([], Counter())]
    return [_drawing(strokes, +ignored, "draw shapes") for strokes, ignored in drawn]


def _tldraw_points(shape: dict[str, Any]) -> FloatArray:
    place, properties = f"shape {shape.get('id', '')}", shape.get("props")
    if not isinstance(properties, dict):
        raise FormatError(f'{place}: expected "props", found {found(shape)}')
    points: list[Any] = []
    for segment in _list(properties.get("segments"), f'{place}: "segments"'):
        if not isinstance(segment, dict) or not isinstance(segment.get("points"), list):
            raise FormatError(f"{place}: expected segments with a list of points, found {found(segment)}. {_AS_SVG}")
        new = segment["points"]
        points += new[1:] if points and new[:1] == points[-1:] else new
    return _coordinates(points, place) * _number(properties, "scale", place, 1.0)


def _geometry_lines(value: object, ignored: Counter[str]) -> Iterator[object]:
    if not isinstance(value, dict):
        raise FormatError(f"expected GeoJSON, found {found(value)}")
    kind = str(value.get("type"))
    if kind in ("FeatureCollection", "GeometryCollection"):
        key = "features" if kind == "FeatureCollection" else "geometries"
        for one in _list(value.get(key), f'"{key}"'):
            yield from _geometry_lines(one, ignored)
    elif kind == "Feature":
        if value.get("geometry") is not None:
            yield from _geometry_lines(value["geometry"], ignored)
    elif kind in _GEOMETRIES:
        lines = [value.get("coordinates")]
        for _ in range(_GEOMETRIES[kind]):
            lines = [line for several in lines for line in _list(several, '"coordinates"')]
        yield from lines
    else:
        ignored[kind] += 1


def _coordinates(values: object, place: str) -> FloatArray:
    """Return (points, 2) of points [x, y, ...] or {"x": ..., "y": ...}."""
    points = []
    for index, value in enumerate(_list(values, f"{place}: points")):
        point = [value.get("x"), value.get("y")] if isinstance(value, dict) else value
        if not isinstance(point, list) or len(point) < 2 or not all(map(_is_coordinate, point[:2])):
            raise FormatError(f"{place}, point {index}: expected numbers x and y, found {found(value)}")
        points.append(point[:2])
    return np.array(points, dtype=np.float64).reshape(-1, 2)


def _is_coordinate(value: Any) -> bool:
    return all_numbers([value]) and abs(value) < LARGEST_EXTENT


def _rotation(angle: float) -> FloatArray:
    """Return the matrix that rotates row vectors (points, 2) clockwise, with y down."""
    return np.array([(math.cos(angle), math.sin(angle)), (-math.sin(angle), math.cos(angle))])


def _number(fields: dict[str, Any], key: str, place: str, default: float = 0.0) -> float:
    value = fields.get(key, default)
    if not _is_coordinate(value):
        raise FormatError(f'{place}: expected "{key}" to be a number, found {found(value)}')
    return float(value)


def _list(value: object, name: str) -> list[Any]:
    if not isinstance(value, list):
        raise FormatError(f"expected {name} to be a list, found {found(value)}")
    return value


def _drawing(strokes: list[FloatArray], ignored: Counter[str], expected: str) -> Record:
    sketch = Sketch.from_polylines(strokes)
    if not sketch.strokes:
        other = ", ".join(f"{count} {kind}" for kind, count in ignored.items()) or "none"
        raise FormatError(f"expected {expected}, found {other}")
    return Record(sketch, empty_strokes=len(strokes) - len(sketch.strokes), ignored=ignored)

"""Digital ink as XML: InkML, and the handwriting of the IAM On-Line database.

Reference:
    https://www.w3.org/TR/InkML/, sections 3.2 (traces) and 3.1 (trace formats);
    https://fki.tic.heia-fr.ch/databases/iam-on-line-handwriting-database
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from typing import BinaryIO

from sketchrnn.errors import FormatError
from sketchrnn.formats.record import Format, Record
from sketchrnn.sketch import Sketch

_ROOT = re.compile(
    rb"\s*(?:<\?.*?\?>\s*|<!--.*?-->\s*|<!DOCTYPE[^>\[]*(?:\[.*?\]\s*)?>\s*)*<(?:[\w.-]+:)?([\w.-]+)", re.S | re.I
)
_VALUE = re.compile(r"""\s*([!'"]?)\s*(-?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|#[0-9A-Fa-f]+|[*?TF])""")


def root_name(head: bytes) -> str | None:
    """Return the name of an XML document's root element, without its namespace; None if there is none.

    >>> root_name(b'<?xml version="1.0"?><!-- a note --><ink:ink/>')
    'ink'
    """
    match = _ROOT.match(head)
    return match[1].decode("ascii", "replace") if match else None


def _read_inkml(file: BinaryIO, name: str, _: str | None) -> Iterator[Record]:
    root = _parsed(file, name)
    formats = _elements(root, "traceFormat")
    channels = [channel.get("name", "") for channel in _elements(formats[0], "channel")] if formats else ["X", "Y"]
    if not {"X", "Y"} <= set(channels):
        raise FormatError(f"{name}: expected channels X and Y, found {', '.join(channels)}")
    strokes: list[list[tuple[float, float]]] = []
    for index, trace in enumerate(_elements(root, "trace")):
        if trace.get("type") == "penUp":
            continue
        points = _trace(trace.text or "", channels.index("X"), channels.index("Y"), f"{name}, trace {index}")
        if trace.get("continuation") in ("middle", "end") and strokes:
            strokes[-1] += points
        else:
            strokes.append(points)
    yield _record(strokes, name, "trace")


def _trace(text: str, x: int, y: int, place: str) -> list[tuple[float, float]]:
    """Return the points of a trace: values of all channels, points separated by commas.

    A value can be a difference to the previous point (after ``'``), a difference of differences (after ``"``), or
    explicit again (after ``!``). The mark applies to all further values of the channel. ``*`` repeats a value.
    """
    modes, values, speeds = [""] * (max(x, y) + 1), [0.0] * (max(x, y) + 1), [0.0] * (max(x, y) + 1)
    points = []
    for number, point in enumerate(text.strip().strip(",").split(",") if text.strip() else []):
        tokens = _VALUE.findall(point)
        if len(tokens) <= max(x, y) or _VALUE.sub("", point).strip():
            raise FormatError(f"{place}, point {number}: expected numbers X Y, found {point.strip()[:40]!r}")
        for channel in {x, y}:
            mark, value = tokens[channel]
            modes[channel] = mark or modes[channel]
            if value in "?TF" or value.startswith("#"):
                raise FormatError(f"{place}, point {number}: expected numbers X Y, found {value!r}")
            if value == "*":
                continue
            if modes[channel] in ("", "!"):
                values[channel] = float(value)
            else:
                speeds[channel] = float(value) + (speeds[channel] if modes[channel] == '"' else 0.0)
                values[channel] += speeds[channel]
        points.append((values[x], values[y]))
    return points


def _read_iam(file: BinaryIO, name: str, _: str | None) -> Iterator[Record]:
    strokes = _elements(_parsed(file, name), "Stroke")
    try:
        points = [
            [(float(point.attrib["x"]), float(point.attrib["y"])) for point in _elements(stroke, "Point")]
            for stroke in strokes
        ]
    except (KeyError, ValueError) as error:
        raise FormatError(f"{name}: expected points with numbers x and y: {error}") from error
    yield _record(points, name, "Stroke")


def _parsed(file: BinaryIO, name: str) -> ElementTree.Element:
    try:
        return ElementTree.fromstring(file.read())
    except (ElementTree.ParseError, LookupError, ValueError) as error:
        raise FormatError(f"{name}: expected XML: {error}") from error


def _elements(root: ElementTree.Element, name: str) -> list[ElementTree.Element]:
    return [element for element in root.iter() if str(element.tag).rpartition("}")[2] == name]


def _record(strokes: list[list[tuple[float, float]]], name: str, element: str) -> Record:
    if not strokes:
        raise FormatError(f"{name}: expected <{element}> elements, found none")
    try:
        sketch = Sketch.from_polylines(strokes)
    except FormatError as error:
        raise FormatError(f"{name}: {error}") from error
    return Record(sketch, empty_strokes=len(strokes) - len(sketch.strokes))


INKML = Format("InkML", (".inkml",), lambda head: root_name(head) == "ink", _read_inkml, one_drawing=True)
_IAM_ROOT = "WhiteboardCaptureSession"
IAM = Format("IAM On-Line XML", (".xml",), lambda head: root_name(head) == _IAM_ROOT, _read_iam, one_drawing=True)

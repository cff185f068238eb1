"""Drawings as SVG: for screens, Inkscape and pen plotters.

A picture is a list of layers, each a sketch in its own colour and its own group. Coordinates are written exactly:
reading them gives the same float64 numbers. A stroke of a single point becomes a polyline of no length, which round
caps show as a dot, and at which a plotter sets down its pen.

Reference:
    https://www.w3.org/TR/SVG11/, sections 9.6 "The polyline element" and 11.4 "Stroke properties".
"""

from __future__ import annotations

import math
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from dataclasses import dataclass

import svgwrite
from svgwrite.container import Group

from sketchrnn.errors import FormatError
from sketchrnn.formats.json_values import shortest_number
from sketchrnn.sketch import Sketch

COMPLETION_COLOUR = "#d9480f"
"""What a completion is drawn in, beside a prefix in a layer's own colour."""

_LARGER_SIDE = 512  # pixels
_MARGIN = 0.05  # of the extent
_STROKE_WIDTH = 0.01  # of the extent
_SMALLEST_EXTENT, _LARGEST_EXTENT = 1e-300, 1e300  # beyond, float64 overflows in computing the frame
_CELL_INSET = 0.05  # of a sheet's cell, on each side
_LABEL_SIZE = 0.08  # font size, of a sheet's cell
_LABEL_HEIGHT = 1.6  # of the font size
_LABEL_BASELINE = 1.1  # of the font size, below the cell's picture
_LETTER_WIDTH = 0.55  # of the font size: sans-serif letters, on average
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True)
class Layer:
    """A sketch in a picture.

    Attributes:
        sketch: what is drawn.
        name: the id of the layer's group, such as ``prefix`` or ``completion``; each once in a picture.
        colour: a CSS colour.
    """

    sketch: Sketch
    name: str
    colour: str = "#1a1a1a"


def svg_drawing(
    layers: Sequence[Layer],
    *,
    title: str | None = None,
    description: str | None = None,
    stroke_width: float | None = None,
    decimals: int | None = None,
) -> str:
    """Return a picture as an SVG document, without a background, its larger side 512 pixels.

    Args:
        layers: drawn in this order, all in the same unit.
        title: a name, for screen readers and tooltips.
        description: what is to be seen, for screen readers.
        stroke_width: in the unit of the sketches; a hundredth of the picture's larger side by default.
        decimals: digits after the point to round coordinates to; by default they are exact.

    Raises:
        FormatError: the sketches reach too far for float64 to measure them.
    """
    frame = _Frame.around(layers, stroke_width)
    scale = _LARGER_SIDE / max(frame.width, frame.height)
    drawing = svgwrite.Drawing(
        size=(f"{max(1, round(frame.width * scale))}px", f"{max(1, round(frame.height * scale))}px"),
        viewBox=" ".join(map(_number, (frame.x, frame.y, frame.width, frame.height))),
        debug=False,
    )
    for layer in layers:
        drawing.add(_group(drawing, layer, layer.name, frame.stroke_width, decimals))
    return _document(drawing, title, description)


def svg_sheet(
    cells: Sequence[tuple[str, Sequence[Layer]]],
    *,
    columns: int | None = None,
    cell: float = 160,
    title: str | None = None,
    description: str | None = None,
) -> str:
    """Return a contact sheet as an SVG document: a grid of labelled pictures.

    Each picture is scaled into its cell by a transform, so that its coordinates stay exact; ids end in the cell's
    index: ``prefix-0``, ``completion-0``, ``prefix-1``, ...

    Args:
        cells: for each picture its label and its layers, row by row.
        columns: pictures in a row; by default as many as make the grid about square.
        cell: side of a picture in pixels.
        title: a name, for screen readers and tooltips.
        description: what is to be seen, for screen readers.

    Raises:
        FormatError: a picture's sketches reach too far for float64 to measure them.
    """
    columns = columns or max(1, math.ceil(math.sqrt(len(cells))))
    rows = max(1, math.ceil(len(cells) / columns))
    font_size = cell * _LABEL_SIZE
    row_height = cell + font_size * _LABEL_HEIGHT
    width, height = (_number(round(side, 3)) for side in (columns * cell, rows * row_height))
    drawing = svgwrite.Drawing(size=(f"{width}px", f"{height}px"), viewBox=f"0 0 {width} {height}", debug=False)
    for index, (label, layers) in enumerate(cells):
        row, column = divmod(index, columns)
        left, top = round(column * cell, 3), round(row * row_height, 3)
        picture = _cell_picture(drawing, layers, index, (left, top), cell)
        picture.set_desc(title=_xml_text(label))
        drawing.add(picture)
        drawing.add(
            drawing.text(
                _shortened(label, cell * (1 - 2 * _CELL_INSET) / (font_size * _LETTER_WIDTH)),
                x=[_number(round(left + cell / 2, 3))],
                y=[_number(round(top + cell + font_size * _LABEL_BASELINE - cell * _CELL_INSET, 3))],
                font_family="sans-serif",
                font_size=f"{_number(round(font_size, 3))}px",
                text_anchor="middle",
                fill="#1a1a1a",
            )
        )
    return _document(drawing, title, description)


@dataclass(frozen=True)
class _Frame:
    """The part of the plane that a picture shows, its margin included."""

    x: float
    y: float
    width: float
    height: float
    stroke_width: float

    @classmethod
    def around(cls, layers: Sequence[Layer], stroke_width: float | None = None) -> _Frame:
        """Return the frame of all layers; a picture of one point is taken to be 1 unit wide."""
        bounds = [layer.sketch.bounds() for layer in layers if layer.sketch.strokes] or [(0.0, 0.0, 0.0, 0.0)]
        x_min, y_min = min(box[0] for box in bounds), min(box[1] for box in bounds)
        x_max, y_max = max(box[2] for box in bounds), max(box[3] for box in bounds)
        extent = max(x_max - x_min, y_max - y_min)
        if extent > _LARGEST_EXTENT:
            raise FormatError(f"expected a drawing of at most {_LARGEST_EXTENT:g} units, found {extent:g}")
        is_point = extent < _SMALLEST_EXTENT
        if is_point:
            extent = 1.0
        width = stroke_width if stroke_width is not None else _tidy(extent * _STROKE_WIDTH, extent)
        margin = max(extent * (0.5 if is_point else _MARGIN), width)
        return cls(
            x=_tidy(x_min - margin, extent),
            y=_tidy(y_min - margin, extent),
            width=_tidy(x_max - x_min + 2 * margin, extent),
            height=_tidy(y_max - y_min + 2 * margin, extent),
            stroke_width=width,
        )


def _cell_picture(
    drawing: svgwrite.Drawing, layers: Sequence[Layer], index: int, corner: tuple[float, float], cell: float
) -> Group:
    """Return a group that holds the layers, scaled into the square of side ``cell`` at ``corner``."""
    frame = _Frame.around(layers)
    inner = cell * (1 - 2 * _CELL_INSET)
    scale = inner / max(frame.width, frame.height)
    shift_x = corner[0] + cell / 2 - (frame.x + frame.width / 2) * scale
    shift_y = corner[1] + cell / 2 - (frame.y + frame.height / 2) * scale
    picture = drawing.g(transform=f"translate({_number(shift_x)} {_number(shift_y)}) scale({_number(scale)})")
    for layer in layers:
        picture.add(_group(drawing, layer, f"{layer.name}-{index}", inner * _STROKE_WIDTH / scale, None))
    return picture


def _group(
    drawing: svgwrite.Drawing, layer: Layer, identifier: str, stroke_width: float, decimals: int | None
) -> Group:
    group = drawing.g(
        id="-".join(_xml_text(identifier).split()),  # an id holds no spaces
        fill="none",
        stroke=_xml_text(layer.colour),
        stroke_width=_number(stroke_width),
        stroke_linecap="round",
        stroke_linejoin="round",
    )
    for stroke in layer.sketch.polylines():
        if decimals is not None:
            stroke = [(round(x, decimals), round(y, decimals)) for x, y in stroke]
        points = stroke * 2 if len(stroke) == 1 else stroke  # one point alone is drawn by no renderer
        group.add(drawing.polyline([(_number(x), _number(y)) for x, y in points]))
    return group


def _document(drawing: svgwrite.Drawing, title: str | None, description: str | None) -> str:
    drawing.set_desc(
        title=None if title is None else _xml_text(title),
        desc=None if description is None else _xml_text(description),
    )
    root = drawing.get_xml()
    ElementTree.indent(root, " ")
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _number(value: float) -> str:
    """Write a number so that reading it gives the same float64."""
    return str(shortest_number(float(value)))


def _tidy(value: float, extent: float) -> float:
    """Round a length to about a ten-thousandth of the picture's extent: what nobody sees."""
    return round(value, 4 - math.floor(math.log10(extent)))


def _shortened(label: str, letters: float) -> str:
    return _xml_text(label if len(label) <= letters else label[: max(1, int(letters) - 1)] + "…")


def _xml_text(text: str) -> str:
    """Replace what no XML document can hold, such as control characters; escaping is the serializer's task."""
    return _NOT_XML.sub("\ufffd", text)

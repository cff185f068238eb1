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
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import svgwrite
from svgwrite.base import BaseElement
from svgwrite.container import Group

from sketchrnn.errors import ConfigurationError, FormatError
from sketchrnn.formats.page import DEFAULT_MARGIN, DEFAULT_PEN, Page
from sketchrnn.formats.svg.animation import STYLE_SHEET, Animation, Moment, timetable
from sketchrnn.formats.svg.style import Look, Mark, marks_of, number_text, optimised
from sketchrnn.sketch import Sketch

COMPLETION_COLOUR = "#d9480f"
"""What a completion is drawn in, beside a prefix in a layer's own colour."""
INKSCAPE = "http://www.inkscape.org/namespaces/inkscape"

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
        label: what Inkscape calls the layer; the name by default.
    """

    sketch: Sketch
    name: str
    colour: str = "#1a1a1a"
    label: str | None = None


def svg_drawing(
    layers: Sequence[Layer],
    *,
    title: str | None = None,
    description: str | None = None,
    look: Look | None = None,
    animation: Animation | None = None,
) -> str:
    """Return a picture as an SVG document, each layer one of Inkscape's.

    Args:
        layers: drawn in this order, all in the same unit.
        title: a name, for screen readers and tooltips.
        description: what is to be seen, for screen readers.
        look: by default plain lines without a background, the larger side 512 pixels.
        animation: lets the picture draw itself, or shows how far it is at a moment.

    Raises:
        FormatError: the sketches reach too far for float64 to measure them.
        ConfigurationError: a length of the look does not fit the page, or needs one.
    """
    look = look or Look()
    frame = _Frame.around(layers, look)
    if look.page is None:
        scale = _LARGER_SIDE / max(frame.width, frame.height)
        size = tuple(f"{max(1, round(side * scale))}px" for side in (frame.width, frame.height))
        drawing = _new_drawing(size, (frame.x, frame.y, frame.width, frame.height), look)
        placed = {}
    else:
        drawing = _new_page(look.page, look)
        placed = {"transform": frame.on_page(look.page)}
    drawing["xmlns:inkscape"] = INKSCAPE
    for layer, group in _groups(drawing, layers, frame.stroke_width, look, animation, ""):
        group["inkscape:groupmode"] = "layer"
        group["inkscape:label"] = xml_text(layer.label or layer.name)
        group.attribs.update(placed)
        drawing.add(group)
    return _document(drawing, title, description, animation)


def svg_sheet(
    cells: Sequence[tuple[str, Sequence[Layer]]],
    *,
    columns: int | None = None,
    cell: float = 160,
    title: str | None = None,
    description: str | None = None,
    look: Look | None = None,
    animation: Animation | None = None,
) -> str:
    """Return a contact sheet as an SVG document: a grid of labelled pictures.

    Each picture is scaled into its cell by a transform, so that its coordinates stay exact; ids end in the cell's
    index: ``prefix-0``, ``completion-0``, ``prefix-1``, ...

    Args:
        cells: for each picture its label and its layers, row by row.
        columns: pictures in a row; by default as many as make the grid about square, or as the page is.
        cell: side of a picture in pixels; on a page the cells take the room that there is.
        title: a name, for screen readers and tooltips.
        description: what is to be seen, for screen readers.
        look: by default plain lines without a background; the margin is the sheet's.
        animation: lets all pictures draw themselves at once, or shows how far they are at a moment.

    Raises:
        FormatError: a picture's sketches reach too far for float64 to measure them.
        ConfigurationError: a length of the look does not fit the page, or needs one.
    """
    look = look or Look()
    aspect = look.page.width / look.page.height if look.page else 1.0
    columns = columns or max(1, math.ceil(math.sqrt(len(cells) * aspect)))
    rows = max(1, math.ceil(len(cells) / columns))
    font_size = cell * _LABEL_SIZE
    row_height = cell + font_size * _LABEL_HEIGHT
    width, height = round(columns * cell, 3), round(rows * row_height, 3)
    if look.page is None:
        margin = 0.0 if look.margin is None else look.margin.in_drawing(max(width, height))
        view = (-margin, -margin, width + 2 * margin, height + 2 * margin)
        drawing = _new_drawing((f"{number_text(view[2])}px", f"{number_text(view[3])}px"), view, look)
        parent = drawing
        line = None if look.stroke_width is None else look.stroke_width.in_drawing(cell)
    else:
        drawing = _new_page(look.page, look)
        scale, x, y = _fit(look.page, look, width, height)
        parent = drawing.add(drawing.g(transform=_placement(scale, x, y)))
        pen = DEFAULT_PEN if look.stroke_width is None else look.stroke_width.on_page(_larger(look.page))
        line = pen / scale
    for index, (label, layers) in enumerate(cells):
        row, column = divmod(index, columns)
        left, top = round(column * cell, 3), round(row * row_height, 3)
        picture = _cell_picture(drawing, layers, index, (left, top), cell, line, look, animation)
        picture.set_desc(title=xml_text(label))
        parent.add(picture)
        parent.add(
            drawing.text(
                _shortened(label, cell * (1 - 2 * _CELL_INSET) / (font_size * _LETTER_WIDTH)),
                x=[number_text(round(left + cell / 2, 3))],
                y=[number_text(round(top + cell + font_size * _LABEL_BASELINE - cell * _CELL_INSET, 3))],
                font_family="sans-serif",
                font_size=f"{number_text(round(font_size, 3))}px",
                text_anchor="middle",
                fill="#1a1a1a",
            )
        )
    return _document(drawing, title, description, animation)


@dataclass(frozen=True)
class _Frame:
    """The part of the plane that a picture shows, its margin included; on a page without a margin.

    Attributes:
        x: of the left side.
        y: of the upper side.
        width: of the whole.
        height: of the whole.
        stroke_width: in the drawing's unit.
        scale: millimetres of a unit on the page; 1 without one.
    """

    x: float
    y: float
    width: float
    height: float
    stroke_width: float
    scale: float = 1.0

    @classmethod
    def around(cls, layers: Sequence[Layer], look: Look) -> _Frame:
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
        if look.page is not None:
            pen = DEFAULT_PEN if look.stroke_width is None else look.stroke_width.on_page(_larger(look.page))
            sides = (x_max - x_min, y_max - y_min) if not is_point else (extent, extent)
            scale, _, _ = _fit(look.page, look, *sides, pen)
            return cls(x_min, y_min, x_max - x_min, y_max - y_min, pen / scale, scale)
        width = _tidy(extent * _STROKE_WIDTH, extent)
        if look.stroke_width is not None:
            width = look.stroke_width.in_drawing(extent)
        margin = max(extent * (0.5 if is_point else _MARGIN), width)
        if look.margin is not None:
            margin = look.margin.in_drawing(extent)
        return cls(
            x=_tidy(x_min - margin, extent),
            y=_tidy(y_min - margin, extent),
            width=_tidy(x_max - x_min + 2 * margin, extent),
            height=_tidy(y_max - y_min + 2 * margin, extent),
            stroke_width=width,
        )

    def on_page(self, page: Page) -> str:
        """Return the transform that puts the drawing into the middle of a page."""
        shift_x = page.width / 2 - (self.x + self.width / 2) * self.scale
        shift_y = page.height / 2 - (self.y + self.height / 2) * self.scale
        return _placement(self.scale, shift_x, shift_y)


def xml_text(text: str) -> str:
    """Replace what no XML document can hold, such as control characters; escaping is the serializer's task."""
    return _NOT_XML.sub("\ufffd", text)


def _new_drawing(size: tuple[str, ...], view_box: tuple[float, float, float, float], look: Look) -> svgwrite.Drawing:
    drawing = svgwrite.Drawing(size=size, viewBox=" ".join(map(number_text, view_box)), debug=False)
    if look.background is not None:
        corner, sides = ([number_text(value) for value in pair] for pair in (view_box[:2], view_box[2:]))
        drawing.add(drawing.rect(corner, sides, fill=xml_text(look.background), id="background"))
    return drawing


def _new_page(page: Page, look: Look) -> svgwrite.Drawing:
    size = f"{number_text(page.width)}mm", f"{number_text(page.height)}mm"
    return _new_drawing(size, (0.0, 0.0, page.width, page.height), look)


def _fit(page: Page, look: Look, width: float, height: float, pen: float = 0.0) -> tuple[float, float, float]:
    """Return the scale that lets a drawing fill a page inside its margin, and the shift that centres it."""
    margin = DEFAULT_MARGIN if look.margin is None else look.margin.on_page(_larger(page))
    room = [side - 2 * margin - pen for side in (page.width, page.height)]
    if min(room) <= 0:
        found = f"a margin of {margin:g} mm on a page of {page.width:g} x {page.height:g} mm"
        raise ConfigurationError(f"margin: expected some room for the drawing, found {found}")
    scale = min(side / max(extent, _SMALLEST_EXTENT) for side, extent in zip(room, (width, height), strict=True))
    return scale, (page.width - width * scale) / 2, (page.height - height * scale) / 2


def _larger(page: Page) -> float:
    return max(page.width, page.height)


def _placement(scale: float, shift_x: float, shift_y: float) -> str:
    return f"translate({number_text(shift_x)} {number_text(shift_y)}) scale({number_text(scale)})"


def _cell_picture(
    drawing: svgwrite.Drawing,
    layers: Sequence[Layer],
    index: int,
    corner: tuple[float, float],
    cell: float,
    line: float | None,
    look: Look,
    animation: Animation | None,
) -> Group:
    """Return a group that holds the layers, scaled into the square of side ``cell`` at ``corner``."""
    frame = _Frame.around(layers, Look())
    inner = cell * (1 - 2 * _CELL_INSET)
    scale = inner / max(frame.width, frame.height)
    shift_x = corner[0] + cell / 2 - (frame.x + frame.width / 2) * scale
    shift_y = corner[1] + cell / 2 - (frame.y + frame.height / 2) * scale
    picture = drawing.g(transform=_placement(scale, shift_x, shift_y))
    width = inner * _STROKE_WIDTH if line is None else line
    for _, group in _groups(drawing, layers, width / scale, look, animation, f"-{index}"):
        picture.add(group)
    return picture


def _groups(
    drawing: svgwrite.Drawing,
    layers: Sequence[Layer],
    stroke_width: float,
    look: Look,
    animation: Animation | None,
    suffix: str,
) -> Iterator[tuple[Layer, Group]]:
    """Yield a group of elements for each layer of a picture."""
    if look.optimise:
        layers = [replace(layer, sketch=optimised(layer.sketch)) for layer in layers]
    total = sum(len(layer.sketch.strokes) for layer in layers)
    moments = iter(timetable([layer.sketch for layer in layers], animation.seconds) if animation else [])
    first = 0
    for layer in layers:
        group = drawing.g(
            id="-".join(xml_text(layer.name + suffix).split()),  # an id holds no spaces
            fill="none",
            stroke=xml_text(layer.colour),
            stroke_width=number_text(stroke_width),
            stroke_linecap="round",
            stroke_linejoin="round",
        )
        strokes = layer.sketch.strokes
        colour = xml_text(layer.colour)
        for number, mark in enumerate(marks_of(strokes, look.style, stroke_width, colour, first=first, total=total)):
            if animation is None:
                group.add(_element(drawing, mark))
            else:
                _add_moving(drawing, group, mark, next(moments), animation, f"reveal-{first + number}{suffix}")
        first += len(strokes)
        yield layer, group


def _element(drawing: svgwrite.Drawing, mark: Mark) -> BaseElement:
    element = BaseElement(factory=drawing)
    element.elementname = mark.tag
    element.attribs.update({**mark.geometry, **mark.paint})
    return element


def _add_moving(
    drawing: svgwrite.Drawing, group: Group, mark: Mark, moment: Moment, animation: Animation, identifier: str
) -> None:
    """Add an element that draws itself, or as much of it as is drawn at the animation's moment.

    An outline is uncovered by a line along its middle.
    """
    element = _element(drawing, mark)
    line = element
    still = None if animation.at is None else moment.progress(animation.at)
    if still is not None and (still <= 0.0 or (still < 1.0 and not mark.length)):
        return
    if still == 1.0:
        group.add(element)
        return
    if mark.reveal is not None:
        data, width = mark.reveal
        line = _element(drawing, Mark("path", {"d": data}, {"fill": "none", "stroke": "#fff"}))
        line["stroke-width"] = number_text(width)
        mask = drawing.mask()
        mask.attribs.clear()
        mask["id"] = identifier
        mask.add(line)
        group.add(mask)
        element["mask"] = f"url(#{identifier})"
    if still is not None:
        line["stroke-dasharray"] = f"{number_text(round(still * mark.length, 6))} {number_text(2 * mark.length)}"
    else:
        line["class"] = "stroke" if mark.length else "dot"
        line["style"] = f"animation-delay:{moment.begin:.3f}s;animation-duration:{moment.duration:.3f}s"
        if mark.length:
            line["pathLength"] = "1"
    group.add(element)


def _document(
    drawing: svgwrite.Drawing, title: str | None, description: str | None, animation: Animation | None
) -> str:
    drawing.set_desc(
        title=None if title is None else xml_text(title),
        desc=None if description is None else xml_text(description),
    )
    if animation is not None and animation.at is None:
        drawing.defs.add(drawing.style(STYLE_SHEET))
    root = drawing.get_xml()
    ElementTree.indent(root, " ")
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _tidy(value: float, extent: float) -> float:
    """Round a length to about a ten-thousandth of the picture's extent: what nobody sees."""
    return round(value, 4 - math.floor(math.log10(extent)))


def _shortened(label: str, letters: float) -> str:
    return xml_text(label if len(label) <= letters else label[: max(1, int(letters) - 1)] + "…")

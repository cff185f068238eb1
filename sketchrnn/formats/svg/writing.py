"""Writing drawings as SVG: for screens, Inkscape and pen plotters, and as layers of existing documents.

A picture is a list of layers, each a sketch in its own color and its own group. Coordinates are written exactly:
reading them gives the same float64 numbers. A stroke of one point becomes a polyline of length 0, which round caps show
as a dot, and which a plotter draws as a dot.

Reference:
    https://www.w3.org/TR/SVG11/, sections 9.6 "The polyline element" and 11.4 "Stroke properties";
    https://wiki.inkscape.org/wiki/Inkscape_SVG_vs._plain_SVG
"""

from __future__ import annotations

import itertools
import math
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from xml.parsers import expat

from sketchrnn.errors import ConfigurationError, FormatError
from sketchrnn.formats.streams import uncompressed
from sketchrnn.formats.svg.style import (
    DEFAULT_MARGIN,
    DEFAULT_PEN,
    SEPARATE_STROKES,
    STYLE_SHEET,
    Animation,
    Page,
    RenderStyle,
    StrokeTiming,
    SvgElement,
    elements_of,
    number_text,
    optimized,
    stroke_timings,
)
from sketchrnn.sketch import Sketch

COMPLETION_COLOR = "#d9480f"
"""Color of a completion beside a prefix in a layer's default color."""
TEXT_COLOR = "#1a1a1a"

_SVG = "http://www.w3.org/2000/svg"
_NUMBER = re.compile(r"[0-9]+")
_INKSCAPE = "http://www.inkscape.org/namespaces/inkscape"
_LARGER_SIDE = 512  # pixels
_MARGIN = 0.05  # of the extent
_STROKE_WIDTH = 0.01  # of the extent
_SMALLEST_EXTENT, _LARGEST_EXTENT = 1e-300, 1e300  # larger values overflow float64 in the computation of the frame
_CELL_INSET = 0.05  # margin of a sheet's cell, on each side
_LABEL_SIZE = 0.08  # font size, of a sheet's cell
_LABEL_HEIGHT = 1.6  # of the font size
_LABEL_BASELINE = 1.1  # of the font size, below the cell's picture
_LETTER_WIDTH = 0.55  # of the font size: sans-serif letters, on average
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_UTF_16 = {b"\xff\xfe": "utf-16-le", b"<\x00": "utf-16-le", b"\xfe\xff": "utf-16-be", b"\x00<": "utf-16-be"}
_UNAFFECTED = {
    **{"display": "inline", "visibility": "visible", "transform": "none", "clip-path": "none", "mask": "none"},
    "filter": "none",
}
"""Properties that the style sheets of a document could use to hide the added elements."""


@dataclass(frozen=True)
class Layer:
    """A sketch in a picture.

    Attributes:
        sketch: the strokes.
        name: the id of the layer's group, such as ``prefix`` or ``completion``; unique in a picture.
        color: a CSS color.
        label: the layer's name in Inkscape; by default the same as ``name``.
        stroke_width: of the lines of a layer that is added to a document, in the root's user units.
        opacity: of these lines, from 0 to 1.
        hidden: such a layer is invisible until the user shows it in Inkscape.
    """

    sketch: Sketch
    name: str
    color: str = TEXT_COLOR
    label: str | None = None
    stroke_width: float = 1.0
    opacity: float = 1.0
    hidden: bool = False


def svg_drawing(
    layers: Sequence[Layer],
    *,
    title: str | None = None,
    description: str | None = None,
    render_style: RenderStyle | None = None,
    animation: Animation | None = None,
) -> str:
    """Return a picture as an SVG document, with an Inkscape layer for each layer.

    Args:
        layers: drawn in this order, all in the same unit.
        title: a name, for screen readers and tooltips.
        description: of the content, for screen readers.
        render_style: by default plain lines without a background, the larger side 512 pixels.
        animation: animate the picture, or show one frame of the animation.

    Raises:
        FormatError: the sketches are too large for float64.
        ConfigurationError: a length of the render style does not fit the page, or needs a page.
    """
    render_style = render_style or RenderStyle()
    frame = _Frame.around(layers, render_style)
    if render_style.page is None:
        scale = _LARGER_SIDE / max(frame.width, frame.height)
        size = tuple(f"{max(1, round(side * scale))}px" for side in (frame.width, frame.height))
        root = _new_root(size, (frame.x, frame.y, frame.width, frame.height), render_style)
        placed = {}
    else:
        root = _new_page(render_style.page, render_style)
        placed = {"transform": frame.on_page(render_style.page)}
    root.set("xmlns:inkscape", _INKSCAPE)
    groups = _groups(layers, frame.stroke_width, render_style, animation, "")
    for number, (layer, group) in enumerate(groups, 1):
        group.set("inkscape:groupmode", "layer")
        group.set("inkscape:label", xml_text(_numbered(layer.label or layer.name, number)))
        group.attrib.update(placed)
        root.append(group)
    return _document(root, title, description, animation)


def svg_sheet(
    cells: Sequence[tuple[str, Sequence[Layer]]],
    *,
    columns: int | None = None,
    cell: float = 160,
    title: str | None = None,
    description: str | None = None,
    render_style: RenderStyle | None = None,
    animation: Animation | None = None,
) -> str:
    """Return a contact sheet as an SVG document: a grid of labeled pictures.

    Each picture is scaled into its cell by a transform, so that its coordinates stay exact; ids end in the cell's
    index: ``prefix-0``, ``completion-0``, ``prefix-1``, ...

    Args:
        cells: for each picture its label and its layers, row by row.
        columns: pictures in a row; by default chosen so that the grid is about square, or fits the page.
        cell: side of a picture in pixels; on a page, the cells fill the page.
        title: a name, for screen readers and tooltips.
        description: of the content, for screen readers.
        render_style: by default plain lines without a background; the margin is that of the sheet.
        animation: animate all pictures at once, or show one frame of the animation.

    Raises:
        FormatError: a picture's sketches are too large for float64.
        ConfigurationError: a length of the render style does not fit the page, or needs a page.
    """
    render_style = render_style or RenderStyle()
    page, margin, stroke_width = render_style.page, render_style.margin, render_style.stroke_width
    aspect = page.width / page.height if page else 1.0
    columns = columns or max(1, math.ceil(math.sqrt(len(cells) * aspect)))
    rows = max(1, math.ceil(len(cells) / columns))
    font_size = cell * _LABEL_SIZE
    row_height = cell + font_size * _LABEL_HEIGHT
    width, height = round(columns * cell, 3), round(rows * row_height, 3)
    if page is None:
        space = 0.0 if margin is None else margin.in_drawing(max(width, height))
        view = (-space, -space, width + 2 * space, height + 2 * space)
        parent = root = _new_root((f"{number_text(view[2])}px", f"{number_text(view[3])}px"), view, render_style)
        line = None if stroke_width is None else stroke_width.in_drawing(cell)
    else:
        root = _new_page(page, render_style)
        scale, x, y = _fit(page, render_style, width, height)
        parent = _element("g", {"transform": _placement(scale, x, y)})
        root.append(parent)
        line = (DEFAULT_PEN if stroke_width is None else stroke_width.on_page(_larger(page))) / scale
    for index, (label, layers) in enumerate(cells):
        row, column = divmod(index, columns)
        left, top = round(column * cell, 3), round(row * row_height, 3)
        picture = _cell_picture(layers, index, (left, top), cell, line, render_style, animation)
        title_element = _element("title")
        title_element.text = xml_text(label)
        picture.insert(0, title_element)
        parent.append(picture)
        text = _element(
            "text",
            {
                "x": number_text(round(left + cell / 2, 3)),
                "y": number_text(round(top + cell + font_size * _LABEL_BASELINE - cell * _CELL_INSET, 3)),
                "font-family": "sans-serif",
                "font-size": f"{number_text(round(font_size, 3))}px",
                "text-anchor": "middle",
                "fill": TEXT_COLOR,
            },
        )
        text.text = _shortened(label, cell * (1 - 2 * _CELL_INSET) / (font_size * _LETTER_WIDTH))
        parent.append(text)
    return _document(root, title, description, animation)


def add_layers(
    content: bytes, layers: Sequence[Layer], *, style: str = "pen", optimize: bool = False, strokes_before: int = 0
) -> bytes:
    """Return an SVG document with layers added at its end; nothing else changes.

    The layers have style attributes, so that rules of the document do not apply to them.

    Args:
        content: the document, in any encoding; a compressed document is returned as text.
        layers: from the lowest to the highest.
        style: one of :data:`sketchrnn.formats.svg.style.STYLES`.
        optimize: reorder the strokes of each layer for plotters.
        strokes_before: the number of the document's own lines, which come first in the style ``order``.

    Raises:
        FormatError: the content is not an SVG document.
    """
    from sketchrnn.formats.svg.reading import parse_root

    document = uncompressed(content, "the SVG document")
    root = parse_root(document)
    identifiers = {element.get("id") for element in root.iter()}
    has_rules = any(isinstance(one.tag, str) and one.tag.rpartition("}")[2] == "style" for one in root.iter())
    declared = {"xmlns": _SVG} if root.tag.startswith("{") else {}  # with any namespace prefix of the root
    numbers = itertools.count(1)
    layer_numbers = itertools.count(_highest_layer_number(root) + 1)
    groups = []
    for layer in layers:
        identifier = next(name for number in numbers if (name := f"sketchrnn-{number}") not in identifiers)
        group = _element(
            "g",
            {
                **declared,
                "xmlns:inkscape": _INKSCAPE,
                "id": identifier,
                "inkscape:groupmode": "layer",
                "inkscape:label": xml_text(_numbered(layer.label or layer.name, next(layer_numbers))),
                "style": "display:none" if layer.hidden else "display:inline",
                SEPARATE_STROKES[0]: SEPARATE_STROKES[1],
            },
        )
        strokes = (optimized(layer.sketch) if optimize else layer.sketch).strokes
        common = {
            **_line_attributes(layer.color, layer.stroke_width),
            "stroke-dasharray": "none",
            **({"opacity": number_text(layer.opacity)} if layer.opacity < 1.0 or has_rules else {}),
            **(_UNAFFECTED if has_rules else {}),
        }
        total = strokes_before + len(strokes)
        color = xml_text(layer.color)
        for element in elements_of(strokes, style, layer.stroke_width, color, first=strokes_before, total=total):
            css = ";".join(f"{name}:{value}" for name, value in {**common, **element.paint}.items())
            group.append(_element(element.tag, {**element.geometry, "style": css}))
        ElementTree.indent(group, " ", 1)
        groups.append(" " + ElementTree.tostring(group, encoding="unicode").rstrip() + "\n")
    end = _RootEnd(document)
    text = "\n" + "".join(groups)
    before, after = document[: end.position], document[end.position :]
    if end.self_closing:  # <svg .../> becomes <svg ...>layers</svg>
        before = before[: -len("/>".encode(end.encoding))] + ">".encode(end.encoding)
        text += f"</{end.name}>"
    return before + text.encode(end.encoding, "xmlcharrefreplace") + after


def xml_text(text: str) -> str:
    """Replace characters that XML does not allow, such as control characters."""
    return _NOT_XML.sub("\ufffd", text)


@dataclass(frozen=True)
class _Frame:
    """The visible part of a picture, including its margin; on a page, without the margin."""

    x: float
    y: float
    width: float
    height: float
    stroke_width: float  # in the drawing's unit
    scale: float = 1.0  # millimeters of a unit on the page; 1 without a page

    @classmethod
    def around(cls, layers: Sequence[Layer], render_style: RenderStyle) -> _Frame:
        """Return the frame of all layers; a picture of one point is 1 unit wide."""
        bounds = [layer.sketch.bounds() for layer in layers if layer.sketch.strokes] or [(0.0, 0.0, 0.0, 0.0)]
        x_min, y_min = min(box[0] for box in bounds), min(box[1] for box in bounds)
        x_max, y_max = max(box[2] for box in bounds), max(box[3] for box in bounds)
        extent = max(x_max - x_min, y_max - y_min)
        if extent > _LARGEST_EXTENT:
            raise FormatError(f"expected a drawing of at most {_LARGEST_EXTENT:g} units, found {extent:g}")
        is_point = extent < _SMALLEST_EXTENT
        if is_point:
            extent = 1.0
        if render_style.page is not None:
            pen = (
                DEFAULT_PEN
                if render_style.stroke_width is None
                else render_style.stroke_width.on_page(_larger(render_style.page))
            )
            sides = (x_max - x_min, y_max - y_min) if not is_point else (extent, extent)
            scale, _, _ = _fit(render_style.page, render_style, *sides, pen)
            return cls(x_min, y_min, x_max - x_min, y_max - y_min, pen / scale, scale)
        width = _tidy(extent * _STROKE_WIDTH, extent)
        if render_style.stroke_width is not None:
            width = render_style.stroke_width.in_drawing(extent)
        margin = max(extent * (0.5 if is_point else _MARGIN), width)
        if render_style.margin is not None:
            margin = render_style.margin.in_drawing(extent)
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


def _new_root(
    size: tuple[str, ...], view_box: tuple[float, float, float, float], render_style: RenderStyle
) -> ElementTree.Element:
    import svgwrite  # takes long to import

    drawing = svgwrite.Drawing(size=size, viewBox=" ".join(map(number_text, view_box)), debug=False)
    root: ElementTree.Element = drawing.get_xml()
    root[:] = []  # an empty <defs>
    if render_style.background is not None:
        sides = dict(zip(("x", "y", "width", "height"), map(number_text, view_box), strict=True))
        root.append(_element("rect", {"id": "background", "fill": xml_text(render_style.background), **sides}))
    return root


def _new_page(page: Page, render_style: RenderStyle) -> ElementTree.Element:
    size = f"{number_text(page.width)}mm", f"{number_text(page.height)}mm"
    return _new_root(size, (0.0, 0.0, page.width, page.height), render_style)


def _fit(
    page: Page, render_style: RenderStyle, width: float, height: float, pen: float = 0.0
) -> tuple[float, float, float]:
    """Return the scale that lets a drawing fill a page inside its margin, and the shift that centers it."""
    margin = DEFAULT_MARGIN if render_style.margin is None else render_style.margin.on_page(_larger(page))
    room = [side - 2 * margin - pen for side in (page.width, page.height)]
    if min(room) <= 0:
        found = f"a margin of {margin:g} mm on a page of {page.width:g} x {page.height:g} mm"
        raise ConfigurationError(f"margin: expected space left for the drawing, found {found}")
    scale = min(side / max(extent, _SMALLEST_EXTENT) for side, extent in zip(room, (width, height), strict=True))
    return scale, (page.width - width * scale) / 2, (page.height - height * scale) / 2


def _larger(page: Page) -> float:
    return max(page.width, page.height)


def _placement(scale: float, shift_x: float, shift_y: float) -> str:
    return f"translate({number_text(shift_x)} {number_text(shift_y)}) scale({number_text(scale)})"


def _cell_picture(
    layers: Sequence[Layer],
    index: int,
    corner: tuple[float, float],
    cell: float,
    line: float | None,
    render_style: RenderStyle,
    animation: Animation | None,
) -> ElementTree.Element:
    """Return a group with the layers, scaled into the square of side ``cell`` at ``corner``."""
    frame = _Frame.around(layers, RenderStyle())
    inner = cell * (1 - 2 * _CELL_INSET)
    scale = inner / max(frame.width, frame.height)
    shift_x = corner[0] + cell / 2 - (frame.x + frame.width / 2) * scale
    shift_y = corner[1] + cell / 2 - (frame.y + frame.height / 2) * scale
    picture = _element("g", {"transform": _placement(scale, shift_x, shift_y)})
    width = inner * _STROKE_WIDTH if line is None else line
    picture.extend(group for _, group in _groups(layers, width / scale, render_style, animation, f"-{index}"))
    return picture


def _groups(
    layers: Sequence[Layer], stroke_width: float, render_style: RenderStyle, animation: Animation | None, suffix: str
) -> Iterator[tuple[Layer, ElementTree.Element]]:
    """Yield a group of elements for each layer of a picture."""
    if render_style.optimize:
        layers = [replace(layer, sketch=optimized(layer.sketch)) for layer in layers]
    total = sum(len(layer.sketch.strokes) for layer in layers)
    timings = iter(stroke_timings([layer.sketch for layer in layers], animation.seconds) if animation else [])
    first = 0
    for layer in layers:
        identifier = "-".join(xml_text(layer.name + suffix).split())  # an id has no spaces
        group = _element("g", {"id": identifier, **_line_attributes(layer.color, stroke_width)})
        group.set(*SEPARATE_STROKES)
        strokes, color = layer.sketch.strokes, xml_text(layer.color)
        elements = elements_of(strokes, render_style.style, stroke_width, color, first=first, total=total)
        for number, element in enumerate(elements, first):
            if animation is None:
                group.append(_xml_element(element))
            else:
                _add_moving(group, element, next(timings), animation, f"reveal-{number}{suffix}")
        first += len(strokes)
        yield layer, group


def _line_attributes(color: str, stroke_width: float) -> dict[str, str]:
    """Return the presentation attributes of lines."""
    return {
        "fill": "none",
        "stroke": xml_text(color),
        "stroke-width": number_text(stroke_width),
        "stroke-linecap": "round",
        "stroke-linejoin": "round",
    }


def _element(tag: str, attributes: dict[str, str] | None = None) -> ElementTree.Element:
    """Return an element without content, as svgwrite makes it."""
    from svgwrite.base import BaseElement

    element = BaseElement(debug=False)
    element.elementname = tag
    element.attribs.update(attributes or {})
    xml: ElementTree.Element = element.get_xml()
    return xml


def _xml_element(element: SvgElement) -> ElementTree.Element:
    return _element(element.tag, {**element.geometry, **element.paint})


def _add_moving(
    group: ElementTree.Element, drawn: SvgElement, timing: StrokeTiming, animation: Animation, identifier: str
) -> None:
    """Add an animated element, or its visible part in a single frame; a line along its middle reveals an outline."""
    element = _xml_element(drawn)
    line = element
    still = None if animation.at is None else timing.progress(animation.at)
    if still is not None and (still <= 0.0 or (still < 1.0 and not drawn.length)):
        return
    if still == 1.0:
        group.append(element)
        return
    if drawn.reveal is not None:
        data, width = drawn.reveal
        mask = _element("mask", {"id": identifier})
        line = _element("path", {"d": data, "fill": "none", "stroke": "#fff", "stroke-width": number_text(width)})
        mask.append(line)
        group.append(mask)
        element.set("mask", f"url(#{identifier})")
    if still is not None:
        line.set("stroke-dasharray", f"{number_text(round(still * drawn.length, 6))} {number_text(2 * drawn.length)}")
    else:
        line.set("class", "stroke" if drawn.length else "dot")
        line.set("style", f"animation-delay:{timing.begin:.3f}s;animation-duration:{timing.duration:.3f}s")
        if drawn.length:
            line.set("pathLength", "1")
    group.append(element)


def _document(
    root: ElementTree.Element, title: str | None, description: str | None, animation: Animation | None
) -> str:
    head = [("title", title), ("desc", description)]
    head += [("style", STYLE_SHEET)] if animation is not None and animation.at is None else []
    for position, (tag, text) in enumerate((tag, text) for tag, text in head if text is not None):
        element = _element(tag)
        element.text = xml_text(text)
        root.insert(position, element)
    ElementTree.indent(root, " ")
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _tidy(value: float, extent: float) -> float:
    """Round a length to about a ten-thousandth of the picture's extent, which is not visible."""
    return round(value, 4 - math.floor(math.log10(extent)))


def _numbered(label: str, number: int) -> str:
    """Return a label, after the layer's number if it has digits: vpype and AxiDraw take the first ones for it."""
    return f"{number} {label}" if _NUMBER.search(label) else label


def _highest_layer_number(root: ElementTree.Element) -> int:
    """Return the highest layer number that vpype gives to a document's elements."""
    groups = [child for child in root if isinstance(child.tag, str) and child.tag.rpartition("}")[2] == "g"]
    highest = 1  # what is in no group
    for place, group in enumerate(groups, 1):
        found = _NUMBER.search(group.get(f"{{{_INKSCAPE}}}label") or "") or _NUMBER.search(group.get("id") or "")
        highest = max(highest, int(found[0]) if found else place)
    return highest


def _shortened(label: str, letters: float) -> str:
    return xml_text(label if len(label) <= letters else label[: max(1, int(letters) - 1)] + "…")


class _RootEnd:
    """The end of a document's root element: the position in bytes of its end tag, or after ``<svg .../>``."""

    def __init__(self, document: bytes) -> None:
        self.encoding = next((name for start, name in _UTF_16.items() if document.startswith(start)), "utf-8")
        self.name = ""
        self.position = 0
        self._depth = 0
        self._parser = expat.ParserCreate()
        self._parser.XmlDeclHandler = self._on_declaration
        self._parser.StartElementHandler = self._on_start
        self._parser.EndElementHandler = self._on_end
        self._parser.Parse(document, True)
        self.self_closing = not document.startswith("</".encode(self.encoding), self.position)

    def _on_declaration(self, version: str, encoding: str | None, standalone: int) -> None:
        if encoding and self.encoding == "utf-8":
            self.encoding = encoding

    def _on_start(self, name: str, attributes: dict[str, str]) -> None:
        self.name = self.name or name
        self._depth += 1

    def _on_end(self, name: str) -> None:
        self._depth -= 1
        if self._depth == 0:
            self.position = self._parser.CurrentByteIndex

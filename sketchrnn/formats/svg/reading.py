"""Reading drawings from SVG files of any program: all visible lines, in drawing order.

Shapes and paths in groups, ``<use>``, ``<symbol>``, ``<switch>`` and nested ``<svg>`` elements are read with their
transforms, units, styles and clip paths, as a browser shows them; curves become points.

The readers on PyPI do not fit: svgelements and svgpathtools depart from the standard (``S`` after ``Q``, arcs with a
radius of 0, ``transform-origin``, CSS) and are slow, and resvg's usvg computes in float32 and silently drops damaged
content.

Reference:
    https://www.w3.org/TR/SVG2/
"""

from __future__ import annotations

import itertools
import math
import re
import xml.etree.ElementTree as ElementTree
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from sketchrnn.errors import FormatError
from sketchrnn.formats.streams import uncompressed
from sketchrnn.formats.svg.css import Cascade, Style, Units, color_of, fraction, luminance, url_of
from sketchrnn.formats.svg.geometry import (
    IDENTITY,
    Flattened,
    Matrix,
    Outline,
    Region,
    flatten,
    join_touching,
    multiplied,
    parse_basic_shape,
    parse_css_transform,
    parse_origin,
    parse_path,
    parse_points,
    parse_transform_attribute,
    scale_of,
    translation,
)
from sketchrnn.formats.svg.style import SEPARATE_STROKES
from sketchrnn.sketch import Sketch
from sketchrnn.sketch.sketch import FloatArray

FLATNESS = 1 / 8000
"""Largest distance of the lines from a curve, as a share of the picture's larger side."""
JOIN_TOLERANCE = 1 / 10_000
"""Largest gap between two joined lines, as a share of the picture's larger side."""
CLIP_MARGIN = 1e-6
"""A line is visible up to this distance outside of a clip path, as a share of the picture's larger side."""
MOST_USED = 100_000
"""Most elements from ``<use>``: nested <use> elements grow exponentially."""

_NAMESPACES = ("", "{http://www.w3.org/2000/svg}")
_HREF = ("href", "{http://www.w3.org/1999/xlink}href")
_DEFAULT_VIEWPORT = (300.0, 150.0)  # CSS default size of an image
_CONTAINERS = {"svg", "g", "a", "switch", "use"}
_SHAPES = {"path", "rect", "circle", "ellipse", "line", "polyline", "polygon"}
_NO_LINES = {"text", "image", "foreignObject"}
_TRANSFORMING = ("translate", "rotate", "scale", "transform")
_AXES = {"x": 0, "y": 1, "width": 0, "height": 1, "cx": 0, "cy": 1, "rx": 0, "ry": 1, "r": 0}
_NOT_NEGATIVE = {"width", "height", "r", "rx", "ry"}
_Box = tuple[float, float, float, float]
_ASPECT = re.compile(r"(none|x(?:Min|Mid|Max)Y(?:Min|Mid|Max))(?:\s+(meet|slice))?")


@dataclass(frozen=True)
class SvgLine:
    """A line of a picture.

    Attributes:
        points: (points, 2), in the user units of the document's root, curves flattened; (1, 2) for a dot.
        closed: a closed shape, or a path that ends with a closing command.
        color: of the stroke, or of the fill if no shape has a stroke; every SVG viewer understands it.
        width: of the stroke in the root's user units; None if no shape has a stroke.
        opacity: of the stroke, from 0 to 1, including the groups.
        linecap: ``butt``, ``round`` or ``square``.
        linejoin: ``miter``, ``round`` or ``bevel``.
        ids: of the elements that it is part of, and of the groups around them, the outermost first.
        is_separate: a separate stroke, even if it starts at the end of the previous one.
    """

    points: FloatArray
    closed: bool
    color: str
    width: float | None
    opacity: float = 1.0
    linecap: str = "butt"
    linejoin: str = "miter"
    ids: tuple[str, ...] = ()
    is_separate: bool = False


@dataclass(frozen=True)
class SvgDrawing:
    """The lines of an SVG document.

    Attributes:
        lines: in drawing order; at least one.
        ignored: number of visible elements that are not read, by kind: text, images, filled shapes beside lines.
        millimeters: in a user unit of the root; None if the document has no unit of length.
        page: (x, y, width, height) of the visible part, in the root's user units; None if it is unknown.
        outlines_only: no shape has a stroke, and the lines are the outlines of filled shapes.
        content: the document.
    """

    lines: tuple[SvgLine, ...]
    ignored: Counter[str]
    millimeters: float | None
    page: tuple[float, float, float, float] | None = None
    outlines_only: bool = False
    content: bytes = b""

    @property
    def sketch(self) -> Sketch:
        """The lines as strokes, in the root's user units; the pen is up at the end."""
        return Sketch(tuple(line.points for line in self.lines))

    def notices(self) -> list[str]:
        """Return messages for the user about how the document was read."""
        found = []
        if self.ignored:
            listed = ", ".join(f"{count} {kind}" for kind, count in self.ignored.items())
            found.append(f"Ignored {listed}: only lines are read.")
        if self.outlines_only:
            outlines = "1 outline" if len(self.lines) == 1 else f"{len(self.lines)} outlines"
            found.append(f"No shape has a stroke: read {outlines} of filled shapes instead.")
        return found

    def continued_from(self, identifier: str) -> SvgDrawing:
        """Return the drawing with the lines of an element, or of a group, drawn last.

        Raises:
            FormatError: no line has an element with this id.
        """
        chosen = tuple(line for line in self.lines if identifier in line.ids)
        if not chosen:
            raise FormatError(f"expected a drawn element with the id {identifier!r}, found none")
        return replace(self, lines=tuple(line for line in self.lines if identifier not in line.ids) + chosen)


def parse_svg(content: bytes, name: str) -> SvgDrawing:
    """Read the lines of an SVG document, which may be compressed (``.svgz``).

    The lines are those of shapes with a visible stroke. If no shape has one, as in a logo, they are the outlines of
    filled shapes. A line that starts at the end of the previous line continues it.

    Raises:
        FormatError: it is not SVG, is damaged, or has no lines; the message names the document and the element.
    """
    try:
        return replace(_drawing(parse_root(uncompressed(content, name))), content=content)
    except FormatError as error:
        raise FormatError(f"{name}: {error}") from error
    except RecursionError as error:
        raise FormatError(f"{name}: expected an SVG document, found groups nested too deeply") from error


def parse_root(content: bytes) -> ElementTree.Element:
    """Return the root element of a document.

    Raises:
        FormatError: it is not an SVG document.
    """
    try:
        root = ElementTree.fromstring(content)
    except ElementTree.ParseError as error:
        raise FormatError(f"expected an SVG document, found invalid XML: {error}") from error
    except (LookupError, ValueError) as error:  # an encoding that Python cannot decode
        raise FormatError(f"expected an SVG document, found text that cannot be decoded: {error}") from error
    if _tag(root) != "svg":
        raise FormatError(f"expected an SVG document, found an XML document of <{root.tag.rpartition('}')[2]}>")
    return root


@dataclass(frozen=True)
class _Shape:
    """A visible shape, in the root's user units."""

    outline: Outline
    stroke: SvgLine | None  # style of its line, without points
    fill: str | None  # color of its area
    clips: tuple[Region, ...]
    even_odd: bool  # as an area of a clip path, it uses the even-odd rule


@dataclass(frozen=True)
class _Context:
    """Values that an element gets from its ancestors."""

    style: Style | None  # computed values of the parent
    matrix: Matrix  # from the element's user units to the root's
    viewport: tuple[float, float]  # that percentages refer to
    opacity: float = 1.0  # product of all groups' opacities
    ids: tuple[str, ...] = ()  # of the element and its ancestors, the outermost first
    uses: tuple[ElementTree.Element, ...] = ()  # targets of the <use> elements around it
    clips: tuple[Region, ...] = ()
    sizes: tuple[str | None, str | None] = (None, None)  # of the <use> that shows this element, as written
    is_separate: bool = False  # each shape is a separate stroke


def _drawing(root: ElementTree.Element) -> SvgDrawing:
    walk = _Walk(root)
    shapes = list(walk.shapes())
    ignored = walk.ignored
    stroked = [shape for shape in shapes if shape.stroke is not None]
    outlines_only = not stroked
    if stroked:
        filled = len(shapes) - len(stroked)
        ignored.update({"filled shape": filled} if filled else {})
        shapes = stroked
    try:
        flat = flatten([shape.outline for shape in shapes], FLATNESS)
    except OverflowError as error:
        raise FormatError("expected finite coordinates, found numbers outside the range of float64") from error
    extent = float(np.ptp(np.concatenate(flat.lines), axis=0).max()) if flat.lines else 0.0
    if outlines_only and flat.lines:
        flat = _without_background(flat, shapes, walk, extent)
    if any(shape.clips for shape in shapes):
        flat = _clipped(flat, shapes, extent * CLIP_MARGIN)
    if not flat.lines:
        found = ", ".join(f"{number} {kind}" for kind, number in ignored.items()) or "nothing that is shown"
        raise FormatError(walk.first_error or f"expected a drawing of lines, found {found}")
    styles = [shape.stroke or SvgLine(_NO_POINTS, False, shape.fill or "black", None) for shape in shapes]
    return SvgDrawing(
        _joined(flat, styles, extent * JOIN_TOLERANCE), ignored, walk.millimeters, walk.page, outlines_only
    )


def _without_background(flat: Flattened, shapes: Sequence[_Shape], walk: _Walk, extent: float) -> Flattened:
    """Drop the outlines of areas that cover the page: white ones, and others on a page of known size with outlines."""
    points = np.concatenate(flat.lines)
    low, high = points.min(axis=0), points.max(axis=0)
    if walk.page is not None:
        low, high = np.array(walk.page[:2]), np.array(walk.page[:2]) + walk.page[2:]
    inset = 0.01 * (high - low)
    corners = np.array([(x, y) for x in (low[0] + inset[0], high[0] - inset[0])
                        for y in (low[1] + inset[1], high[1] - inset[1])])  # fmt: skip
    covers = np.zeros(len(flat.lines), bool)
    for number, line in enumerate(flat.lines):
        if len(line) > 2 and (line.min(axis=0) <= corners[0]).all() and (line.max(axis=0) >= corners[-1]).all():
            covers[number] = Region([([line], False, (), 1.0)]).contains(corners, extent * CLIP_MARGIN).all()
    white = np.array([color_of(shapes[owner].fill or "black") in _WHITES for owner in flat.owners])
    dropped = covers & white
    if walk.page is not None and not covers.all():
        dropped |= covers
    if dropped.any():
        walk.ignored["background"] += int(dropped.sum())
    return Flattened(list(itertools.compress(flat.lines, ~dropped)), flat.closed[~dropped], flat.owners[~dropped])


_WHITES = {
    (name, 1.0) for name in ("white", "#fff", "#ffffff", "#FFF", "#FFFFFF", "rgb(255,255,255)", "rgb(255, 255, 255)")
}
_NO_POINTS = np.zeros((0, 2))


def _clipped(flat: Flattened, shapes: Sequence[_Shape], margin: float) -> Flattened:
    """Remove the parts of lines that clip paths, masks and viewports hide."""
    lines, closed, owners = [], [], []
    for line, owner, is_closed in zip(flat.lines, flat.owners.tolist(), flat.closed.tolist(), strict=True):
        parts = [line]
        for region in shapes[owner].clips:
            parts = [piece for part in parts for piece in region.clip(part, margin)]
        whole = len(parts) == 1 and parts[0] is line
        lines += parts
        closed += [is_closed and whole] * len(parts)
        owners += [owner] * len(parts)
    return Flattened(lines, np.array(closed, bool), np.array(owners, np.int64))


def _joined(flat: Flattened, styles: Sequence[SvgLine], tolerance: float) -> tuple[SvgLine, ...]:
    """Return lines with their styles; a line that starts at the end of the previous line, in the same color, continues
    it.

    Closed shapes stay separate lines. vpype's ``linemerge`` and shapely's ``line_merge`` are not used because they
    change the order of the lines, which a model depends on.
    """
    lines, closed, owners = flat.lines, flat.closed, flat.owners
    color_numbers = {color: number for number, color in enumerate(dict.fromkeys(style.color for style in styles))}
    colors = np.array([color_numbers[style.color] for style in styles])[owners]
    separate = np.array([style.is_separate for style in styles])[owners]
    may_join = ~closed[1:] & ~closed[:-1] & (colors[1:] == colors[:-1]) & ~separate[1:]
    joined, group = join_touching(lines, may_join, tolerance)
    firsts = np.flatnonzero(np.diff(group, prepend=-1))
    lasts = np.append(firsts[1:], len(lines)) - 1
    found = []
    for points, first, last in zip(joined, firsts.tolist(), lasts.tolist(), strict=True):
        style, is_closed = styles[owners[last]], bool(closed[first])
        ids = style.ids
        if last > first:
            chain = dict.fromkeys(owners[first : last + 1].tolist())
            ids = tuple(dict.fromkeys(name for owner in chain for name in styles[owner].ids))
            is_closed = len(points) > 2 and math.hypot(*(points[-1] - points[0]).tolist()) <= tolerance
        found.append(
            SvgLine(points, is_closed, style.color, style.width, style.opacity, style.linecap, style.linejoin, ids)
        )
    return tuple(found)


class _Walk:
    """Goes through the visible elements of a document.

    Attributes:
        ignored: number of visible elements that are not read, by kind.
        first_error: problem and location of the first damaged element.
        millimeters: of a user unit of the root; None where the document gives its size in no unit of length.
        page: (x, y, width, height) of the root's view box, or of its size.
    """

    def __init__(self, root: ElementTree.Element) -> None:
        self.ignored: Counter[str] = Counter()
        self.first_error = ""
        self._root = root
        self._cascade = Cascade(root)
        self._by_id = {element.get("id"): element for element in reversed(list(root.iter()))}
        self._parents = {child: parent for parent in root.iter() for child in parent}
        self._strokes: dict[tuple[object, ...], SvgLine | None] = {}
        self._bounding_boxes: dict[tuple[ElementTree.Element, int, tuple[float, float]], _Box | None] = {}
        self._regions: dict[tuple[ElementTree.Element, Matrix, tuple[float, float], _Box | None], Region | None] = {}
        self._regions_in_use: list[ElementTree.Element] = []
        self._used = 0
        self._is_measuring = 0  # 0: reading; 1: collecting a clip path's areas; 2 and 3: measuring a bounding box
        self._units = Units()
        self._style = self._cascade.style(root, None)
        self.page: tuple[float, float, float, float] | None = None
        self._viewport, self._root_scale, self.millimeters, self._is_empty = self._root_viewport()

    def shapes(self) -> Iterator[_Shape]:
        """Yield the visible shapes, in drawing order."""
        style = self._style
        if style["display"] == "none" or self._is_empty:
            return
        context = _Context(style, IDENTITY, self._viewport, fraction(style["opacity"]))
        context = replace(context, clips=self._clips(self._root, "svg", context))
        if context.opacity > 0.0:
            yield from self._children(self._root, context)

    def _root_viewport(self) -> tuple[tuple[float, float], float, float | None, bool]:
        """Return the root's viewport in user units, the size of a unit in pixels and in mm, and whether it is empty."""
        self._units = Units(self._style.font_size)
        box = self._view_box(self._root)
        texts = [self._style.values.get(side, self._root.get(side, "")).strip() for side in ("width", "height")]
        sizes = [
            None if not text or "%" in text else self._units.length(text, 0.0, self._style.font_size) for text in texts
        ]
        sizes = [None if size is not None and size < 0 else size for size in sizes]
        is_empty = 0.0 in sizes or (box is not None and min(box[2:]) <= 0)
        if box is None or is_empty:
            viewport = tuple(size or other for size, other in zip(sizes, _DEFAULT_VIEWPORT, strict=True))
            scale = 1.0
            self.page = (0.0, 0.0, viewport[0], viewport[1]) if all(sizes) else None
        else:
            viewport, self.page = (box[2], box[3]), box
            scales = [size / side for size, side in zip(sizes, viewport, strict=True) if size and side]
            scale = min(scales, default=1.0)
        window = (sizes[0] or viewport[0] * scale, sizes[1] or viewport[1] * scale)
        self._units = Units(self._style.font_size, window)
        has_length = any(text.lower().endswith(("mm", "cm", "in", "pt", "pc", "q")) for text in texts)
        return (viewport[0], viewport[1]), scale, scale * 25.4 / 96.0 if has_length else None, is_empty

    def _children(self, parent: ElementTree.Element, context: _Context) -> Iterator[_Shape]:
        for element in parent:
            yield from self._element(element, context)

    def _element(self, element: ElementTree.Element, context: _Context) -> Iterator[_Shape]:
        tag = _tag(element)
        if tag is None or not (tag in _CONTAINERS or tag in _SHAPES or tag in _NO_LINES):
            return
        if context.uses:
            self._used += 1
            if self._used > MOST_USED:
                raise FormatError(f"expected at most {MOST_USED:,} elements from <use>, found more")
        if not _conditions_hold(element):
            return
        style = self._cascade.style(element, context.style)
        values = style.values
        if values.get("display") == "none":
            return
        opacity = context.opacity
        if "opacity" in values:
            opacity *= fraction(values["opacity"])
            if opacity <= 0.0 and not self._is_measuring:
                return
        written = element.get("transform")
        if written and parse_transform_attribute(written.strip()) is None and "var(" not in written:
            self._damaged(element, f"expected a transform, found {_brief(written)}", "damaged transform")
        identifier = element.get("id")
        matrix, clips = context.matrix, context.clips
        ids = (*context.ids, identifier) if identifier else context.ids
        separate = context.is_separate or element.get(SEPARATE_STROKES[0]) == SEPARATE_STROKES[1]
        context = _Context(
            style, matrix, context.viewport, opacity, ids, context.uses, clips, context.sizes, separate
        )  # fmt: skip
        if any(name in values for name in _TRANSFORMING):
            context = replace(context, matrix=multiplied(matrix, self._transform(element, tag, context)))
        if "clip-path" in values or "mask" in values:
            context = replace(context, clips=self._clips(element, tag, context))
        yield from self._content(element, tag, context)

    def _content(self, element: ElementTree.Element, tag: str, context: _Context) -> Iterator[_Shape]:
        """Yield the shapes in an element, after its own transform."""
        if tag in _SHAPES:
            yield from self._shape(element, tag, context)
        elif tag in _NO_LINES:
            if context.style is not None and context.style["visibility"] == "visible":
                self._count(tag)
        elif tag == "use":
            yield from self._use(element, context)
        elif tag in ("svg", "symbol"):
            yield from self._nested(element, tag, context)
        elif tag == "switch":
            # as in Chromium, an element that is not drawn can also be chosen
            chosen = (child for child in element if _tag(child) is not None and _conditions_hold(child))
            for child in itertools.islice(chosen, 1):
                yield from self._element(child, context)
        else:
            yield from self._children(element, context)

    def _count(self, kind: str) -> None:
        if not self._is_measuring:
            self.ignored[kind] += 1

    def _damaged(self, element: ElementTree.Element, message: str, kind: str) -> None:
        """Record that part of an element cannot be read; viewers show the rest of it."""
        self._count(kind)
        self.first_error = self.first_error or f"{self._place(element)}: {message}"

    def _use(self, use: ElementTree.Element, context: _Context) -> Iterator[_Shape]:
        target = self._target_of(use)
        if target is None:
            self._count("<use> without its target")
            return
        around: ElementTree.Element | None = use
        while around is not None and around is not target:
            around = self._parents.get(around)
        if around is target or target in context.uses:
            self._count("<use> of itself")
            return
        x, y = (self._size(use, name, context, 0.0) for name in "xy")
        sizes = use.get("width"), use.get("height")
        context = replace(
            context,
            matrix=multiplied(context.matrix, translation(x, y)),
            uses=(*context.uses, target),
            sizes=sizes if _tag(target) in ("svg", "symbol") else (None, None),
        )
        if _tag(target) != "symbol":
            yield from self._element(target, context)
            return
        style = self._cascade.style(target, context.style)  # a used symbol is visible, independent of its display
        context = replace(context, style=style, opacity=context.opacity * fraction(style["opacity"]))
        if context.opacity > 0.0 or self._is_measuring:
            context = replace(
                context, matrix=multiplied(context.matrix, self._transform(target, "symbol", context))
            )  # fmt: skip
            context = replace(context, clips=self._clips(target, "symbol", context))
            yield from self._nested(target, "symbol", context)

    def _nested(self, element: ElementTree.Element, tag: str, context: _Context) -> Iterator[_Shape]:
        """Yield the shapes in an element with its own viewport: a nested ``<svg>``, or a ``<symbol>`` in use."""
        sides = []
        for name, text, side in zip(("width", "height"), context.sizes, context.viewport, strict=True):
            size = None if text is None else self._length(text, side, context)
            if size is None or size < 0:
                size = side if tag == "symbol" else self._size(element, name, context, side)
            sides.append(size)
        x, y = (0.0, 0.0) if tag == "symbol" else (self._size(element, name, context, 0.0) for name in "xy")
        box = self._view_box(element)
        if min(sides) <= 0 or (box is not None and min(box[2:]) <= 0):
            return  # the specification hides it so
        clips = context.clips
        if context.style is not None and context.style["overflow"] not in ("visible", "auto"):
            frame = Outline.of_rectangle(x, y, sides[0], sides[1]).transformed(context.matrix)
            clips = (*clips, Region([([frame.nodes[:-1, 4:]], False, (), 1.0)]))
        matrix, viewport = translation(x, y), (sides[0], sides[1])
        if box is not None:
            matrix = _view_box_transform((x, y, sides[0], sides[1]), box, element.get("preserveAspectRatio", ""))
            viewport = (box[2], box[3])
        matrix = multiplied(context.matrix, matrix)
        context = replace(context, matrix=matrix, viewport=viewport, clips=clips, sizes=(None, None))
        yield from self._children(element, context)

    def _shape(self, element: ElementTree.Element, tag: str, context: _Context) -> Iterator[_Shape]:
        style = context.style or self._style
        if style["visibility"] != "visible" and self._is_measuring < 2:
            return
        stroke, fill = self._stroke(style, context), None
        if stroke is None and tag != "line":
            fill = self._paint(style, "fill")[0]
        if stroke is None and fill is None and not self._is_measuring:
            return
        outline = self._outline(element, tag, context)
        if len(outline.kinds):
            outline = outline.transformed(context.matrix)
            even_odd = style["clip-rule" if self._is_measuring else "fill-rule"] == "evenodd"
            yield _Shape(outline, stroke, fill, context.clips, even_odd)

    def _stroke(self, style: Style, context: _Context) -> SvgLine | None:
        """Return the style of an element's lines, without points; None if it has no lines."""
        if "stroke" not in style.values:
            return None
        key = (id(style), context.matrix[:4], context.viewport, context.opacity, context.ids, context.is_separate)
        found = self._strokes.get(key, _UNKNOWN)
        if found is not _UNKNOWN:
            return found
        color, opacity = self._paint(style, "stroke")
        opacity *= context.opacity
        diagonal = math.hypot(*context.viewport) / math.sqrt(2)
        width = self._units.length(style["stroke-width"], diagonal, style.font_size)
        width = 1.0 if width is None else width
        line = None
        if color is not None and width > 0 and opacity > 0:
            scale = scale_of(context.matrix)
            if style["vector-effect"] == "non-scaling-stroke":
                scale = 1 / self._root_scale
            cap, join = style["stroke-linecap"], style["stroke-linejoin"]
            join = {"arcs": "miter", "miter-clip": "miter"}.get(join, join)
            line = SvgLine(
                _NO_POINTS, False, color, width * scale, opacity, cap, join, context.ids, context.is_separate
            )
        self._strokes[key] = line
        return line

    def _paint(self, style: Style, name: str) -> tuple[str | None, float]:
        """Return the color of stroke or fill, and its opacity; None if it is invisible."""
        text = style[name]
        local = url_of(text)
        if local is not None:
            found = self._color_of_server(local[0], style)
            text = found if found is not None else local[1] or "none"
        elif text.lower().startswith("url("):
            text = "none"
        if text.lower() == "currentcolor":
            text = style["color"]
        color = None if text.lower().partition("-")[0] in ("none", "context") else color_of(text)
        if color is None:
            return None, 0.0
        opacity = color[1] * fraction(style[f"{name}-opacity"])
        return (color[0], opacity) if opacity > 0 else (None, 0.0)

    def _color_of_server(self, identifier: str, style: Style) -> str | None:
        """Return the color of a gradient's first stop, black for a pattern; None for other elements."""
        seen = set()
        element = self._by_id.get(identifier)
        while element is not None and element not in seen:
            seen.add(element)
            tag = _tag(element)
            if tag == "pattern":
                return "black"
            if tag not in ("linearGradient", "radialGradient"):
                return None
            for stop in element:
                if _tag(stop) == "stop":
                    stop_style = self._cascade.style(stop, self._cascade.style(element, self._style))
                    color = stop_style["stop-color"]
                    return stop_style["color"] if color.lower() == "currentcolor" else color
            element = self._target_of(element)
            if element is not None and _tag(element) == "pattern":
                return None
        return None

    def _clips(self, element: ElementTree.Element, tag: str, context: _Context) -> tuple[Region, ...]:
        """Return the regions that clip an element: those around it, its clip path and its mask."""
        clips = context.clips
        style = context.style
        if style is None or self._is_measuring > 1:
            return clips
        for name in ("clip-path", "mask"):
            value = style[name]
            if value.lower() == "none":
                continue
            local = url_of(value)
            target = None if local is None else self._by_id.get(local[0])
            if target is not None and _tag(target) == ("clipPath" if name == "clip-path" else "mask"):
                region = self._region(target, element, tag, context)
                if region is not None:
                    clips = (*clips, region)
            elif local is None and not value.lower().startswith("url("):
                region = self._basic_shape(value, element, tag, context)
                if region is not None:
                    clips = (*clips, region)
                else:
                    self._count(f"{name} that is not applied")
        return clips

    def _region(
        self, target: ElementTree.Element, element: ElementTree.Element, tag: str, context: _Context
    ) -> Region | None:
        """Return the part of an element that a ``<clipPath>`` or ``<mask>`` shows; None if it is unknown."""
        if target in self._regions_in_use:
            return Region()  # a reference to itself: viewers show nothing
        is_mask = _tag(target) == "mask"
        units = target.get("maskContentUnits" if is_mask else "clipPathUnits", "userSpaceOnUse").strip()
        style = self._cascade.style(target, self._inherited_by(target))
        matrix = context.matrix
        bounds = None
        if units == "objectBoundingBox" or (is_mask and target.get("maskUnits", "") != "userSpaceOnUse"):
            bounds = self._bounds(element, tag, context)
            if bounds is None:
                return Region()
        key = (target, context.matrix, context.viewport, bounds)
        if key in self._regions:
            return self._regions[key]
        inner = _Context(style, matrix, context.viewport)
        self._regions_in_use.append(target)
        self._is_measuring, measuring = 1, self._is_measuring
        try:
            within = self._clips(target, "g", inner)
            if not is_mask:
                matrix = multiplied(matrix, self._transform(target, "g", inner))
            if units == "objectBoundingBox" and bounds is not None:
                sides = bounds[2] - bounds[0], bounds[3] - bounds[1]
                matrix = multiplied(matrix, (sides[0], 0.0, 0.0, sides[1], bounds[0], bounds[1]))
            inner = replace(inner, matrix=matrix)
            if is_mask:
                region = self._mask_region(target, context, bounds, inner, within)
            else:
                region = self._clip_region(target, inner, within)
        finally:
            self._is_measuring = measuring
            self._regions_in_use.pop()
        self._regions[key] = region
        return region

    def _clip_region(
        self, clip_path: ElementTree.Element, inner: _Context, within: tuple[Region, ...]
    ) -> Region | None:
        """Return the union of a clip path's shapes; None if it has text, whose outline is not known."""
        areas = []
        for child in clip_path:
            tag = _tag(self._target_of(child)) if _tag(child) == "use" else _tag(child)
            if tag == "text":
                self.ignored["clip path of text"] += 1
                return None
            if tag in _SHAPES:
                areas += [
                    (_polygons(shape.outline), shape.even_odd, shape.clips, 1.0)
                    for shape in self._element(child, inner)
                ]
        return Region(areas, within)

    def _mask_region(
        self,
        mask: ElementTree.Element,
        context: _Context,
        bounds: _Box | None,
        inner: _Context,
        within: tuple[Region, ...],
    ) -> Region | None:
        """Return the region where a mask of solid areas is not black; None for other masks."""
        place = []
        for name, default, axis in (("x", "-10%", 0), ("y", "-10%", 1), ("width", "120%", 0), ("height", "120%", 1)):
            text = mask.get(name, default)
            if bounds is not None and mask.get("maskUnits", "") != "userSpaceOnUse":
                side = bounds[axis + 2] - bounds[axis]
                value = self._length(text, 1.0, context)
                value = None if value is None else value * side + (bounds[axis] if name in "xy" else 0.0)
            else:
                value = self._length(text, context.viewport[axis], context)
            place.append(0.0 if value is None else value)
        frame = Outline.of_rectangle(*place).transformed(context.matrix)
        areas = []
        before = self.ignored.copy()
        self._is_measuring, measuring = 0, self._is_measuring
        try:
            shapes = list(self._children(mask, replace(inner, ids=())))
        finally:
            self._is_measuring = measuring
        has_other = self.ignored != before
        self.ignored = before
        if has_other or any(shape.stroke is not None for shape in shapes):
            self.ignored["mask that is not applied"] += 1
            return None
        by_alpha = inner.style is not None and inner.style["mask-type"] == "alpha"
        for shape in shapes:
            color = color_of(shape.fill or "black")
            light = 1.0 if by_alpha or color is None else luminance(color[0])
            areas.append((_polygons(shape.outline), shape.even_odd, shape.clips, light))
        return Region(areas, (*within, Region([([frame.nodes[:-1, 4:]], False, (), 1.0)])))

    def _basic_shape(self, value: str, element: ElementTree.Element, tag: str, context: _Context) -> Region | None:
        """Return the region of a CSS shape such as ``circle(40%)``; None if it is not supported."""
        bounds = self._bounds(element, tag, context)
        if bounds is None:
            return Region()
        style = context.style or self._style
        outline = parse_basic_shape(value, bounds, self._units, style.font_size)
        if outline is None:
            return None
        return Region([(_polygons(outline[0].transformed(context.matrix)), outline[1], (), 1.0)])

    def _target_of(self, element: ElementTree.Element) -> ElementTree.Element | None:
        """Return the element of the document that an element refers to."""
        reference = next((element.get(name, "") for name in _HREF if element.get(name) is not None), "").strip()
        return self._by_id.get(reference[1:]) if reference.startswith("#") else None

    def _inherited_by(self, element: ElementTree.Element) -> Style:
        """Return the style of an element's parent in the document."""
        parents = []
        parent = self._parents.get(element)
        while parent is not None:
            parents.append(parent)
            parent = self._parents.get(parent)
        style = None
        for parent in reversed(parents):
            style = self._cascade.style(parent, style)
        return style or self._style

    def _bounds(self, element: ElementTree.Element, tag: str, context: _Context) -> _Box | None:
        """Return (x_min, y_min, x_max, y_max) of an element in its own user units, without strokes."""
        key = (element, id(context.style), context.viewport)
        if key not in self._bounding_boxes:
            self._bounding_boxes[key] = self._measured(element, tag, context)
        return self._bounding_boxes[key]

    def _measured(self, element: ElementTree.Element, tag: str, context: _Context) -> _Box | None:
        self._is_measuring += 2
        try:
            neutral = replace(context, matrix=IDENTITY, clips=())
            boxes = [shape.outline.bounds() for shape in self._content(element, tag, neutral)]
        finally:
            self._is_measuring -= 2
        found = [box for box in boxes if box is not None]
        if not found:
            return None
        low, high = np.array(found)[:, :2].min(axis=0), np.array(found)[:, 2:].max(axis=0)
        return float(low[0]), float(low[1]), float(high[0]), float(high[1])

    def _outline(self, element: ElementTree.Element, tag: str, context: _Context) -> Outline:
        """Return an element's segments in its own coordinates, up to the first error in its data."""
        if tag == "path":
            data = _css_path((context.style or self._style).values.get("d", "")) or element.get("d", "")
            outline, error = parse_path(data)
            if error.strip():
                self._damaged(element, f"expected path data, found {_brief(error)}", "path with damaged data")
            return outline
        if tag in ("polyline", "polygon"):
            points, error = parse_points(element.get("points", ""))
            if error.strip():
                self._damaged(
                    element, f"expected points x,y x,y ..., found {_brief(error)}", f"{tag} with damaged points"
                )
            if len(points) < 2:
                return Outline.of_polyline(np.zeros((0, 2)))
            return Outline.of_polyline(points, closed=tag == "polygon")
        if tag == "line":
            width, height = context.viewport
            ends = [
                self._in_user_units(element, name, element.get(name, "0"), side, context) or 0.0
                for name, side in (("x1", width), ("y1", height), ("x2", width), ("y2", height))
            ]
            return Outline.of_polyline(np.array(ends).reshape(2, 2))
        if tag == "rect":
            x, y, width, height = (self._size(element, name, context, 0.0) for name in ("x", "y", "width", "height"))
            if width <= 0 or height <= 0:
                return Outline.of_polyline(np.zeros((0, 2)))
            rx, ry = self._radii(element, context)
            return Outline.of_rectangle(x, y, width, height, rx, ry)
        cx, cy = self._size(element, "cx", context, 0.0), self._size(element, "cy", context, 0.0)
        rx, ry = (self._size(element, "r", context, 0.0),) * 2 if tag == "circle" else self._radii(element, context)
        if rx <= 0 or ry <= 0:
            return Outline.of_polyline(np.zeros((0, 2)))
        return Outline.of_ellipse(cx, cy, rx, ry)

    def _radii(self, element: ElementTree.Element, context: _Context) -> tuple[float, float]:
        """Return rx and ry; an auto value equals the other one."""
        rx, ry = (self._size(element, name, context, -1.0) for name in ("rx", "ry"))
        rx, ry = (ry if rx < 0 else rx), (rx if ry < 0 else ry)
        return max(rx, 0.0), max(ry, 0.0)

    def _size(self, element: ElementTree.Element, name: str, context: _Context, default: float) -> float:
        """Return a geometry property, by CSS or by its attribute, in user units."""
        style = context.style
        css = None if style is None else style.values.get(name)
        text = css if css is not None and _tag(element) != "symbol" else element.get(name, "auto")
        if text.strip().lower() == "auto":
            return default
        side = math.hypot(*context.viewport) / math.sqrt(2) if name == "r" else context.viewport[_AXES[name]]
        value = self._in_user_units(element, name, text, side, context)
        if value is None or not math.isfinite(value) or (value < 0 and name in _NOT_NEGATIVE):
            return default
        return value

    def _in_user_units(
        self, element: ElementTree.Element, name: str, text: str, side: float, context: _Context
    ) -> float | None:
        """Return a length in user units; None for a damaged one, which is reported."""
        try:
            return float(text)
        except ValueError:
            length = self._length(text, side, context)
        if length is None:
            self._damaged(element, f"expected a length, found {_brief(text)}", f"{_tag(element)} with a damaged {name}")
        return length

    def _length(self, text: str, side: float, context: _Context) -> float | None:
        return self._units.length(text.strip(), side, (context.style or self._style).font_size)

    def _transform(self, element: ElementTree.Element, tag: str, context: _Context) -> Matrix:
        """Return an element's own transform, with its origin."""
        style = context.style or self._style
        if not any(name in style.values for name in _TRANSFORMING):
            return IDENTITY
        box_kind = style["transform-box"]
        origin_text = style["transform-origin"]
        texts = [(name, style[name]) for name in _TRANSFORMING if style[name].lower() != "none"]
        if not texts:
            return IDENTITY
        x, y, (width, height) = 0.0, 0.0, context.viewport
        needs_box = "%" in origin_text + "".join(text for _, text in texts) or re.search("[a-z]{3}", origin_text)
        if box_kind != "view-box" and (needs_box or "transform-origin" in style.values):
            bounds = self._bounds(element, tag, context) or (0.0, 0.0, 0.0, 0.0)
            if box_kind in ("stroke-box", "border-box"):
                stroke = self._stroke(style, replace(context, matrix=IDENTITY, opacity=1.0))
                reach = (stroke.width or 0.0) / 2 if stroke else 0.0
                bounds = (bounds[0] - reach, bounds[1] - reach, bounds[2] + reach, bounds[3] + reach)
            x, y, width, height = bounds[0], bounds[1], bounds[2] - bounds[0], bounds[3] - bounds[1]
        sides = (width, height)
        matrix = IDENTITY
        for name, text in texts:
            found = parse_css_transform(text, name, sides, self._units, style.font_size)
            matrix = multiplied(matrix, found or IDENTITY)
        origin = parse_origin(origin_text, sides, self._units, style.font_size) or (0.0, 0.0)
        origin = (origin[0] + x, origin[1] + y)
        if origin != (0.0, 0.0):
            matrix = multiplied(multiplied(translation(*origin), matrix), translation(-origin[0], -origin[1]))
        return matrix

    def _view_box(self, element: ElementTree.Element) -> _Box | None:
        text = element.get("viewBox")
        if text is None:
            return None
        numbers, error = parse_points(text)
        if error.strip() or numbers.size != 4 or not np.isfinite(numbers).all() or numbers[1].min() < 0:
            self._damaged(element, f"expected a viewBox of four numbers, found {_brief(text)}", "damaged viewBox")
            return None
        return (float(numbers[0, 0]), float(numbers[0, 1]), float(numbers[1, 0]), float(numbers[1, 1]))

    def _place(self, element: ElementTree.Element) -> str:
        tag, identifier = _tag(element), element.get("id")
        if identifier:
            return f"<{tag} id={identifier!r}>"
        same = list(self._root.iter(element.tag))
        return f"<{tag}> {same.index(element) + 1}"


_UNKNOWN = SvgLine(_NO_POINTS, False, "", None)
"""Marks a stroke that was not looked up before."""


def _polygons(outline: Outline) -> list[FloatArray]:
    return [line for line in flatten([outline], FLATNESS).lines if len(line) > 2]


def _view_box_transform(
    place: tuple[float, float, float, float], box: tuple[float, float, float, float], aspect: str
) -> Matrix:
    """Return the matrix that fits a view box into (x, y, width, height)."""
    x, y, width, height = place
    match = _ASPECT.fullmatch(aspect.strip())
    align, fit = (match[1], match[2]) if match else ("xMidYMid", None)
    scale_x, scale_y = width / box[2], height / box[3]
    if align != "none":
        scale_x = scale_y = max(scale_x, scale_y) if fit == "slice" else min(scale_x, scale_y)
        share = {"Min": 0.0, "Mid": 0.5, "Max": 1.0}
        x += (width - box[2] * scale_x) * share[align[1:4]]
        y += (height - box[3] * scale_y) * share[align[5:8]]
    return (scale_x, 0.0, 0.0, scale_y, x - box[0] * scale_x, y - box[1] * scale_y)


def _conditions_hold(element: ElementTree.Element) -> bool:
    """Return whether an element is visible for English readers, without extensions."""
    if element.get("requiredExtensions") is not None:
        return False
    languages = element.get("systemLanguage")
    return languages is None or any(
        language.strip().lower().partition("-")[0] == "en" for language in languages.split(",")
    )


def _css_path(text: str) -> str:
    """Return the path data in a value of the property ``d``, such as ``path("M0 0H9")``."""
    match = re.fullmatch(r"""path\(\s*(?:[a-z]+\s*,\s*)?(["'])(.*)\1\s*\)""", text.strip(), re.DOTALL | re.IGNORECASE)
    return match[2] if match else ""


def _tag(element: ElementTree.Element | None) -> str | None:
    """Return the name of an element of SVG, also without a namespace; None for comments and for others."""
    if element is None or not isinstance(element.tag, str):
        return None
    namespace, brace, name = element.tag.rpartition("}")
    return name if namespace + brace in _NAMESPACES else None


def _brief(text: str) -> str:
    shown = " ".join(text.split())
    return repr(shown if len(shown) <= 40 else shown[:39] + "…")

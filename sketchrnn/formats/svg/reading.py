"""Drawings out of SVG files of any maker: every line that a viewer shows, in the order in which it is drawn.

Shapes and paths of every kind, in groups, ``<use>``, ``<symbol>``, ``<switch>`` and nested ``<svg>`` elements, with
their transforms, units and styles; curves become points. svgelements knows path data, arcs and transforms; the tree is
walked here, because svgelements draws what ``<symbol>``, ``<marker>`` and ``<mask>`` only define.

Reference:
    https://www.w3.org/TR/SVG2/
"""

from __future__ import annotations

import gzip
import io
import math
import re
import xml.etree.ElementTree as ElementTree
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sketchrnn.errors import FormatError
from sketchrnn.files import open_source, source_name
from sketchrnn.sketch import Sketch
from sketchrnn.sketch.sketch import FloatArray

if TYPE_CHECKING:
    import svgelements

FLATNESS = 1 / 2000
"""How far a curve's points may leave it, of the picture's larger side."""
GZIP_MAGIC = b"\x1f\x8b"

_NAMESPACES = ("", "{http://www.w3.org/2000/svg}")
_HREF = ("href", "{http://www.w3.org/1999/xlink}href")
_INCH = 96.0  # user units, by CSS
_USER_UNITS = {
    **{"px": 1.0, "in": _INCH, "mm": _INCH / 25.4, "cm": _INCH / 2.54, "Q": _INCH / 101.6, "pt": _INCH / 72},
    **{"pc": _INCH / 6, "em": 16.0, "rem": 16.0, "ex": 8.0, "": 1.0},  # of a browser's usual font
}
_DEFAULT_VIEWPORT = (300.0, 150.0)  # of CSS, for an image that does not say its size
MOST_USED = 100_000
"""Most elements that are shown by ``<use>``: a <use> of a <use> of a <use> ... grows without bounds."""
MOST_UNCOMPRESSED = 1 << 27
"""Most bytes of a compressed document: a thousandth of them, compressed, may stand for them."""
_CONTAINERS = {"svg", "g", "a", "switch", "use"}
_SHAPES = {"path", "rect", "circle", "ellipse", "line", "polyline", "polygon"}
_NO_LINES = {"text", "image", "foreignObject"}
_INHERITED = (
    "color",
    "fill",
    "fill-opacity",
    "stroke",
    "stroke-linecap",
    "stroke-linejoin",
    "stroke-opacity",
    "stroke-width",
    "visibility",
)
_INITIAL = {"color": "black", "fill": "black", "stroke": "none", "stroke-width": "1", "visibility": "visible"}
_DAMAGED_PATH = (ValueError, TypeError, AttributeError, IndexError, ArithmeticError)
"""What svgelements raises for missing numbers, and for those that it cannot compute with."""
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
_LENGTH = re.compile(rf"({_NUMBER.pattern})\s*(%|{'|'.join(_USER_UNITS)})")
_NOT_PATH_DATA = re.compile(r"[^MmZzLlHhVvCcSsQqTtAaEe0-9+\-.,\s]")

Curve = FloatArray
"""(1, 2): a straight line to this point; (4, 2): a cubic Bezier curve by its control points."""


@dataclass(frozen=True)
class SvgLine:
    """A line of a picture.

    Attributes:
        points: (points, 2), in the user units of the document's root, curves flattened; (1, 2) for a dot.
        closed: it ends where it begins, by the shape's nature or by the path's own command.
        colour: of the stroke, as the document writes it; of the fill where no shape has a stroke.
        width: of the stroke in the root's user units; None where no shape has a stroke.
        opacity: of the stroke, from 0 to 1, the groups' included.
        linecap: ``butt``, ``round`` or ``square``.
        linejoin: ``miter``, ``round`` or ``bevel``.
        ids: of the element and of all that it lies in, the outermost first.
    """

    points: FloatArray
    closed: bool
    colour: str
    width: float | None
    opacity: float = 1.0
    linecap: str = "butt"
    linejoin: str = "miter"
    ids: tuple[str, ...] = ()


@dataclass(frozen=True)
class SvgDrawing:
    """What is drawn in an SVG document.

    Attributes:
        lines: in the order in which they are drawn; at least one.
        left_out: how many elements of which kind are shown, but are no lines: text, images, filled areas beside lines.
        millimetres: of a user unit of the root; None where the document gives its size in no unit of length.
        page: (x, y, width, height) of what is shown, in the root's user units; None where the document does not say.
    """

    lines: tuple[SvgLine, ...]
    left_out: Counter[str]
    millimetres: float | None
    page: tuple[float, float, float, float] | None = None

    @property
    def sketch(self) -> Sketch:
        """The lines as strokes, in the root's user units; the pen is up at the end."""
        return Sketch(tuple(line.points for line in self.lines))

    def continued_from(self, identifier: str) -> SvgDrawing:
        """Return the drawing with the lines of an element, or of a group, drawn last.

        Raises:
            FormatError: no line belongs to an element of this id.
        """
        chosen = tuple(line for line in self.lines if identifier in line.ids)
        if not chosen:
            raise FormatError(f"expected a drawn element with the id {identifier!r}, found none")
        return replace(self, lines=tuple(line for line in self.lines if identifier not in line.ids) + chosen)


def read_svg(path: str | Path) -> SvgDrawing:
    """Read what is drawn in an SVG file; ``-`` is standard input.

    The lines are those of shapes with a stroke that can be seen. Only where there is none, as in a logo, are they the
    outlines of filled shapes.

    Raises:
        FormatError: the file is no SVG, is damaged, or draws no line; the message names the file and the element.
        SketchRNNError: the file cannot be read.
    """
    with open_source(path) as file:
        return parse_svg(file.read(), source_name(path))


def parse_svg(content: bytes, name: str) -> SvgDrawing:
    """Read what is drawn, as :func:`read_svg` does; ``name`` is what messages call the document."""
    try:
        return _drawing(parse_root(content))
    except FormatError as error:
        raise FormatError(f"{name}: {error}") from error
    except RecursionError as error:
        raise FormatError(f"{name}: expected an SVG document, found groups nested too deeply") from error


def parse_root(content: bytes) -> ElementTree.Element:
    """Return the root element of a document, which may be compressed (``.svgz``).

    Raises:
        FormatError: it is no SVG document.
    """
    try:
        root = ElementTree.fromstring(uncompressed(content))
    except ElementTree.ParseError as error:
        raise FormatError(f"expected an SVG document, found no XML: {error}") from error
    except (LookupError, ValueError) as error:  # an encoding that Python does not know, or cannot decode
        raise FormatError(f"expected an SVG document, found text that cannot be decoded: {error}") from error
    if _tag(root) != "svg":
        raise FormatError(f"expected an SVG document, found an XML document of <{root.tag.rpartition('}')[2]}>")
    return root


def uncompressed(content: bytes) -> bytes:
    """Return a document as text that an XML parser reads, out of ``.svgz`` too.

    Raises:
        FormatError: the compressed content is damaged, or too large.
    """
    if not content.startswith(GZIP_MAGIC):
        return content
    try:
        with gzip.open(io.BytesIO(content)) as file:
            document = file.read(MOST_UNCOMPRESSED + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise FormatError(f"expected an SVG document, found damaged compressed content: {error}") from error
    if len(document) > MOST_UNCOMPRESSED:
        raise FormatError(f"expected at most {MOST_UNCOMPRESSED:,} bytes when uncompressed, found more")
    return document


@dataclass(frozen=True)
class _Shape:
    """A shape as it is shown: its curves in the root's user units, a list for each subpath."""

    subpaths: list[list[Curve]]
    closed: list[bool]
    stroke: SvgLine | None  # without points
    fill: str | None


@dataclass(frozen=True)
class _Context:
    """What an element takes from those that it lies in."""

    style: dict[str, str]
    matrix: svgelements.Matrix
    viewport: tuple[float, float]
    opacity: float = 1.0
    ids: tuple[str, ...] = ()
    uses: tuple[ElementTree.Element, ...] = ()


def _drawing(root: ElementTree.Element) -> SvgDrawing:
    walk = _Walk(root)
    shapes = list(walk.shapes())
    left_out = walk.left_out
    stroked = [shape for shape in shapes if shape.stroke is not None]
    if stroked:
        filled = sum(shape.stroke is None for shape in shapes)
        left_out.update({"filled shape": filled} if filled else {})
        shapes = stroked
    if not any(shape.subpaths for shape in shapes):
        found = ", ".join(f"{number} {kind}" for kind, number in left_out.items()) or "nothing that is shown"
        raise FormatError(f"expected a drawing of lines, found {found}")
    corners = np.concatenate([curve for shape in shapes for subpath in shape.subpaths for curve in subpath])
    if not np.isfinite(corners).all():
        raise FormatError("expected finite coordinates, found some that float64 cannot hold")
    tolerance = max(float(np.ptp(corners, axis=0).max()) * FLATNESS, np.finfo(float).tiny)
    lines = [
        replace(
            shape.stroke or SvgLine(np.zeros((0, 2)), False, shape.fill or "black", None),
            points=_flatten(subpath, tolerance),
            closed=closed,
        )
        for shape in shapes
        for subpath, closed in zip(shape.subpaths, shape.closed, strict=True)
    ]
    return SvgDrawing(tuple(lines), left_out, walk.millimetres, walk.page)


class _Walk:
    """Goes through a document's elements as they are shown."""

    def __init__(self, root: ElementTree.Element) -> None:
        import svgelements

        from sketchrnn.formats.svg.css import declared_styles

        self.left_out: Counter[str] = Counter()
        self._elements = svgelements
        self._root = root
        self._declared = declared_styles(root)
        self._by_id = {element.get("id"): element for element in reversed(list(root.iter()))}
        self._ordinals: Counter[str] = Counter()
        self._used = 0
        self.page: tuple[float, float, float, float] | None = None
        self._viewport, self._root_scale, self.millimetres = self._root_viewport()

    def shapes(self) -> Iterator[_Shape]:
        """Yield the shapes that are shown, in the order in which they are drawn."""
        context = _Context(dict(_INITIAL), self._elements.Matrix(), self._viewport)
        style = self._cascaded(self._root, context.style)
        if self._declared[self._root].get("display") != "none":
            opacity = self._opacity(self._root, "opacity", "1")
            yield from self._children(self._root, replace(context, style=style, opacity=opacity))

    def _root_viewport(self) -> tuple[tuple[float, float], float, float | None]:
        """Return the root's viewport in user units, the pixels and the millimetres that a unit is shown as."""
        box = self._view_box(self._root)
        sizes = [self._root.get(side, "") for side in ("width", "height")]
        pixels = [
            None if not size.strip() or size.strip().endswith("%") else self._length(self._root, size, 0.0)
            for size in sizes
        ]
        if box is None:
            viewport = tuple(size or other for size, other in zip(pixels, _DEFAULT_VIEWPORT, strict=True))
            scale = 1.0
            self.page = (0.0, 0.0, viewport[0], viewport[1]) if all(pixels) else None
        else:
            viewport, self.page = (box[2], box[3]), box
            scales = [size / side for size, side in zip(pixels, viewport, strict=True) if size and side]
            scale = min(scales, default=1.0)
        has_length = any(size.strip().endswith(("mm", "cm", "in", "pt", "pc", "Q")) for size in sizes)
        return (viewport[0], viewport[1]), scale, scale * 25.4 / _INCH if has_length else None

    def _children(self, parent: ElementTree.Element, context: _Context) -> Iterator[_Shape]:
        for element in parent:
            yield from self._element(element, context)

    def _element(self, element: ElementTree.Element, context: _Context) -> Iterator[_Shape]:
        tag = _tag(element)
        if tag is None or not (tag in _CONTAINERS or tag in _SHAPES or tag in _NO_LINES):
            return
        self._ordinals[tag] += 1
        self._used += bool(context.uses)
        if self._used > MOST_USED:
            raise FormatError(f"expected at most {MOST_USED:,} elements by <use>, found more")
        declared = self._declared[element]
        if declared.get("display") == "none":
            return
        identifier = element.get("id")
        context = replace(
            context,
            style=self._cascaded(element, context.style),
            matrix=self._transform(element) * context.matrix,
            opacity=context.opacity * self._opacity(element, "opacity", "1"),
            ids=(*context.ids, identifier) if identifier else context.ids,
        )
        if context.opacity <= 0.0:
            return
        if tag in _NO_LINES:
            self.left_out[tag] += context.style["visibility"] == "visible"
        elif tag in _SHAPES:
            yield from self._shape(element, tag, context)
        elif tag == "use":
            yield from self._use(element, context)
        elif tag == "svg":
            yield from self._nested(element, element, context)
        elif tag == "switch":
            chosen = (child for child in element if _tag(child) in _CONTAINERS | _SHAPES)
            for child in (child for child in chosen if child.get("requiredExtensions") is None):
                yield from self._element(child, context)
                break
        else:
            yield from self._children(element, context)

    def _use(self, use: ElementTree.Element, context: _Context) -> Iterator[_Shape]:
        reference = next((use.get(name, "") for name in _HREF if use.get(name)), "")
        target = self._by_id.get(reference[1:]) if reference.startswith("#") else None
        if target is None or target in context.uses:
            what = "<use> of itself" if target is not None else "<use> of what the document does not hold"
            self.left_out[what] += 1
            return
        x, y = (self._length(use, use.get(name, "0"), side) for name, side in zip("xy", context.viewport, strict=True))
        context = replace(
            context,
            matrix=self._elements.Matrix(1, 0, 0, 1, x, y) * context.matrix,
            uses=(*context.uses, target),
        )
        if _tag(target) in ("symbol", "svg"):
            yield from self._nested(target, use, context)
        else:
            yield from self._element(target, context)

    def _nested(
        self, element: ElementTree.Element, sized_by: ElementTree.Element, context: _Context
    ) -> Iterator[_Shape]:
        """Yield the shapes in an element with a viewport of its own: a nested ``<svg>``, or a ``<symbol>`` in use."""
        if sized_by is not element:  # reached through <use>, which has its place but not its style
            if self._declared[element].get("display") == "none":
                return
            context = replace(context, style=self._cascaded(element, context.style))
        sides = [
            self._length(element, sized_by.get(name) or element.get(name) or "100%", side)
            for name, side in zip(("width", "height"), context.viewport, strict=True)
        ]
        x, y = (
            self._length(element, element.get(name, "0") if sized_by is element else "0", side)
            for name, side in zip("xy", context.viewport, strict=True)
        )
        box = self._view_box(element)
        if min(sides) <= 0 or (box is not None and min(box[2:]) <= 0):
            return  # the specification's way of not showing it
        matrix = self._elements.Matrix(1, 0, 0, 1, x, y)
        viewport = (sides[0], sides[1])
        if box is not None:
            aspect = element.get("preserveAspectRatio")
            matrix = self._elements.Matrix(
                self._elements.Viewbox.viewbox_transform(x, y, *sides, *box, aspect.strip() if aspect else None)
            )
            viewport = (box[2], box[3])
        yield from self._children(element, replace(context, matrix=matrix * context.matrix, viewport=viewport))

    def _shape(self, element: ElementTree.Element, tag: str, context: _Context) -> Iterator[_Shape]:
        style = context.style
        if style["visibility"] != "visible":
            return
        stroke, fill = self._stroke(element, context), self._paint(element, "fill", context)
        if stroke is None and (fill is None or tag == "line"):
            return
        subpaths, closed = self._geometry(element, tag, context.viewport)
        matrix = context.matrix
        if not matrix.is_identity():
            linear = np.array([[matrix.a, matrix.b], [matrix.c, matrix.d]], dtype=np.float64)
            shift = np.array([matrix.e, matrix.f], dtype=np.float64)
            subpaths = [[curve @ linear + shift for curve in subpath] for subpath in subpaths]
        if subpaths:
            yield _Shape(subpaths, closed, stroke, fill)

    def _stroke(self, element: ElementTree.Element, context: _Context) -> SvgLine | None:
        """Return how an element's lines are drawn, still without points; None if they are not."""
        colour = self._paint(element, "stroke", context)
        opacity = context.opacity * self._fraction(element, context.style.get("stroke-opacity", "1"))
        diagonal = math.hypot(*context.viewport) / math.sqrt(2)
        width = self._length(element, context.style["stroke-width"], diagonal)
        if colour is None or width <= 0 or opacity <= 0:
            return None
        matrix = context.matrix
        scale = math.sqrt(abs(matrix.a * matrix.d - matrix.b * matrix.c))
        if self._declared[element].get("vector-effect") == "non-scaling-stroke":
            scale = 1 / self._root_scale
        return SvgLine(
            np.zeros((0, 2)),
            False,
            colour,
            width * scale,
            opacity,
            context.style.get("stroke-linecap", "butt"),
            context.style.get("stroke-linejoin", "miter"),
            context.ids,
        )

    def _paint(self, element: ElementTree.Element, name: str, context: _Context) -> str | None:
        """Return the colour of stroke or fill; None if it is not seen."""
        colour = context.style[name]
        if colour.lower() == "currentcolor":
            colour = context.style["color"]
        transparent = colour.lower() in ("none", "transparent") or re.fullmatch(
            r"(rgb|hsl)a\(.*[,/]\s*0*(\.0*)?%?\s*\)|#[0-9a-f]{6}00|#[0-9a-f]{3}0", colour.lower()
        )
        unseen = self._fraction(element, context.style.get(f"{name}-opacity", "1")) <= 0
        return None if transparent or unseen else colour

    def _geometry(
        self, element: ElementTree.Element, tag: str, viewport: tuple[float, float]
    ) -> tuple[list[list[Curve]], list[bool]]:
        """Return an element's subpaths in its own coordinates, and for each whether it is closed."""
        if tag in ("polyline", "polygon"):
            points = self._points(element)
            if tag == "polygon" and len(points):
                points = np.concatenate([points, points[:1]])
            return ([[*points[:, None, :]]], [tag == "polygon"]) if len(points) > 1 else ([], [])
        if tag == "path":
            data = element.get("d", "")
            wrong = _NOT_PATH_DATA.search(data)
            if wrong:
                raise FormatError(f"{self._place(element)}: expected path data, found {wrong.group()!r}")
            if data.strip() and data.lstrip()[0] not in "Mm":
                raise FormatError(f"{self._place(element)}: expected path data from M on, found {_brief(data)}")
            try:
                return _subpaths(self._elements.Path(data))
            except _DAMAGED_PATH as error:
                raise FormatError(f"{self._place(element)}: expected path data, found {_brief(data)}") from error
        try:
            return _subpaths(self._basic_shape(element, tag, viewport))
        except _DAMAGED_PATH as error:
            raise FormatError(f"{self._place(element)}: expected a shape, found numbers that make none") from error

    def _basic_shape(self, element: ElementTree.Element, tag: str, viewport: tuple[float, float]) -> svgelements.Path:
        width, height = viewport
        diagonal = math.hypot(*viewport) / math.sqrt(2)

        def length(name: str, side: float, default: str = "0") -> float:
            return self._length(element, element.get(name) or default, side)

        make = self._elements
        if tag == "line":
            ends = [length(name, side) for name, side in (("x1", width), ("y1", height), ("x2", width), ("y2", height))]
            return make.Path(make.Move((ends[0], ends[1])), make.Line((ends[0], ends[1]), (ends[2], ends[3])))
        if tag == "rect":
            sides = length("width", width), length("height", height)
            radii = [element.get(name) for name in ("rx", "ry")]
            rx, ry = (self._length(element, value or other or "0", side) for value, other, side in
                      zip(radii, reversed(radii), viewport, strict=True))  # fmt: skip
            if min(sides) <= 0:
                return make.Path()
            return make.Path(make.Rect(length("x", width), length("y", height), *sides, rx=rx, ry=ry))
        radii_xy = [length("r", diagonal)] * 2 if tag == "circle" else [length("rx", width), length("ry", height)]
        if min(radii_xy) <= 0:
            return make.Path()
        return make.Path(make.Ellipse(length("cx", width), length("cy", height), *radii_xy))

    def _points(self, element: ElementTree.Element) -> FloatArray:
        text = element.get("points", "")
        rest = _NUMBER.sub("", text).replace(",", "").strip()
        numbers = _NUMBER.findall(text)
        if rest or len(numbers) % 2:
            raise FormatError(f"{self._place(element)}: expected points x,y x,y ..., found {_brief(text)}")
        return np.array([float(number) for number in numbers], dtype=np.float64).reshape(-1, 2)

    def _cascaded(self, element: ElementTree.Element, inherited: dict[str, str]) -> dict[str, str]:
        declared = self._declared[element]
        own = {name: declared[name] for name in _INHERITED if declared.get(name, "inherit") != "inherit"}
        return {**inherited, **own} if own else inherited

    def _transform(self, element: ElementTree.Element) -> svgelements.Matrix:
        text = self._declared[element].get("transform", "none")
        try:
            return self._elements.Matrix("" if text == "none" else text)
        except (ValueError, IndexError, TypeError) as error:
            raise FormatError(f"{self._place(element)}: expected a transform, found {_brief(text)}") from error

    def _opacity(self, element: ElementTree.Element, name: str, default: str) -> float:
        return self._fraction(element, self._declared[element].get(name, default))

    def _fraction(self, element: ElementTree.Element, text: str) -> float:
        number = text.strip().removesuffix("%")
        try:
            value = float(number) / (100.0 if text.strip().endswith("%") else 1.0)
        except ValueError:
            return 1.0  # what CSS does with a value that it does not know
        return min(max(value, 0.0), 1.0)

    def _length(self, element: ElementTree.Element, text: str, relative_to: float) -> float:
        """Return a length in user units; a percentage is of ``relative_to``."""
        match = _LENGTH.fullmatch(text.strip())
        if match is None:
            raise FormatError(f"{self._place(element)}: expected a length, found {_brief(text)}")
        return float(match[1]) * (relative_to / 100.0 if match[2] == "%" else _USER_UNITS[match[2]])

    def _view_box(self, element: ElementTree.Element) -> tuple[float, float, float, float] | None:
        text = element.get("viewBox")
        if text is None:
            return None
        numbers = [float(number) for number in _NUMBER.findall(text)]
        if len(numbers) != 4:
            raise FormatError(f"{self._place(element)}: expected a viewBox of four numbers, found {_brief(text)}")
        return (numbers[0], numbers[1], numbers[2], numbers[3])

    def _place(self, element: ElementTree.Element) -> str:
        tag, identifier = _tag(element), element.get("id")
        return f"<{tag} id={identifier!r}>" if identifier else f"<{tag}> {self._ordinals[tag or '']}"


def _subpaths(path: svgelements.Path) -> tuple[list[list[Curve]], list[bool]]:
    """Split a path where the pen is lifted. A subpath that only moves draws nothing."""
    import svgelements

    subpaths: list[list[Curve]] = []
    closed: list[bool] = []
    start = current = np.zeros((1, 2))
    fresh = True  # the next segment begins a subpath
    for segment in path:
        if isinstance(segment, svgelements.Move):
            start = current = _control_points([segment.end])
            fresh = True
            continue
        if fresh:
            subpaths.append([current])
            closed.append(False)
            fresh = False
        if isinstance(segment, svgelements.Close):
            if not np.array_equal(current, start):
                subpaths[-1].append(start)
            closed[-1] = True
            current, fresh = start, True
        elif isinstance(segment, svgelements.CubicBezier):
            subpaths[-1].append(_control_points([segment.start, segment.control1, segment.control2, segment.end]))
        elif isinstance(segment, svgelements.QuadraticBezier):
            first, control, last = _control_points([segment.start, segment.control, segment.end])
            subpaths[-1].append(np.stack([first, (first + 2 * control) / 3, (last + 2 * control) / 3, last]))
        elif isinstance(segment, svgelements.Arc):
            subpaths[-1].extend(
                _control_points([curve.start, curve.control1, curve.control2, curve.end])
                for curve in segment.as_cubic_curves()
            )
        else:
            subpaths[-1].append(_control_points([segment.end]))
        if segment.end is not None and not fresh:
            current = _control_points([segment.end])
    return subpaths, closed


def _control_points(points: Sequence[svgelements.Point]) -> FloatArray:
    return np.array([(point.x, point.y) for point in points], dtype=np.float64)


def _flatten(subpath: list[Curve], tolerance: float) -> FloatArray:
    """Return points along a subpath's curves, none farther from them than ``tolerance``; one point for a dot.

    Reference:
        Wang's bound on the segments of a Bezier curve: G. Wang 1984; R. Goldman, "Pyramid Algorithms", 2003, 5.6.3.
    """
    points = []
    for curve in subpath:
        if len(curve) == 1:
            points.append(curve)
            continue
        bend = float(np.linalg.norm(np.diff(curve, n=2, axis=0), axis=1).max())
        count = max(1, math.ceil(math.sqrt(0.75 * bend / tolerance)))
        t = (np.arange(1, count + 1) / count)[:, None]
        inner = (
            (1 - t) ** 3 * curve[0] + 3 * (1 - t) ** 2 * t * curve[1] + 3 * (1 - t) * t**2 * curve[2] + t**3 * curve[3]
        )
        inner[-1] = curve[3]
        points.append(inner)
    line = np.concatenate(points)
    return line if (line != line[0]).any() else line[:1]


def _tag(element: ElementTree.Element) -> str | None:
    """Return the name of an element of SVG, also without a namespace; None for comments and for others."""
    if not isinstance(element.tag, str):
        return None
    namespace, brace, name = element.tag.rpartition("}")
    return name if namespace + brace in _NAMESPACES else None


def _brief(text: str) -> str:
    shown = " ".join(text.split())
    return repr(shown if len(shown) <= 40 else shown[:39] + "…")

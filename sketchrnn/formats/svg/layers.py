"""Drawing into an SVG document of someone else: its bytes stay as they are, and layers of Inkscape's are added.

Reference:
    https://wiki.inkscape.org/wiki/Inkscape_SVG_vs._plain_SVG
"""

from __future__ import annotations

import itertools
import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from dataclasses import dataclass
from xml.parsers import expat

from sketchrnn.formats.svg.reading import parse_root, uncompressed
from sketchrnn.formats.svg.style import marks_of, number_text, optimised
from sketchrnn.formats.svg.writing import INKSCAPE, xml_text
from sketchrnn.sketch import Sketch

SVG = "http://www.w3.org/2000/svg"
_UTF_16 = {b"\xff\xfe": "utf-16-le", b"<\x00": "utf-16-le", b"\xfe\xff": "utf-16-be", b"\x00<": "utf-16-be"}


@dataclass(frozen=True)
class AddedLayer:
    """A layer that a document gets.

    Attributes:
        sketch: what is drawn, in the user units of the document's root.
        label: what Inkscape calls the layer.
        colour: of the lines.
        stroke_width: of the lines, in the root's user units.
        opacity: of the lines, from 0 to 1.
        hidden: Inkscape shows it as a layer whose eye is closed.
    """

    sketch: Sketch
    label: str
    colour: str
    stroke_width: float
    opacity: float = 1.0
    hidden: bool = False


def add_layers(
    content: bytes, layers: Sequence[AddedLayer], *, style: str = "pen", optimise: bool = False, strokes_before: int = 0
) -> bytes:
    """Return an SVG document with layers added at its end; every byte that it had is kept, in its order.

    The layers' properties are written as each element's own style, which the document's rules do not override.

    Args:
        content: the document, in any encoding; if it is compressed, it comes back as text.
        layers: from the lowest to the highest.
        style: one of :data:`sketchrnn.formats.svg.style.STYLES`.
        optimise: the strokes of each layer in an order for plotters.
        strokes_before: how many lines the document has, which come before those of each layer in stroke order.

    Raises:
        FormatError: it is no SVG document.
    """
    document = uncompressed(content)
    root = parse_root(document)
    identifiers = {element.get("id") for element in root.iter()}
    numbers = itertools.count(1)
    groups = []
    for layer in layers:
        identifier = next(name for number in numbers if (name := f"sketchrnn-{number}") not in identifiers)
        sketch = optimised(layer.sketch) if optimise else layer.sketch
        group = _group(root, layer, sketch, identifier, style, strokes_before)
        ElementTree.indent(group, " ", 1)
        groups.append(" " + ElementTree.tostring(group, encoding="unicode").rstrip() + "\n")
    end = _RootEnd(document)
    text = "\n" + "".join(groups)
    before, after = document[: end.position], document[end.position :]
    if end.self_closing:  # <svg .../> becomes <svg ...>layers</svg>
        before = before[: -len("/>".encode(end.encoding))] + ">".encode(end.encoding)
        text += f"</{end.name}>"
    return before + text.encode(end.encoding, "xmlcharrefreplace") + after


def _group(
    root: ElementTree.Element, layer: AddedLayer, sketch: Sketch, identifier: str, style: str, before: int
) -> ElementTree.Element:
    """Return a layer's group, in the root's namespace, whatever prefix the root has for it."""
    declared = {"xmlns": SVG} if root.tag.startswith("{") else {}
    group = ElementTree.Element(
        "g",
        {
            **declared,
            "xmlns:inkscape": INKSCAPE,
            "id": identifier,
            "inkscape:groupmode": "layer",
            "inkscape:label": xml_text(layer.label),
            "style": "display:none" if layer.hidden else "display:inline",
        },
    )
    common = {
        "fill": "none",
        "stroke": xml_text(layer.colour),
        "stroke-width": number_text(layer.stroke_width),
        "stroke-linecap": "round",
        "stroke-linejoin": "round",
        "stroke-dasharray": "none",
        **({"opacity": number_text(layer.opacity)} if layer.opacity < 1.0 else {}),
    }
    total = before + len(sketch.strokes)
    for mark in marks_of(sketch.strokes, style, layer.stroke_width, layer.colour, first=before, total=total):
        css = ";".join(f"{name}:{value}" for name, value in {**common, **mark.paint}.items())
        ElementTree.SubElement(group, mark.tag, {**mark.geometry, "style": css})
    return group


class _RootEnd:
    """Where the root ends.

    Attributes:
        position: in bytes, where the end tag begins; behind the tag of a root that closes itself.
        self_closing: the root is ``<svg .../>``.
        encoding: of the document, by its byte order mark or its declaration.
        name: of the root, with its prefix.
    """

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

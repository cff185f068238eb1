"""What CSS and presentation attributes say of each element of an SVG document.

Reference:
    https://www.w3.org/TR/SVG2/styling.html, https://www.w3.org/TR/css-cascade-3/
"""

from __future__ import annotations

import functools
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator, Mapping

import tinycss2

PROPERTIES = {
    "color",
    "display",
    "fill",
    "fill-opacity",
    "opacity",
    "stroke",
    "stroke-linecap",
    "stroke-linejoin",
    "stroke-opacity",
    "stroke-width",
    "transform",
    "vector-effect",
    "visibility",
}
"""What is looked at; nothing else decides which lines a picture has."""

Declared = Mapping[str, str]


def declared_styles(root: ElementTree.Element) -> dict[ElementTree.Element, Declared]:
    """Return for each element of a document the properties that it declares itself, without what it inherits.

    In the cascade's order: presentation attributes, style sheets (a rule of the document's ``<style>`` elements by
    its selector), the style attribute, and what is ``!important``. At-rules such as ``@media`` are not applied.
    """
    rules = _matched_rules(root)
    styles: dict[ElementTree.Element, Declared] = {}
    for element in root.iter():
        attributes = {name: value for name, value in element.attrib.items() if name in PROPERTIES}
        inline = _declarations(element.get("style", ""))
        sheets = rules.get(element, [])
        layers = [attributes, *(normal for normal, _ in sheets), inline[0], *(first for _, first in sheets), inline[1]]
        styles[element] = {name: value.strip() for layer in layers for name, value in layer.items()}
    return styles


def has_style_sheet(root: ElementTree.Element) -> bool:
    """Tell whether a document has rules that may apply to elements which are added to it."""
    return next(_sheets(root), None) is not None


def _sheets(root: ElementTree.Element) -> Iterator[str]:
    for element in root.iter():
        if isinstance(element.tag, str) and element.tag.rpartition("}")[2] == "style":
            text = "".join(element.itertext())
            if text.strip():
                yield text


def _matched_rules(
    root: ElementTree.Element,
) -> dict[ElementTree.Element, list[tuple[Declared, Declared]]]:
    """Return for each element that rules apply to their declarations, the least specific first."""
    sheets = list(_sheets(root))
    if not sheets:
        return {}
    import cssselect2

    matcher = cssselect2.Matcher()
    for sheet in sheets:
        for rule in tinycss2.parse_stylesheet(sheet, skip_comments=True, skip_whitespace=True):
            if rule.type != "qualified-rule":
                continue
            try:
                selectors = cssselect2.compile_selector_list(rule.prelude)
            except cssselect2.SelectorError:  # as browsers do: a rule that cannot be understood does not apply
                continue
            declarations = _declarations(tinycss2.serialize(rule.content))
            for selector in selectors:
                matcher.add_selector(selector, declarations)
    return {
        wrapper.etree_element: [
            payload for *_, pseudo, payload in matcher.match(wrapper) if pseudo is None
        ]
        for wrapper in cssselect2.ElementWrapper.from_xml_root(root).iter_subtree()
    }  # fmt: skip


@functools.lru_cache(maxsize=4096)  # drawing programs give hundreds of elements the same style
def _declarations(text: str) -> tuple[Declared, Declared]:
    """Return the properties of a declaration block: those without, and those with ``!important``."""
    normal: dict[str, str] = {}
    important: dict[str, str] = {}
    if text:
        for item in tinycss2.parse_declaration_list(text, skip_comments=True, skip_whitespace=True):
            if item.type == "declaration" and item.lower_name in PROPERTIES:
                target = important if item.important else normal
                target[item.lower_name] = tinycss2.serialize(item.value).strip()
    return normal, important

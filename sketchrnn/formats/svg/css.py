"""CSS for SVG documents: the cascade, computed values, lengths and colors.

Reference:
    https://www.w3.org/TR/SVG2/styling.html, https://www.w3.org/TR/css-cascade-4/,
    https://www.w3.org/TR/css-values-4/, https://www.w3.org/TR/css-variables-1/
"""

from __future__ import annotations

import functools
import math
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import tinycss2

INHERITED = {
    "clip-rule": "nonzero",
    "color": "black",
    "fill": "black",
    "fill-opacity": "1",
    "fill-rule": "nonzero",
    "font-size": "16px",
    "stroke": "none",
    "stroke-linecap": "butt",
    "stroke-linejoin": "miter",
    "stroke-opacity": "1",
    "stroke-width": "1px",
    "visibility": "visible",
}
"""Inherited properties and their initial values."""
NOT_INHERITED = {
    "clip-path": "none",
    "display": "inline",
    "mask": "none",
    "mask-type": "luminance",
    "opacity": "1",
    "overflow": "",
    "rotate": "none",
    "scale": "none",
    "stop-color": "black",
    "stop-opacity": "1",
    "transform": "none",
    "transform-box": "view-box",
    "transform-origin": "0 0",
    "translate": "none",
    "vector-effect": "none",
}
"""Other properties that presentation attributes set, and their initial values."""
GEOMETRY = frozenset({"cx", "cy", "d", "height", "r", "rx", "ry", "width", "x", "y"})
"""Properties that CSS sets; the attributes of the same names are read with the element."""
_INITIAL = {**INHERITED, **NOT_INHERITED, **dict.fromkeys(GEOMETRY, "auto")}
_ATTRIBUTES = frozenset({*INHERITED, *NOT_INHERITED} - {"rotate", "scale", "translate"})
_NOT_NEGATIVE = frozenset({"height", "r", "rx", "ry", "width", "stroke-width"})
_KEYWORDS = {
    "clip-rule": {"nonzero", "evenodd"},
    "fill-rule": {"nonzero", "evenodd"},
    "mask-type": {"luminance", "alpha"},
    "overflow": {"visible", "hidden", "scroll", "auto", "clip"},
    "stroke-linecap": {"butt", "round", "square"},
    "stroke-linejoin": {"miter", "miter-clip", "round", "bevel", "arcs"},
    "transform-box": {"content-box", "border-box", "fill-box", "stroke-box", "view-box"},
    "vector-effect": {"none", "non-scaling-stroke", "non-scaling-size", "non-rotation", "fixed-position"},
    "visibility": {"visible", "hidden", "collapse"},
}
_DISPLAY = re.compile(r"[a-z-]+( [a-z-]+)*")
_COLORS = frozenset({"color", "fill", "stroke", "stop-color"})
_OPACITIES = frozenset({"fill-opacity", "opacity", "stop-opacity", "stroke-opacity"})
_WIDE = frozenset({"inherit", "initial", "unset", "revert", "revert-layer"})
_FONT_SIZES = {
    **{"xx-small": 9.0, "x-small": 10.0, "small": 13.0, "medium": 16.0, "large": 18.0, "x-large": 24.0},
    **{"xx-large": 32.0, "xxx-large": 48.0},
}
DEFAULT_FONT_SIZE = 16.0

NUMBER = r"[+-]?(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
_LENGTH = re.compile(rf"\s*({NUMBER})([a-zA-Z]+|%)?\s*")
_INCH = 96.0
_PIXELS = {
    **{"px": 1.0, "in": _INCH, "mm": _INCH / 25.4, "cm": _INCH / 2.54, "q": _INCH / 101.6, "pt": _INCH / 72.0},
    "pc": _INCH / 6.0,
}
_OF_FONT = {"em": 1.0, "ex": 0.5, "ch": 0.5, "ic": 1.0, "lh": 1.2, "cap": 0.7}
"""Font-relative units, in em; exact for em, usual values for the others, which depend on the font."""
_OF_VIEWPORT = {
    **{f"{kind}{unit}": axis for kind in ("", "s", "l", "d") for unit, axis in (("vw", 0), ("vi", 0), ("vh", 1))},
    **{f"{kind}{unit}": axis for kind in ("", "s", "l", "d") for unit, axis in (("vb", 1), ("vmin", 2), ("vmax", 3))},
}
_SAFE_COLOR = re.compile(r"#[0-9a-f]{6}|#[0-9a-f]{3}|rgb\(\s*\d+\s*,\s*\d+\s*,\s*\d+\s*\)", re.IGNORECASE)
_BROWSER_COLOR = re.compile(
    r"(color-mix|color|device-cmyk|(rgb|hsl)a?|hwb|(ok)?lab|(ok)?lch|contrast-color)\(.*\)"
    r"|(accent|active|button|visited|link|field|gray|highlight|mark|selected|canvas)[a-z]*text|(button|field|canvas|mark"
    r"|highlight|linktext|buttonface|buttonborder|accentcolor|selecteditem)",
    re.IGNORECASE | re.DOTALL,
)
"""Color functions of browsers that this module cannot compute."""
_URL = re.compile(r"""url\(\s*(["']?)(.*?)\1\s*\)\s*(.*)""", re.DOTALL)
_CUSTOM_FUNCTIONS = 64
"""Deepest nesting of var(); browsers have a limit too."""

Declared = Mapping[str, str]
Block = tuple[tuple[tuple[str, str], ...], tuple[tuple[str, str], ...]]
"""Declarations as pairs of name and value: those without, and those with ``!important``."""


@dataclass(frozen=True)
class Style:
    """The computed values of an element.

    Attributes:
        values: of the properties that differ from their initial values.
        inherited: the part that children inherit, custom properties included.
        font_size: in user units.
    """

    values: Declared
    inherited: Declared
    font_size: float = DEFAULT_FONT_SIZE

    def __getitem__(self, name: str) -> str:
        value = self.values.get(name)
        return _INITIAL[name] if value is None else value


@dataclass(frozen=True)
class Units:
    """What relative lengths of a document refer to.

    Attributes:
        root_font_size: of the root element, in user units.
        window: width and height of what ``vw`` and ``vh`` refer to.
    """

    root_font_size: float = DEFAULT_FONT_SIZE
    window: tuple[float, float] = (300.0, 150.0)

    def length(self, text: str, relative_to: float, font_size: float) -> float | None:
        """Return a length or a number in user units; None if the text is neither.

        Args:
            text: a CSS length, percentage, number or math function such as ``calc(50% - 2px)``.
            relative_to: what 100 % is, in user units.
            font_size: what 1 em is, in user units.
        """
        match = _LENGTH.fullmatch(text)
        if match is not None:
            return self._dimension(float(match[1]), match[2] or "", relative_to, font_size)
        if "(" not in text:
            return None
        tokens = [token for token in tinycss2.parse_component_value_list(text) if token.type != "whitespace"]
        if len(tokens) != 1 or tokens[0].type != "function":
            return None
        found = self._math(tokens, relative_to, font_size)
        return found if found is not None and math.isfinite(found) else None

    def _dimension(self, value: float, unit: str, relative_to: float, font_size: float) -> float | None:
        unit = unit.lower()
        if unit == "":
            return value
        if unit == "%":
            return value * relative_to / 100.0
        if unit in _PIXELS:
            return value * _PIXELS[unit]
        if unit in _OF_FONT:
            return value * _OF_FONT[unit] * font_size
        if unit[0] == "r" and unit[1:] in _OF_FONT:
            return value * _OF_FONT[unit[1:]] * self.root_font_size
        axis = _OF_VIEWPORT.get(unit)
        if axis is None:
            return None
        return value * (*self.window, min(self.window), max(self.window))[axis] / 100.0

    def _math(self, tokens: Sequence[Any], relative_to: float, font_size: float) -> float | None:
        """Evaluate the tokens of a math expression: a sum of products of values, in user units."""
        items = [token for token in tokens if token.type not in ("whitespace", "comment")]
        numbers: list[float] = []  # the terms of the sum
        operator, expects_value = "+", True
        for item in items:
            if not expects_value:
                if item.type != "literal" or item.value not in "+-*/":
                    return None
                operator, expects_value = item.value, True
                continue
            value = self._math_value(item, relative_to, font_size)
            if value is None or (operator == "/" and value == 0.0):
                return None
            if operator in "+-":
                numbers.append(-value if operator == "-" else value)
            else:
                numbers[-1] = numbers[-1] * value if operator == "*" else numbers[-1] / value
            expects_value = False
        return None if expects_value else sum(numbers)

    def _math_value(self, token: Any, relative_to: float, font_size: float) -> float | None:
        if token.type in ("number", "percentage", "dimension"):
            unit = "%" if token.type == "percentage" else getattr(token, "unit", "")
            return self._dimension(token.value, unit, relative_to, font_size)
        if token.type == "() block":
            return self._math(token.content, relative_to, font_size)
        if token.type != "function" or token.lower_name not in ("calc", "min", "max", "clamp"):
            return None
        found = [self._math(part, relative_to, font_size) for part in split_at_commas(token.arguments)]
        values = [value for value in found if value is not None]
        if len(values) != len(found) or len(values) != {"calc": 1, "clamp": 3}.get(token.lower_name, len(values)):
            return None
        if token.lower_name == "calc":
            return values[0]
        if token.lower_name == "clamp":
            return max(values[0], min(values[1], values[2]))
        return min(values) if token.lower_name == "min" else max(values)


class Cascade:
    """The styles of a document's elements.

    In the cascade's order: presentation attributes, rules of ``<style>`` elements by their selectors, the ``style``
    attribute, and declarations with ``!important``. A declaration that is not valid is skipped, so that the next one
    in this order applies.
    """

    def __init__(self, root: ElementTree.Element) -> None:
        self._rules = _matched_rules(root)
        self._initial = Style({}, {})
        self._declared: dict[ElementTree.Element, Declared] = {}
        self._computed: dict[tuple[int, int], tuple[Declared, Style, Style]] = {}

    def declared(self, element: ElementTree.Element) -> Declared:
        """Return the declarations of an element."""
        found = self._declared.get(element)
        if found is None:
            attributes = tuple(
                (name, value) for name, value in element.attrib.items() if name in _ATTRIBUTES or name == "style"
            )
            rules = self._rules.get(element, ())
            found = _cascaded(attributes, rules)
            self._declared[element] = found
        return found

    def style(self, element: ElementTree.Element, parent: Style | None) -> Style:
        """Return an element's computed values; ``parent`` is the style that it inherits from, None for the root."""
        parent = parent or self._initial
        declared = self.declared(element)
        key = (id(declared), id(parent))
        if key not in self._computed:
            self._computed[key] = (declared, parent, _compute(declared, parent))  # keeps the ids in use
        return self._computed[key][2]


def url_of(text: str) -> tuple[str, str] | None:
    """Return the id that a value ``url(#id)`` names, and what follows it; None if the value is not a local
    reference.
    """
    match = _URL.fullmatch(text.strip())
    return (match[2].strip()[1:], match[3].strip()) if match and match[2].strip().startswith("#") else None


@functools.lru_cache(maxsize=4096)
def color_of(text: str) -> tuple[str, float] | None:
    """Return a color that every SVG viewer understands, and its opacity; None for other values.

    >>> color_of("light-dark(tomato, #fff)"), color_of("rgb(255 0 0 / 50%)"), color_of("no-color")
    (('#ff6347', 1.0), ('#ff0000', 0.5), None)
    """
    import tinycss2.color4
    import tinycss2.color5

    text = text.strip()
    try:
        color = tinycss2.color5.parse_color(text)
    except (ValueError, IndexError, TypeError, ZeroDivisionError):
        color = None
    if color is None or isinstance(color, str):
        return ("black", 1.0) if _BROWSER_COLOR.fullmatch(text) else None
    alpha = 1.0 if color.alpha is None else min(max(float(color.alpha), 0.0), 1.0)
    if _SAFE_COLOR.fullmatch(text) or (text.isalpha() and text.lower() not in ("transparent", "rebeccapurple")):
        return text, alpha
    try:
        levels = [round(255 * min(max(float(level or 0.0), 0.0), 1.0)) for level in color.to("srgb").coordinates]
    except (NotImplementedError, ValueError):
        return "black", alpha
    return "#{:02x}{:02x}{:02x}".format(*levels), alpha


def luminance(color: str) -> float:
    """Return how light a color is, from 0 to 1."""
    import tinycss2.color4

    found = tinycss2.color4.parse_color(color)
    if found is None or isinstance(found, str):
        return 0.0
    red, green, blue = (float(level or 0.0) for level in found.to("srgb").coordinates)
    return 0.2125 * red + 0.7154 * green + 0.0721 * blue


def fraction(text: str) -> float:
    """Return an opacity, a number or a percentage, between 0 and 1."""
    value = Units().length(text, 1.0, 1.0)
    return 1.0 if value is None else min(max(value, 0.0), 1.0)


def _is_valid(name: str, value: str) -> bool:
    """Return whether a declaration's value is valid for its property; invalid ones are not part of the cascade."""
    if name.startswith("--") or "var(" in value:
        return True
    lower = value.lower()
    if lower in _WIDE:
        return True
    if name in _KEYWORDS:
        return lower in _KEYWORDS[name] or (name == "overflow" and set(lower.split()) <= _KEYWORDS[name])
    if name in _COLORS:
        if name in ("fill", "stroke"):
            if lower in ("none", "context-fill", "context-stroke"):
                return True
            match = _URL.fullmatch(value)
            if match:
                return not match[3].strip() or match[3].strip().lower() == "none" or _is_valid("color", match[3])
        return lower == "currentcolor" or color_of(value) is not None
    if name == "display":
        return _DISPLAY.fullmatch(lower) is not None
    if name == "d":
        return lower == "none" or lower.startswith("path(")
    length = Units().length(value, 1.0, 1.0)
    if name in _OPACITIES:
        return length is not None
    if name == "stroke-width":
        return length is not None and length >= 0
    if name in GEOMETRY:
        if length is None:
            return lower == "auto"
        has_unit = not re.fullmatch(NUMBER, value) or length == 0.0
        return has_unit and not (name in _NOT_NEGATIVE and length < 0 and _LENGTH.fullmatch(value))
    if name == "font-size":
        return lower in _FONT_SIZES or lower in ("smaller", "larger") or length is not None
    if name in ("clip-path", "mask"):
        return True
    from sketchrnn.formats.svg.geometry import parse_css_transform, parse_origin

    if name in ("transform", "rotate", "scale", "translate"):
        return lower == "none" or parse_css_transform(value, name, (1.0, 1.0), Units(), 1.0) is not None
    return parse_origin(value, (1.0, 1.0), Units(), 1.0) is not None  # transform-origin


@functools.lru_cache(maxsize=1 << 16)  # drawing programs give thousands of elements the same style
def _cascaded(attributes: tuple[tuple[str, str], ...], rules: tuple[Block, ...]) -> Declared:
    layers: list[Iterable[tuple[str, str]]] = [
        [(name, value) for name, value in (_of_attribute(*pair) for pair in attributes) if name]
    ]
    inline = next((_declarations(value) for name, value in attributes if name == "style"), ((), ()))
    layers += [*(normal for normal, _ in rules), inline[0], *(important for _, important in rules), inline[1]]
    declared: dict[str, str] = {}
    for layer in layers:
        for name, value in layer:
            if (
                name in _COLORS
                and name in declared
                and _BROWSER_COLOR.fullmatch(value)
                and color_of(value) == ("black", 1.0)
            ):
                continue  # a color that cannot be computed, if another one can
            declared[name] = value
    return declared


def _of_attribute(name: str, value: str) -> tuple[str, str]:
    """Return a presentation attribute as a declaration; an empty name for one that is not valid."""
    value = value.strip()
    if name == "style" or not value:
        return "", ""
    if name == "transform":
        from sketchrnn.formats.svg.geometry import parse_transform_attribute

        matrix = parse_transform_attribute(value)
        if matrix is not None:
            return name, f"matrix({', '.join(map(repr, matrix))})"
        return "", ""  # units as in CSS are not allowed here
    if name == "transform-origin":
        value = re.sub(rf"({NUMBER})(?![\w%.])", r"\1px", value)
    elif name == "font-size" and re.fullmatch(NUMBER, value):
        value += "px"
    return (name, value) if _is_valid(name, value) else ("", "")


@functools.lru_cache(maxsize=4096)
def _declarations(text: str) -> Block:
    """Return the valid declarations of a block: those without, and those with ``!important``."""
    normal: list[tuple[str, str]] = []
    important: list[tuple[str, str]] = []
    for item in tinycss2.parse_blocks_contents(text, skip_comments=True, skip_whitespace=True):
        if item.type != "declaration":
            continue
        name = item.name if item.name.startswith("--") else item.lower_name
        value = tinycss2.serialize(item.value).strip()
        if name == "font":
            name, value = "font-size", _size_of_font(item.value)
        elif name == "mask-image":
            name = "mask"
        if (name in _INITIAL or name.startswith("--")) and _is_valid(name, value):
            (important if item.important else normal).append((name, value))
    return tuple(normal), tuple(important)


def _size_of_font(tokens: Sequence[Any]) -> str:
    """Return the size in a value of the ``font`` shorthand."""
    for token in tokens:
        if token.type in ("dimension", "percentage") or (token.type == "ident" and token.lower_value in _FONT_SIZES):
            size: str = tinycss2.serialize([token])
            return size
    return ""


def _matched_rules(root: ElementTree.Element) -> dict[ElementTree.Element, tuple[Block, ...]]:
    """Return for each element the declarations of the rules that match it, the least specific first."""
    sheets = [
        "".join(element.itertext())
        for element in root.iter()
        if isinstance(element.tag, str)
        and element.tag.rpartition("}")[2] == "style"
        and element.get("type", "").strip().lower() in ("", "text/css")
        and _media_applies(element.get("media", ""))
    ]
    if not any(sheet.strip() for sheet in sheets):
        return {}
    import cssselect2

    matcher = cssselect2.Matcher()
    namespaces: dict[str | None, str] = {}
    for sheet in sheets:
        for prelude, content in _qualified_rules(sheet, namespaces):
            try:
                selectors = cssselect2.compile_selector_list(prelude, namespaces=namespaces)
            except cssselect2.SelectorError:  # as in browsers, the rule does not apply
                continue
            block = _declarations(tinycss2.serialize(content))
            for selector in selectors:
                matcher.add_selector(selector, block)
    matched = {}
    for wrapper in cssselect2.ElementWrapper.from_xml_root(root).iter_subtree():
        found = tuple(payload for *_, pseudo, payload in matcher.match(wrapper) if pseudo is None)
        if found:
            matched[wrapper.etree_element] = found
    return matched


def _qualified_rules(sheet: Any, namespaces: dict[str | None, str]) -> Iterator[tuple[Any, Any]]:
    """Yield selectors and declarations of a style sheet, also of ``@media`` that applies to a screen."""
    parse = tinycss2.parse_stylesheet if isinstance(sheet, str) else tinycss2.parse_rule_list
    for rule in parse(sheet, skip_comments=True, skip_whitespace=True):
        if rule.type == "qualified-rule":
            yield rule.prelude, rule.content
        elif rule.type == "at-rule" and rule.lower_at_keyword == "namespace":
            names = [token for token in rule.prelude if token.type not in ("whitespace", "comment")]
            address = next((getattr(token, "value", None) for token in names if token.type in ("string", "url")), None)
            if address is not None:
                prefix = names[0].value if names[0].type == "ident" else None
                namespaces[prefix] = address
        elif rule.type == "at-rule" and rule.content is not None and (
            (rule.lower_at_keyword == "media" and _media_applies(tinycss2.serialize(rule.prelude)))
            or rule.lower_at_keyword in ("layer", "supports")
        ):  # fmt: skip
            yield from _qualified_rules(rule.content, namespaces)


def _media_applies(text: str) -> bool:
    """Return whether a media query list matches a screen with the usual, light color scheme."""
    queries = [" ".join(query.lower().split()) for query in text.split(",")]
    return any(_media_query_applies(query) for query in queries)


def _media_query_applies(query: str) -> bool:
    negated = query.startswith("not ")
    parts = query.removeprefix("not ").removeprefix("only ").split(" and ")
    known = {
        "",
        "all",
        "screen",
        "(prefers-color-scheme:light)",
        "(prefers-color-scheme)",
        "(color)",
        "(scripting:none)",
    }
    return negated != all("".join(part.split()) in known for part in parts)


def _compute(declared: Declared, parent: Style) -> Style:
    """Return computed values: variables replaced, keywords and relative font sizes resolved."""
    if not declared:
        return (
            parent if parent.values is parent.inherited else Style(parent.inherited, parent.inherited, parent.font_size)
        )
    values = dict(parent.inherited)
    custom = {name: value for name, value in declared.items() if name.startswith("--")}
    if custom:
        scope = {**{name: value for name, value in values.items() if name.startswith("--")}, **custom}
        for name, value in custom.items():
            text = _substituted(value, scope, (name,))
            if text is None:
                values.pop(name, None)
            else:
                values[name] = text
    for name, value in declared.items():
        if name.startswith("--"):
            continue
        if "var(" in value:
            text = _substituted(value, values, ())
            value = text.strip() if text is not None and text.strip() else "unset"
            value = value if _is_valid(name, value) else "unset"
        word = value.lower()
        if word in _WIDE:
            if word == "inherit" or (word != "initial" and name in INHERITED):
                value = parent.values.get(name, _INITIAL[name])
            else:
                value = _INITIAL[name]
        elif name == "color" and word == "currentcolor":
            value = parent["color"]
        elif name in _KEYWORDS or name == "display":
            value = word
        values[name] = value
    font_size = parent.font_size
    if "font-size" in declared:
        font_size = _font_size(values["font-size"], parent.font_size)
        values["font-size"] = f"{font_size!r}px"
    width = values.get("stroke-width", "")
    if re.search(r"[a-z]", width.removesuffix("px")) and "%" not in width:  # em is of this element, not of its children
        length = Units().length(width, 1.0, font_size)
        values["stroke-width"] = width if length is None else repr(length)
    inherited = {name: value for name, value in values.items() if name in INHERITED or name.startswith("--")}
    return Style(values, inherited, font_size)


def _font_size(text: str, parent: float) -> float:
    text = text.lower()
    if text in _FONT_SIZES:
        return _FONT_SIZES[text]
    if text in ("smaller", "larger"):
        return parent * (1.2 if text == "larger" else 1.0 / 1.2)
    size = Units().length(text, parent, parent)
    return parent if size is None or size < 0 else size


def _substituted(text: str, scope: Declared, inside: tuple[str, ...]) -> str | None:
    """Return a value with the variables in it replaced; None if one is missing and has no fallback, or has a cycle."""
    if "var(" not in text:
        return text
    if len(inside) > _CUSTOM_FUNCTIONS:
        return None
    pieces = []
    for token in tinycss2.parse_component_value_list(text):
        if token.type == "function" and token.lower_name == "var":
            parts = split_at_commas(token.arguments, most=1)
            name = tinycss2.serialize(parts[0]).strip()
            value = scope.get(name) if name not in inside else None
            found = None if value is None else _substituted(value, scope, (*inside, name))
            if found is None and len(parts) > 1:
                found = _substituted(tinycss2.serialize(parts[1]).strip(), scope, inside)
            if found is None:
                return None
            pieces.append(found)
        elif token.type in ("function", "() block"):
            content = token.arguments if token.type == "function" else token.content
            found = _substituted(tinycss2.serialize(content), scope, inside)
            if found is None:
                return None
            pieces.append(f"{token.name if token.type == 'function' else ''}({found})")
        else:
            pieces.append(tinycss2.serialize([token]))
    return "".join(pieces)


def split_at_commas(tokens: Sequence[Any], most: int | None = None) -> list[list[Any]]:
    """Return the tokens between commas; ``most`` limits the number of cuts."""
    parts: list[list[Any]] = [[]]
    for token in tokens:
        if token.type == "literal" and token.value == "," and (most is None or len(parts) <= most):
            parts.append([])
        else:
            parts[-1].append(token)
    return parts

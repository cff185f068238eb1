"""Paper sizes and lengths."""

from __future__ import annotations

import re
from dataclasses import dataclass

from sketchrnn.errors import ConfigurationError

INCH = 25.4
_MILLIMETRES = {"mm": 1.0, "cm": 10.0, "in": INCH, "pt": INCH / 72}
_SIZES = {
    "a6": (105.0, 148.0),
    "a5": (148.0, 210.0),
    "a4": (210.0, 297.0),
    "a3": (297.0, 420.0),
    "a2": (420.0, 594.0),
    "a1": (594.0, 841.0),
    "a0": (841.0, 1189.0),
    "letter": (215.9, 279.4),
    "legal": (215.9, 355.6),
    "tabloid": (279.4, 431.8),
}
PAGE_NAMES = tuple(_SIZES)
_LENGTH = re.compile(rf"([0-9]+\.?[0-9]*|\.[0-9]+)\s*(%|{'|'.join(_MILLIMETRES)})?")
_PAGE = re.compile(rf"([0-9.]+)\s*x\s*([0-9.]+)\s*({'|'.join(_MILLIMETRES)})")
DEFAULT_MARGIN = 15.0
"""Default margin of a page, in millimeters: space for a plotter's clips."""
DEFAULT_PEN = 0.35
"""Width of a line on a page, in millimeters: a usual technical pen."""


@dataclass(frozen=True)
class Length:
    """A length.

    Attributes:
        value: not negative.
        unit: ``mm``, ``cm``, ``in``, ``pt``, ``%``, or nothing.
    """

    value: float
    unit: str = ""

    @classmethod
    def parse(cls, text: str) -> Length:
        """Read a length such as ``0.3mm``.

        Raises:
            ConfigurationError: the text is not a length.

        >>> Length.parse("1cm").millimeters
        10.0
        """
        match = _LENGTH.fullmatch(text.strip().lower())
        if match is None:
            raise ConfigurationError(f"expected a length such as 3, 0.3mm, 0.1in or 5%, found {text!r}")
        return cls(float(match[1]), match[2] or "")

    @property
    def millimeters(self) -> float | None:
        """The length in millimeters; None for a plain number and for %."""
        return self.value * _MILLIMETRES[self.unit] if self.unit in _MILLIMETRES else None

    def on_page(self, larger_side: float) -> float:
        """The length in millimeters on a page; a plain number is in millimeters."""
        if self.unit == "%":
            return self.value / 100.0 * larger_side
        return self.value if self.unit == "" else self.value * _MILLIMETRES[self.unit]

    def in_drawing(self, larger_side: float) -> float:
        """Return the length in the unit of the drawing; a plain number is in this unit.

        Raises:
            ConfigurationError: the length has a unit of paper.
        """
        if self.unit in _MILLIMETRES:
            raise ConfigurationError(f"expected a number or % for a length without --page, found {self}")
        return self.value / 100.0 * larger_side if self.unit == "%" else self.value

    def __str__(self) -> str:
        return f"{self.value:g}{self.unit}"


@dataclass(frozen=True)
class Page:
    """A sheet of paper.

    Attributes:
        width: in millimeters.
        height: in millimeters.
    """

    width: float
    height: float

    @classmethod
    def parse(cls, text: str, *, landscape: bool = False) -> Page:
        """Read the name of a size, or a size such as ``100x150mm``.

        Args:
            text: name or size.
            landscape: the longer side is horizontal.

        Raises:
            ConfigurationError: the text is not a page size.

        >>> Page.parse("a4", landscape=True)
        Page(width=297.0, height=210.0)
        """
        size = _SIZES.get(text.strip().lower())
        match = _PAGE.fullmatch(text.strip().lower())
        if size is None and match is not None:
            width, height = (Length.parse(side + match[3]).millimeters or 0.0 for side in match.groups()[:2])
            size = (width, height)
        if size is None or min(size) <= 0:
            raise ConfigurationError(f"expected a page such as {', '.join(PAGE_NAMES)} or 100x150mm, found {text!r}")
        return cls(*(sorted(size, reverse=True) if landscape else size))

"""Sheets of paper and lengths, as plotters and people name them."""

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
"""Of a page, in millimetres: what a plotter's clips leave."""
DEFAULT_PEN = 0.35
"""Width of a line on a page, in millimetres: a usual technical pen."""


@dataclass(frozen=True)
class Length:
    """A length that a user gave.

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
            ConfigurationError: it is none.

        >>> Length.parse("1cm").millimetres
        10.0
        """
        match = _LENGTH.fullmatch(text.strip().lower())
        if match is None:
            raise ConfigurationError(f"expected a length such as 3, 0.3mm, 0.1in or 5%, found {text!r}")
        return cls(float(match[1]), match[2] or "")

    @property
    def millimetres(self) -> float | None:
        """In millimetres; None for a number alone and for a share."""
        return self.value * _MILLIMETRES[self.unit] if self.unit in _MILLIMETRES else None

    def on_page(self, larger_side: float) -> float:
        """In millimetres on a page, where a number alone means them."""
        if self.unit == "%":
            return self.value / 100.0 * larger_side
        return self.value if self.unit == "" else self.value * _MILLIMETRES[self.unit]

    def in_drawing(self, larger_side: float) -> float:
        """In the drawing's own unit, which a number alone means.

        Raises:
            ConfigurationError: it is in a unit of paper, of which there is none.
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
        width: in millimetres.
        height: in millimetres.
    """

    width: float
    height: float

    @classmethod
    def parse(cls, text: str, *, landscape: bool = False) -> Page:
        """Read the name of a size, or a size such as ``100x150mm``.

        Args:
            text: what the user wrote.
            landscape: the longer side lies down.

        Raises:
            ConfigurationError: it is none.

        >>> Page.parse("a4", landscape=True)
        Page(width=297.0, height=210.0)
        """
        size = _SIZES.get(text.strip().lower())
        match = _PAGE.fullmatch(text.strip().lower())
        if size is None and match is not None:
            width, height = (Length.parse(side + match[3]).millimetres or 0.0 for side in match.groups()[:2])
            size = (width, height)
        if size is None or min(size) <= 0:
            raise ConfigurationError(f"expected a page such as {', '.join(PAGE_NAMES)} or 100x150mm, found {text!r}")
        return cls(*(sorted(size, reverse=True) if landscape else size))

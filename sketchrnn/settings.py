"""Settings: dataclass fields that carry their own help text, range and option name.

The command line's options, the checks and the manual's tables are made from them.
"""

from __future__ import annotations

import dataclasses
import inspect
import math
from collections.abc import Callable, Iterator
from dataclasses import Field, dataclass
from typing import Any

from sketchrnn.errors import ConfigurationError

WHAT, HOW, OUTPUT, LOOK, FILES = "What to draw", "How", "Output", "Look", "Files"
NETWORK, TRAINING, MACHINE = "Network", "Training", "Machine"
PANELS = (WHAT, HOW, NETWORK, TRAINING, MACHINE, OUTPUT, LOOK, FILES)
"""Groups of options in ``--help``."""
_KEY = "setting"
_KINDS = {int: "a whole number", float: "a number", bool: "true or false"}


@dataclass(frozen=True)
class Setting:
    """Description of a setting.

    Attributes:
        help: one imperative or descriptive phrase, for ``--help``.
        type: ``int``, ``float``, ``str`` or ``bool``; by default the type of the default value.
        many: the value is a tuple of such values.
        minimum: smallest value.
        above: the value must be larger than this.
        maximum: largest value.
        below: the value must be smaller than this.
        also: further values, outside the range.
        choices: all values, for a text.
        parse: turns text into the value; raises ConfigurationError.
        default_text: describes the default, if that is None.
        unit: unit of the value.
        source: where the setting or its default comes from: a paper, a published program, a benchmark.
        details: more sentences, for the manual and the class's docstring.
        panel: group in ``--help``.
        common: one of the options that ``--help`` shows first.
        flags: option names; by default ``--name-of-the-field``.
        metavar: placeholder in ``--help``.
    """

    help: str
    type: type | None = None
    many: bool = False
    minimum: float | None = None
    above: float | None = None
    maximum: float | None = None
    below: float | None = None
    also: tuple[float, ...] = ()
    choices: tuple[str, ...] = ()
    parse: Callable[[str], Any] | None = None
    default_text: str | None = None
    unit: str = ""
    source: str = ""
    details: str = ""
    panel: str = ""
    common: bool = False
    flags: tuple[str, ...] = ()
    metavar: str | None = None

    @property
    def expected(self) -> str:
        """Description of the values, for error messages.

        >>> Setting("", int, minimum=1).expected, Setting("", float, above=0, maximum=1, also=(5,)).expected
        ('a whole number from 1', '5, or a number above 0 to 1')
        """
        if self.choices:
            return f"one of {', '.join(self.choices)}"
        also = "".join(f"{value:.15g}, or " for value in self.also)
        bounds = (("from", self.minimum), ("above", self.above), ("to", self.maximum), ("below", self.below))
        limits = " ".join(f"{word} {limit:.15g}" for word, limit in bounds if limit is not None)
        one = f"{also}{_KINDS.get(self.type or str, 'a text')} {limits}".rstrip()
        return f"a tuple, each value {one}" if self.many else one

    @property
    def text(self) -> str:
        """Help, details and source as sentences, for the manual and docstrings."""
        return " ".join(filter(None, (self.help, self.details, self.source and f"Source: {self.source}.")))

    def accepts(self, value: Any) -> bool:
        """Return whether a value is allowed."""
        if self.many:
            return isinstance(value, tuple) and all(map(self._accepts_one, value))
        return self._accepts_one(value)

    def from_text(self, text: str) -> Any:
        """Convert text to a value.

        Raises:
            ConfigurationError: the text is not a value, or is outside the range.
        """
        if self.parse is not None:
            return self.parse(text)
        try:
            value = {"true": True, "false": False}[text.lower()] if self.type is bool else (self.type or str)(text)
        except (KeyError, ValueError):
            value = None
        if value is None or not self.accepts(value):
            raise ConfigurationError(f"expected {self.expected}, found {text!r}")
        return value

    def _accepts_one(self, value: Any) -> bool:
        if self.choices:
            return value in self.choices
        if self.type not in (int, float):
            return self.type is None or isinstance(value, self.type)
        if isinstance(value, bool) or not isinstance(value, (int, self.type)):
            return False
        if value in self.also:
            return True
        return math.isfinite(value) and not (
            (self.minimum is not None and value < self.minimum)
            or (self.above is not None and value <= self.above)
            or (self.maximum is not None and value > self.maximum)
            or (self.below is not None and value >= self.below)
        )


def setting(default: Any, help: str, **description: Any) -> Any:
    """Return a dataclass field with a description; see :class:`Setting` for the arguments."""
    if default is not None and "type" not in description and "parse" not in description:
        description["type"] = type(default)
    return dataclasses.field(default=default, metadata={_KEY: Setting(help, **description)})


def settings_of(owner: type) -> Iterator[tuple[str, Any, Setting]]:
    """Return name, default and description of each setting of a dataclass, in the order of its fields."""
    for field in dataclasses.fields(owner):
        if _KEY in field.metadata:
            yield field.name, field.default, field.metadata[_KEY]


class Settings:
    """Base of dataclasses of settings: it adds their descriptions to the docstring, and checks their values."""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        described = {name: each.metadata.get(_KEY) for name, each in vars(cls).items() if isinstance(each, Field)}
        lines = [f"    {name}: {description.text}" for name, description in described.items() if description]
        cls.__doc__ = "\n".join([inspect.cleandoc(cls.__doc__ or ""), "", "Attributes:", *lines, ""])

    def __post_init__(self) -> None:
        """Check every setting.

        Raises:
            ConfigurationError: a value is outside its range.
        """
        for name, default, description in settings_of(type(self)):
            value = getattr(self, name)
            if not (value is None and default is None) and not description.accepts(value):
                raise ConfigurationError(f"{name}: expected {description.expected}, found {value!r}")

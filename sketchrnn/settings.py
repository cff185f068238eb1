"""Settings: dataclass fields that carry their own help text, range and option name.

The command line's options, the checks and the manual's tables are made from them.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from sketchrnn.errors import ConfigurationError

WHAT, HOW, OUTPUT, LOOK, FILES = "What to draw", "How", "Output", "Look", "Files"
PANELS = (WHAT, HOW, OUTPUT, LOOK, FILES)
"""Groups of options in ``--help``."""
_KEY = "setting"


@dataclass(frozen=True)
class Setting:
    """Description of a setting.

    Attributes:
        help: one imperative phrase.
        type: ``int``, ``float``, ``str`` or ``bool``; by default that of the default value.
        minimum: smallest value.
        above: value that must be exceeded.
        maximum: largest value.
        also: further values, outside the range.
        choices: all values, for a text.
        parse: turns text into the value; raises ConfigurationError.
        default_text: describes the default, if that is None.
        unit: of the value.
        source: where the default comes from: a paper, a published program, a benchmark.
        panel: group in ``--help``.
        common: one of the options that ``--help`` shows first.
        flags: option names; by default ``--name-of-the-field``.
        metavar: placeholder in ``--help``.
    """

    help: str
    type: type | None = None
    minimum: float | None = None
    above: float | None = None
    maximum: float | None = None
    also: tuple[float, ...] = ()
    choices: tuple[str, ...] = ()
    parse: Callable[[str], Any] | None = None
    default_text: str | None = None
    unit: str = ""
    source: str = ""
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
        kind = {int: "a whole number", float: "a number", bool: "true or false"}.get(self.type or str, "a text")
        also = "".join(f"{value:.15g}, or " for value in self.also)
        low = f" from {self.minimum:.15g}" if self.minimum is not None else ""
        low = f" above {self.above:.15g}" if self.above is not None else low
        return f"{also}{kind}{low}" + (f" to {self.maximum:.15g}" if self.maximum is not None else "")

    def accepts(self, value: Any) -> bool:
        """Tell whether a value is one of the setting's."""
        if self.choices:
            return value in self.choices
        if self.type not in (int, float):
            return self.type is None or isinstance(value, self.type)
        if isinstance(value, bool) or not isinstance(value, (int, self.type)) or not math.isfinite(value):
            return False
        if value in self.also:
            return True
        return not (
            (self.minimum is not None and value < self.minimum)
            or (self.above is not None and value <= self.above)
            or (self.maximum is not None and value > self.maximum)
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


def check_settings(values: Any) -> None:
    """Check every setting of a dataclass instance.

    Raises:
        ConfigurationError: a value is outside its range.
    """
    for name, default, description in settings_of(type(values)):
        value = getattr(values, name)
        if not (value is None and default is None) and not description.accepts(value):
            raise ConfigurationError(f"{name}: expected {description.expected}, found {value!r}")

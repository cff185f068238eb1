"""JSON values that come from users: parsed strictly, checked, and named in messages."""

import json
from collections.abc import Mapping
from typing import NoReturn

from sketchrnn.errors import FormatError

_NUMBER_TYPES = {int, float}  # by type(), because isinstance(True, int) is true
_LARGEST_WHOLE = 2.0**53
_LONGEST_SHOWN = 40
_FLAGS = {"true": True, "false": False, "1": True, "0": False}

JSON_ERRORS = (ValueError, RecursionError)
"""Errors of a JSON parser: invalid JSON, too many digits, brackets nested too deeply."""


def reject_constant(name: str) -> NoReturn:
    """Reject NaN and Infinity, which are not JSON; for ``parse_constant``."""
    raise ValueError(f"{name} is not a JSON number")


def all_numbers(values: list[object]) -> bool:
    """Return whether a list has only numbers (true and false are not numbers)."""
    return _NUMBER_TYPES.issuperset(map(type, values))


def optional_text(fields: Mapping[str, object], key: str) -> str | None:
    """Return a field that is text or a whole number; None if it is null, empty or missing.

    Raises:
        FormatError: it is something else.

    >>> optional_text({"key_id": 5891796615823360.0}, "key_id")
    '5891796615823360'
    """
    value = fields.get(key)
    if value is None or isinstance(value, str):
        return value or None
    if all_numbers([value]) and isinstance(value, int | float) and value == value // 1:
        return str(int(value))
    raise FormatError(f'expected "{key}" to be text, found {found(value)}')


def optional_flag(fields: Mapping[str, object], key: str) -> bool | None:
    """Return a field that is true or false, also as 1 or 0 or as text; None if it is null, empty or missing.

    Raises:
        FormatError: it is something else.

    >>> optional_flag({"recognized": "False"}, "recognized")
    False
    """
    value = fields.get(key)
    flag = _FLAGS.get(str(value).lower())
    if flag is None and value not in (None, ""):
        raise FormatError(f'expected "{key}" to be true or false, found {found(value)}')
    return flag


def found(value: object) -> str:
    """Name a JSON value briefly, for "expected ..., found ...".

    >>> found({"a": 1}), found([1, 2]), found(None)
    ('an object with "a"', '[1, 2]', 'null')
    """
    if isinstance(value, dict):
        keys = ", ".join(json.dumps(key) for key in value)
        return f"an object with {_shortened(keys)}" if value else "an empty object"
    text = json.dumps(value)
    if isinstance(value, list) and len(text) > _LONGEST_SHOWN:
        return f"a list of {len(value)}"
    return _shortened(text)


def shortest_number(value: float) -> int | float:
    """Return the shortest number that is read back as the same float64.

    >>> shortest_number(3.0), shortest_number(0.1), shortest_number(1e300)
    (3, 0.1, 1e+300)
    """
    return int(value) if value.is_integer() and abs(value) <= _LARGEST_WHOLE else value


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST_SHOWN else text[: _LONGEST_SHOWN - 1] + "…"

"""Defaults of options from a configuration file.

Reference:
    https://toml.io/en/v1.0.0
"""

from __future__ import annotations

import difflib
import sys
from pathlib import Path
from typing import Any

import click

from sketchrnn.errors import ConfigurationError
from sketchrnn.files import reason


def read_defaults(group: click.Group, context: click.Context, command: click.Command) -> dict[str, Any]:
    """Return the defaults that the configuration file gives a command.

    Options at the top of the file apply to every command that has them; a table with a command's name applies to it.

    Raises:
        ConfigurationError: the given file is missing, is not TOML, or sets an unknown option or an invalid value.
    """
    named = context.params.get("config")
    path = Path(named) if named else Path(click.get_app_dir("sketchrnn")) / "config.toml"
    if not named and not path.is_file():
        return {}
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    try:
        with path.open("rb") as file:
            values = tomllib.load(file)
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read: {reason(error)}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path}: expected TOML: {error}") from error
    tables = {name: table for name, table in values.items() if isinstance(table, dict)}
    common = {name: value for name, value in values.items() if name not in tables}
    for name in tables:
        if name not in group.list_commands(context):
            raise ConfigurationError(
                f"{path}: [{name}] is not a command; commands are {', '.join(group.list_commands(context))}"
            )
    defaults = {}
    for where, table in (("", common), (f"[{command.name}] ", tables.get(command.name or "", {}))):
        for name, value in table.items():
            option = _option(command, name)
            if option is not None and option.name is not None:
                defaults[option.name] = _checked(option, value, f"{path}: {where}{name}", context)
            elif where or not any(
                _option(other, name)
                for other in (group.get_command(context, each) for each in group.list_commands(context))
            ):
                raise ConfigurationError(f"{path}: {where}{name}: no such option{_near(command, name)}")
    return defaults


def _option(command: click.Command | None, name: str) -> click.Option | None:
    """Return the option ``--name``; in the file it is written with - or _."""
    wanted = f"--{name.replace('_', '-')}"
    options = (one for one in (command.params if command else ()) if isinstance(one, click.Option))
    return next((option for option in options if wanted in option.opts), None)


def _checked(option: click.Option, value: Any, where: str, context: click.Context) -> Any:
    if option.is_flag and not isinstance(value, bool):
        raise ConfigurationError(f"{where}: expected true or false, found {value!r}")
    if isinstance(value, (list, dict)) != option.multiple:
        raise ConfigurationError(f"{where}: expected {'a list' if option.multiple else 'one value'}, found {value!r}")
    try:
        option.type_cast_value(context, value)
    except click.BadParameter as error:
        raise ConfigurationError(f"{where}: {error.message}") from error
    return value


def _near(command: click.Command, name: str) -> str:
    names = [opt[2:] for one in command.params for opt in one.opts if opt.startswith("--")]
    near = difflib.get_close_matches(name.replace("_", "-"), names, n=1)
    return f"; did you mean {near[0]}?" if near else ""

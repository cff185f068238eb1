"""What commands say besides their result: on stderr, as much as the user wants to hear."""

from __future__ import annotations

import os
import sys

import click

QUIET, USUAL, VERBOSE = 0, 1, 2
_KEY = "sketchrnn.talk"


def set_level(level: int) -> None:
    """Say from now on, in this run of the program, only what is at most so detailed."""
    click.get_current_context().find_root().meta[_KEY] = level


def say(message: str) -> None:
    """Say something, unless ``--quiet``."""
    _say(message, USUAL)


def detail(message: str) -> None:
    """Say something that only ``--verbose`` asks for."""
    _say(message, VERBOSE)


def colours() -> bool:
    """Tell whether stderr shows colours: a terminal, whose user has not refused them (https://no-color.org)."""
    return sys.stderr.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def _say(message: str, level: int) -> None:
    context = click.get_current_context(silent=True)
    wanted = USUAL if context is None else context.find_root().meta.get(_KEY, USUAL)
    if wanted >= level:
        click.echo(click.style(message, dim=True) if level == VERBOSE and colours() else message, err=True)

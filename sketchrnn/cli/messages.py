"""Messages of commands: one logger, and one handler that writes to stderr. -q and -v set its level."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Sequence

import click

LOGGER = logging.getLogger("sketchrnn")
"""Commands log what happened as INFO (not with ``-q``) and details as DEBUG (only with ``-v``)."""


class _Handler(logging.Handler):
    """Writes to stderr, above any progress bar. A message that cannot be written does not stop the command."""

    def emit(self, record: logging.LogRecord) -> None:
        text = self.format(record)
        if record.levelno <= logging.DEBUG and colors():
            text = click.style(text, dim=True)
        try:
            if "tqdm" in sys.modules:
                from tqdm import tqdm

                tqdm.write(text, file=sys.stderr)
            else:
                click.echo(text, err=True)
        except OSError:  # stderr is closed, or a file on a full disk
            pass


def configure() -> None:
    """Write messages to stderr, at the usual level."""
    if not any(isinstance(handler, _Handler) for handler in LOGGER.handlers):
        LOGGER.addHandler(_Handler())
    LOGGER.setLevel(logging.INFO)


def table(rows: Sequence[Sequence[str]]) -> str:
    """Return rows as aligned columns, the first one at the left, the others at the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]) for row in rows)


def colors() -> bool:
    """Return whether stderr shows colors: it is a terminal and the user allows them (https://no-color.org)."""
    return sys.stderr.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"

"""References made from the program: options grouped as in ``--help``, and tables of settings.

sphinx-click lists the options of a command in one block; :func:`group_options` gives each group of ``--help`` a title.
A fenced block ``{settings} sketchrnn.Sampling`` becomes a table of the settings of a dataclass.
"""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Iterator

import click
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from sketchrnn.cli.options import COMMON
from sketchrnn.settings import PANELS, settings_of


def group_options(app: Sphinx, context: click.Context, lines: list[str]) -> None:
    """Order the options as ``--help`` does, with a title for each group."""
    options = [parameter for parameter in context.command.params if isinstance(parameter, click.Option)]
    if not any(hasattr(option, "panel") for option in options):
        return
    starts = [number for number, line in enumerate(lines) if line.startswith(".. option::")]
    blocks = [lines[start:end] for start, end in zip(starts, [*starts[1:], len(lines)], strict=True)]
    panels = [getattr(option, "panel", "") or "Other" for option in options if not option.hidden]
    lines.clear()
    for title in (COMMON, *PANELS, "Other"):
        chosen = [block for panel, block in zip(panels, blocks, strict=True) if panel == title]
        if chosen:
            lines += [f".. rubric:: {title}", "", *(line for block in chosen for line in block)]


def format_epilog(app: Sphinx, context: click.Context, lines: list[str]) -> None:
    """Show the examples as code; the text is taken as it stands, not as reStructuredText."""
    lines.clear()
    for paragraph in inspect.cleandoc(context.command.epilog or "").replace("\b\n", "").split("\n\n"):
        if paragraph.startswith("Examples:"):
            lines += [".. code-block:: sh", "", *(f"   {line.strip()}" for line in paragraph.splitlines()[1:]), ""]
        elif paragraph:
            lines += [".. code-block:: text", "", *(f"   {line}" for line in paragraph.splitlines()), ""]


def mark_code(app: Sphinx, context: click.Context, lines: list[str]) -> None:
    """Mark code as reStructuredText does: ``--help`` has single backticks, and FILE:INDEX is no address."""
    lines[:] = [re.sub(r"(?<!`)`([^`]+)`(?!`)|\b([A-Z]+:[A-Z]+)\b", r"``\1\2``", line) for line in lines]


class Settings(SphinxDirective):
    """A table of the settings of a dataclass: name, default, values, description."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Return the table."""
        module, _, name = self.arguments[0].rpartition(".")
        rows = list(_rows(getattr(importlib.import_module(module), name)))
        if not rows:
            raise self.error(f"{self.arguments[0]} has no settings")
        head = ("setting", "default", "values", "meaning")
        lines = [f"| {' | '.join(row)} |" for row in (head, ("---",) * len(head), *rows)]
        return self.parse_text_to_nodes("\n".join(lines))


def _rows(owner: type) -> Iterator[tuple[str, str, str, str]]:
    """Return the cells of each setting."""
    for name, default, setting in settings_of(owner):
        text = setting.default_text or ("none" if default is None else f"`{default}`")
        values = "" if setting.parse else setting.expected + (f" ({setting.unit})" if setting.unit else "")
        yield f"`{name}`", text, values, _cell(setting.text)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("``", "`")


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directive and the changes to sphinx-click's output."""
    app.add_directive("settings", Settings)
    app.connect("sphinx-click-process-description", mark_code)
    app.connect("sphinx-click-process-options", mark_code)
    app.connect("sphinx-click-process-options", group_options)
    app.connect("sphinx-click-process-epilog", format_epilog)
    return {"parallel_read_safe": True}

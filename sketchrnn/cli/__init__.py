"""The command line: parameters in, one library call, output out. One module for each command.

Exit codes: 0 done; 1 the input is at fault, said in one line on stderr; 2 the command line is; 130 interrupted.
"""

from __future__ import annotations

import difflib
import importlib
import sys
import time

import click

from sketchrnn import __version__
from sketchrnn.cli.talk import QUIET, VERBOSE, colours, detail, set_level
from sketchrnn.errors import SketchRNNError

INTERRUPTED = 130
COMMANDS = {
    "complete": "Finish a partial sketch.",
    "generate": "Draw from nothing.",
    "guess": "Say what a partial sketch is going to be.",
    "serve": "Draw on a page, and watch it being finished.",
    "export-page": "Write that page, with a model inside, as one HTML file.",
    "render": "Show drawings, or turn them into another format.",
    "reconstruct": "Draw sketches again, by way of their z.",
    "interpolate": "Draw what lies between sketches or categories.",
    "arithmetic": "Add and subtract sketches: A - B + C.",
    "download": "Fetch drawings of Quick, Draw!.",
    "prepare": "Prepare drawings for training, as a store.",
    "stats": "Say what stores and files of drawings hold.",
    "train": "Train a model on drawings.",
    "evaluate": "Measure a model on drawings.",
    "info": "Say what a model is.",
    "download-model": "Fetch one of Google's published models.",
    "import": "Make a checkpoint of a model of Google's.",
    "export": "Write a model as Magenta's JavaScript reads it.",
    "install-inkscape-extension": "Add Extensions > Sketch-RNN > Complete to Inkscape.",
    "shell-completion": "Print what makes the Tab key complete.",
}
"""What each command's module, which is imported only when it is run, calls itself in one line."""
MODULES = {"import": "import_model"}
"""Modules, and the commands in them, that are not called as the command is."""


class _Error(click.ClickException):
    """One line on stderr, red on a terminal."""

    def show(self, file: object = None) -> None:
        head = click.style("Error:", fg="red", bold=True) if colours() else "Error:"
        click.echo(f"{head} {self.format_message()}", err=True)


class _Commands(click.Group):
    """A group that imports a command when it is asked for, and ends its errors in one line on stderr."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in self.commands:
            return self.commands[cmd_name]
        if cmd_name not in COMMANDS:
            return None
        name = MODULES.get(cmd_name, cmd_name.replace("-", "_"))
        command: click.Command = getattr(importlib.import_module(f"sketchrnn.cli.{name}"), name)
        command.params.extend(_every_command())
        self.add_command(command, cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            near = difflib.get_close_matches(args[0], COMMANDS, n=1)
            hint = f" Did you mean {near[0]}?" if near else f" There are {', '.join(COMMANDS)}."
            ctx.fail(f"No such command {args[0]!r}.{hint}")
        name, command, rest = super().resolve_command(ctx, args)
        if command is not None and not ctx.resilient_parsing:
            from sketchrnn.cli.configuration_file import read_defaults

            ctx.default_map = {str(name): read_defaults(self, ctx, command)}
        return name, command, rest

    def invoke(self, ctx: click.Context) -> object:
        started = time.perf_counter()
        try:
            result = super().invoke(ctx)
        except SketchRNNError as error:
            raise _Error(" ".join(str(error).splitlines())) from error
        except KeyboardInterrupt:
            sys.exit(INTERRUPTED)
        detail(f"done in {time.perf_counter() - started:.2f} s")
        return result


def _set_talk(ctx: click.Context, parameter: click.Parameter, value: bool) -> None:
    if value:
        set_level(QUIET if parameter.name == "quiet" else VERBOSE)


def _every_command() -> list[click.Option]:
    """Return the options that stand before the command as well as behind it."""
    return [
        click.Option(["-q", "--quiet"], is_flag=True, expose_value=False, callback=_set_talk, help="Say only errors."),
        click.Option(["-v", "--verbose"], is_flag=True, expose_value=False, callback=_set_talk, help="Say more."),
    ]


@click.group(
    cls=_Commands,
    params=_every_command(),
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="""
Files: - is standard input or output. Drawings are Quick, Draw! ndjson, SVG, polyline JSON or npz; every command reads
all of them, and with --format ndjson writes what the others read.

\b
Exit codes: 0 done; 1 the input is at fault; 2 the command line is; 130 interrupted (Ctrl-C).

\b
Defaults of options stand in a file, by default ~/.config/sketchrnn/config.toml:
  temperature = 0.4
  [complete]
  style = "ink"

\b
Examples:
  sketchrnn complete samples/pig.ndjson -o pig.svg
  sketchrnn generate --category cactus -n 12 -o cacti.svg
  sketchrnn generate --category cat -n 3 --format ndjson | sketchrnn render - -o cats.svg
""",
)
@click.version_option(__version__, prog_name="sketchrnn")
@click.option(
    "--config",
    metavar="FILE",
    envvar="SKETCHRNN_CONFIG",
    help="Defaults of options, as TOML.  [env: SKETCHRNN_CONFIG]",
)
def main(config: str | None) -> None:
    """Complete a partial sketch, train on Quick, Draw! categories, export SVG drawings."""

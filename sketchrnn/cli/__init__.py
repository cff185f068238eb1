"""The command line: options in, one library call, output out. One module for each group of commands.

Exit codes: 0 success; 1 wrong input or a failing disk, with a one-line error on stderr; 2 wrong usage;
130 interrupted.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import io
import logging
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, TextIO

import click

from sketchrnn import __version__
from sketchrnn.cli.messages import LOGGER, colors, configure
from sketchrnn.errors import SketchRNNError
from sketchrnn.files import STANDARD_STREAM, check_apart, check_suffix, reason

INTERRUPTED = 130
OBJECTS_BEFORE_COLLECTION = 50_000
"""New objects before the garbage collector runs. Imports make many, which stay: with Python's 700 the collector takes a
tenth of the time of importing (benchmarks/RESULTS.md)."""
COMMANDS = {
    "complete": "Complete a partial sketch.",
    "generate": "Draw from nothing.",
    "guess": "Guess the category of a partial sketch.",
    "serve": "Serve a drawing page that completes your sketches.",
    "export-page": "Write the drawing page and a model to one HTML file.",
    "render": "Show drawings, or convert them to another format.",
    "reconstruct": "Redraw sketches from their latent vectors.",
    "interpolate": "Draw steps between sketches or categories.",
    "arithmetic": "Add and subtract sketches: A - B + C.",
    "download": "Download Quick, Draw! drawings.",
    "prepare": "Convert drawings to a store for training.",
    "stats": "Show statistics of drawings.",
    "train": "Train a model.",
    "train-recognizer": "Add a recognizer to a model.",
    "evaluate": "Measure the quality of a model.",
    "info": "Show a model's architecture, categories and training.",
    "download-model": "Download a model published by Google.",
    "import": "Convert a model by Google to a checkpoint.",
    "export": "Convert a model for use in JavaScript.",
    "install-inkscape-extension": "Install the Inkscape extension.",
    "shell-completion": "Print a script for tab completion.",
}
"""A summary of each command. A command's module is imported only when the command runs."""
MODULES = {
    "draw": ("complete", "generate", "guess", "reconstruct", "interpolate", "arithmetic"),
    "page": ("serve", "export-page"),
    "data": ("render", "download", "prepare", "stats"),
    "training": ("train", "train-recognizer", "evaluate"),
    "models": ("info", "download-model", "import", "export"),
    "install": ("install-inkscape-extension", "shell-completion"),
}
"""The commands of each module."""

INPUT_OPTIONS = frozenset({"--model", "--from", "--clarity-from", "--config"})
"""Options that name an input. Each argument of a command also names inputs."""


class _Error(click.ClickException):
    """One line on stderr, red on a terminal."""

    def show(self, file: object = None) -> None:
        head = click.style("Error:", fg="red", bold=True) if colors() else "Error:"
        click.echo(f"{head} {self.format_message()}", err=True)


class _Commands(click.Group):
    """A group that imports a command when it is needed, and prints its errors as one line on stderr."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in self.commands:
            return self.commands[cmd_name]
        if cmd_name not in COMMANDS:
            return None
        module = next(name for name, commands in MODULES.items() if cmd_name in commands)
        function = "import_model" if cmd_name == "import" else cmd_name.replace("-", "_")
        command: click.Command = getattr(importlib.import_module(f"sketchrnn.cli.{module}"), function)
        command.params.extend(_every_command())
        _check_files_first(command)
        self.add_command(command, cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            import difflib

            near = difflib.get_close_matches(args[0], COMMANDS, n=1)
            hint = f" Did you mean {near[0]}?" if near else f" Commands: {', '.join(COMMANDS)}."
            ctx.fail(f"No such command {args[0]!r}.{hint}")
        name, command, rest = super().resolve_command(ctx, args)
        if command is not None and not ctx.resilient_parsing:
            from sketchrnn.cli.configuration_file import read_defaults

            ctx.default_map = {str(name): read_defaults(self, ctx, command)}
        return name, command, rest

    def main(self, *args: Any, **kwargs: Any) -> Any:
        gc.set_threshold(OBJECTS_BEFORE_COLLECTION)
        with _terminated_as_interrupted():
            _replace_closed_streams()
            return super().main(*args, **kwargs)

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        configure()
        with _errors_in_one_line():
            return super().make_context(*args, **kwargs)

    def invoke(self, ctx: click.Context) -> object:
        started = time.perf_counter()
        with _errors_in_one_line():
            result = super().invoke(ctx)
        LOGGER.debug(f"done in {time.perf_counter() - started:.2f} s")
        return result


@contextlib.contextmanager
def _errors_in_one_line() -> Iterator[None]:
    """Turn errors of the input and of the operating system into one line on stderr, and Ctrl-C into its exit code."""
    try:
        yield
    except SketchRNNError as error:
        _drop_unwritten_output()
        raise _Error(" ".join(str(error).splitlines())) from error
    except OSError as error:
        frames = (frame.f_code for frame, _ in traceback.walk_tb(error.__traceback__))
        name = "standard output: cannot be written" if click.echo.__code__ in frames else error.filename
        _drop_unwritten_output()
        raise _Error(f"{name}: {reason(error)}" if name else reason(error)) from error
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


def _drop_unwritten_output() -> None:
    """Discard output that cannot be written, so that Python does not fail at exit."""
    try:
        sys.stdout.flush()
    except (OSError, ValueError):
        null = _null()
        with contextlib.suppress(OSError, ValueError):
            os.dup2(null.fileno(), sys.stdout.fileno())
        sys.stdout = null


def _null() -> TextIO:
    return Path(os.devnull).open("w")


class _ClosedStream(io.RawIOBase):
    """Standard output that was closed before the program started: Python has no object for it."""

    def writable(self) -> bool:
        return True

    def write(self, content: object) -> int:
        raise OSError(9, os.strerror(9))  # EBADF


def _replace_closed_streams() -> None:
    if sys.stdout is None:
        sys.stdout = io.TextIOWrapper(io.BufferedWriter(_ClosedStream()))
    if sys.stderr is None:
        sys.stderr = _null()


@contextlib.contextmanager
def _terminated_as_interrupted() -> Iterator[None]:
    """Handle SIGTERM like Ctrl-C: stop child processes and delete temporary files."""
    if threading.current_thread() is not threading.main_thread():  # only the main thread may handle signals
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _check_files_first(command: click.Command) -> None:
    """Make a command check the names of its outputs first."""
    callback = command.callback
    if callback is None:
        return

    def checked(*args: Any, **kwargs: Any) -> Any:
        _check_outputs(click.get_current_context())
        return callback(*args, **kwargs)

    command.callback = checked


def _check_outputs(context: click.Context) -> None:
    """Check that each output has a known suffix and is not an input.

    Raises:
        SketchRNNError: a suffix is unknown, or an output would overwrite an input.
    """
    inputs: list[str] = []
    outputs: list[str] = []
    for parameter in context.command.params:
        value = context.params.get(parameter.name or "")
        if isinstance(parameter, click.Argument) or INPUT_OPTIONS & set(parameter.opts):
            inputs += [one for one in (value if isinstance(value, tuple) else (value,)) if isinstance(one, str)]
        suffixes = getattr(parameter, "suffixes", None)  # of an OutputOption
        if suffixes is not None and isinstance(value, str) and value != STANDARD_STREAM:
            outputs.append(value)
            if suffixes:
                check_suffix(value, suffixes)
    inputs += [one.rpartition(":")[0] for one in inputs if one.rpartition(":")[2].isdecimal()]  # FILE:INDEX
    inputs = [one for one in inputs if Path(one).exists()]
    if outputs and inputs:
        check_outputs_apart(outputs, inputs)


def check_outputs_apart(
    outputs: Iterable[str | Path], inputs: Iterable[str | Path], *, are_drawings: bool = True
) -> None:
    """Check that no output is an input file, or part of a store or folder that is read.

    Args:
        outputs: files that will be written.
        inputs: files, stores and folders that are read.
        are_drawings: the outputs are read as drawings if they lie in a folder.

    Raises:
        SketchRNNError: an output would overwrite an input, or be read as a part of it.
    """
    suffixes: tuple[str, ...] = ()
    paths = [Path(each) for each in inputs]
    if any(path.is_dir() for path in paths):
        from sketchrnn.dataset.sources import SUFFIXES
        from sketchrnn.dataset.store import shard_paths

        suffixes = SUFFIXES if are_drawings else ()
        paths += [shard for path in paths if path.is_dir() for shard in shard_paths(path)]
    for output in outputs:
        check_apart(output, paths, suffixes)


def _set_level(ctx: click.Context, parameter: click.Parameter, value: bool) -> None:
    if not value:
        return
    LOGGER.setLevel(logging.ERROR if parameter.name == "quiet" else logging.DEBUG)
    if parameter.name == "quiet":  # progress bars, libraries and servers are silent, too
        root = ctx.find_root()
        null = root.with_resource(_null())
        root.with_resource(contextlib.redirect_stderr(null))


def _every_command() -> list[click.Option]:
    """Return the options that can be given before and after the command."""
    return [
        click.Option(
            ["-q", "--quiet"], is_flag=True, expose_value=False, callback=_set_level, help="Print only errors."
        ),
        click.Option(
            ["-v", "--verbose"], is_flag=True, expose_value=False, callback=_set_level, help="Print more messages."
        ),
    ]


@click.group(
    cls=_Commands,
    params=_every_command(),
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="""
Files: - is standard input or output. Every command reads SVG, Quick, Draw! ndjson, JSON and other formats
(`sketchrnn info --formats` lists them). With --format ndjson, the output can be piped into another command.

\b
Exit codes:
  0    success
  1    wrong input, or a file that cannot be read or written
  2    wrong command or option
  130  interrupted (Ctrl-C)

\b
A configuration file sets defaults of options. By default it is ~/.config/sketchrnn/config.toml:
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
    help="Read defaults of options from this TOML file.  [env: SKETCHRNN_CONFIG]",
)
def main(config: str | None) -> None:
    """Complete a partial sketch, train on Quick, Draw! categories, export SVG drawings."""

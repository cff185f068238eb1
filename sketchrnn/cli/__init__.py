"""The command line: parameters in, one library call, output out. One module for each command.

Exit codes: 0 done; 1 the input is at fault, said in one line on stderr; 2 the command line is; 130 interrupted.
"""

import sys

import click

from sketchrnn import __version__
from sketchrnn.cli.complete import complete
from sketchrnn.cli.evaluate import evaluate
from sketchrnn.cli.export_page import export_page
from sketchrnn.cli.generate import generate
from sketchrnn.cli.guess import guess
from sketchrnn.cli.info import info
from sketchrnn.cli.render import render
from sketchrnn.cli.serve import serve
from sketchrnn.cli.train import train
from sketchrnn.errors import SketchRNNError

INTERRUPTED = 130


class _Commands(click.Group):
    """A group whose commands' errors end in one line on stderr."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except SketchRNNError as error:
            raise click.ClickException(" ".join(str(error).splitlines())) from error
        except KeyboardInterrupt:
            sys.exit(INTERRUPTED)


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="""\b
Examples:
  sketchrnn complete samples/pig.ndjson -o pig.svg
  sketchrnn generate --category cactus -n 12 -o cacti.svg
  sketchrnn render samples/*.json -o samples.svg
""",
)
@click.version_option(__version__, prog_name="sketchrnn")
def main() -> None:
    """Complete a partial sketch, train on Quick, Draw! categories, export SVG drawings."""


for command in (complete, generate, guess, serve, export_page, render, train, evaluate, info):
    main.add_command(command)

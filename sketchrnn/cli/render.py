"""``sketchrnn render``."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import click

from sketchrnn.cli import options
from sketchrnn.cli.talk import say

if TYPE_CHECKING:
    from sketchrnn.cli.drawing_output import Target

MOST_SHOWN = 48


@click.command(
    epilog="""\b
Examples:
  sketchrnn render samples/pig.ndjson -o prefix.svg
  sketchrnn render samples/*.json -o samples.svg
  sketchrnn render samples/cup.svg -o cup.ndjson
  sketchrnn render samples/*.ndjson --style brush --columns 7 --page a4 --landscape -o brushed.svg
  sketchrnn generate --category crab -n 4 --format ndjson | sketchrnn render - -o crabs.svg
"""
)
@click.argument("files", nargs=-1, required=True)
@click.option("--skip", type=click.IntRange(0), default=0, show_default=True, help="Leave out so many drawings.")
@click.option("--limit", type=click.IntRange(1), help="Show no more than this.  [default: 48; no limit for ndjson]")
@options.target
def render(files: tuple[str, ...], target: Target, skip: int, limit: int | None) -> None:
    """Show the drawings of FILES: one as a picture, several as a sheet; or turn them into ndjson.

    FILES are Quick, Draw! ndjson, Sketch-RNN npz, polyline JSON, SVG, or - for standard input.
    """
    from sketchrnn.cli.drawing_output import Picture
    from sketchrnn.errors import SketchRNNError
    from sketchrnn.formats import read_records
    from sketchrnn.formats.svg import Layer

    if limit is None and target.kind != "ndjson":
        limit = MOST_SHOWN
    records = itertools.chain.from_iterable(read_records(path) for path in files)
    shown = list(itertools.islice(records, skip, None if limit is None else skip + limit))
    if not shown:
        raise SketchRNNError(f"no drawing is left to show after the first {skip}")
    target.check(len(shown))
    if next(records, None) is not None:
        say(f"showing {len(shown)} drawings; --limit and --skip show others")
    pictures = [Picture(record.word or "drawing", (Layer(record.sketch, "drawing"),), record) for record in shown]
    target.write(pictures, "Drawings")

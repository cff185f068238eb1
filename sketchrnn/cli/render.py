"""``sketchrnn render``."""

from __future__ import annotations

import itertools

import click

from sketchrnn.cli import options
from sketchrnn.cli.talk import say


@click.command(
    epilog="""\b
Examples:
  sketchrnn render samples/pig.ndjson -o prefix.svg
  sketchrnn render samples/*.json -o samples.svg
  sketchrnn generate --category crab -n 4 --format ndjson | sketchrnn render - -o crabs.svg
"""
)
@click.argument("files", nargs=-1, required=True)
@options.output
@click.option("--skip", type=click.IntRange(0), default=0, show_default=True, help="Leave out so many drawings.")
@click.option("--limit", type=click.IntRange(1), default=48, show_default=True, help="Show no more than this.")
@options.output_format
@options.columns
@options.cell
@options.force
def render(
    files: tuple[str, ...],
    output: str,
    skip: int,
    limit: int,
    output_format: str | None,
    columns: int | None,
    cell: int,
    force: bool,
) -> None:
    """Show the drawings of FILES: one as a picture, several as a sheet.

    FILES are Quick, Draw! ndjson, Sketch-RNN npz, polyline JSON, or - for standard input.
    """
    from sketchrnn.cli.drawing_output import Picture, Target
    from sketchrnn.errors import SketchRNNError
    from sketchrnn.formats import read_records
    from sketchrnn.formats.svg import Layer

    target = Target.from_options(output, output_format, force, columns, cell)
    target.check(limit)
    records = itertools.chain.from_iterable(read_records(path) for path in files)
    shown = list(itertools.islice(records, skip, skip + limit))
    if not shown:
        raise SketchRNNError(f"no drawing is left to show after the first {skip}")
    if next(records, None) is not None:
        say(f"showing {len(shown)} drawings; --limit and --skip show others")
    pictures = [Picture(record.word or "drawing", (Layer(record.sketch, "drawing"),), record) for record in shown]
    target.write(pictures, "Drawings")

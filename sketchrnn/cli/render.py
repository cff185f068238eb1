"""``sketchrnn render``."""

from __future__ import annotations

import click

from sketchrnn.cli import options


@click.command(
    epilog="""\b
Examples:
  sketchrnn render samples/pig.ndjson -o prefix.svg
  sketchrnn render samples/*.json -o samples.svg
  sketchrnn prepare samples/pig.ndjson samples/cactus.ndjson -o data/garden
  sketchrnn render data/garden --category pig --random 50 -o sheet.svg
  sketchrnn generate --category crab -n 4 --format ndjson | sketchrnn render - -o crabs.svg
"""
)
@click.argument("files", nargs=-1, required=True)
@options.output
@click.option("--category", metavar="NAME", help="Only drawings of this category.")
@click.option("--random", metavar="COUNT", type=click.IntRange(1, 10_000), help="So many, drawn at random.")
@options.seed
@click.option("--skip", type=click.IntRange(0), default=0, show_default=True, help="Leave out so many drawings.")
@click.option("--limit", type=click.IntRange(1), default=48, show_default=True, help="Show no more than this.")
@options.output_format
@options.columns
@options.cell
@options.force
def render(
    files: tuple[str, ...],
    output: str,
    category: str | None,
    random: int | None,
    seed: int,
    skip: int,
    limit: int,
    output_format: str | None,
    columns: int | None,
    cell: int,
    force: bool,
) -> None:
    """Show the drawings of FILES: one as a picture, several as a sheet.

    FILES are stores that `sketchrnn prepare` wrote, or drawings in any format that it reads, or - for standard input.
    """
    from sketchrnn.cli.drawing_output import Picture, Target
    from sketchrnn.dataset.sample import choose
    from sketchrnn.errors import SketchRNNError
    from sketchrnn.formats.svg import Layer

    target = Target.from_options(output, output_format, force, columns, cell)
    target.check(random or limit)
    shown, more = choose(
        files, category=category, count=random or limit, seed=None if random is None else seed, skip=skip
    )
    if not shown:
        of_category = f" of category {category!r}" if category is not None else ""
        raise SketchRNNError(f"no drawing{of_category} is left to show after the first {skip}")
    if more and random is None:
        click.echo(f"showing {len(shown)} drawings; --limit and --skip show others, --random a choice", err=True)
    pictures = [Picture(record.word or "drawing", (Layer(record.sketch, "drawing"),), record) for record in shown]
    target.write(pictures, "Drawings")

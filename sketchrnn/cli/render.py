"""``sketchrnn render``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from sketchrnn.cli import options
from sketchrnn.cli.messages import LOGGER

if TYPE_CHECKING:
    from sketchrnn.cli.drawing_output import Target

MOST_SHOWN = 48


@click.command(
    cls=options.PanelCommand,
    epilog="""\b
Examples:
  sketchrnn render samples/pig.ndjson -o prefix.svg
  sketchrnn render samples/*.json -o samples.svg
  sketchrnn render samples/cup.svg -o cup.ndjson
  sketchrnn render samples/*.ndjson --style brush --columns 7 --page a4 --landscape -o brushed.svg
  sketchrnn prepare samples/pig.ndjson samples/cactus.ndjson -o data/garden
  sketchrnn render data/garden --category pig --random 50 -o sheet.svg
  sketchrnn generate --category crab -n 4 --format ndjson | sketchrnn render - -o crabs.svg
""",
)
@click.argument("files", nargs=-1, required=True)
@click.option("--skip", type=click.IntRange(0), default=0, show_default=True, help="Skip this number of drawings.")
@click.option(
    "--limit", type=click.IntRange(1), help="Show at most this number of drawings.  [default: 48; no limit for ndjson]"
)
@click.option("--category", metavar="NAME", help="Show only drawings of this category.")
@click.option(
    "--random", metavar="COUNT", type=click.IntRange(1, 10_000), help="Show this number of drawings, chosen at random."
)
@options.seed
@options.target
def render(
    files: tuple[str, ...],
    target: Target,
    skip: int,
    limit: int | None,
    category: str | None,
    random: int | None,
    seed: int,
) -> None:
    """Show the drawings in FILES as one picture, or convert them to ndjson or JSON.

    FILES are stores that `sketchrnn prepare` wrote, files in any format that `sketchrnn info --formats` lists, or - for
    standard input.
    """
    from sketchrnn.dataset.contents import choose
    from sketchrnn.errors import SketchRNNError

    if limit is None and target.kind != "ndjson":
        limit = MOST_SHOWN
    shown, more = choose(
        files, category=category, count=random or limit, seed=None if random is None else seed, skip=skip
    )
    if not shown:
        of_category = f" of category {category!r}" if category is not None else ""
        raise SketchRNNError(f"expected drawings{of_category} after the first {skip}, found none")
    target.check(len(shown))
    if more and random is None:
        LOGGER.info(f"showing the first {len(shown)} drawings; --limit, --skip and --random show others")
    target.write(shown)

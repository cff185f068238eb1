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
@click.option("--skip", type=click.IntRange(0), default=0, show_default=True, help="Leave out so many drawings.")
@click.option("--limit", type=click.IntRange(1), help="Show no more than this.  [default: 48; no limit for ndjson]")
@click.option("--category", metavar="NAME", help="Only drawings of this category.")
@click.option("--random", metavar="COUNT", type=click.IntRange(1, 10_000), help="So many, drawn at random.")
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
    """Show the drawings of FILES: one as a picture, several as a sheet; or turn them into ndjson.

    FILES are stores that `sketchrnn prepare` wrote, Quick, Draw! files of any kind, polyline JSON, SVG, or - for
    standard input.
    """
    from sketchrnn.dataset.sample import choose
    from sketchrnn.errors import SketchRNNError

    if limit is None and target.kind != "ndjson":
        limit = MOST_SHOWN
    shown, more = choose(
        files, category=category, count=random or limit, seed=None if random is None else seed, skip=skip
    )
    if not shown:
        of_category = f" of category {category!r}" if category is not None else ""
        raise SketchRNNError(f"no drawing{of_category} is left to show after the first {skip}")
    target.check(len(shown))
    if more and random is None:
        LOGGER.info(f"showing {len(shown)} drawings; --limit and --skip show others, --random a choice")
    target.write(shown)

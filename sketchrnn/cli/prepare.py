"""``sketchrnn prepare``."""

from __future__ import annotations

import os
from pathlib import Path

import click

from sketchrnn.cli.talk import say


@click.command(
    epilog="""\b
Examples:
  sketchrnn prepare samples/pig.ndjson samples/cactus.ndjson -o data/garden
  sketchrnn prepare samples --category doodle --max-length 100 -o data/doodles
  sketchrnn stats data/garden
"""
)
@click.argument("files", nargs=-1, required=True)
@click.option("-o", "--output", metavar="STORE", required=True, help="The store's folder; it is made, or added to.")
@click.option(
    "--category", metavar="NAME", help="Of drawings that do not name theirs.  [default: folder's or file's name]"
)
@click.option(
    "--recognized", is_flag=True, help="Skip drawings that the game did not recognize; keep those without this field."
)
@click.option(
    "--country", "countries", metavar="CODE", multiple=True, help="Only from here, such as US; may be repeated."
)
@click.option("--min-length", type=click.IntRange(1), default=1, show_default=True, help="Fewest rows.")
@click.option("--max-length", type=click.IntRange(1), default=1000, show_default=True, help="Most rows.")
@click.option("--limit", type=click.IntRange(1), help="Most drawings of each category; the first ones are kept.")
@click.option(
    "--epsilon",
    type=click.FloatRange(0, 100),
    default=2.0,
    show_default=True,
    help="How far simplification may move a line, in 1/255 of the drawing; 0 keeps all points. Google's own stay as "
    "they are.",
)
@click.option("--processes", type=click.IntRange(1, 1024), help="That read at the same time.  [default: one a core]")
@click.option("--force", is_flag=True, help="Prepare these files' categories anew.")
def prepare(
    files: tuple[str, ...],
    output: str,
    category: str | None,
    recognized: bool,
    countries: tuple[str, ...],
    min_length: int,
    max_length: int,
    limit: int | None,
    epsilon: float,
    processes: int | None,
    force: bool,
) -> None:
    """Prepare FILES into a store, which training maps into memory instead of reading it.

    FILES are Quick, Draw! files of every kind (simplified, raw, binary, npz), SVG, polyline JSON, or folders of them:
    each sub-folder of drawings that do not name their category is one. Drawings that Google has not simplified are
    moved, scaled, resampled and simplified as Google does.

    Each category is a file of its own in the store, so that more can be added later, and on several machines at once.
    What is interrupted goes on when the same command is given again. Training splits the drawings by a hash of their
    key_id, 85 % to train, 5 % to validate, 10 % to test.
    """
    from sketchrnn.cli.progress import reading
    from sketchrnn.dataset.encode import Selection
    from sketchrnn.dataset.prepare import prepare as prepare_store

    if Path(output).exists() and not Path(output).is_dir():
        raise click.BadParameter(f"{output!r} is a file, not a folder", param_hint="--output")
    selection = Selection(
        recognized, tuple(sorted(set(countries))), min_length, max_length, limit or 0, epsilon, category
    )
    with reading() as progress:
        report = prepare_store(
            files,
            output,
            selection,
            processes=processes or os.cpu_count() or 1,
            force=force,
            progress=progress,
        )
    say(str(report))
    say(f"wrote {output}")

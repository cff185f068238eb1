"""``sketchrnn prepare``."""

from __future__ import annotations

import os
from pathlib import Path

import click

from sketchrnn.cli.messages import LOGGER


@click.command(
    epilog="""\b
Examples:
  sketchrnn prepare samples/pig.ndjson samples/cactus.ndjson -o data/garden
  sketchrnn prepare samples --category doodle --max-length 100 -o data/doodles
  sketchrnn stats data/garden
"""
)
@click.argument("files", nargs=-1, required=True)
@click.option(
    "-o",
    "--output",
    metavar="STORE",
    required=True,
    help="Folder of the store; a new one is made, an old one extended.",
)
@click.option("--category", metavar="NAME", help="Category of drawings without one.  [default: name of folder or file]")
@click.option("--recognized", is_flag=True, help="Skip drawings that the game did not recognize.")
@click.option(
    "--country",
    "countries",
    metavar="CODE",
    multiple=True,
    help="Keep only drawings from this country, such as US; can be repeated.",
)
@click.option(
    "--min-length", type=click.IntRange(1), default=1, show_default=True, help="Skip drawings with fewer rows."
)
@click.option(
    "--max-length", type=click.IntRange(1), default=1000, show_default=True, help="Skip drawings with more rows."
)
@click.option("--limit", type=click.IntRange(1), help="Keep only the first drawings of each category.")
@click.option(
    "--epsilon",
    type=click.FloatRange(0, 100),
    default=2.0,
    show_default=True,
    help="Tolerance of simplification, in 1/255 of the drawing; 0 = keep all points.",
)
@click.option(
    "--processes",
    type=click.IntRange(1, 1024),
    help="Read files with this number of processes.  [default: one per core]",
)
@click.option("--force", is_flag=True, help="Replace the categories of these files.")
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
    """Convert FILES to a store for training.

    FILES are drawings, or folders of drawings, in any format that `sketchrnn info --formats` lists. They can be
    compressed (.gz, .bz2, .xz). The category of a drawing is its own word, else the name of its sub-folder or file.
    Drawings that Google has not simplified are moved, scaled, resampled and simplified in the same way.

    A store is a folder with one file per category. You can add categories later, also from several machines at once.
    If the command is interrupted, run it again to resume. A hash of key_id splits the drawings: 85 % for training, 5 %
    for validation, 10 % for tests. At least one drawing is used for validation.
    """
    from sketchrnn.cli.progress import reading
    from sketchrnn.dataset.encode import Selection
    from sketchrnn.dataset.prepare import prepare as prepare_store

    if Path(output).exists() and not Path(output).is_dir():
        raise click.BadParameter(f"expected a folder, found the file {output!r}", param_hint="--output")
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
    LOGGER.info(str(report))
    LOGGER.info(f"wrote {output}")

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
@click.option(
    "--recognized", is_flag=True, help="Skip drawings that the game did not recognize; keep those without this field."
)
@click.option(
    "--country",
    "countries",
    metavar="CODE",
    multiple=True,
    help="Keep only drawings from this country, such as US; repeatable.",
)
@click.option("--min-length", type=click.IntRange(1), default=1, show_default=True, help="Skip drawings of fewer rows.")
@click.option(
    "--max-length", type=click.IntRange(1), default=1000, show_default=True, help="Skip drawings of more rows."
)
@click.option("--limit", type=click.IntRange(1), help="Keep only the first drawings of each category.")
@click.option(
    "--epsilon",
    type=click.FloatRange(0, 100),
    default=2.0,
    show_default=True,
    help="Tolerance of simplification, in 1/255 of the drawing; 0 keeps all points.",
)
@click.option(
    "--processes", type=click.IntRange(1, 1024), help="Number of processes that read.  [default: one per core]"
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
    """Prepare FILES for training, as a store that is mapped into memory.

    FILES are drawings in any format that `sketchrnn info --formats` lists, also compressed (.gz, .bz2, .xz), or folders
    of them: a sub-folder is the category of its drawings, unless they name another. Drawings that Google has not
    simplified are moved, scaled, resampled and simplified in the same way.

    Each category is one file of the store, so that categories can be added later, and on several machines at once. An
    interrupted preparation is resumed by the same command. A hash of key_id splits the drawings: 85 % train, 5 %
    validate, 10 % test; of few drawings at least one validates.
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
    LOGGER.info(str(report))
    LOGGER.info(f"wrote {output}")

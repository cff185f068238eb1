"""``sketchrnn render``, ``download``, ``prepare`` and ``stats``."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sketchrnn.cli import options
from sketchrnn.cli.messages import LOGGER, table
from sketchrnn.dataset.encode import Selection

if TYPE_CHECKING:
    from sketchrnn.cli.drawings import Target
    from sketchrnn.dataset.load import Stats

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
@options.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Seed of the choice of --random.")
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
    from sketchrnn.dataset.load import choose
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


@click.command(
    epilog="""\b
Examples:
  sketchrnn download --list
  sketchrnn download cat "alarm clock" --dry-run
  sketchrnn download --all --kind npz --to data --dry-run
"""
)
@click.argument("categories", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="Download all 345 categories.")
@click.option(
    "--kind",
    type=click.Choice(["simplified", "raw", "binary", "npz"]),
    default="simplified",
    show_default=True,
    help="Kind of file: raw = with times; npz = the split drawings of the Sketch-RNN paper.",
)
@click.option(
    "--to", "folder", metavar="FOLDER", default="data", show_default=True, help="Write the files to this folder."
)
@click.option(
    "--limit", type=click.IntRange(1), help="Download only this number of drawings per category (not for npz)."
)
@click.option(
    "--jobs",
    type=click.IntRange(1, 16),
    default=4,
    show_default=True,
    help="Download this number of files at the same time.",
)
@options.mirror("SKETCHRNN_QUICKDRAW")
@click.option("--list", "listing", is_flag=True, help="Print the names of all categories and exit.")
@click.option("--dry-run", is_flag=True, help="Print the address of each file and exit.")
@options.force
def download(
    categories: tuple[str, ...],
    everything: bool,
    kind: str,
    folder: str,
    limit: int | None,
    jobs: int,
    base: str | None,
    listing: bool,
    dry_run: bool,
    force: bool,
) -> None:
    """Download drawings of CATEGORIES from Google's Quick, Draw! dataset (CC BY 4.0).

    Existing files are kept. If a download is interrupted, run the same command again to resume it. The size and MD5 of
    each file are checked. With --limit 100, the drawings of cat are written to cat.first100.ndjson.
    """
    from sketchrnn.cli.progress import Downloads
    from sketchrnn.dataset.quickdraw import BASE_ADDRESS, CATEGORIES, fetch, plan

    if listing:
        click.echo("\n".join(CATEGORIES))
        return
    if everything == bool(categories):
        raise click.UsageError("expected categories or --all")
    if limit is not None and kind == "npz":
        raise click.UsageError("--limit cannot be used with npz files")
    wanted = plan(CATEGORIES if everything else categories, kind, folder, limit, base or BASE_ADDRESS)
    if dry_run:
        click.echo("\n".join(f"{one.address} -> {one.path}" for one in wanted))
        return
    missing = [one for one in wanted if force or not one.path.is_file()]
    if len(wanted) > len(missing):
        LOGGER.info(f"{len(wanted) - len(missing)} of {len(wanted)} files exist already")
    with Downloads(len(missing)) as shown:
        fetch(missing, jobs=jobs, observer=shown)


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
    help="Folder of the store. A new folder is created; an existing store is extended.",
)
@options.gathered((Selection,), [*options.setting_options(Selection)], "selection")
@click.option(
    "--processes",
    type=click.IntRange(1, 1024),
    help="Read files with this number of processes.  [default: one per core]",
)
@click.option("--force", is_flag=True, help="Replace the categories of these files.")
def prepare(
    files: tuple[str, ...],
    output: str,
    selection: dict[str, Any],
    processes: int | None,
    force: bool,
) -> None:
    """Convert FILES to a store for training.

    FILES are drawings, or folders of drawings, in any format that `sketchrnn info --formats` lists. They can be
    compressed (.gz, .bz2, .xz). The category of a drawing is its own word. Without a word, it is the name of its
    sub-folder or file. Drawings that Google has not simplified are moved, scaled, resampled and simplified in the same
    way.

    A store is a folder with one file per category. You can add categories later, also from several machines at once.
    If the command is interrupted, run it again to resume. The drawings are split: 85 % for training, 5 % for
    validation, 10 % for tests. A hash of its key_id decides where a drawing goes, so that it always goes to the same
    part. At least one drawing is used for validation.
    """
    from sketchrnn.cli.progress import bytes_done
    from sketchrnn.dataset.prepare import prepare as prepare_store

    if Path(output).exists() and not Path(output).is_dir():
        raise click.BadParameter(f"expected a folder, found the file {output!r}", param_hint="--output")
    countries = tuple(sorted(set(selection["countries"])))
    chosen = Selection(**{**selection, "countries": countries})
    processes = processes or os.cpu_count() or 1
    with bytes_done("reading") as progress:
        report = prepare_store(files, output, chosen, processes=processes, force=force, progress=progress)
    LOGGER.info(str(report))
    LOGGER.info(f"wrote {output}")


_MOST_CURVES = 8
"""Most categories that a figure shows separately."""


@click.command(
    epilog="""\b
Examples:
  sketchrnn stats samples/*.ndjson
  sketchrnn generate --category cat -n 60 -o cats.ndjson
  sketchrnn prepare cats.ndjson -o data/cats
  sketchrnn stats data/cats --json
"""
)
@click.argument("files", nargs=-1, required=True)
@options.option(
    "--plot",
    cls=options.OutputOption,
    suffixes=(".svg", ".png", ".pdf"),
    metavar="FILE",
    help="Plot the distribution of lengths (.svg, .png, .pdf); needs the extra [plot].",
)
@options.as_json
@options.force
def stats(files: tuple[str, ...], plot: str | None, as_json: bool, force: bool) -> None:
    """Show the number and lengths of the drawings in FILES (stores or files of drawings).

    The length of a drawing is its number of stroke-3 rows, one less than its number of points. offset_scale is the
    standard deviation of the offsets between points. Training divides offsets by it.
    """
    from sketchrnn.cli.progress import bytes_done
    from sketchrnn.dataset.load import open_all, stats_of
    from sketchrnn.dataset.store import unit_of
    from sketchrnn.files import check_writable

    if plot is not None:
        check_writable(plot, force=force)
    with bytes_done("reading") as progress:
        shards, notes = open_all(files, processes=os.cpu_count() or 1, progress=progress)
    for note in notes:
        LOGGER.info(note)
    each, together = stats_of(shards)
    if as_json:
        sources = {shard.category: shard.information["sources"] for shard in shards}
        dropped = {shard.category: shard.information["tally"]["dropped"] for shard in shards}
        categories = [one.to_json() | {"sources": sources[one.name], "left_out": dropped[one.name]} for one in each]
        values = {"unit": unit_of(shards), "categories": categories, "all": together.to_json()}
        click.echo(json.dumps(values, indent=2))
    else:
        unit = "the 255 box" if unit_of(shards) == "box" else "the unit of the files"
        click.echo(f"lengths in rows; offset_scale in {unit}")
        click.echo(_table([*each, together] if len(each) > 1 else each))
    if plot is not None:
        _plot(each, together, plot)
        LOGGER.info(f"wrote {plot}")


def _table(lines: list[Stats]) -> str:
    rows = [["category", "drawings", "train", "valid", "test", "mean", "5%", "50%", "95%", "longest", "offset_scale"]]
    rows[0].append("bytes each")
    for one in lines:
        values: dict[str, Any] = one.to_json()
        rows.append(
            [
                one.name,
                *(f"{values[name]:,}" for name in ("drawings", "train", "valid", "test")),
                f"{values['mean_length']:.1f}",
                *(f"{values[name]:,}" for name in ("length_5", "length_50", "length_95", "longest")),
                f"{one.offset_scale:.2f}",
                f"{one.stored_bytes / max(1, one.drawings):.0f}",
            ]
        )
    return table(rows)


def _plot(each: list[Stats], together: Stats, path: str) -> None:
    import numpy as np

    from sketchrnn.errors import import_extra
    from sketchrnn.files import atomic_write

    figure = import_extra("matplotlib.figure", "plot", "--plot needs matplotlib").Figure(
        figsize=(7, 4), layout="constrained"
    )
    axes = figure.subplots()
    shown = sorted(each, key=lambda one: -one.drawings)[:_MOST_CURVES]
    for one in shown if len(each) > 1 else []:
        share = np.cumsum(one.length_counts) / one.drawings
        axes.step(np.arange(len(share)), 100 * share, where="post", linewidth=1, label=one.name)
    share = np.cumsum(together.length_counts) / together.drawings
    axes.step(np.arange(len(share)), 100 * share, "k", where="post", linewidth=2, label=f"all {len(each)}")
    axes.set(
        xlabel="length (rows)",
        ylabel="% of the drawings with at most this length",
        xlim=(0, max(2, together.percentile(99.5))),
    )
    axes.grid(alpha=0.3)
    axes.legend(frameon=False)
    with atomic_write(path) as file:
        figure.savefig(file, format=Path(path).suffix.lstrip(".").lower() or "svg")

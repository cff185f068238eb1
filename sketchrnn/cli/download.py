"""``sketchrnn download``."""

from __future__ import annotations

import click

from sketchrnn.cli import options
from sketchrnn.cli.messages import LOGGER


@click.command(
    epilog="""\b
Examples:
  sketchrnn download --list
  sketchrnn download cat "alarm clock" --dry-run
  sketchrnn download --all --kind npz --to data --dry-run
"""
)
@click.argument("categories", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="All 345 categories.")
@click.option(
    "--kind",
    type=click.Choice(["simplified", "raw", "binary", "npz"]),
    default="simplified",
    show_default=True,
    help="Kind of file: raw has times; npz is the selection of Sketch-RNN, with splits.",
)
@click.option("--to", "folder", metavar="FOLDER", default="data", show_default=True, help="Folder for the files.")
@click.option("--limit", type=click.IntRange(1), help="Fetch only the first drawings of each file (not of npz).")
@click.option(
    "--jobs", type=click.IntRange(1, 16), default=4, show_default=True, help="Number of files fetched at the same time."
)
@click.option(
    "--base",
    metavar="ADDRESS",
    envvar="SKETCHRNN_QUICKDRAW",
    help="Address of a mirror.  [default: Google's; env: SKETCHRNN_QUICKDRAW]",
)
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
    """Fetch drawings of CATEGORIES from Google's Quick, Draw! dataset (CC BY 4.0).

    Files that exist already are kept. An interrupted download is resumed by the same command. Size and MD5 are checked
    before a file gets its name. With --limit the name is cat.first100.ndjson, so that it is not mistaken for the
    complete file.
    """
    from sketchrnn.cli.progress import Downloads
    from sketchrnn.dataset.quickdraw import BASE_ADDRESS, CATEGORIES, fetch, plan

    if listing:
        click.echo("\n".join(CATEGORIES))
        return
    if everything == bool(categories):
        raise click.UsageError("name categories, or give --all")
    if limit is not None and kind == "npz":
        raise click.UsageError("--limit: an npz file cannot be read in part")
    wanted = plan(CATEGORIES if everything else categories, kind, folder, limit, base or BASE_ADDRESS)
    if dry_run:
        click.echo("\n".join(f"{one.address} -> {one.path}" for one in wanted))
        return
    missing = [one for one in wanted if force or not one.path.is_file()]
    if len(wanted) > len(missing):
        LOGGER.info(f"{len(wanted) - len(missing)} of {len(wanted)} files exist already")
    with Downloads(len(missing)) as shown:
        fetch(missing, jobs=jobs, observer=shown)

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
@click.option("--all", "everything", is_flag=True, help="Download all 345 categories.")
@click.option(
    "--kind",
    type=click.Choice(["simplified", "raw", "binary", "npz"]),
    default="simplified",
    show_default=True,
    help="Kind of file: raw = with times; npz = the drawings of the Sketch-RNN paper, split.",
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
@click.option(
    "--base",
    metavar="ADDRESS",
    envvar="SKETCHRNN_QUICKDRAW",
    help="Download from this mirror.  [default: Google's; env: SKETCHRNN_QUICKDRAW]",
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
    """Download drawings of CATEGORIES from Google's Quick, Draw! dataset (CC BY 4.0).

    Existing files are kept. If a download is interrupted, run the same command again to resume it. The size and MD5 of
    each file are checked. With --limit 100, the file of cat is cat.first100.ndjson.
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

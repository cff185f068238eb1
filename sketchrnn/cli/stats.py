"""``sketchrnn stats``."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import click

from sketchrnn.cli import options
from sketchrnn.cli.messages import LOGGER

if TYPE_CHECKING:
    from sketchrnn.dataset.contents import Stats

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
@click.option(
    "--plot", metavar="FILE", help="Plot the distribution of lengths (.svg, .png, .pdf); needs the extra [plot]."
)
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
@options.force
def stats(files: tuple[str, ...], plot: str | None, as_json: bool, force: bool) -> None:
    """Show the number and lengths of the drawings in FILES (stores or files of drawings).

    A length is the number of stroke-3 rows, which is one less than the number of points. Training divides offsets by
    offset_scale.
    """
    from sketchrnn.cli.progress import reading
    from sketchrnn.dataset.contents import stats_of
    from sketchrnn.dataset.load import open_all
    from sketchrnn.files import check_writable

    if plot is not None:
        check_writable(plot, force=force)
    with reading() as progress:
        store, notes = open_all(files, processes=os.cpu_count() or 1, progress=progress)
    for note in notes:
        LOGGER.info(note)
    each, together = stats_of(store)
    if as_json:
        sources = {shard.category: shard.information["sources"] for shard in store.shards}
        dropped = {shard.category: shard.information["tally"]["dropped"] for shard in store.shards}
        categories = [one.to_json() | {"sources": sources[one.name], "left_out": dropped[one.name]} for one in each]
        values = {"unit": store.unit(), "categories": categories, "all": together.to_json()}
        click.echo(json.dumps(values, indent=2))
    else:
        unit = "the 255 box" if store.unit() == "box" else "the unit of the files"
        click.echo(f"lengths in rows; offset_scale in {unit}")
        click.echo(_table([*each, together] if len(each) > 1 else each))
    if plot is not None:
        _plot(each, together, plot)
        LOGGER.info(f"wrote {plot}")


def _table(lines: list[Stats]) -> str:
    headings = ["category", "drawings", "train", "valid", "test", "mean", "5%", "50%", "95%", "longest", "offset_scale"]
    table = [headings]
    for one in lines:
        values: dict[str, Any] = one.to_json()
        table.append(
            [
                one.name,
                *(f"{values[name]:,}" for name in ("drawings", "train", "valid", "test")),
                f"{values['mean_length']:.1f}",
                *(f"{values[name]:,}" for name in ("length_5", "length_50", "length_95", "longest")),
                f"{one.offset_scale:.2f}",
            ]
        )
    table[0].append("bytes each")
    for row, one in zip(table[1:], lines, strict=True):
        row.append(f"{one.stored_bytes / max(1, one.drawings):.0f}")
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if index == 0 else cell.rjust(width)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in table
    )


def _plot(each: list[Stats], together: Stats, path: str) -> None:
    from pathlib import Path

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

"""``sketchrnn evaluate``."""

from __future__ import annotations

import csv
import io
import json
import os
from typing import Any

import click

from sketchrnn.cli import options
from sketchrnn.cli.messages import LOGGER
from sketchrnn.errors import DatasetError
from sketchrnn.training import check_torch
from sketchrnn.training.configuration import TrainingConfiguration

HEADINGS = ("category", "drawings", "L_R", "L_KL", "nats_0", "nats_25", "nats_50", "nats_75")
(SEED,) = options.setting_options(TrainingConfiguration, "seed")


@click.command(
    epilog="""\b
Examples:
  sketchrnn generate --category cat -n 60 -o cats.ndjson
  sketchrnn evaluate shipped cats.ndjson
  sketchrnn evaluate shipped cats.ndjson --split all --csv
"""
)
@click.argument("model", shell_complete=options.complete_model)
@click.argument("files", nargs=-1, required=True)
@click.option(
    "--split",
    type=click.Choice(["test", "valid", "train", "all"]),
    default="test",
    show_default=True,
    help="Measure on the drawings of this split.",
)
@click.option(
    "--latent",
    type=click.Choice(["none", "prefix", "whole", "prior"]),
    help="Source of z for nats per point.  [default: none if the model can, else prefix]",
)
@click.option(
    "--offset-scale",
    type=click.FloatRange(0, min_open=True),
    help="Divide offsets by this.  [default: that of the model; for Google's decoders, fitted]",
)
@click.option(
    "--max-length",
    type=click.IntRange(1),
    help="Skip drawings with more points than this.  [default: Nmax of the model]",
)
@click.option("--batch-size", type=click.IntRange(1), default=250, show_default=True, help="Drawings in a batch.")
@options.device
@SEED
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV.")
def evaluate(
    model: str,
    files: tuple[str, ...],
    split: str,
    latent: str | None,
    offset_scale: float | None,
    max_length: int | None,
    batch_size: int,
    device: str,
    seed: int,
    as_json: bool,
    as_csv: bool,
) -> None:
    """Measure MODEL on the drawings of FILES, per category and overall.

    MODEL is a checkpoint, or `shipped`. FILES are stores or files of drawings. L_R and L_KL are the losses of the
    paper, per drawing; compare them only between models with the same Nmax. nats_0 to nats_75 are nats per point after
    0, 25, 50 and 75 % of each drawing: the mean of -log p of all later rows and of the end. The density is per pixel of
    the 255 box, or per canvas pixel for a model that was trained only on npz files. Lower is better.
    """
    check_torch("evaluate")
    if as_json and as_csv:
        raise click.UsageError("--json and --csv cannot be used together")
    from sketchrnn.model.loading import load_model

    checkpoint = load_model(model)

    from sketchrnn.cli.progress import reading
    from sketchrnn.dataset.load import load
    from sketchrnn.training.distributed import choose_device
    from sketchrnn.training.evaluation import evaluate as measure
    from sketchrnn.training.evaluation import fit_offset_scale
    from sketchrnn.training.network.sketch_rnn import SketchRNN

    with reading() as progress:
        drawings, report = load(
            files,
            max_length=max_length or checkpoint.max_length,
            unit=checkpoint.unit,
            processes=os.cpu_count() or 1,
            progress=progress,
        )
    LOGGER.info(str(report))
    if checkpoint.configuration.categories:
        drawings = drawings.with_categories(checkpoint.configuration.categories)
    network = SketchRNN.from_checkpoint(checkpoint).to(choose_device(device))
    measured_on = drawings.of_split(split)
    if not len(measured_on):
        counts = ", ".join(f"{count:,} {name}" for name, count in report.splits.items())
        raise DatasetError(
            f"expected drawings in the {split} split, found none ({counts}). --split all measures all drawings"
        )
    scale = checkpoint.offset_scale if offset_scale is None else offset_scale
    if offset_scale is None and "imported" in checkpoint.training:
        scale = fit_offset_scale(network, measured_on, scale)
        LOGGER.info(f"offset scale {scale:.4g}, fitted to the drawings; --offset-scale sets it")
    scores = measure(
        network,
        measured_on,
        scale,
        checkpoint.max_length,
        latent=latent,
        batch_size=batch_size,
        seed=seed,
    )
    rows = [
        _row(name, scores.of_category(index))
        for index, name in enumerate(drawings.categories)
        if (scores.category == index).any()
    ]
    overall = _row("overall", scores)
    if as_json:
        measured = {"max_length": checkpoint.max_length, "split": split, "categories": rows, "overall": overall}
        click.echo(json.dumps(measured, indent=2))
        return
    table = [*rows, overall]
    if as_csv:
        text = io.StringIO()
        writer = csv.DictWriter(text, HEADINGS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(table)
        click.echo(text.getvalue(), nl=False)
        return
    unit = "pixel of the 255 box" if checkpoint.unit == "box" else "unit of the files"
    click.echo(f"{split} split; L_R and L_KL at Nmax {checkpoint.max_length}; nats per point (per {unit}) after x %")
    width = max(len(row["category"]) for row in table)
    click.echo(f"{'category':{width}} {'drawings':>8}" + "".join(f" {heading:>8}" for heading in HEADINGS[2:]))
    for row in table:
        click.echo(
            f"{row['category']:{width}} {row['drawings']:8d}"
            + "".join(f" {row[heading]:8.3f}" for heading in HEADINGS[2:])
        )


def _row(name: str, scores: Any) -> dict[str, Any]:
    values = (name, len(scores), scores.mean_reconstruction, scores.mean_kl, *scores.nats_per_point)
    return dict(zip(HEADINGS, values, strict=True))

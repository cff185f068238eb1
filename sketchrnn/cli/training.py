"""``sketchrnn train``, ``train-recognizer`` and ``evaluate``."""

from __future__ import annotations

import contextlib
import csv
import dataclasses
import io
import json
import logging
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sketchrnn.cli import check_outputs_apart, options
from sketchrnn.cli.messages import LOGGER, table
from sketchrnn.errors import ConfigurationError, DatasetError
from sketchrnn.files import check_writable
from sketchrnn.model.configuration import ModelConfiguration
from sketchrnn.settings import FILES, MACHINE, NETWORK, TRAINING, Setting, settings_of
from sketchrnn.training import check_torch
from sketchrnn.training.configuration import RecognizerTraining, TrainingConfiguration
from sketchrnn.training.files import check_run_files, last_path, lock_run, sheets_path, written_files

if TYPE_CHECKING:
    from sketchrnn.dataset.drawings import Drawings
    from sketchrnn.dataset.store import Report
    from sketchrnn.model.checkpoint import Checkpoint

OWNERS = (ModelConfiguration, TrainingConfiguration)
SET_BY_OPTIONS = frozenset(
    ["categories", "variational", "latent_dropout", "clarity", "max_steps", "batch_size", "seed", "precision"]
)
SETTINGS: dict[str, tuple[Any, Setting]] = {
    name: (default, description)
    for owner in OWNERS
    for name, default, description in settings_of(owner)
    if name not in SET_BY_OPTIONS
}
"""The settings of --set."""


def _set(ctx: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> dict[str, Any]:
    """Return the value of each NAME=VALUE; print all names for "help"."""
    if "help" in values:
        formatter = ctx.make_formatter()
        formatter.write_dl(
            [
                (f"{name}={default}".lower() if isinstance(default, bool) else f"{name}={default}", description.help)
                for name, (default, description) in SETTINGS.items()
            ]
        )
        click.echo(formatter.getvalue(), nl=False)
        ctx.exit()
    found = {}
    for text in values:
        name, equals, value = text.partition("=")
        if not equals or name not in SETTINGS:
            raise click.BadParameter(
                f"expected NAME=VALUE, found {text!r}. `--set help` lists all names", ctx, parameter
            )
        try:
            found[name] = SETTINGS[name][1].from_text(value)
        except ConfigurationError as error:
            raise click.BadParameter(f"{name}: {error}", ctx, parameter) from None
    return found


@click.command(
    cls=options.PanelCommand,
    epilog="""\b
Examples:
  sketchrnn generate --category cat -n 60 -o cats.ndjson
  sketchrnn train cats.ndjson -o cats.safetensors --max-steps 10 --set decoder_units=64
  sketchrnn train cats.ndjson -o cats.safetensors --max-steps 20 --set decoder_units=64 --resume
  sketchrnn train cats.ndjson -o more-cats.safetensors --from shipped --max-steps 2
  sketchrnn generate --category bus -n 60 -o buses.ndjson
  sketchrnn train cats.ndjson buses.ndjson -o both.safetensors --max-steps 5 --set decoder_units=64 --recognizer
  sketchrnn train --set help
""",
)
@click.argument("files", nargs=-1, required=True)
@options.checkpoint_output
@options.option(
    "--from",
    "started_from",
    metavar="MODEL",
    shell_complete=options.complete_model,
    panel=NETWORK,
    common=True,
    help="Start from the weights of MODEL (or: shipped) and add your categories.",
)
@options.option(
    "--clarity-from",
    "rated_by",
    metavar="MODEL",
    shell_complete=options.complete_model,
    panel=NETWORK,
    help="Rate the drawings with the recognizer of MODEL; the result then supports --clarity.",
)
@options.option(
    "--recognizer",
    is_flag=True,
    panel=NETWORK,
    help="Also train a recognizer on the same drawings, as train-recognizer does.",
)
@options.option(
    "--decoder-only",
    is_flag=True,
    panel=NETWORK,
    common=True,
    help="Train without encoder and z. This is the smallest model that can complete.",
)
@options.gathered(
    OWNERS,
    [
        *options.setting_options(ModelConfiguration, "latent_dropout"),
        *options.setting_options(TrainingConfiguration, "max_steps", "batch_size", "seed"),
    ],
    "configured",
)
@options.option(
    "--max-minutes",
    type=click.FloatRange(0, min_open=True),
    panel=TRAINING,
    common=True,
    help="Stop after this time, in minutes. Continue with --resume.",
)
@options.option("--resume", is_flag=True, panel=FILES, common=True, help="Resume the run that writes to --output.")
@options.option(
    "--max-length",
    type=click.IntRange(2),
    default=250,
    show_default=True,
    panel=TRAINING,
    help="Skip drawings with more points than this (Nmax).",
)
@options.option(
    "--set",
    "chosen",
    metavar="NAME=VALUE",
    multiple=True,
    is_eager=True,
    callback=_set,
    panel=TRAINING,
    common=True,
    help="Set another setting, such as decoder_units=256; --set help lists all.",
)
@options.device
@options.option(
    "--precision",
    type=click.Choice(["auto", "float32", "bfloat16"]),
    default="auto",
    show_default=True,
    panel=MACHINE,
    help="Number format of matrix products; auto = bfloat16 on processors that support it.",
)
@options.option(
    "--tensorboard",
    metavar="FOLDER",
    panel=FILES,
    help="Write figures and previews for `tensorboard --logdir FOLDER`.",
)
@options.force
def train(
    files: tuple[str, ...],
    output: str,
    configured: dict[str, Any],
    chosen: dict[str, Any],
    *,
    resume: bool,
    max_minutes: float | None,
    started_from: str | None,
    rated_by: str | None,
    recognizer: bool,
    decoder_only: bool,
    max_length: int,
    device: str,
    tensorboard: str | None,
    force: bool,
) -> None:
    """Train a model on the drawings of FILES.

    FILES are stores that `sketchrnn prepare` wrote, or any files and folders that it reads, of one category or many.
    Files are first prepared into a cache. The drawings are split into training, validation and test drawings, as by
    `sketchrnn prepare`; npz files have their own split.

    OUTPUT is the model that is best on the validation drawings. Three more outputs are written beside it. --resume
    needs the last state (OUTPUT.last.safetensors). The log (OUTPUT.log.jsonl) has a line of JSON for each report. Each
    evaluation adds a picture of completions of the same prefixes (OUTPUT.sheets/).

    Ctrl-C and SIGTERM save everything and exit with 130. If torchrun starts several processes, they share each batch.
    """
    check_torch("train")
    path = Path(output)
    under_torchrun = "TORCHELASTIC_RUN_ID" in os.environ
    writes = not under_torchrun or os.environ["RANK"] == "0"
    if writes:
        with lock_run(path):
            check_run_files(path, overwrite=force or resume)
        sheets = sheets_path(path)
        in_sheets = [one for one in sheets.glob("*") if any(map(sheets.samefile, filter(os.path.isdir, files)))]
        check_outputs_apart(written_files(path), [*files, *in_sheets], are_drawings=False)
    else:
        LOGGER.setLevel(logging.ERROR)  # one process writes the messages

    from sketchrnn.cli.progress import TrainingProgress
    from sketchrnn.model.loading import load_model
    from sketchrnn.model.recognizer import Recognizer
    from sketchrnn.training.distributed import choose_device, choose_precision, join_workers
    from sketchrnn.training.reports import Observer, Observers, TensorBoard
    from sketchrnn.training.run import train as run

    values = configured | chosen
    precision = values.pop("precision")
    network, settings = ({n: values[n] for n, *_ in settings_of(owner) if n in values} for owner in OWNERS)
    start = None if started_from is None else load_model(started_from)
    if start is None:
        model = ModelConfiguration(variational=not decoder_only, **network)
    else:
        if decoder_only:
            raise click.UsageError("--decoder-only cannot be used with --from, which keeps the architecture of MODEL")
        model = dataclasses.replace(start.configuration, **network)
    rating = None
    if rated_by is not None:
        rating = Recognizer(load_model(rated_by))
        model = dataclasses.replace(model, clarity=True)
    with contextlib.ExitStack() as stack:
        workers = stack.enter_context(join_workers())
        device = choose_device(device)
        training = TrainingConfiguration(precision=choose_precision(precision, device), **settings)
        drawings, _ = _load(files, max_length=max_length)
        known = set(drawings.categories) | set(() if start is None else start.configuration.categories)
        if recognizer and len(known) < 2:
            raise click.UsageError("--recognizer: expected drawings of several categories, found one category")
        processes = f" by {workers.size} processes" if workers.size > 1 else ""
        categories = "1 category" if len(drawings.categories) == 1 else f"{len(drawings.categories)} categories"
        LOGGER.info(f"training on {device}{processes} in {training.precision}, {categories}")
        observers: list[Observer] = []
        if writes:
            observers.append(stack.enter_context(TrainingProgress(training.max_steps)))
        if writes and tensorboard is not None:
            observers.append(stack.enter_context(contextlib.closing(TensorBoard(tensorboard))))
        outcome = run(
            drawings,
            model,
            training,
            path,
            max_length=max_length,
            device=device,
            resume=resume,
            overwrite=force,
            max_seconds=float("inf") if max_minutes is None else 60.0 * max_minutes,
            observer=Observers(observers),
            workers=workers,
            start=start,
            rated_by=rating,
        )
    if outcome.finished:
        LOGGER.info(f"wrote {output}: the best of {outcome.step:,} steps, step {outcome.best_step:,}")
        if recognizer and writes:
            trained = load_model(path)
            known_drawings = drawings.with_categories(trained.configuration.categories)
            add_recognizer(trained, known_drawings, output, RecognizerTraining(seed=training.seed), device=device)
        return
    LOGGER.info(f"stopped at step {outcome.step:,}; the state is in {last_path(path)}; --resume continues")
    if outcome.interrupted:
        raise KeyboardInterrupt  # the group of commands turns it into its exit code


@click.command(
    cls=options.PanelCommand,
    epilog="""\b
Examples:
  sketchrnn generate --category cat -n 60 -o cats.ndjson
  sketchrnn generate --category bus -n 60 -o buses.ndjson
  sketchrnn train cats.ndjson buses.ndjson -o both.safetensors --max-steps 10 --set decoder_units=64
  sketchrnn train-recognizer both.safetensors cats.ndjson buses.ndjson -o named.safetensors --steps 20
""",
)
@click.argument("model", shell_complete=options.complete_model)
@click.argument("files", nargs=-1, required=True)
@options.checkpoint_output
@options.gathered(
    (RecognizerTraining,), [*options.setting_options(RecognizerTraining, "steps", "batch_size", "seed")], "settings"
)
@options.device
@options.force
def train_recognizer(
    model: str, files: tuple[str, ...], settings: dict[str, Any], *, output: str, device: str, force: bool
) -> None:
    """Add a recognizer to MODEL, trained on the drawings of FILES.

    A recognizer guesses the category of a whole or partial drawing from its picture. With a recognizer, `guess` is
    right more often, and `complete` can choose a category and the best of several candidates (--best-of).

    FILES are the drawings that MODEL was trained on: stores, or any files that `sketchrnn prepare` reads. OUTPUT is
    MODEL with the new recognizer.
    """
    check_torch("train-recognizer")
    check_writable(output, force=force)

    from sketchrnn.model.loading import load_model
    from sketchrnn.training.distributed import choose_device

    checkpoint = load_model(model)
    drawings, _ = _load(files)
    drawings = drawings.with_categories(checkpoint.configuration.categories)
    add_recognizer(checkpoint, drawings, output, RecognizerTraining(**settings), device=choose_device(device))


def _load(files: tuple[str, ...], **selection: Any) -> tuple[Drawings, Report]:
    """Load drawings with a progress bar, and report how many were read."""
    from sketchrnn.cli.progress import bytes_done
    from sketchrnn.dataset.load import load

    with bytes_done("reading") as progress:
        drawings, report = load(files, processes=os.cpu_count() or 1, progress=progress, **selection)
    LOGGER.info(str(report))
    return drawings, report


def add_recognizer(
    checkpoint: Checkpoint, drawings: Drawings, output: str, training: RecognizerTraining, *, device: str
) -> None:
    """Train a recognizer for a model, show the progress, and write the model with its recognizer."""
    from sketchrnn.cli.progress import steps_of
    from sketchrnn.model.checkpoint import save_checkpoint
    from sketchrnn.training.distributed import choose_precision
    from sketchrnn.training.recognizer import default_steps, with_recognizer

    steps = training.steps or default_steps(drawings)
    with steps_of(steps) as on_step:
        trained, measures = with_recognizer(
            checkpoint,
            drawings,
            replace(training, steps=steps),
            device=device,
            bfloat16=choose_precision("auto", device) == "bfloat16",
            on_step=on_step,
        )
    save_checkpoint(trained, output)
    LOGGER.info(f"wrote {output}: {measures}")


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
    help="Source of z for nats per point.  [default: none if possible, else prefix]",
)
@click.option(
    "--offset-scale",
    type=click.FloatRange(0, min_open=True),
    help="Divide offsets by this number.  [default: the model's; for Google's decoders, fitted]",
)
@click.option(
    "--max-length",
    type=click.IntRange(1),
    help="Skip drawings with more points than this.  [default: Nmax of the model]",
)
@click.option("--batch-size", type=click.IntRange(1), default=250, show_default=True, help="Drawings in a batch.")
@options.device
@SEED
@options.as_json
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

    MODEL is a checkpoint, or `shipped`. FILES are stores or files of drawings. For all measures, lower is better.

    L_R and L_KL are the losses of the paper, per drawing. Compare them only between models with the same Nmax. nats_0,
    nats_25, nats_50 and nats_75 show how well the model predicts the rest of a drawing after its first 0, 25, 50 and
    75 %: the mean of -log p over all later rows and the end. p is a density per pixel of the 255 box, or per canvas
    pixel for a model that was trained only on npz files.
    """
    check_torch("evaluate")
    if as_json and as_csv:
        raise click.UsageError("--json and --csv cannot be used together")
    from sketchrnn.model.loading import load_model

    checkpoint = load_model(model)

    from sketchrnn.training.distributed import choose_device
    from sketchrnn.training.evaluation import evaluate as measure
    from sketchrnn.training.evaluation import fit_offset_scale
    from sketchrnn.training.network.sketch_rnn import SketchRNN

    drawings, report = _load(files, max_length=max_length or checkpoint.max_length, unit=checkpoint.unit)
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
    rows.append(overall)
    if as_csv:
        text = io.StringIO()
        writer = csv.DictWriter(text, HEADINGS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        click.echo(text.getvalue(), nl=False)
        return
    unit = "pixel of the 255 box" if checkpoint.unit == "box" else "unit of the files"
    click.echo(f"{split} split; L_R and L_KL at Nmax {checkpoint.max_length}; nats per point (per {unit}) after x %")
    texts = [
        [name, str(count), *(f"{value:.3f}" for value in values)] for name, count, *values in map(dict.values, rows)
    ]
    click.echo(table([HEADINGS, *texts]))


def _row(name: str, scores: Any) -> dict[str, Any]:
    values = (name, len(scores), scores.mean_reconstruction, scores.mean_kl, *scores.nats_per_point)
    return dict(zip(HEADINGS, values, strict=True))

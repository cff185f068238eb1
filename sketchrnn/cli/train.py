"""``sketchrnn train``."""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import os
from pathlib import Path
from typing import Any

import click

from sketchrnn.cli import check_outputs_apart, options, shell_completion
from sketchrnn.cli.messages import LOGGER
from sketchrnn.cli.train_recognizer import add_recognizer
from sketchrnn.training import check_torch
from sketchrnn.training.files import check_run_files, last_path, lock_run, sheets_path, written_files

SET_BY_OPTIONS = frozenset(
    ["categories", "variational", "latent_dropout", "clarity", "max_steps", "batch_size", "seed", "precision"]
)


@click.command(
    epilog="""\b
Examples:
  sketchrnn generate --category cat -n 60 -o cats.ndjson
  sketchrnn train cats.ndjson -o cats.safetensors --max-steps 10 --set decoder_units=64
  sketchrnn train cats.ndjson -o cats.safetensors --max-steps 20 --set decoder_units=64 --resume
  sketchrnn train cats.ndjson -o more-cats.safetensors --from shipped --max-steps 2
  sketchrnn generate --category bus -n 60 -o buses.ndjson
  sketchrnn train cats.ndjson buses.ndjson -o both.safetensors --max-steps 5 --set decoder_units=64 --recognizer
"""
)
@click.argument("files", nargs=-1, required=True)
@click.option("-o", "--output", metavar="FILE", required=True, help="Checkpoint to write (.safetensors).")
@click.option("--resume", is_flag=True, help="Resume the run that writes OUTPUT.")
@click.option("--max-steps", type=click.IntRange(1), default=10_000, show_default=True, help="Steps of the whole run.")
@click.option(
    "--max-minutes", type=click.FloatRange(0, min_open=True), help="Stop after this time; --resume continues."
)
@click.option("--batch-size", type=click.IntRange(1), default=100, show_default=True, help="Drawings in a step.")
@click.option(
    "--from",
    "started_from",
    metavar="MODEL",
    shell_complete=shell_completion.models,
    help='Start from the weights of MODEL ("shipped": the package\'s) and add your categories.',
)
@click.option(
    "--clarity-from",
    "rated_by",
    metavar="MODEL",
    shell_complete=shell_completion.models,
    help="Rate the drawings by the recognizer of MODEL; the trained model then has the setting --clarity.",
)
@click.option("--recognizer", is_flag=True, help="Then train a recognizer on the same drawings; see train-recognizer.")
@click.option("--decoder-only", is_flag=True, help="Train without encoder and z: the smallest model that completes.")
@click.option(
    "--latent-dropout", type=float, help="Share of sketches that are trained without their z.  [default: 0.5]"
)
@click.option(
    "--max-length", type=click.IntRange(2), default=250, show_default=True, help="Skip drawings of more rows (Nmax)."
)
@click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto", show_default=True)
@click.option(
    "--precision",
    type=click.Choice(["auto", "float32", "bfloat16"]),
    default="auto",
    show_default=True,
    help="Number format; auto is bfloat16 on processors that support it.",
)
@options.random_seed
@click.option("--tensorboard", metavar="FOLDER", help="Write figures and previews for `tensorboard --logdir FOLDER`.")
@click.option(
    "--set",
    "settings",
    metavar="NAME=VALUE",
    multiple=True,
    help="Set any other setting, such as decoder_units=256; a wrong name lists all.",
)
@options.force
def train(
    files: tuple[str, ...],
    output: str,
    resume: bool,
    max_steps: int,
    max_minutes: float | None,
    batch_size: int,
    started_from: str | None,
    rated_by: str | None,
    recognizer: bool,
    decoder_only: bool,
    latent_dropout: float | None,
    max_length: int,
    device: str,
    precision: str,
    seed: int,
    tensorboard: str | None,
    settings: tuple[str, ...],
    force: bool,
) -> None:
    """Train a model on the drawings of FILES.

    FILES are stores that `sketchrnn prepare` wrote, or any files and folders that it reads, of one category or many.
    Files are first prepared into a cache. A hash of key_id splits the drawings into training, validation and test
    drawings; npz files have their own split.

    OUTPUT is the model that is best on the validation drawings. Beside it are the last state, for --resume
    (OUTPUT.last.safetensors), a log of JSON lines (OUTPUT.log.jsonl) and, for each evaluation, a sheet of the same
    prefixes completed by the model (OUTPUT.sheets/). Ctrl-C and SIGTERM save everything and exit with 130. If torchrun
    starts several processes, they share each batch.
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

    from sketchrnn.cli.progress import TrainingProgress, reading
    from sketchrnn.dataset.load import load
    from sketchrnn.model.configuration import ModelConfiguration
    from sketchrnn.model.loading import load_model
    from sketchrnn.model.recognizer import Recognizer
    from sketchrnn.training.configuration import TrainingConfiguration
    from sketchrnn.training.distributed import choose_device, choose_precision, join_workers
    from sketchrnn.training.reports import Observer, Observers, TensorBoard
    from sketchrnn.training.run import train as run

    values = _parse_settings(settings, (ModelConfiguration, TrainingConfiguration))
    if latent_dropout is not None:
        values[ModelConfiguration]["latent_dropout"] = latent_dropout
    start = None if started_from is None else load_model(started_from)
    if start is None:
        model = ModelConfiguration(variational=not decoder_only, **values[ModelConfiguration])
    else:
        if decoder_only:
            raise click.UsageError("--decoder-only: a model that starts --from another has its architecture")
        model = dataclasses.replace(start.configuration, **values[ModelConfiguration])
    rating = None
    if rated_by is not None:
        rating = Recognizer(load_model(rated_by))
        model = dataclasses.replace(model, clarity=True)
    with contextlib.ExitStack() as stack:
        workers = stack.enter_context(join_workers())
        device = choose_device(device)
        training = TrainingConfiguration(
            max_steps=max_steps,
            batch_size=batch_size,
            seed=seed,
            precision=choose_precision(precision, device),
            **values[TrainingConfiguration],
        )
        with reading() as progress:
            drawings, report = load(files, max_length=max_length, processes=os.cpu_count() or 1, progress=progress)
        LOGGER.info(str(report))
        known = set(drawings.categories) | set(() if start is None else start.configuration.categories)
        if recognizer and len(known) < 2:
            raise click.UsageError("--recognizer: expected drawings of several categories, found one category")
        processes = f" by {workers.size} processes" if workers.size > 1 else ""
        categories = "1 category" if len(drawings.categories) == 1 else f"{len(drawings.categories)} categories"
        LOGGER.info(f"training on {device}{processes} in {training.precision}, {categories}")
        observers: list[Observer] = []
        if writes:
            observers.append(stack.enter_context(TrainingProgress(max_steps)))
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
            add_recognizer(trained, known_drawings, output, steps=None, device=device, seed=seed)
        return
    LOGGER.info(f"stopped at step {outcome.step:,}; the state is in {last_path(path)}; --resume continues")
    if outcome.interrupted:
        raise KeyboardInterrupt  # the group of commands turns it into its exit code


def _parse_settings(settings: tuple[str, ...], classes: tuple[Any, ...]) -> dict[Any, dict[str, Any]]:
    """Return the values of NAME=VALUE for each configuration class, in the type of the field's default."""
    known: dict[str, tuple[Any, Any]] = {
        field.name: (owner, type(field.default))
        for owner in classes
        for field in dataclasses.fields(owner)
        if field.name not in SET_BY_OPTIONS
    }
    values: dict[Any, dict[str, Any]] = {owner: {} for owner in classes}
    for setting in settings:
        name, equals, text = setting.partition("=")
        if not equals or name not in known:
            expected = f"expected NAME=VALUE with one of {', '.join(known)}"
            raise click.BadParameter(f"{setting!r}; {expected}", param_hint="--set")
        owner, kind = known[name]
        try:
            values[owner][name] = {"true": True, "false": False}[text.lower()] if kind is bool else kind(text)
        except (ValueError, KeyError):
            expected = f"expected a {kind.__name__}, found {text!r}"
            raise click.BadParameter(f"{name}: {expected}", param_hint="--set") from None
    return values

"""``sketchrnn train-recognizer``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from sketchrnn.cli import options, shell_completion
from sketchrnn.cli.messages import LOGGER
from sketchrnn.files import check_writable
from sketchrnn.training import check_torch

if TYPE_CHECKING:
    from sketchrnn.dataset.drawings import Drawings
    from sketchrnn.model.checkpoint import Checkpoint


@click.command(
    epilog="""\b
Examples:
  sketchrnn generate --category cat -n 60 -o cats.ndjson
  sketchrnn generate --category bus -n 60 -o buses.ndjson
  sketchrnn train cats.ndjson buses.ndjson -o both.safetensors --max-steps 10 --set decoder_units=64
  sketchrnn train-recognizer both.safetensors cats.ndjson buses.ndjson -o named.safetensors --steps 20
"""
)
@click.argument("model", shell_complete=shell_completion.models)
@click.argument("files", nargs=-1, required=True)
@click.option("-o", "--output", metavar="FILE", required=True, help="Checkpoint to write (.safetensors).")
@click.option("--steps", type=click.IntRange(1), help="Steps of training.  [default: 20 epochs, 200 to 10000 steps]")
@click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto", show_default=True)
@options.random_seed
@options.force
def train_recognizer(
    model: str, files: tuple[str, ...], output: str, steps: int | None, device: str, seed: int, force: bool
) -> None:
    """Add a recognizer to MODEL, trained on the drawings of FILES.

    The recognizer names a whole or partial drawing from its picture. With it, `guess` and `complete` without
    --category work as well as with the model that ships, and the best of several candidates (--best-of) is kept.
    FILES are the drawings that MODEL was trained on: stores, or any files that `sketchrnn prepare` reads. OUTPUT is
    MODEL with the new recognizer.
    """
    check_torch("train-recognizer")
    check_writable(output, force=force)

    from sketchrnn.cli.progress import reading
    from sketchrnn.dataset.load import load
    from sketchrnn.model.loading import load_model
    from sketchrnn.training.distributed import choose_device

    checkpoint = load_model(model)
    with reading() as progress:
        drawings, report = load(files, progress=progress)
    LOGGER.info(str(report))
    drawings = drawings.with_categories(checkpoint.configuration.categories)
    add_recognizer(checkpoint, drawings, output, steps=steps, device=choose_device(device), seed=seed)


def add_recognizer(
    checkpoint: Checkpoint, drawings: Drawings, output: str, *, steps: int | None, device: str, seed: int
) -> None:
    """Train a recognizer for a model, with progress, and write the model with it."""
    from sketchrnn.cli.progress import steps_of
    from sketchrnn.model.checkpoint import save_checkpoint
    from sketchrnn.training.distributed import choose_precision
    from sketchrnn.training.recognizer import RecognizerTraining, default_steps, with_recognizer

    training = RecognizerTraining(steps=steps or default_steps(drawings), seed=seed)
    with steps_of(training.steps) as on_step:
        trained, measures = with_recognizer(
            checkpoint,
            drawings,
            training,
            device=device,
            bfloat16=choose_precision("auto", device) == "bfloat16",
            on_step=on_step,
        )
    save_checkpoint(trained, output)
    LOGGER.info(f"wrote {output}: {measures}")

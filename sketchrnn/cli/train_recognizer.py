"""``sketchrnn train-recognizer``."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from sketchrnn.cli import options
from sketchrnn.cli.messages import LOGGER
from sketchrnn.files import check_writable
from sketchrnn.settings import FILES
from sketchrnn.training import check_torch
from sketchrnn.training.configuration import RecognizerTraining

if TYPE_CHECKING:
    from sketchrnn.dataset.drawings import Drawings
    from sketchrnn.model.checkpoint import Checkpoint


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
@options.option(
    "-o", "--output", metavar="FILE", required=True, panel=FILES, common=True,
    help="Write the checkpoint to this file (.safetensors).",
)  # fmt: skip
@options.gathered(
    (RecognizerTraining,), [*options.setting_options(RecognizerTraining, "steps", "batch_size", "seed")], "settings"
)
@options.device
@options.force
def train_recognizer(
    model: str, files: tuple[str, ...], settings: dict[str, Any], *, output: str, device: str, force: bool
) -> None:
    """Add a recognizer to MODEL, trained on the drawings of FILES.

    The recognizer names a whole or partial drawing from its picture. `guess` needs it for good guesses, `complete`
    needs it to choose a category and the best of several candidates (--best-of).

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
    add_recognizer(checkpoint, drawings, output, RecognizerTraining(**settings), choose_device(device))


def add_recognizer(
    checkpoint: Checkpoint, drawings: Drawings, output: str, training: RecognizerTraining, device: str
) -> None:
    """Train a recognizer for a model, with progress, and write the model with it."""
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

"""Reports of a run, and the observers that receive them."""

from __future__ import annotations

import contextlib
import io
import logging
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sketchrnn.dataset.drawings import Drawings
from sketchrnn.errors import ConfigurationError, import_extra
from sketchrnn.files import reason
from sketchrnn.model.checkpoint import Checkpoint
from sketchrnn.model.drawing import render
from sketchrnn.model.model import Model
from sketchrnn.sketch import Sketch
from sketchrnn.training.configuration import TrainingConfiguration, kl_weight, learning_rate
from sketchrnn.training.evaluation import PREFIX_SHARES

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class StepReport:
    """The means over the last steps.

    Attributes:
        step: number of steps taken.
        reconstruction: L_R of training, with Nmax of the run. Skipped steps do not count, also in the next two values.
        kl: L_KL.
        gradient_norm: Euclidean norm of all gradients, before clipping.
        learning_rate: of the last step.
        kl_weight: of the last step.
        drawings_per_second: since the last report.
        seconds_left: estimated time to the end of the run.
        skipped: steps since the last report that were skipped because their loss or gradient was not finite.
    """

    step: int
    reconstruction: float
    kl: float
    gradient_norm: float
    learning_rate: float
    kl_weight: float
    drawings_per_second: float
    seconds_left: float
    skipped: int


@dataclass(frozen=True)
class EvaluationReport:
    """The measures of the validation split.

    Attributes:
        step: number of steps taken.
        reconstruction: L_R.
        kl: L_KL.
        nats_per_point: at PREFIX_SHARES, with the default latent of the model.
        score: the best model has the lowest score.
        best: this is the best model so far.
    """

    step: int
    reconstruction: float
    kl: float
    nats_per_point: list[float]
    score: float
    best: bool


class Observer(Protocol):
    """Receives the reports of a run."""

    def on_step(self, step: int, report: StepReport | None) -> None:
        """Called after every step; with a report every few steps."""
        return

    def on_evaluation(self, report: EvaluationReport, sheet: str) -> None:
        """Called after every evaluation, with an SVG sheet of completions; the prefixes are always the same."""
        return


class Silent(Observer):
    """An observer that ignores all reports."""


class Observers(Observer):
    """Several observers as one."""

    def __init__(self, observers: Sequence[Observer]) -> None:
        self._observers = observers

    def on_step(self, step: int, report: StepReport | None) -> None:
        """Call all observers."""
        for observer in self._observers:
            observer.on_step(step, report)

    def on_evaluation(self, report: EvaluationReport, sheet: str) -> None:
        """Call all observers."""
        for observer in self._observers:
            observer.on_evaluation(report, sheet)


@dataclass(frozen=True)
class StepResult:
    """The measures of one step, still on the device.

    Attributes:
        reconstruction: L_R, a scalar.
        kl: L_KL, a scalar.
        gradient_norm: before clipping, a scalar.
        finite: the loss and all gradients are finite; if not, the step was skipped. A bool scalar.
        drawings: in the batch.
    """

    reconstruction: Tensor
    kl: Tensor
    gradient_norm: Tensor
    finite: Tensor
    drawings: int


class Window:
    """Means over the last steps; the device is read only for a report."""

    def __init__(self, device: str) -> None:
        self._sums = torch.zeros(4, device=device)  # L_R, L_KL, gradient norm, steps not skipped
        self._skipped_in_a_row = torch.zeros((), device=device)
        self._steps = 0
        self._drawings = 0
        self._since = time.monotonic()

    def add(self, result: StepResult) -> None:
        """Count a step."""
        figures = torch.stack([result.reconstruction, result.kl, result.gradient_norm, torch.ones_like(result.kl)])
        self._sums += torch.where(result.finite, figures, 0.0)
        self._skipped_in_a_row = torch.where(result.finite, 0.0, self._skipped_in_a_row + 1.0)
        self._steps += 1
        self._drawings += result.drawings

    def skipped_in_a_row(self) -> int:
        """Return the number of steps in a row that were skipped, up to the last step."""
        return int(self._skipped_in_a_row)

    def report(self, step: int, training: TrainingConfiguration) -> StepReport:
        """Return the means since the last report, and start again."""
        *sums, taken = self._sums.tolist()
        reconstruction, kl, gradient_norm = (value / max(taken, 1.0) for value in sums)
        now = time.monotonic()
        rate = self._drawings / (now - self._since)
        left = (training.max_steps - step) * (now - self._since) / self._steps
        skipped = self._steps - int(taken)
        self._sums.zero_()
        self._steps, self._drawings, self._since = 0, 0, now
        return StepReport(
            step,
            reconstruction,
            kl,
            gradient_norm,
            learning_rate(step - 1, training),
            kl_weight(step - 1, training),
            rate,
            left,
            skipped,
        )


class TensorBoard(Observer):
    """Writes the figures and sheets of a run into a folder that ``tensorboard --logdir`` shows."""

    def __init__(self, folder: str | Path) -> None:
        """Open the folder.

        Raises:
            ConfigurationError: the extra ``tensorboard`` is not installed, or the folder cannot be written.
        """
        resvg, pillow, tensorboard = (
            import_extra(module, "tensorboard", "--tensorboard needs TensorBoard, resvg-py and Pillow")
            for module in ("resvg_py", "PIL.Image", "torch.utils.tensorboard")
        )
        self._rasterize, self._open_image = resvg.svg_to_bytes, pillow.open
        self._folder = folder
        try:
            self._writer: SummaryWriter | None = tensorboard.SummaryWriter(str(folder))
        except OSError as error:
            raise ConfigurationError(f"{folder}: cannot be written: {reason(error)}") from error

    def on_step(self, step: int, report: StepReport | None) -> None:
        """Write the means over the last steps."""
        if report is not None:
            scalars = {
                "loss/L_R": report.reconstruction,
                "loss/L_KL": report.kl,
                "schedule/learning rate": report.learning_rate,
                "schedule/KL weight": report.kl_weight,
                "gradient norm": report.gradient_norm,
                "drawings per second": report.drawings_per_second,
                "skipped steps": report.skipped,
            }
            self._write(step, scalars)

    def on_evaluation(self, report: EvaluationReport, sheet: str) -> None:
        """Write the measures of the validation split and the sheet."""
        scalars = {"validation/L_R": report.reconstruction, "validation/L_KL": report.kl}
        for share, value in zip(PREFIX_SHARES, report.nats_per_point, strict=True):
            scalars[f"validation/nats per point after {share:.0%}"] = value
        png = self._rasterize(svg_string=sheet, background="white")
        self._write(report.step, scalars, np.asarray(self._open_image(io.BytesIO(png)).convert("RGB")))

    def close(self) -> None:
        """Write the remaining data."""
        with self._problems_logged():
            if self._writer is not None:
                self._writer.close()

    def _write(self, step: int, scalars: dict[str, float], sheet: NDArray[np.uint8] | None = None) -> None:
        with self._problems_logged():
            if self._writer is None:
                return
            for name, value in scalars.items():
                self._writer.add_scalar(name, value, step)
            if sheet is not None:
                self._writer.add_image("completions", sheet, step, dataformats="HWC")
                self._writer.flush()

    @contextlib.contextmanager
    def _problems_logged(self) -> Iterator[None]:
        """Log that the folder cannot be written, and write no more; training continues."""
        try:
            yield
        except OSError as error:
            self._writer = None
            logger.warning(f"{self._folder}: cannot be written: {reason(error)}; TensorBoard gets no more figures")


PICTURES = 12


@dataclass(frozen=True)
class Prefix:
    """The first half of a drawing.

    Attributes:
        sketch: in the unit of the drawings.
        category: name of its category.
    """

    sketch: Sketch
    category: str


def choose_prefixes(drawings: Drawings, count: int = PICTURES) -> list[Prefix]:
    """Return the first halves of up to ``count`` drawings, from as many categories as possible."""
    by_category = np.argsort(drawings.category, kind="stable")
    _, first, members = np.unique(drawings.category[by_category], return_index=True, return_counts=True)
    rank = np.empty(len(drawings), np.int64)  # of each drawing in its category
    rank[by_category] = np.arange(len(drawings)) - np.repeat(first, members)
    order = np.lexsort((drawings.category, rank))
    candidates = order[: max(count, len(first))]
    chosen = candidates[np.linspace(0, len(candidates) - 1, min(count, len(candidates))).round().astype(np.int64)]
    prefixes = []
    for index in chosen:
        rows = drawings.stroke3(index)
        prefixes.append(
            Prefix(Sketch.from_stroke3(rows[: -(-len(rows) // 2)]), drawings.categories[drawings.category[index]])
        )
    return prefixes


def completion_sheet(checkpoint: Checkpoint, prefixes: list[Prefix], title: str) -> str:
    """Return an SVG document with the model's completions of the prefixes, always with the same seeds."""
    model = Model(checkpoint)
    drawings = [
        model.complete(
            prefix.sketch,
            prefix.category,
            best_of=1,
            arrange=False,
            scale=1.0,
            max_points=checkpoint.max_length,
            seed=seed,
        )[0]
        for seed, prefix in enumerate(prefixes)
    ]
    return render(drawings, "svg", title=title).decode()

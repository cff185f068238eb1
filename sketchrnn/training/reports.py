"""What a run tells those who watch it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from sketchrnn.training.configuration import TrainingConfiguration
from sketchrnn.training.schedules import kl_weight, learning_rate


@dataclass(frozen=True)
class StepReport:
    """The last steps' means, for showing.

    Attributes:
        step: steps done.
        reconstruction: L_R as trained, with Nmax of the run; of the steps that were not skipped, as the next two.
        kl: L_KL.
        gradient_norm: Euclidean norm of all gradients, before clipping.
        learning_rate: of the last step.
        kl_weight: of the last step.
        drawings_per_second: since the report before.
        seconds_left: estimate to the end of the run.
        skipped: steps since the report before whose loss or gradient was not finite, and which changed nothing.
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
    """The validation split's measures.

    Attributes:
        step: steps done.
        reconstruction: L_R.
        kl: L_KL.
        nats_per_point: at PREFIX_SHARES, with the latent the model completes with.
        score: what the best model is chosen by; lower is better.
        best: it is the best so far.
    """

    step: int
    reconstruction: float
    kl: float
    nats_per_point: list[float]
    score: float
    best: bool


class Observer(Protocol):
    """Is told how training goes."""

    def on_step(self, step: int, report: StepReport | None) -> None:
        """Called after every step; the report is there every now and then."""

    def on_evaluation(self, report: EvaluationReport, sheet: str) -> None:
        """Called after every evaluation, with an SVG sheet of what the model makes of the same prefixes each time."""

    def on_problem(self, message: str) -> None:
        """Called when something went wrong that does not stop the run."""


class Silent:
    """An observer that says nothing."""

    def on_step(self, step: int, report: StepReport | None) -> None:
        """Do nothing."""

    def on_evaluation(self, report: EvaluationReport, sheet: str) -> None:
        """Do nothing."""

    def on_problem(self, message: str) -> None:
        """Do nothing."""


class Observers:
    """Several observers as one."""

    def __init__(self, observers: Sequence[Observer]) -> None:
        self._observers = observers

    def on_step(self, step: int, report: StepReport | None) -> None:
        """Tell all."""
        for observer in self._observers:
            observer.on_step(step, report)

    def on_evaluation(self, report: EvaluationReport, sheet: str) -> None:
        """Tell all."""
        for observer in self._observers:
            observer.on_evaluation(report, sheet)

    def on_problem(self, message: str) -> None:
        """Tell all."""
        for observer in self._observers:
            observer.on_problem(message)


@dataclass(frozen=True)
class StepResult:
    """One step's figures, still on the device.

    Attributes:
        reconstruction: L_R, a scalar.
        kl: L_KL, a scalar.
        gradient_norm: before clipping, a scalar.
        finite: the loss and every gradient are finite; otherwise the step was skipped. A bool scalar.
        drawings: how many it took.
    """

    reconstruction: Tensor
    kl: Tensor
    gradient_norm: Tensor
    finite: Tensor
    drawings: int


class Window:
    """Means over the last steps; reads from the device only when a report is asked for."""

    def __init__(self, device: str) -> None:
        self._sums = torch.zeros(4, device=device)  # L_R, L_KL, gradient norm, steps not skipped
        self._skipped_in_a_row = torch.zeros((), device=device)
        self._steps = 0
        self._drawings = 0
        self._since = time.monotonic()

    def add(self, result: StepResult) -> None:
        """Book a step."""
        figures = torch.stack([result.reconstruction, result.kl, result.gradient_norm, torch.ones_like(result.kl)])
        self._sums += torch.where(result.finite, figures, 0.0)
        self._skipped_in_a_row = torch.where(result.finite, 0.0, self._skipped_in_a_row + 1.0)
        self._steps += 1
        self._drawings += result.drawings

    def skipped_in_a_row(self) -> int:
        """Return how many of the latest steps, without a break, were skipped."""
        return int(self._skipped_in_a_row)

    def report(self, step: int, training: TrainingConfiguration) -> StepReport:
        """Return the means since the report before, and begin anew."""
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

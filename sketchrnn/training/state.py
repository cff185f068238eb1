"""What a run has come to: weights, optimiser and progress, and how they are stored and found again."""

from __future__ import annotations

import copy
import math
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from sketchrnn.dataset.drawings import Drawings
from sketchrnn.errors import CheckpointError, ConfigurationError
from sketchrnn.model.checkpoint import CATEGORY_COUNTS, STARTED_FROM, Checkpoint, load_checkpoint, save_checkpoint
from sketchrnn.model.configuration import ModelConfiguration
from sketchrnn.training.configuration import TrainingConfiguration
from sketchrnn.training.network.sketch_rnn import SketchRNN
from sketchrnn.training.start import record_of

CHANGEABLE = tuple(
    f"configuration.{name} " for name in ("max_steps", "evaluate_every", "checkpoint_every", "compile_cells")
)
"""Settings that a resumed run may have otherwise."""

LATEST = "optimizer.latest."
"""What the names of the weights that are being trained begin with; the model's own are their average."""


class TrainingState:
    """A run's network, optimiser and progress.

    Attributes:
        network: with the weights that are being trained.
        averaged: with their running average, which is the model that is evaluated and kept.
        parameters: the network's, those that are trained.
        optimizer: of ``parameters``.
        step: steps done.
        best_score: of the best model so far.
        best_step: when it was found.
        evaluated_step: the last step that was evaluated; -1 for none.
    """

    def __init__(
        self,
        drawings: Drawings,
        offset_scale: float,
        max_length: int,
        model: ModelConfiguration,
        training: TrainingConfiguration,
        device: str,
        start: Checkpoint | None = None,
    ) -> None:
        """Begin a run, with weights drawn by its seed.

        Args:
            drawings: all splits.
            offset_scale: theirs.
            max_length: Nmax.
            model: the architecture.
            training: how it is trained.
            device: where.
            start: the model whose weights are the first ones; None has them drawn by the seed.

        Raises:
            CheckpointError: ``start`` has another architecture.
        """
        torch.manual_seed(training.seed)
        self.network = SketchRNN(
            model,
            training.dropout,
            training.weight_dropout,
            training.recurrent_dropout,
            training.input_dropout,
            training.category_dropout,
        ).to(device)
        if start is not None:
            self.network.load_weights(start.weights, start.source)
        self.averaged = copy.deepcopy(self.network).eval()
        if training.compile_cells:
            self.network.compile_steps()
        trained = [name for name, parameter in self.network.named_parameters() if parameter.requires_grad]
        self.parameters: list[torch.Tensor] = [self.network.get_parameter(name) for name in trained]
        self._averages: list[torch.Tensor] = [self.averaged.get_parameter(name) for name in trained]
        self._names = trained
        self.optimizer = torch.optim.AdamW(
            self.parameters, lr=training.learning_rate, weight_decay=training.weight_decay, fused=True
        )
        self.step, self.best_score, self.best_step, self.evaluated_step = 0, float("inf"), 0, -1
        self._model, self._offset_scale, self._max_length, self._unit = model, offset_scale, max_length, drawings.unit
        counts = np.bincount(drawings.of_split("train").category, minlength=len(drawings.categories))
        if start is not None:
            counts = np.maximum(counts, start.category_counts)  # they may be the same drawings
        self._category_counts = {CATEGORY_COUNTS: counts.tolist()}
        self._averaged_share = training.averaged_share
        self._record = {
            STARTED_FROM: None if start is None else record_of(start),
            "configuration": training.to_json(),
            "drawings": {
                "fingerprint": drawings.fingerprint(),
                "train": len(drawings.of_split("train")),
                "valid": len(drawings.of_split("valid")),
            },
        }

    @torch.no_grad()
    def advance(self) -> None:
        """Count a step, and let the average follow the weights."""
        looks_back = self._averaged_share * self.step  # in steps
        torch._foreach_lerp_(self._averages, self.parameters, 1.0 / (1.0 + looks_back))
        self.step += 1

    def checkpoint(self) -> Checkpoint:
        """Return the model as it is now."""
        return self._with(_arrays("", self._names, self._averages))

    def save_last(self, path: Path) -> None:
        """Write all that going on takes.

        Raises:
            SketchRNNError: it cannot be written.
        """
        tensors = _arrays("", self._names, self._averages) | _arrays(LATEST, self._names, self.parameters)
        for name, parameter in zip(self._names, self.parameters, strict=True):
            for key, value in self.optimizer.state.get(parameter, {}).items():
                tensors |= _arrays(f"optimizer.{key}.", [name], [value])
        save_checkpoint(self._with(tensors), path)

    def load_last(self, path: Path) -> None:
        """Go on from what :meth:`save_last` wrote.

        Raises:
            CheckpointError: it cannot be read, or is no state of a run.
            ConfigurationError: it belongs to another configuration or other drawings.
        """
        checkpoint = load_checkpoint(path)
        saved = checkpoint.training
        if "step" not in saved or not any(name.startswith(LATEST) for name in checkpoint.weights):
            raise CheckpointError(f"{path}: holds no state of a training run")
        then, now = saved.get(STARTED_FROM), self._record[STARTED_FROM]
        if then != now:
            raise ConfigurationError(f"{path}: cannot resume: the run began with {_named(then)}, not {_named(now)}")
        differences = _differences(
            {"model": checkpoint.configuration.to_json(), "max_length": checkpoint.max_length},
            {"model": self._model.to_json(), "max_length": self._max_length},
        )
        differences += _differences({key: saved.get(key) for key in self._record}, self._record)
        differences = [line for line in differences if not line.startswith(CHANGEABLE)]
        if differences:
            raise ConfigurationError(f"{path}: cannot resume with other settings or drawings: {'; '.join(differences)}")
        self.averaged.load_weights(checkpoint.weights, checkpoint.source)
        latest = {name.removeprefix(LATEST): value for name, value in checkpoint.weights.items() if LATEST in name}
        self.network.load_weights(latest, checkpoint.source)
        for name, parameter in zip(self._names, self.parameters, strict=True):
            state = {
                # the count of steps too: the fused optimiser wants it where the parameter is
                key: torch.from_numpy(checkpoint.weights[f"optimizer.{key}.{name}"]).to(parameter.device)
                for key in ("step", "exp_avg", "exp_avg_sq")
                if f"optimizer.{key}.{name}" in checkpoint.weights
            }
            if state:
                self.optimizer.state[parameter] = state
        self.step, self.best_step = int(saved["step"]), int(saved["best_step"])
        self.best_score = float("inf") if saved["best_score"] is None else float(saved["best_score"])
        self.evaluated_step = int(saved["evaluated_step"])

    def _with(self, tensors: dict[str, NDArray[Any]]) -> Checkpoint:
        progress = {
            "step": self.step,
            "best_score": self.best_score if math.isfinite(self.best_score) else None,  # JSON has no infinity
            "best_step": self.best_step,
            "evaluated_step": self.evaluated_step,
        }
        record = self._record | self._category_counts | progress
        return Checkpoint(self._model, tensors, self._offset_scale, self._unit, self._max_length, record)


def _arrays(prefix: str, names: list[str], tensors: list[torch.Tensor]) -> dict[str, NDArray[Any]]:
    return {
        prefix + name: np.array(tensor.detach().float().cpu().numpy())
        for name, tensor in zip(names, tensors, strict=True)
    }


def _named(start: dict[str, Any] | None) -> str:
    return "random weights" if start is None else f"those of {start['model']}"


def _differences(saved: Any, now: Any, place: str = "") -> list[str]:
    if isinstance(saved, dict) and isinstance(now, dict):
        return [
            line
            for key in sorted(saved.keys() | now.keys())
            for line in _differences(saved.get(key), now.get(key), f"{place}.{key}" if place else str(key))
        ]
    return [] if saved == now else [f"{place} was {saved!r}, is {now!r}"]

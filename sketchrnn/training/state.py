"""The state of a training run: weights, optimizer and progress; starting, saving and resuming."""

from __future__ import annotations

import copy
import math
from dataclasses import replace
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

CHANGEABLE = frozenset(["max_steps", "evaluate_every", "checkpoint_every", "compile_cells"])
"""Settings that may change when a run is resumed."""

LATEST = "optimizer.latest."
"""Prefix of the names of the weights that are being trained; the weights of the model are their average."""

CATEGORY_WEIGHT = "category.weight"
CLARITY = "clarity"


def extend_categories(start: Checkpoint, drawings: Drawings) -> Checkpoint:
    """Return a model with the categories of the drawings added.

    The initial embedding of a new category is the mean of the known ones. A model with one category gets the category
    of the drawings instead.

    Raises:
        ConfigurationError: the drawings have another unit, or several categories where the model has only one.
    """
    if drawings.unit != start.unit:
        raise ConfigurationError(
            f"{start.source}: expected drawings in the unit {start.unit!r}, found {drawings.unit!r}"
        )
    configuration = start.configuration
    if not configuration.conditional:
        if len(drawings.categories) > 1:
            raise ConfigurationError(
                f"{start.source}: expected drawings of one category, as the model has, found {len(drawings.categories)}"
            )
        return replace(start, configuration=replace(configuration, categories=drawings.categories))
    new = tuple(name for name in drawings.categories if name not in configuration.categories)
    known = start.weights[CATEGORY_WEIGHT]
    mean = known.astype(np.float32).mean(axis=0, keepdims=True)
    return replace(
        start,
        configuration=replace(configuration, categories=configuration.categories + new),
        training=start.training | {CATEGORY_COUNTS: start.category_counts.tolist() + [0] * len(new)},
        weights=start.weights | {CATEGORY_WEIGHT: np.concatenate([known, np.repeat(mean, len(new), axis=0)])},
    )


class TrainingState:
    """The network, the optimizer and the progress of a run.

    Attributes:
        network: with the weights that are being trained.
        averaged: with their running average; this model is evaluated and saved.
        parameters: the trained parameters of the network.
        optimizer: of ``parameters``.
        step: number of steps taken.
        best_score: of the best model so far.
        best_step: its step.
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
        """Start a run.

        Args:
            drawings: all splits.
            offset_scale: of the drawings.
            max_length: Nmax.
            model: the architecture.
            training: the settings.
            device: of the network.
            start: the model with the initial weights; None for random weights, which depend on the seed.

        Raises:
            CheckpointError: ``start`` has another architecture.
        """
        torch.manual_seed(training.seed)
        self.network = SketchRNN(model, training.dropouts).to(device)
        if start is not None:
            new = {} if start.configuration.clarity else {CLARITY: np.zeros(model.category_units, np.float32)}
            self.network.load_weights(new | start.weights, start.source)
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
            counts = np.maximum(counts, start.category_counts)  # the drawings can be the same
        self._category_counts = {CATEGORY_COUNTS: counts.tolist()}
        self._averaged_share = training.averaged_share
        self._record = {
            STARTED_FROM: None if start is None else _record_of(start),
            "configuration": training.to_json(),
            "drawings": {
                "fingerprint": drawings.fingerprint(),
                "train": len(drawings.of_split("train")),
                "valid": len(drawings.of_split("valid")),
            },
        }

    @torch.no_grad()
    def advance(self) -> None:
        """Count a step and update the average of the weights."""
        averaged_steps = self._averaged_share * self.step
        torch._foreach_lerp_(self._averages, self.parameters, 1.0 / (1.0 + averaged_steps))
        self.step += 1

    def checkpoint(self, best_score: float | None = None) -> Checkpoint:
        """Return the model as it is now; with a score it is recorded as the best one."""
        best = {} if best_score is None else {"best_score": best_score, "best_step": self.step}
        return self._with(_arrays("", self._names, self._averages), best)

    def save_last(self, path: Path) -> None:
        """Write the state for resuming.

        Raises:
            SketchRNNError: it cannot be written.
        """
        tensors = _arrays("", self._names, self._averages) | _arrays(LATEST, self._names, self.parameters)
        for name, parameter in zip(self._names, self.parameters, strict=True):
            for key, value in self.optimizer.state.get(parameter, {}).items():
                tensors |= _arrays(f"optimizer.{key}.", [name], [value])
        save_checkpoint(self._with(tensors, {}), path)

    def load_last(self, path: Path) -> None:
        """Resume from a file that :meth:`save_last` wrote.

        Raises:
            CheckpointError: it cannot be read, or is not the state of a run.
            ConfigurationError: it belongs to another configuration or other drawings.
        """
        checkpoint = load_checkpoint(path)
        saved = checkpoint.training
        if "step" not in saved or not any(name.startswith(LATEST) for name in checkpoint.weights):
            raise CheckpointError(f"{path}: expected the state of a training run, found another checkpoint")
        then, now = saved.get(STARTED_FROM), self._record[STARTED_FROM]
        if then != now:
            raise ConfigurationError(
                f"{path}: cannot resume: the run was started with {_named(then)}, not {_named(now)}"
            )
        before = _fixed(
            {"model": checkpoint.configuration.to_json(), "max_length": checkpoint.max_length}
            | {key: saved.get(key) for key in self._record}
        )
        wanted = _fixed({"model": self._model.to_json(), "max_length": self._max_length} | self._record)
        if before != wanted:
            changes = "; ".join(_differences(before, wanted))
            raise ConfigurationError(f"{path}: cannot resume with other settings or drawings: {changes}")
        self.averaged.load_weights(checkpoint.weights, checkpoint.source)
        latest = {name.removeprefix(LATEST): value for name, value in checkpoint.weights.items() if LATEST in name}
        self.network.load_weights(latest, checkpoint.source)
        for name, parameter in zip(self._names, self.parameters, strict=True):
            state = {
                # the fused optimizer needs the step count on the device of the parameter
                key: torch.from_numpy(checkpoint.weights[f"optimizer.{key}.{name}"]).to(parameter.device)
                for key in ("step", "exp_avg", "exp_avg_sq")
                if f"optimizer.{key}.{name}" in checkpoint.weights
            }
            if state:
                self.optimizer.state[parameter] = state
        self.step, self.best_step = int(saved["step"]), int(saved["best_step"])
        self.best_score = float("inf") if saved["best_score"] is None else float(saved["best_score"])
        self.evaluated_step = int(saved["evaluated_step"])

    def _with(self, tensors: dict[str, NDArray[Any]], best: dict[str, float]) -> Checkpoint:
        progress = {
            "step": self.step,
            "best_score": self.best_score if math.isfinite(self.best_score) else None,  # JSON has no infinity
            "best_step": self.best_step,
            "evaluated_step": self.evaluated_step,
        }
        record = self._record | self._category_counts | progress | best
        return Checkpoint(self._model, tensors, self._offset_scale, self._unit, self._max_length, record)


def _arrays(prefix: str, names: list[str], tensors: list[torch.Tensor]) -> dict[str, NDArray[Any]]:
    return {
        prefix + name: np.array(tensor.detach().float().cpu().numpy())
        for name, tensor in zip(names, tensors, strict=True)
    }


def _record_of(start: Checkpoint) -> dict[str, Any]:
    """Return the record of the model that a run starts from."""
    training = {key: value for key, value in start.training.items() if key != CATEGORY_COUNTS}
    return {"model": Path(start.source).name, "training": training}


def _named(start: dict[str, Any] | None) -> str:
    return "random weights" if start is None else f"those of {start['model']}"


def _fixed(record: dict[str, Any]) -> dict[str, Any]:
    """Return a record without the settings that may change when a run is resumed."""
    configuration = record["configuration"]
    if not isinstance(configuration, dict):
        return record
    kept = {name: value for name, value in configuration.items() if name not in CHANGEABLE}
    return record | {"configuration": kept}


def _differences(saved: Any, now: Any, where: str = "") -> list[str]:
    if isinstance(saved, dict) and isinstance(now, dict):
        return [
            line
            for key in sorted(saved.keys() | now.keys())
            for line in _differences(saved.get(key), now.get(key), f"{where}.{key}" if where else str(key))
        ]
    return [] if saved == now else [f"{where} was {saved!r}, is {now!r}"]

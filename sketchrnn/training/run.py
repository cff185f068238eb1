"""The training loop, from drawings to a checkpoint."""

from __future__ import annotations

import contextlib
import functools
import math
import time
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from sketchrnn.dataset.batches import Batch, collate, epoch_batches
from sketchrnn.dataset.drawings import Drawings
from sketchrnn.errors import CheckpointError, ConfigurationError, DatasetError, SketchRNNError, TrainingError
from sketchrnn.model.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from sketchrnn.model.configuration import ModelConfiguration
from sketchrnn.model.losses import kl_loss, reconstruction_losses
from sketchrnn.model.network import SketchRNN
from sketchrnn.training.configuration import TrainingConfiguration
from sketchrnn.training.evaluation import default_latent, evaluate, to_device
from sketchrnn.training.interruption import interrupt_as_flag
from sketchrnn.training.log import TrainingLog
from sketchrnn.training.paths import last_path, log_path
from sketchrnn.training.reports import EvaluationReport, Observer, Silent, StepResult, Window
from sketchrnn.training.schedules import kl_weight, learning_rate

CHANGEABLE = tuple(f"configuration.{name} " for name in ("max_steps", "evaluate_every", "checkpoint_every"))
"""Settings that a resumed run may have otherwise."""

MAX_SKIPPED_IN_A_ROW = 10
"""Steps in a row without a finite loss and gradient that end a run."""

AVERAGED_STEPS = 50
"""Steps over which the shown losses are averaged, and between two records of them in the log."""


@dataclass(frozen=True)
class Outcome:
    """How a run ended.

    Attributes:
        step: steps done in all.
        finished: all steps are done; otherwise time ran out or it was interrupted, and it can be resumed.
        interrupted: Ctrl-C or SIGTERM ended it.
        best_score: of the best model.
        best_step: when it was found.
    """

    step: int
    finished: bool
    interrupted: bool
    best_score: float
    best_step: int


def train(
    drawings: Drawings,
    model: ModelConfiguration,
    training: TrainingConfiguration,
    path: str | Path,
    *,
    max_length: int,
    device: str = "cpu",
    resume: bool = False,
    max_seconds: float = float("inf"),
    observer: Observer | None = None,
) -> Outcome:
    """Train a model; keep the best at ``path``, and beside it the last state and a log.

    Every random choice depends on the seed and the step alone, so that a resumed run takes the very steps that the
    uninterrupted one would have taken; on the CPU the weights are equal to the last bit. A run that is out of time is
    evaluated once more where it stops, so that its best model can be one that the uninterrupted run never looked at.

    Args:
        drawings: all splits; trained on "train", the best model chosen on "valid".
        model: the architecture; its categories are replaced by the drawings'.
        training: how.
        path: the checkpoint of the best model.
        max_length: Nmax.
        device: "cpu" or "cuda".
        resume: go on from the last state.
        max_seconds: stop, with everything kept, after this long.
        observer: is told how it goes.

    Raises:
        DatasetError: a split that is needed is empty.
        TrainingError: the loss is no longer finite; the last good state is kept.
        CheckpointError: the last state cannot be read, or there is none.
        ConfigurationError: the last state belongs to another configuration or other drawings.
    """
    started = time.monotonic()
    path, observer = Path(path), observer or Silent()
    train_set, valid_set = drawings.of_split("train"), drawings.of_split("valid")
    for name, split in (("training", train_set), ("validation", valid_set)):
        if not len(split):
            raise DatasetError(f"no drawing is in the {name} split; give more drawings")
    model = replace(model, categories=drawings.categories)
    offset_scale = drawings.offset_scale()
    record = {
        "configuration": training.to_json(),
        "drawings": {"fingerprint": drawings.fingerprint(), "train": len(train_set), "valid": len(valid_set)},
    }

    torch.manual_seed(training.seed)
    network = SketchRNN(model, training.dropout).to(device)
    parameters = [parameter for parameter in network.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(parameters, lr=training.learning_rate, weight_decay=training.weight_decay, fused=True)
    step, best_score, best_step, evaluated_step = 0, float("inf"), 0, -1
    if resume:
        step, best_score, best_step, evaluated_step = _restore(
            last_path(path), network, optimizer, model, max_length, record
        )
    log = TrainingLog(log_path(path), step)

    def save(target: Path, with_optimizer: bool) -> None:
        progress = {
            "step": step,
            "best_score": best_score if math.isfinite(best_score) else None,  # JSON has no infinity
            "best_step": best_step,
            "evaluated_step": evaluated_step,
        }
        weights = network.weights() | (_optimizer_tensors(network, optimizer) if with_optimizer else {})
        save_checkpoint(Checkpoint(model, weights, offset_scale, drawings.unit, max_length, record | progress), target)

    def kept(write: Callable[[], None]) -> bool:
        """Write; where that fails, because the disk is full for one, say so and let training go on."""
        try:
            write()
        except SketchRNNError as error:
            observer.on_problem(f"step {step:,}: {error}; what stood there before is kept, training goes on")
            return False
        return True

    def evaluate_now() -> None:
        nonlocal best_score, best_step, evaluated_step
        evaluated_step = step
        before = best_score, best_step
        scores = evaluate(network, valid_set, offset_scale, max_length)
        nats = scores.nats_per_point
        floored = max(scores.mean_kl, training.kl_floor)
        chosen_by_nats = default_latent(network) == "none"
        score = nats[0] if chosen_by_nats else scores.mean_reconstruction + training.kl_weight * floored
        best = score < best_score
        if best:
            best_score, best_step = score, step
            best = kept(lambda: save(path, with_optimizer=False))
            if not best:
                best_score, best_step = before
        report = EvaluationReport(step, scores.mean_reconstruction, scores.mean_kl, nats, score, best)
        kept(lambda: log.write("evaluation", **vars(report)))
        observer.on_evaluation(report)

    def save_last() -> None:
        save(last_path(path), with_optimizer=True)

    def stop_if_not_finite() -> None:
        skipped = window.skipped_in_a_row()
        if skipped >= MAX_SKIPPED_IN_A_ROW:
            save_last()
            raise TrainingError(
                f"step {step:,}: the loss or its gradient was not finite in the last {skipped} steps, which changed "
                f"nothing; {last_path(path)} keeps the weights; try a lower learning_rate or precision float32"
            )

    if not resume:
        save(path, with_optimizer=False)
        save_last()
    batches = _batches(train_set, offset_scale, training, step, max_length)
    window = Window(device)
    with contextlib.closing(log), contextlib.closing(batches), interrupt_as_flag() as interrupted:
        while step < training.max_steps and time.monotonic() - started < max_seconds and not interrupted.is_set():
            window.add(_step(network, optimizer, parameters, next(batches), training, step, max_length, device))
            step += 1
            report = None
            if step % AVERAGED_STEPS == 0:
                stop_if_not_finite()
                report = window.report(step, training.max_steps)
                record_of_step = vars(report) | {"learning_rate": learning_rate(step - 1, training)}
                kept(functools.partial(log.write, "step", **record_of_step))
            observer.on_step(step, report)
            if step % training.evaluate_every == 0:
                evaluate_now()
            if step % training.checkpoint_every == 0:
                kept(save_last)
        stop_if_not_finite()
        if evaluated_step != step and not interrupted.is_set():
            evaluate_now()
        save_last()
    return Outcome(step, step >= training.max_steps, interrupted.is_set(), best_score, best_step)


def _step(
    network: SketchRNN,
    optimizer: torch.optim.Optimizer,
    parameters: list[nn.Parameter],
    batch: Batch,
    training: TrainingConfiguration,
    step: int,
    max_length: int,
    device: str,
) -> StepResult:
    """Take one optimiser step, or none where the loss or a gradient is not finite."""
    for group in optimizer.param_groups:
        group["lr"] = learning_rate(step, training)
    torch.manual_seed(_seed(training.seed, step))  # dropout draws from the default generator
    generator = torch.Generator(device).manual_seed(_seed(training.seed, step))
    stroke5, lengths, category = to_device(batch, torch.device(device))
    bfloat16 = training.precision == "bfloat16"
    with torch.autocast(device, torch.bfloat16) if bfloat16 else contextlib.nullcontext():
        prediction = network(stroke5, lengths, category, generator)
    pen_rows = "all" if training.pen_over_padding else "end"
    offset_loss, pen_loss = reconstruction_losses(
        prediction.mixture, stroke5[:, 1:], lengths, max_length, pen_rows=pen_rows
    )
    loss = reconstruction = offset_loss + pen_loss
    kl = torch.zeros((), device=device)
    if prediction.z_mean is not None:
        kl = kl_loss(prediction.z_mean, prediction.z_logvar, prediction.latent_used)
        loss = loss + kl_weight(step, training) * kl.clamp_min(training.kl_floor)
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    gradient_norm = nn.utils.get_total_norm([parameter.grad for parameter in parameters if parameter.grad is not None])
    if training.clipping == "value":
        nn.utils.clip_grad_value_(parameters, training.clip)
    else:
        nn.utils.clip_grads_with_norm_(parameters, training.clip, gradient_norm)
    finite = torch.isfinite(loss.detach()) & torch.isfinite(gradient_norm)
    optimizer.found_inf = (~finite).float()  # type: ignore[attr-defined]  # the fused optimiser skips the step if 1
    optimizer.step()
    return StepResult(reconstruction.detach(), kl.detach(), gradient_norm, finite, len(batch.lengths))


def _seed(seed: int, step: int) -> int:
    return int(np.random.SeedSequence([seed, step]).generate_state(1, np.uint64)[0] >> 1)


def _batches(
    drawings: Drawings, offset_scale: float, training: TrainingConfiguration, step: int, max_length: int
) -> Generator[Batch, None, None]:
    """Yield the batches of the steps from ``step`` on, each made while the one before is trained on."""

    def make(number: int, index: NDArray[np.int64]) -> Batch:
        return collate(
            drawings,
            index,
            offset_scale,
            generator=np.random.default_rng([training.seed, 1, number]),
            augment_scale=training.augment_scale,
            augment_drop=training.augment_drop,
            pad_to=max_length if training.pen_over_padding else 0,
        )

    def numbered() -> Iterator[tuple[int, NDArray[np.int64]]]:
        number = 0
        epoch = 0
        while True:
            generator = np.random.default_rng([training.seed, 0, epoch])
            for index in epoch_batches(drawings.lengths, training.batch_size, generator):
                if number >= step:
                    yield number, index
                number += 1
            epoch += 1

    with ThreadPoolExecutor(max_workers=1) as pool:
        ahead: list[Future[Batch]] = []
        for number, index in numbered():
            ahead.append(pool.submit(make, number, index))
            if len(ahead) > 3:
                yield ahead.pop(0).result()


def _optimizer_tensors(network: SketchRNN, optimizer: torch.optim.Optimizer) -> dict[str, NDArray[Any]]:
    tensors: dict[str, NDArray[Any]] = {}
    for name, parameter in network.named_parameters():
        for key, value in optimizer.state.get(parameter, {}).items():
            tensors[f"optimizer.{key}.{name}"] = value.detach().float().cpu().numpy().copy()
    return tensors


def _restore(
    path: Path,
    network: SketchRNN,
    optimizer: torch.optim.Optimizer,
    model: ModelConfiguration,
    max_length: int,
    record: dict[str, Any],
) -> tuple[int, float, int, int]:
    """Load the last state into network and optimiser; return step, best score, best step and last evaluated step."""
    checkpoint = load_checkpoint(path)
    saved = checkpoint.training
    has_optimizer = any(name.startswith("optimizer.") for name in checkpoint.weights)
    if "step" not in saved or (saved["step"] > 0 and not has_optimizer):
        raise CheckpointError(f"{path}: holds no state of a training run")
    differences = _differences(
        {"model": checkpoint.configuration.to_json(), "max_length": checkpoint.max_length},
        {"model": model.to_json(), "max_length": max_length},
    )
    differences += _differences({key: saved.get(key) for key in record}, record)
    differences = [line for line in differences if not line.startswith(CHANGEABLE)]
    if differences:
        raise ConfigurationError(f"{path}: cannot resume with other settings or drawings: {'; '.join(differences)}")
    network.load_weights(checkpoint.weights, checkpoint.source)
    for name, parameter in network.named_parameters():
        state = {
            # the count of steps too: the fused optimiser wants it where the parameter is
            key: torch.from_numpy(checkpoint.weights[f"optimizer.{key}.{name}"]).to(parameter.device)
            for key in ("step", "exp_avg", "exp_avg_sq")
            if f"optimizer.{key}.{name}" in checkpoint.weights
        }
        if state:
            optimizer.state[parameter] = state
    return (
        int(saved["step"]),
        float("inf") if saved["best_score"] is None else float(saved["best_score"]),
        int(saved["best_step"]),
        int(saved.get("evaluated_step", -1)),
    )


def _differences(saved: Any, now: Any, place: str = "") -> list[str]:
    if isinstance(saved, dict) and isinstance(now, dict):
        return [
            line
            for key in sorted(saved.keys() | now.keys())
            for line in _differences(saved.get(key), now.get(key), f"{place}.{key}" if place else str(key))
        ]
    return [] if saved == now else [f"{place} was {saved!r}, is {now!r}"]

"""The training loop, from drawings to a checkpoint."""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import nn

from sketchrnn.dataset.drawings import Drawings
from sketchrnn.errors import DatasetError, TrainingError
from sketchrnn.model.checkpoint import Checkpoint
from sketchrnn.model.configuration import ModelConfiguration
from sketchrnn.model.recognizer import Recognizer
from sketchrnn.training.batches import Batch, Collator, batch_stream, derived_seed
from sketchrnn.training.configuration import TrainingConfiguration, kl_weight, learning_rate
from sketchrnn.training.distributed import ALONE, Workers
from sketchrnn.training.evaluation import default_latent, evaluate
from sketchrnn.training.files import RunFiles, check_run_files, last_path, lock_run
from sketchrnn.training.network.losses import kl_loss, reconstruction_losses
from sketchrnn.training.recognizer import rated
from sketchrnn.training.reports import (
    EvaluationReport,
    Observer,
    Silent,
    StepResult,
    Window,
    choose_prefixes,
    completion_sheet,
)
from sketchrnn.training.state import TrainingState, extend_categories

MAX_SKIPPED_IN_A_ROW = 10
"""A run ends after this number of steps in a row without a finite loss and gradient."""

AVERAGED_STEPS = 50
"""Steps that a report averages, and between two records of them in the log."""

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)
"""Ctrl-C, and the signal that batch systems send before they kill a process."""


@dataclass(frozen=True)
class Outcome:
    """How a run ended.

    Attributes:
        step: number of steps taken in all.
        finished: all steps were done, or ``patience`` ended the run. If not, the
            time was up or the run was interrupted, and it can be resumed.
        interrupted: Ctrl-C or SIGTERM ended it.
        best_score: of the best model.
        best_step: its step.
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
    overwrite: bool = True,
    max_seconds: float = float("inf"),
    observer: Observer | None = None,
    workers: Workers = ALONE,
    start: Checkpoint | None = None,
    rated_by: Recognizer | None = None,
) -> Outcome:
    """Train a model. The best model is written to ``path``, and the last state, a log and preview sheets beside it.

    Every random choice depends on the seed and the step only, so a resumed run takes the same steps as an uninterrupted
    one; on the CPU the weights are exactly equal. At the end of ``max_seconds`` the model is evaluated once more, so
    the best model can be one that an uninterrupted run would not have evaluated.

    Args:
        drawings: all splits; "train" is trained on, "valid" chooses the best model.
        model: the architecture; its categories are replaced by those of the drawings, or of ``start`` and the drawings.
        training: the settings.
        path: the checkpoint of the best model.
        max_length: Nmax.
        device: "cpu" or "cuda".
        resume: continue from the last state.
        overwrite: replace the files of an earlier run.
        max_seconds: stop after this time; the run can be resumed.
        observer: receives the reports, in the process that writes.
        workers: the processes that call this together, with the same arguments except for the device.
        start: the model with the initial weights; by default they are random. It is the best model until a
            better one is found.
        rated_by: recognizer that rates how clearly each training drawing shows its category, for a model with
            ``clarity``.

    Raises:
        DatasetError: the training or the validation split is empty.
        TrainingError: the loss is no longer finite (the last good state is kept), or another process writes to the same
            files.
        CheckpointError: the last state cannot be read or is missing, or ``start`` has another architecture.
        ConfigurationError: the last state belongs to another configuration or other drawings, or ``start`` cannot be
            trained on the drawings.
        SketchRNNError: the files cannot be written.
    """
    deadline = time.monotonic() + max_seconds
    path, observer = Path(path), observer if observer is not None and workers.writes else Silent()

    # 1. Data and model.
    if start is not None:
        start = extend_categories(start, drawings)
        drawings = drawings.with_categories(start.configuration.categories)
    train_set, valid_set = drawings.of_split("train"), drawings.of_split("valid")
    for name, split in (("training", train_set), ("validation", valid_set)):
        if not len(split):
            raise DatasetError(
                f"expected drawings in the {name} split, found none of {len(drawings):,}. Add more drawings"
            )
    model = replace(model, categories=drawings.categories)
    offset_scale = drawings.offset_scale() if start is None else start.offset_scale
    with contextlib.ExitStack() as stack:
        # 2. The state of the run, and its files, which are locked until the end.
        if workers.writes:
            stack.enter_context(lock_run(path))
            check_run_files(path, overwrite=overwrite or resume)
        state = TrainingState(drawings, offset_scale, max_length, model, training, device, start)
        if resume:
            state.load_last(last_path(path))
        prefixes = choose_prefixes(valid_set)
        files = stack.enter_context(contextlib.closing(RunFiles(path, state, writes=workers.writes, new=not resume)))

        def evaluate_now() -> None:
            state.evaluated_step = state.step
            scores = evaluate(state.averaged, valid_set, offset_scale, max_length, workers=workers)
            nats, kl = scores.nats_per_point, max(scores.mean_kl, training.kl_floor)
            is_vae_only = default_latent(state.averaged) != "none"
            score = scores.mean_reconstruction + training.kl_weight * kl if is_vae_only else nats[0]
            is_best = score < state.best_score
            if is_best and not workers.any(not files.keep_best(score)):
                state.best_score, state.best_step = score, state.step
            report = EvaluationReport(
                state.step, scores.mean_reconstruction, scores.mean_kl, nats, score, state.best_step == state.step
            )
            files.record("evaluation", vars(report))
            if workers.writes:
                title = f"Completed after {state.step:,} steps of training"
                sheet = completion_sheet(state.checkpoint(), prefixes, title)
                files.keep_sheet(sheet)
                observer.on_evaluation(report, sheet)

        def stop_if_not_finite() -> None:
            skipped = window.skipped_in_a_row()
            if skipped >= MAX_SKIPPED_IN_A_ROW:
                files.save_last()
                raise TrainingError(
                    f"step {state.step:,}: the loss or its gradient was not finite in the last {skipped} steps, which "
                    f"were skipped. Lower the learning_rate or set precision float32. Last weights: {last_path(path)}"
                )

        def is_done() -> bool:
            out_of_patience = 0 < training.patience * training.evaluate_every <= state.step - state.best_step
            return state.step >= training.max_steps or out_of_patience

        def should_stop() -> bool:
            return workers.any(interrupted.is_set() or time.monotonic() >= deadline)

        # 3. The loop.
        network = workers.wrap(state.network)
        clarity = rated(train_set, rated_by) if model.clarity and rated_by is not None else None
        batches = batch_stream(
            train_set, Collator(train_set, offset_scale, device, clarity), training, state.step, max_length, workers
        )
        window = Window(device)
        interrupted = stack.enter_context(interrupt_as_flag())
        if start is not None and not resume:
            evaluate_now()
        while not (is_done() or should_stop()):
            window.add(take_step(state, network, next(batches), training, max_length, workers))
            report = None
            if state.step % AVERAGED_STEPS == 0:
                stop_if_not_finite()
                report = window.report(state.step, training)
                files.record("step", vars(report))
            observer.on_step(state.step, report)
            if state.step % training.evaluate_every == 0:
                evaluate_now()
            if state.step % training.checkpoint_every == 0:
                files.keep_last()

        # 4. The end: the last state is saved.
        stop_if_not_finite()
        was_interrupted = workers.any(interrupted.is_set())
        if state.evaluated_step != state.step and not was_interrupted:
            evaluate_now()
        files.save_last()
    return Outcome(state.step, is_done(), was_interrupted, state.best_score, state.best_step)


def take_step(
    state: TrainingState,
    network: nn.Module,
    batch: Batch,
    training: TrainingConfiguration,
    max_length: int,
    workers: Workers,
) -> StepResult:
    """Take one optimizer step, each process on its shard. It is skipped if the loss or a gradient is not finite.

    Args:
        state: of the run.
        network: the network of the state, wrapped for the processes.
        batch: this process's shard.
        training: the settings.
        max_length: Nmax.
        workers: the processes.
    """
    step, device = state.step, batch.stroke5.device
    for group in state.optimizer.param_groups:
        group["lr"] = learning_rate(step, training)
    torch.manual_seed(
        derived_seed(training.seed, 2, step, workers.rank)
    )  # for dropout, which uses the default generator
    generator = torch.Generator(device).manual_seed(derived_seed(training.seed, 3, step))
    noise = state.network.draw_noise(batch.global_batch_size, generator)
    noise_of_shard = noise[batch.shard]

    with torch.autocast(device.type, torch.bfloat16) if training.precision == "bfloat16" else contextlib.nullcontext():
        prediction = network(batch.stroke5, batch.lengths, batch.category, noise_of_shard, batch.clarity)
    pen_rows = "all" if training.pen_over_padding else "end"
    offset_loss, pen_loss = reconstruction_losses(
        prediction.mixture, batch.stroke5[:, 1:], batch.lengths, max_length, pen_rows=pen_rows
    )
    reconstruction = (offset_loss + pen_loss) * (len(batch) / batch.global_batch_size)
    kl = torch.zeros(1, device=device)
    if prediction.z_mean is not None:
        counted = noise_of_shard.latent_used.sum().clamp_min(1.0) / noise.latent_used.sum().clamp_min(1.0)
        kl = kl_loss(prediction.z_mean, prediction.z_logvar, noise_of_shard.latent_used) * counted
    reconstruction_of_all, *_ = of_all = workers.sum(torch.cat([reconstruction[None], kl]).detach())
    kl_of_all = of_all[1:].mean()
    above_floor = ((of_all[1:] if training.free_bits else kl_of_all) > training.kl_floor).float()
    loss = reconstruction + kl_weight(step, training) * (above_floor * kl).mean()

    state.optimizer.zero_grad(set_to_none=True)
    (workers.size * loss).backward()  # the gradients are averaged over the processes
    gradients = [parameter.grad for parameter in state.parameters if parameter.grad is not None]
    gradient_norm = nn.utils.get_total_norm(gradients)
    if training.clipping == "value":
        nn.utils.clip_grad_value_(state.parameters, training.clip)
    else:
        nn.utils.clip_grads_with_norm_(state.parameters, training.clip, gradient_norm)
    finite = torch.isfinite(reconstruction_of_all + kl_of_all) & torch.isfinite(gradient_norm)
    state.optimizer.found_inf = (~finite).float()  # type: ignore[attr-defined]  # the fused optimizer then skips it
    state.optimizer.step()
    state.advance()
    return StepResult(reconstruction_of_all, kl_of_all, gradient_norm, finite, batch.global_batch_size)


@contextlib.contextmanager
def interrupt_as_flag() -> Iterator[threading.Event]:
    """Let Ctrl-C and SIGTERM set a flag, so that a step is completed; a second one interrupts at once."""
    requested = threading.Event()
    if threading.current_thread() is not threading.main_thread():  # only the main thread may handle signals
        yield requested
        return

    def handle(number: int, frame: object) -> None:
        if requested.is_set():
            raise KeyboardInterrupt
        requested.set()

    before = {number: signal.signal(number, handle) for number in STOP_SIGNALS}
    try:
        yield requested
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

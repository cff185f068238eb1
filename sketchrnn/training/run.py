"""The training loop, from drawings to a checkpoint."""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass, replace
from pathlib import Path

from sketchrnn.dataset.drawings import Drawings
from sketchrnn.errors import DatasetError, TrainingError
from sketchrnn.model.checkpoint import Checkpoint
from sketchrnn.model.configuration import ModelConfiguration
from sketchrnn.training.batches import Collator
from sketchrnn.training.configuration import TrainingConfiguration
from sketchrnn.training.distributed import ALONE, Workers
from sketchrnn.training.evaluation import default_latent, evaluate
from sketchrnn.training.files import RunFiles
from sketchrnn.training.interruption import interrupt_as_flag
from sketchrnn.training.paths import last_path
from sketchrnn.training.reports import EvaluationReport, Observer, Silent, Window
from sketchrnn.training.sheets import choose_prefixes, completion_sheet
from sketchrnn.training.start import widened
from sketchrnn.training.state import TrainingState
from sketchrnn.training.step import take_step
from sketchrnn.training.stream import batch_stream

MAX_SKIPPED_IN_A_ROW = 10
"""Steps in a row without a finite loss and gradient that end a run."""

AVERAGED_STEPS = 50
"""Steps over which the shown losses are averaged, and between two records of them in the log."""


@dataclass(frozen=True)
class Outcome:
    """How a run ended.

    Attributes:
        step: steps done in all.
        finished: all steps are done, or no better model came for as long as patience lasts; otherwise time ran out or
            it was interrupted, and it can be resumed.
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
    workers: Workers = ALONE,
    start: Checkpoint | None = None,
) -> Outcome:
    """Train a model; keep the best at ``path``, and beside it the last state, a log, and sheets of what it draws.

    Every random choice depends on the seed and the step alone, so that a resumed run takes the very steps that the
    uninterrupted one would have taken; on the CPU the weights are equal to the last bit. A run that is out of time is
    evaluated once more where it stops, so that its best model can be one that the uninterrupted run never looked at.

    Args:
        drawings: all splits; trained on "train", the best model chosen on "valid".
        model: the architecture; its categories are replaced by the drawings', or by those of ``start`` and theirs.
        training: how.
        path: the checkpoint of the best model.
        max_length: Nmax.
        device: "cpu" or "cuda".
        resume: go on from the last state.
        max_seconds: stop, with everything kept, after this long.
        observer: is told how it goes, in the process that writes.
        workers: the processes that call this together, with the same arguments but for the device.
        start: the model whose weights are the first ones; by default they are drawn by the seed. It is the best until
            a better one is found.

    Raises:
        DatasetError: a split that is needed is empty.
        TrainingError: the loss is no longer finite; the last good state is kept.
        CheckpointError: the last state cannot be read, or there is none; or ``start`` has another architecture.
        ConfigurationError: the last state belongs to another configuration or other drawings; or the drawings are none
            that ``start`` can be trained on.
    """
    started = time.monotonic()
    if start is not None:
        start = widened(start, drawings)
        drawings = drawings.with_categories(start.configuration.categories)
    path, observer = Path(path), observer if observer is not None and workers.writes else Silent()
    train_set, valid_set = drawings.of_split("train"), drawings.of_split("valid")
    for name, split in (("training", train_set), ("validation", valid_set)):
        if not len(split):
            raise DatasetError(f"no drawing is in the {name} split; give more drawings")
    model = replace(model, categories=drawings.categories)
    offset_scale = drawings.offset_scale() if start is None else start.offset_scale
    state = TrainingState(drawings, offset_scale, max_length, model, training, device, start)
    if resume:
        state.load_last(last_path(path))
    prefixes = choose_prefixes(valid_set)
    files = RunFiles(path, state, observer, writes=workers.writes, new=not resume)

    def evaluate_now() -> None:
        state.evaluated_step = state.step
        scores = evaluate(state.averaged, valid_set, offset_scale, max_length, workers=workers)
        nats = scores.nats_per_point
        floored = max(scores.mean_kl, training.kl_floor)
        chosen_by_nats = default_latent(state.averaged) == "none"
        score = nats[0] if chosen_by_nats else scores.mean_reconstruction + training.kl_weight * floored
        if score < state.best_score:
            files.keep_best(score)
        best = state.best_step == state.step
        report = EvaluationReport(state.step, scores.mean_reconstruction, scores.mean_kl, nats, score, best)
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
                f"changed nothing; {last_path(path)} keeps the weights; try a lower learning_rate or precision float32"
            )

    network = workers.wrap(state.network)
    collator = Collator(train_set, offset_scale, device)
    batches = batch_stream(train_set.lengths, collator, training, state.step, max_length, workers)
    window = Window(device)
    with contextlib.closing(files), interrupt_as_flag() as interrupted:

        def told_to_stop() -> bool:
            return workers.any(interrupted.is_set() or time.monotonic() - started >= max_seconds)

        def is_done() -> bool:
            out_of_patience = 0 < training.patience * training.evaluate_every <= state.step - state.best_step
            return state.step >= training.max_steps or out_of_patience

        if start is not None and not resume:
            evaluate_now()
        while not (is_done() or told_to_stop()):
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
        stop_if_not_finite()
        was_interrupted = workers.any(interrupted.is_set())
        if state.evaluated_step != state.step and not was_interrupted:
            evaluate_now()
        files.save_last()
    return Outcome(state.step, is_done(), was_interrupted, state.best_score, state.best_step)

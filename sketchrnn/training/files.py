"""The files of a run, written by one process and never in the way of training."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from sketchrnn.errors import SketchRNNError
from sketchrnn.files import reason, write_bytes
from sketchrnn.model.checkpoint import save_checkpoint
from sketchrnn.training.log import TrainingLog
from sketchrnn.training.paths import last_path, log_path, sheets_path
from sketchrnn.training.reports import Observer
from sketchrnn.training.state import TrainingState


class RunFiles:
    """Writes the best model, the last state and the log of a run, in the one process that does.

    Where one cannot be written, because the disk is full for one, that is said, what stood there before is kept, and
    training goes on.
    """

    def __init__(self, path: Path, state: TrainingState, observer: Observer, *, writes: bool, new: bool) -> None:
        """Open the files of a run.

        Args:
            path: the best model's.
            state: the run's.
            observer: is told of problems.
            writes: this process writes; otherwise nothing here does anything.
            new: the run begins; it writes what it has at once, so that a folder that cannot be written is found early.

        Raises:
            SketchRNNError: they cannot be written.
        """
        self._path, self._state, self._observer, self._writes = path, state, observer, writes
        self._log: TrainingLog | None = None
        if not writes:
            return
        if new:
            for sheet in sheets_path(path).glob("[0-9]*.svg"):  # of a run that wrote here before
                sheet.unlink()
            save_checkpoint(state.checkpoint(), path)
            state.save_last(last_path(path))
        self._log = TrainingLog(log_path(path), state.step)

    def keep_best(self, score: float) -> None:
        """Book the state's model as the best so far, if it can be written."""
        state = self._state
        before = state.best_score, state.best_step
        state.best_score, state.best_step = score, state.step
        if not self._kept(lambda: save_checkpoint(state.checkpoint(), self._path)):
            state.best_score, state.best_step = before

    def keep_last(self) -> None:
        """Write the last state, if it can be written."""
        self._kept(self.save_last)

    def save_last(self) -> None:
        """Write the last state.

        Raises:
            SketchRNNError: it cannot be written.
        """
        if self._writes:
            self._state.save_last(last_path(self._path))

    def keep_sheet(self, sheet: str) -> None:
        """Write the SVG sheet of this step, if it can be written."""
        folder = sheets_path(self._path)

        def write() -> None:
            try:
                folder.mkdir(exist_ok=True)
            except OSError as error:
                raise SketchRNNError(f"{folder}: cannot be written: {reason(error)}") from error
            write_bytes(folder / f"{self._state.step:07d}.svg", sheet.encode())

        self._kept(write)

    def record(self, kind: str, values: dict[str, Any]) -> None:
        """Append to the log, if it can be written."""
        log = self._log
        if log is not None:
            self._kept(lambda: log.write(kind, **values))

    def close(self) -> None:
        """Close the log."""
        if self._log is not None:
            self._log.close()

    def _kept(self, write: Callable[[], None]) -> bool:
        if not self._writes:
            return True
        try:
            write()
        except SketchRNNError as error:
            step = self._state.step
            self._observer.on_problem(f"step {step:,}: {error}; what stood there before is kept, training goes on")
            return False
        return True

"""The files of a run: names, locks and writing."""

from __future__ import annotations

import contextlib
import errno
import json
import logging
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sketchrnn.errors import ConfigurationError, SketchRNNError, TrainingError
from sketchrnn.files import atomic_write, check_writable, locked, make_folder, reason, write_bytes

if TYPE_CHECKING:
    from sketchrnn.training.state import TrainingState

logger = logging.getLogger(__name__)

_SHEET = re.compile(r"\d{7,}\.svg")


def last_path(path: Path) -> Path:
    """Return the file of the last state of the run that writes ``path``.

    >>> last_path(Path("cats.safetensors")).name
    'cats.last.safetensors'
    """
    return path.with_name(f"{path.stem}.last{path.suffix}")


def log_path(path: Path) -> Path:
    """Return the log of the run that writes ``path``.

    >>> log_path(Path("cats.safetensors")).name
    'cats.log.jsonl'
    """
    return path.with_name(f"{path.stem}.log.jsonl")


def sheets_path(path: Path) -> Path:
    """Return the folder of the preview sheets of the run that writes ``path``.

    >>> sheets_path(Path("cats.safetensors")).name
    'cats.sheets'
    """
    return path.with_name(f"{path.stem}.sheets")


def written_files(path: Path) -> list[Path]:
    """Return all files of the run that writes ``path``; only sheets that exist."""
    sheets = sheets_path(path)
    found = [one for one in sheets.glob("*.svg") if _SHEET.fullmatch(one.name)] if sheets.is_dir() else []
    return [path, last_path(path), log_path(path), *sorted(found)]


def check_run_files(path: Path, *, overwrite: bool) -> None:
    """Check that a run can write its files.

    Raises:
        SketchRNNError: one of them exists and ``overwrite`` is not set, or it cannot be written.
        ConfigurationError: the name is that of another run's last state.
    """
    if path.stem.endswith(".last"):
        model = path.with_name(f"{path.stem.removesuffix('.last')}{path.suffix}")
        raise ConfigurationError(
            f"{path}: expected the name of a model, found that of the last state of a run. Use {model}"
        )
    for each in written_files(path):
        check_writable(each, force=overwrite)


@contextlib.contextmanager
def lock_run(path: Path) -> Iterator[None]:
    """Lock the files of a run, so that no other process writes them.

    Raises:
        TrainingError: another process has locked them.
        SketchRNNError: the folder is missing or not writable.
    """
    from filelock import Timeout

    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(locked(path.with_name(f".{path.stem}.lock"), 0.0))
        except Timeout as error:
            raise TrainingError(f"{path}: another process writes to these files. Choose another output") from error
        except OSError as error:
            raise SketchRNNError(f"{path}: cannot be written: {reason(error)}") from error
        yield


class RunFiles:
    """Writes the best model, the last state, the log and the sheets of a run, in one of its processes.

    If one of them cannot be written, for example because the disk is full, this is logged, the old file is kept, and
    training continues.
    """

    def __init__(self, path: Path, state: TrainingState, *, writes: bool, new: bool) -> None:
        """Open the files of a run.

        Args:
            path: of the best model.
            state: of the run.
            writes: whether this process writes; if not, all methods do nothing.
            new: a new run. It writes its first model at once, so that a bad folder is found early.

        Raises:
            SketchRNNError: they cannot be written.
        """
        self._path, self._state, self._writes = path, state, writes
        self._log: TrainingLog | None = None
        if not writes:
            return
        if new:
            for old in written_files(path)[3:]:  # sheets of an earlier run
                old.unlink()
            self._save_model(None)
            state.save_last(last_path(path))
        self._log = TrainingLog(log_path(path), state.step)

    def keep_best(self, score: float) -> bool:
        """Write the model as the best one, if it can be written; return whether it was."""
        return self._tried(lambda: self._save_model(score))

    def keep_last(self) -> None:
        """Write the last state, if it can be written."""
        self._tried(self.save_last)

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
            make_folder(folder)
            write_bytes(folder / f"{self._state.step:07d}.svg", sheet.encode())

        self._tried(write)

    def record(self, kind: str, values: dict[str, Any]) -> None:
        """Append to the log, if it can be written."""
        log = self._log
        if log is not None:
            self._tried(lambda: log.write(kind, **values))

    def close(self) -> None:
        """Close the log."""
        if self._log is not None:
            self._log.close()

    def _save_model(self, score: float | None) -> None:
        from sketchrnn.model.checkpoint import save_checkpoint

        save_checkpoint(self._state.checkpoint(score), self._path)

    def _tried(self, write: Callable[[], None]) -> bool:
        if not self._writes:
            return True
        try:
            write()
        except SketchRNNError as error:
            logger.warning(f"step {self._state.step:,}: {error}; the old file is kept, training continues")
            return False
        return True


class TrainingLog:
    """A log with one JSON object a line. A resumed run first deletes the records of steps that it will repeat."""

    def __init__(self, path: Path, first_step: int) -> None:
        """Open the log of a run that continues from ``first_step``; 0 begins a new file.

        Raises:
            SketchRNNError: it cannot be written.
        """
        kept = []
        try:
            for line in path.read_text().splitlines() if first_step > 0 and path.exists() else []:
                try:
                    step = json.loads(line)["step"]
                except (ValueError, KeyError, TypeError):  # the last line of a run that was killed
                    continue
                if step <= first_step:
                    kept.append(line)
            with atomic_write(path) as file:
                file.write("".join(line + "\n" for line in kept).encode())
            self._path = path
            self._file = path.open("ab", buffering=0)
        except (OSError, UnicodeDecodeError) as error:
            said = reason(error) if isinstance(error, OSError) else "it is no log"
            raise SketchRNNError(f"{path}: cannot be written: {said}") from error

    def write(self, kind: str, step: int, **values: Any) -> None:
        """Append one record.

        Raises:
            SketchRNNError: it cannot be written, for example because the disk is full.
        """
        try:
            end = self._path.stat().st_size
            line = (json.dumps({"kind": kind, "step": step, **values}) + "\n").encode()
            if self._file.write(line) < len(line):  # a nearly full disk writes only a part of it
                self._file.truncate(end)
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError as error:
            raise SketchRNNError(f"{self._path}: cannot be written: {reason(error)}") from error

    def close(self) -> None:
        """Close the file."""
        self._file.close()

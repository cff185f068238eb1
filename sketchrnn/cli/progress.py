"""Progress of long work on stderr: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import contextlib
import logging
import sys
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from tqdm import tqdm

from sketchrnn.cli.messages import LOGGER

if TYPE_CHECKING:
    from sketchrnn.dataset.quickdraw import DownloadTask
    from sketchrnn.training.reports import EvaluationReport, StepReport


def _shows_bars() -> bool:
    return sys.stderr.isatty() and LOGGER.isEnabledFor(logging.INFO)


@contextlib.contextmanager
def bytes_done(name: str) -> Iterator[Callable[[int, int | None], None]]:
    """Show a bar; yields a function that takes the number of bytes so far, and their total if it is known."""
    with tqdm(desc=name, unit="B", unit_scale=True, leave=False, delay=0.5, disable=not _shows_bars()) as bar:

        def show(done: int, total: int | None) -> None:
            bar.total = total
            bar.update(done - bar.n)

        yield show


class Downloads:
    """Shows a bar for each download and one for all; without a terminal, a line for each file."""

    def __init__(self, count: int) -> None:
        hidden = not _shows_bars()
        self._hidden, self._lock = hidden, threading.Lock()
        self._files: dict[str, tqdm[Any]] = {}
        self._all = tqdm(total=count, desc="all", unit="file", position=0, disable=hidden)

    def __enter__(self) -> Downloads:
        return self

    def __exit__(self, *exception: object) -> None:
        for bar in (*self._files.values(), self._all):
            bar.close()

    def on_bytes(self, task: DownloadTask, done: int, total: int | None) -> None:
        """Update the bar of a file."""
        name = task.path.name
        with self._lock:
            if name not in self._files:
                self._files[name] = tqdm(desc=name, unit="B", unit_scale=True, leave=False, disable=self._hidden)
            bar = self._files[name]
            bar.total = total
            bar.update(done - bar.n)

    def on_file(self, task: DownloadTask) -> None:
        """Count a complete file."""
        with self._lock:
            if (bar := self._files.pop(task.path.name, None)) is not None:
                bar.close()
            self._all.update()
            if self._hidden:
                size = task.path.stat().st_size
                LOGGER.info(f"wrote {task.path}: {size / 1e6:.1f} MB")


@contextlib.contextmanager
def steps_of(total: int) -> Iterator[Callable[[int, float], None]]:
    """Show a bar of steps, or a line every 100 steps; yields a function that takes the step and the loss."""
    with tqdm(total=total, unit="step", dynamic_ncols=True, disable=not _shows_bars()) as bar:

        def show(step: int, loss: float) -> None:
            bar.update(step - bar.n)
            if bar.disable and (step % 100 == 0 or step == total):
                LOGGER.info(f"step {step:,} of {total:,}: loss {loss:.3f}")
            elif step % 10 == 0:
                bar.set_postfix_str(f"loss {loss:.3f}")

        yield show


class TrainingProgress:
    """Shows the step, the losses, the speed and the remaining time."""

    def __init__(self, max_steps: int) -> None:
        self._bar = tqdm(total=max_steps, unit="step", dynamic_ncols=True, disable=not _shows_bars())
        self._validation = ""

    def __enter__(self) -> TrainingProgress:
        return self

    def __exit__(self, *exception: object) -> None:
        self._bar.close()

    def on_step(self, step: int, report: StepReport | None) -> None:
        """Update the bar."""
        self._bar.update(step - self._bar.n)
        if report is None:
            return
        if report.skipped:
            LOGGER.warning(
                f"step {step:,}: skipped {report.skipped} steps because the loss or a gradient was not finite"
            )
        text = (
            f"L_R {report.reconstruction:.3f} L_KL {report.kl:.3f}{self._validation} "
            f"{report.drawings_per_second:.0f} drawings/s"
        )
        if self._bar.disable:
            LOGGER.info(f"step {step:,}: {text}, {report.seconds_left / 60:.0f} min left")
        else:
            self._bar.set_postfix_str(text)

    def on_evaluation(self, report: EvaluationReport, sheet: str) -> None:
        """Print the measures of the validation split."""
        self._validation = f" nats {report.nats_per_point[0]:.3f}"
        nats = " / ".join(f"{value:.3f}" for value in report.nats_per_point)
        LOGGER.info(
            f"step {report.step:,}: validation L_R {report.reconstruction:.3f} L_KL {report.kl:.3f}, "
            f"nats per point after 0 / 25 / 50 / 75 %: {nats}{', best so far' if report.best else ''}"
        )

"""How far long work is: a bar on a terminal, plain lines elsewhere; all of it on stderr."""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from tqdm import tqdm

from sketchrnn.cli.talk import say

if TYPE_CHECKING:
    from sketchrnn.dataset.quickdraw import DownloadTask
    from sketchrnn.training.reports import EvaluationReport, StepReport


@contextlib.contextmanager
def reading(*, quiet: bool = False) -> Iterator[Callable[[int, int], None]]:
    """Show how many bytes of the files are read, on a terminal, until the block ends."""
    bar = tqdm(
        desc="reading", unit="B", unit_scale=True, leave=False, delay=0.5, disable=quiet or not sys.stderr.isatty()
    )

    def show(done: int, total: int) -> None:
        bar.total = total
        bar.update(done - bar.n)

    with bar:
        yield show


class Downloads:
    """Shows each file that is being fetched and all together, on a terminal; elsewhere says which are there."""

    def __init__(self, count: int) -> None:
        hidden = not sys.stderr.isatty()
        self._hidden, self._lock = hidden, threading.Lock()
        self._files: dict[str, tqdm[Any]] = {}
        self._all = tqdm(total=count, desc="all", unit="file", position=0, disable=hidden)

    def __enter__(self) -> Downloads:
        return self

    def __exit__(self, *exception: object) -> None:
        for bar in (*self._files.values(), self._all):
            bar.close()

    def on_bytes(self, task: DownloadTask, done: int, total: int | None) -> None:
        """Show how far a file is."""
        name = task.path.name
        with self._lock:
            if name not in self._files:
                self._files[name] = tqdm(desc=name, unit="B", unit_scale=True, leave=False, disable=self._hidden)
            bar = self._files[name]
            bar.total = total
            bar.update(done - bar.n)

    def on_file(self, task: DownloadTask) -> None:
        """Count a file, or say that it is there."""
        with self._lock:
            if (bar := self._files.pop(task.path.name, None)) is not None:
                bar.close()
            self._all.update()
            if self._hidden:
                size = task.path.stat().st_size
                say(f"wrote {task.path}: {size / 1e6:.1f} MB")


@contextlib.contextmanager
def downloading(name: str) -> Iterator[Callable[[int, int | None], None]]:
    """Show, on a terminal, how far a download is; yields what is told the bytes that are there, and of how many."""
    with tqdm(desc=name, unit="B", unit_scale=True, leave=False, disable=not sys.stderr.isatty()) as bar:

        def show(done: int, total: int | None) -> None:
            bar.total = total
            bar.update(done - bar.n)

        yield show


class TrainingProgress:
    """Shows the step, the losses, the speed and the time left."""

    def __init__(self, max_steps: int) -> None:
        self._bar = tqdm(total=max_steps, unit="step", dynamic_ncols=True, disable=not sys.stderr.isatty())
        self._validation = ""

    def __enter__(self) -> TrainingProgress:
        return self

    def __exit__(self, *exception: object) -> None:
        self._bar.close()

    def on_step(self, step: int, report: StepReport | None) -> None:
        """Advance the bar."""
        self._bar.update(step - self._bar.n)
        if report is None:
            return
        if report.skipped:
            self.on_problem(f"step {step:,}: {report.skipped} steps skipped, their loss or gradient was not finite")
        text = (
            f"L_R {report.reconstruction:.3f} L_KL {report.kl:.3f}{self._validation} "
            f"{report.drawings_per_second:.0f} drawings/s"
        )
        if self._bar.disable:
            say(f"step {step:,}: {text}, {report.seconds_left / 60:.0f} min left")
        else:
            self._bar.set_postfix_str(text)

    def on_evaluation(self, report: EvaluationReport, sheet: str) -> None:
        """Say how good the model is by now."""
        self._validation = f" nats {report.nats_per_point[0]:.3f}"
        nats = " / ".join(f"{value:.3f}" for value in report.nats_per_point)
        line = (
            f"step {report.step:,}: validation L_R {report.reconstruction:.3f} L_KL {report.kl:.3f}, "
            f"nats per point after 0 / 25 / 50 / 75 %: {nats}{', best so far' if report.best else ''}"
        )
        tqdm.write(line, file=sys.stderr)

    def on_problem(self, message: str) -> None:
        """Say what went wrong."""
        tqdm.write(message, file=sys.stderr)

"""How far long work is: a bar on a terminal, plain lines elsewhere; all of it on stderr."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from tqdm import tqdm

from sketchrnn.training.reports import EvaluationReport, StepReport


def reading(paths: Iterable[str | Path]) -> Iterable[str | Path]:
    """Show which of the files is being read, on a terminal."""
    return tqdm(paths, desc="reading", unit="file", leave=False, disable=not sys.stderr.isatty())


@contextmanager
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
            click.echo(f"step {step:,}: {text}, {report.seconds_left / 60:.0f} min left", err=True)
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

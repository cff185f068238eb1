"""How long is the way to the same nats per point with batches of 100, 250 and 1,000?

    python benchmarks/batch_size.py simplified/*.ndjson --target 8.2

A decoder of 512 units, told the category. The learning rate grows with the square root of the batch. The clock stands
while validation drawings are measured. RESULTS.md gets the table.
"""

import argparse
import contextlib
import math
import tempfile
import time
from pathlib import Path

import numpy as np
from results import machine, write_results

from sketchrnn.dataset.drawings import SPLITS, Drawings
from sketchrnn.dataset.load import load
from sketchrnn.model.configuration import ModelConfiguration
from sketchrnn.training.configuration import TrainingConfiguration
from sketchrnn.training.distributed import choose_device, choose_precision
from sketchrnn.training.reports import EvaluationReport, Silent, StepReport
from sketchrnn.training.run import train

MAX_LENGTH = 250
RATE_OF_100 = 1e-3
VALIDATION_DRAWINGS = 400


class TargetReachedError(Exception):
    """The target is."""


class Clock(Silent):
    """Counts the seconds of steps, and ends the run at the target."""

    def __init__(self, target: float) -> None:
        self.target, self.seconds, self.steps, self.best = target, 0.0, 0, float("inf")
        self.since = time.perf_counter()

    def on_step(self, step: int, report: StepReport | None) -> None:
        """Book a step."""
        now = time.perf_counter()
        self.seconds, self.steps, self.since = self.seconds + now - self.since, step, now

    def on_evaluation(self, report: EvaluationReport, sheet: str) -> None:
        """Stop the clock while it lasts; see whether the target is reached."""
        self.best = min(self.best, report.nats_per_point[0])
        print(f"step {self.steps}: {report.nats_per_point[0]:.3f} after {self.seconds:.0f} s", flush=True)
        if self.best <= self.target:
            raise TargetReachedError
        self.since = time.perf_counter()


def with_fewer_for_validation(drawings: Drawings) -> Drawings:
    """Return the drawings with only so many for validation that it takes seconds."""
    valid = np.flatnonzero(drawings.split == SPLITS.index("valid"))
    kept = np.random.default_rng(0).permutation(valid)[:VALIDATION_DRAWINGS]
    return drawings.subset(np.sort(np.concatenate([np.flatnonzero(drawings.split == SPLITS.index("train")), kept])))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+")
    parser.add_argument("--target", type=float, default=8.2)
    parser.add_argument("--batch-sizes", type=int, nargs="+", default=[100, 250, 1000])
    parser.add_argument("--minutes", type=float, default=15.0, help="at most, for each")
    arguments = parser.parse_args()
    drawings, report = load(arguments.files, max_length=MAX_LENGTH)
    print(report, flush=True)
    drawings = with_fewer_for_validation(drawings)
    device = choose_device("auto")
    precision = choose_precision("auto", device)
    lines = [
        f"{machine(device)}, {precision}; {len(drawings.of_split('train')):,} training drawings of "
        f"{len(drawings.categories)} categories, Nmax {MAX_LENGTH}; {VALIDATION_DRAWINGS} validation drawings to "
        f"{arguments.target} nats per point.",
        "",
        "| batch | learning rate | drawings/s | steps | seconds | nats per point |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for size in arguments.batch_sizes:
        rate = RATE_OF_100 * math.sqrt(size / 100)
        training = TrainingConfiguration(
            max_steps=100_000,
            batch_size=size,
            learning_rate=rate,
            learning_rate_schedule="exponential",
            warmup_steps=max(10, 5000 // size),
            clipping="norm",
            clip=0.25,
            precision=precision,
            evaluate_every=max(1, 5000 // size),
            checkpoint_every=100_000,
        )
        clock = Clock(arguments.target)
        with tempfile.TemporaryDirectory() as folder, contextlib.suppress(TargetReachedError):
            train(
                drawings,
                ModelConfiguration(variational=False),
                training,
                Path(folder) / "model.safetensors",
                max_length=MAX_LENGTH,
                device=device,
                max_seconds=60 * arguments.minutes,
                observer=clock,
            )
        lines.append(
            f"| {size:,} | {rate:.2g} | {clock.steps * size / clock.seconds:,.0f} | {clock.steps:,} | "
            f"{clock.seconds:,.0f} | {clock.best:.3f} |"
        )
        print(lines[-1], flush=True)
    write_results("batch_size", lines)


if __name__ == "__main__":
    main()

"""A run that is killed again and again: does it always go on, and end as the run that nobody disturbed?

    python benchmarks/kills.py drawings.ndjson --kills 20

Each time the command is started with --resume and killed at a random moment, by SIGKILL or SIGTERM, its start and its
end included. RESULTS.md says what came of it.
"""

import argparse
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from results import write_results

from sketchrnn.model.checkpoint import load_checkpoint
from sketchrnn.training.files import last_path

STEPS = 2000
START_UP = 4.0  # seconds


def command(file: Path, model: Path, *more: str) -> list[str]:
    """Return the command that trains."""
    settings = ["--decoder-only", "--set", "decoder_units=64", "--set", "evaluate_every=100"]
    settings += ["--set", "checkpoint_every=5", "--batch-size", "32", "--max-steps", str(STEPS), "--device", "cpu"]
    return [sys.executable, "-m", "sketchrnn", "train", str(file), "-o", str(model), *settings, *more]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    generator = np.random.default_rng(arguments.seed)
    with tempfile.TemporaryDirectory() as folder:
        whole, disturbed = Path(folder) / "whole.safetensors", Path(folder) / "disturbed.safetensors"
        started = time.monotonic()
        subprocess.run(command(arguments.file, whole), check=True, stderr=subprocess.DEVNULL)
        span = time.monotonic() - started
        steps, codes = [], []
        for number in range(arguments.kills):
            resume = ["--resume"] if last_path(disturbed).exists() else ["--force"]
            child = subprocess.Popen(command(arguments.file, disturbed, *resume), stderr=subprocess.DEVNULL)
            time.sleep(generator.uniform(0.0, START_UP + 2 * span / arguments.kills))
            kind = signal.SIGKILL if number % 2 == 0 else signal.SIGTERM
            child.send_signal(kind)
            codes.append(child.wait())
            step = load_checkpoint(last_path(disturbed)).training["step"] if last_path(disturbed).exists() else 0
            steps.append(step)
            print(f"{kind.name}: exit code {codes[-1]}, step {step}", flush=True)
        subprocess.run(command(arguments.file, disturbed, "--resume"), check=True, stderr=subprocess.DEVNULL)
        same = all(
            (one.weights.keys() == other.weights.keys())
            and all(np.array_equal(value, other.weights[name]) for name, value in one.weights.items())
            and one.training == other.training
            for one, other in (
                (load_checkpoint(whole), load_checkpoint(disturbed)),
                (load_checkpoint(last_path(whole)), load_checkpoint(last_path(disturbed))),
            )
        )
    write_results(
        "kills",
        [
            f"{arguments.kills} kills, SIGKILL and SIGTERM in turns, of a run of {STEPS} steps, at steps "
            f"{', '.join(map(str, steps))}; each time it went on. At its end the best model and the last state were "
            f"{'equal to the last bit to' if same else 'NOT EQUAL to'} those of the undisturbed run.",
        ],
    )


if __name__ == "__main__":
    main()

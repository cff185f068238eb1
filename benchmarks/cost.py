"""How the time of a training step grows with the length of the drawings, the batch, the network and the categories.

    python benchmarks/cost.py

Draws cost.svg, and puts into RESULTS.md how steeply each curve rises.
"""

import argparse
import time
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from results import machine, write_results

from sketchrnn.dataset.drawings import Drawings
from sketchrnn.model.configuration import ModelConfiguration
from sketchrnn.training.batches import Collator, batch_stream
from sketchrnn.training.configuration import TrainingConfiguration
from sketchrnn.training.distributed import ALONE, choose_device, choose_precision
from sketchrnn.training.run import take_step
from sketchrnn.training.state import TrainingState

mpl.use("svg")
import matplotlib.pyplot as plt

PLOT = Path(__file__).parent / "cost.svg"
USUAL: dict[str, Any] = {"length": 50, "batch": 100, "decoder_units": 512, "categories": 1}
SWEEPS = {
    "length": [25, 50, 100, 175, 250],
    "batch": [25, 50, 100, 250, 500],
    "decoder_units": [128, 256, 512, 1024],
    "categories": [1, 10, 100, 345],
}
UNITS = {"length": "rows", "batch": "drawings", "decoder_units": "units", "categories": "categories"}


def random_drawings(length: int, categories: int, count: int = 2000) -> Drawings:
    """Return random walks, all of one length."""
    generator = np.random.default_rng(0)
    return Drawings.in_memory(
        generator.normal(0, 20, (count * length, 2)).astype(np.float32),
        generator.random(count * length) < 0.1,
        np.arange(count + 1, dtype=np.int64) * length,
        generator.integers(0, categories, count),
        np.zeros(count, np.int64),
        tuple(f"category {number}" for number in range(categories)),
        "box",
    )


def seconds_of_a_step(setting: dict[str, int], device: str, precision: str, steps: int) -> float:
    """Return the median time of a step."""
    drawings = random_drawings(setting["length"], setting["categories"])
    model = ModelConfiguration(categories=drawings.categories, decoder_units=setting["decoder_units"])
    training = TrainingConfiguration(batch_size=setting["batch"], precision=precision, augment_drop=0.0)
    scale = drawings.offset_scale()
    state = TrainingState(drawings, scale, setting["length"], model, training, device)
    batches = batch_stream(drawings, Collator(drawings, scale, device), training, 0, setting["length"])
    times = []
    for _ in range(steps + 1):
        started = time.perf_counter()
        result = take_step(state, state.network, next(batches), training, setting["length"], ALONE)
        float(result.reconstruction)  # waits for a GPU
        times.append(time.perf_counter() - started)
    return float(np.median(times[1:]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--steps", type=int, default=5)
    arguments = parser.parse_args()
    device = choose_device(arguments.device)
    precision = choose_precision("auto", device)
    figure, axes = plt.subplots(1, len(SWEEPS), figsize=(14, 3.4), layout="constrained")
    what = ", ".join(f"{value} {UNITS[name]}" for name, value in USUAL.items() if name != "categories")
    lines = [
        f"{machine(device)}, {precision}; unless swept {what}, 1 category.",
        "",
        "![Seconds a step](cost.svg)",
        "",
        "| swept | values | seconds a step | time grows as its power |",
        "| --- | --- | --- | --- |",
    ]
    for (name, values), axis in zip(SWEEPS.items(), axes, strict=True):
        seconds = [seconds_of_a_step({**USUAL, name: value}, device, precision, arguments.steps) for value in values]
        power = np.polyfit(np.log(values), np.log(seconds), 1)[0]
        axis.loglog(values, seconds, "o-", color="#d9480f")
        axis.set_xticks(values, [str(value) for value in values])
        axis.minorticks_off()
        axis.set_xlabel(f"{name.replace('_', ' ')} ({UNITS[name]})")
        axis.grid(visible=True, alpha=0.3)
        shown = " / ".join(f"{value:.3f}" for value in seconds)
        lines.append(f"| {name.replace('_', ' ')} | {' / '.join(map(str, values))} | {shown} | {power:.2f} |")
        print(lines[-1], flush=True)
    axes[0].set_ylabel("seconds a step")
    low, high = min(axis.get_ylim()[0] for axis in axes), max(axis.get_ylim()[1] for axis in axes)
    for axis in axes:
        axis.set_ylim(low, high)
    figure.savefig(PLOT, metadata={"Date": None})
    write_results("cost", lines)


if __name__ == "__main__":
    main()

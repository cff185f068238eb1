"""Every figure of a GPU that RESULTS.md lacks, within a time limit; writes the section of RESULTS.md to a file.

    python benchmarks/gpu.py --device cuda --output gpu.md         # on a machine with a GPU
    python benchmarks/gpu.py --device cpu --smoke --output gpu.md  # the same script, small, without one

For each recurrent cell, with and without torch.compile, and each batch size: drawings trained on per second, the share
of the time in which the GPU waits for the host, and the largest memory. Beside it cuDNN's LSTMs alone, and a large
matrix product. Drawings are random walks as long as kanji, so that no file is needed. The file is written anew after
each measurement: if the time ends, it holds what was measured until then.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from results import machine
from train_throughput import MAX_LENGTH, lstm_steps, matrix_rate, operations, seconds_of

from sketchrnn.dataset.drawings import Drawings
from sketchrnn.model.configuration import ModelConfiguration
from sketchrnn.training.batches import Collator, batch_stream
from sketchrnn.training.configuration import TrainingConfiguration
from sketchrnn.training.distributed import ALONE, choose_device, choose_precision
from sketchrnn.training.run import take_step
from sketchrnn.training.state import TrainingState

ROWS = 41
"""Rows of a kanji, on average."""
CASES = [("lstm", False), ("layer_norm", False), ("layer_norm", True), ("hyper", False), ("hyper", True)]
NAMES = {"lstm": "LSTM", "layer_norm": "layer-norm LSTM", "hyper": "HyperLSTM"}
SMALL = {"encoder_units": 8, "decoder_units": 16, "latent_units": 4, "hyper_units": 8, "hyper_embedding_units": 2}
HEADING = ["| cell | compiled | batch | drawings/s | times cuDNN alone | GPU waits | memory, GiB |", "| --- " * 7 + "|"]


def random_drawings(count: int) -> Drawings:
    """Return random walks of MAX_LENGTH rows at most, ROWS on average."""
    generator = np.random.default_rng(0)
    lengths = np.clip(generator.normal(ROWS, 14, count).round(), 8, MAX_LENGTH).astype(np.int64)
    rows = int(lengths.sum())
    return Drawings.in_memory(
        generator.normal(0, 20, (rows, 2)).astype(np.float32),
        generator.random(rows) < 0.1,
        np.concatenate([[0], np.cumsum(lengths)]),
        np.zeros(count, np.int64),
        np.zeros(count, np.int64),
        ("walk",),
        "box",
    )


def training_steps(
    drawings: Drawings, cell: str, compiled: bool, batch_size: int, device: str, small: bool
) -> Callable[[], None]:
    """Return a function that takes one training step."""
    precision = choose_precision("auto", device)
    training = TrainingConfiguration(batch_size=batch_size, precision=precision, compile_cells=compiled)
    sizes: dict[str, Any] = SMALL if small else {}
    model = ModelConfiguration(latent_dropout=0.0, encoder_cell=cell, decoder_cell=cell, **sizes)
    scale = drawings.offset_scale()
    state = TrainingState(drawings, scale, MAX_LENGTH, model, training, device)
    batches = batch_stream(drawings, Collator(drawings, scale, device), training, 0, MAX_LENGTH)

    def step() -> None:
        take_step(state, state.network, next(batches), training, MAX_LENGTH, ALONE)

    return step


def rate_of(step: Callable[[], None], batch_size: int, device: str, seconds: float) -> tuple[float, float]:
    """Return drawings per second and seconds per step, of as many steps as the time allows."""
    one = seconds_of(step, 2, device) / 2
    steps = max(2, int(seconds / one))
    taken = seconds_of(step, steps, device) / steps
    return batch_size / taken, taken


def share_waited(step: Callable[[], None], seconds_a_step: float, device: str) -> float | None:
    """Return the share of a step's time in which no kernel runs on the GPU; None on a CPU."""
    if not device.startswith("cuda"):
        return None
    steps = 3
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CUDA]) as profiler:
        for _ in range(steps):
            step()
        torch.cuda.synchronize()
    busy = sum(event.self_device_time_total for event in profiler.key_averages()) / 1e6 / steps
    return max(0.0, 1.0 - busy / seconds_a_step)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--smoke", action="store_true", help="small networks, small batches, no compiler")
    parser.add_argument("--minutes", type=float, default=6.5, help="time limit; what is left then is not measured")
    parser.add_argument("--output", type=Path, required=True, help="file for the section of RESULTS.md")
    arguments = parser.parse_args()
    ends = time.monotonic() + 60 * arguments.minutes
    device, small = choose_device(arguments.device), arguments.smoke
    precision = choose_precision("auto", device)
    batch_sizes = [4, 8] if small else [100, 1000, 4000]
    seconds = 0.01 if small else 4.0
    drawings = random_drawings(200 if small else 40_000)
    lines = [
        "## Training on a GPU",
        "",
        f"{machine(device)}, {precision}; `gpu.sh`: random walks of {drawings.lengths.mean():.0f} rows on average, "
        f"Nmax {MAX_LENGTH}, {'small networks (smoke test)' if small else 'the default network'}.",
        "",
        *HEADING,
    ]

    def write(*new: str) -> None:
        lines.extend(new)
        print("\n".join(new), flush=True)
        arguments.output.write_text("\n".join(lines) + "\n")

    write()
    alone = {size: rate_of(lstm_steps(ROWS, size, device, precision), size, device, seconds)[0] for size in batch_sizes}
    for cell, compiled in CASES:
        if compiled and small:
            continue
        for size in batch_sizes:
            case = f"| {NAMES[cell]} | {'yes' if compiled else 'no'} | {size:,} |"
            if time.monotonic() > ends:
                write(f"{case} not measured: out of time | | | |")
                continue
            if device.startswith("cuda"):
                torch.cuda.empty_cache()
                torch.cuda.reset_peak_memory_stats()
            try:
                step = training_steps(drawings, cell, compiled, size, device, small)
                rate, taken = rate_of(step, size, device, seconds)
                waited = share_waited(step, taken, device)
            except torch.cuda.OutOfMemoryError:
                write(f"{case} out of memory | | | |")
                continue
            memory = torch.cuda.max_memory_allocated() / 2**30 if device.startswith("cuda") else None
            write(
                f"{case} {rate:,.0f} | {rate / alone[size]:.2f} | "
                f"{'' if waited is None else f'{waited:.0%}'} | {'' if memory is None else f'{memory:.1f}'} |"
            )
    possible = matrix_rate(device, precision) / operations(ROWS)
    shown = ", ".join(f"{rate:,.0f} at batch {size:,}" for size, rate in alone.items())
    write(
        "",
        f"The three LSTMs alone (cuDNN's on a GPU), forward and backward, drawings/s: {shown}. The arithmetic alone, "
        f"at the rate of a large matrix product: {possible:,.0f}.",
    )


if __name__ == "__main__":
    main()

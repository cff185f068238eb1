"""Drawings trained on per second, against the padded float32 baseline and against what the machine allows.

    python benchmarks/train_throughput.py                      # the CPU, batches of 100, 250 and 1,000
    python benchmarks/train_throughput.py --device cuda        # a GPU, batches of 100, 1,000 and 4,000

All take turns on the same drawings, so that whatever else the machine does meets each of them. The table goes to
RESULTS.md.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from padded_baseline import BaselineTraining
from results import machine, write_results
from torch import nn

from sketchrnn.dataset.drawings import Drawings
from sketchrnn.dataset.load import load
from sketchrnn.model.configuration import ModelConfiguration
from sketchrnn.training.batches import Collator, batch_stream
from sketchrnn.training.configuration import TrainingConfiguration
from sketchrnn.training.distributed import ALONE, choose_device, choose_precision
from sketchrnn.training.run import take_step
from sketchrnn.training.state import TrainingState

KANJI = Path(__file__).parent.parent.parent / "shared" / "reference" / "short_kanji.npz"
MAX_LENGTH = 88
ENCODER, DECODER, LATENT, OUTPUT = 256, 512, 128, 123


def training_steps(drawings: Drawings, batch_size: int, device: str, precision: str) -> Callable[[], object]:
    """Return a function that takes one step of ours."""
    training = TrainingConfiguration(batch_size=batch_size, precision=precision)
    model = ModelConfiguration(latent_dropout=0.0, categories=drawings.categories)
    scale = drawings.offset_scale()
    state = TrainingState(drawings, scale, MAX_LENGTH, model, training, device)
    batches = batch_stream(drawings, Collator(drawings, scale, device), training, 0, MAX_LENGTH)
    return lambda: take_step(state, state.network, next(batches), training, MAX_LENGTH, ALONE)


def lstm_steps(rows: int, batch_size: int, device: str, precision: str) -> Callable[[], None]:
    """Return a function that runs torch's three LSTMs of these sizes alone, forwards and backwards."""
    shapes = ((5, ENCODER), (5, ENCODER), (5 + LATENT, DECODER))
    layers = [nn.LSTM(inputs, units).to(device) for inputs, units in shapes]
    sequences = [torch.randn(rows, batch_size, inputs, device=device) for inputs, _ in shapes]

    def step() -> None:
        for layer, sequence in zip(layers, sequences, strict=True):
            with torch.autocast(torch.device(device).type, torch.bfloat16, enabled=precision == "bfloat16"):
                output, _ = layer(sequence)
            output.sum().backward()

    return step


def matrix_rate(device: str, precision: str) -> float:
    """Return the arithmetic rate of a large matrix product, in operations per second: the best of five."""
    size = 4096 if device.startswith("cuda") else 2048
    one, two = (torch.randn(size, size, device=device, dtype=getattr(torch, precision)) for _ in range(2))
    return 2 * size**3 / min(seconds_of(lambda: one @ two, 1, device) for _ in range(5))


def operations(rows: int) -> float:
    """Return the operations of a drawing of that many rows, forwards and backwards."""
    lstms = 2 * 4 * ENCODER * (ENCODER + 5) + 4 * DECODER * (DECODER + 5 + LATENT)
    return 3 * 2 * rows * (lstms + DECODER * OUTPUT)


def seconds_of(step: Callable[[], object], steps: int, device: str) -> float:
    """Return how long some steps take."""
    synchronize = torch.cuda.synchronize if device.startswith("cuda") else lambda: None
    synchronize()
    started = time.perf_counter()
    for _ in range(steps):
        step()
    synchronize()
    return time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--file", type=Path, default=KANJI, help="short_kanji.npz, of Magenta's sketch_rnn")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--batch-sizes", type=int, nargs="+")
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--drawings", type=int, help="in a round, for each  [default: 3,000, on a GPU 40,000]")
    arguments = parser.parse_args()
    if not arguments.file.exists():
        raise SystemExit(f"{arguments.file} is not there")
    device = choose_device(arguments.device)
    on_gpu = device.startswith("cuda")
    precision = choose_precision("auto", device)
    batch_sizes = arguments.batch_sizes or ([100, 1000, 4000] if on_gpu else [100, 250, 1000])
    drawings = load([arguments.file], max_length=MAX_LENGTH)[0].of_split("train")
    rows = round(float(np.mean(drawings.lengths)))

    baseline = BaselineTraining(drawings, TrainingConfiguration(), MAX_LENGTH, device)
    runs: dict[str, tuple[Callable[[], object], int]] = {
        "padded float32 torch.nn.LSTM, batch 100": (baseline.step, 100)
    }
    for size in batch_sizes:
        runs[f"sketchrnn, {precision}, batch {size}"] = (training_steps(drawings, size, device, precision), size)
        runs[f"torch.nn.LSTM alone, {precision}, batch {size}"] = (lstm_steps(rows, size, device, precision), size)
    drawings_a_round = arguments.drawings or (40_000 if on_gpu else 3000)
    seconds = dict.fromkeys(runs, 0.0)
    done = dict.fromkeys(runs, 0)
    for step, _ in runs.values():
        seconds_of(step, 2, device)  # warm up
    for _ in range(arguments.rounds):
        for name, (step, size) in runs.items():
            steps = max(1, drawings_a_round // size)
            seconds[name] += seconds_of(step, steps, device)
            done[name] += steps * size
    rates = {name: done[name] / seconds[name] for name in runs}
    possible = matrix_rate(device, precision) / operations(rows)
    rates["the arithmetic alone, at the rate of a large matrix product"] = possible
    first = next(iter(rates.values()))
    lines = [
        f"{machine(device)}; `{arguments.file.name}`, {rows} rows a drawing on average, Nmax {MAX_LENGTH}, "
        "Magenta's default sizes.",
        "",
        "| | drawings/s | times the baseline | epoch of 70,000, s |",
        "| --- | --- | --- | --- |",
    ]
    lines += [f"| {name} | {rate:,.0f} | {rate / first:.2f} | {70_000 / rate:,.1f} |" for name, rate in rates.items()]
    if on_gpu:
        lines += ["", f"GPU memory at most: {torch.cuda.max_memory_allocated() / 2**30:.1f} GiB."]
    write_results("train_throughput", lines)


if __name__ == "__main__":
    main()

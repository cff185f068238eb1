"""How many times the drawings/s of the padded float32 torch.nn.LSTM does training reach, in float32, on a CPU?

    python benchmarks/laptop.py                                                     # this processor
    ONEDNN_MAX_CPU_ISA=AVX2 ATEN_CPU_CAPABILITY=avx2 python benchmarks/laptop.py    # as without AVX-512

For the VAE and the decoder alone, with 1 and with 345 categories (kanji, given categories by number; the time does
not depend on which). Each model and its baseline, the same network, take turns. Processor time, with one thread, counts
under --threads 1, so that other work on the machine matters less.
"""

import argparse
import dataclasses
import time
from pathlib import Path

import numpy as np
import torch
from padded_baseline import BaselineTraining
from results import machine
from train_throughput import KANJI, MAX_LENGTH

from sketchrnn.dataset.load import load
from sketchrnn.model.configuration import ModelConfiguration
from sketchrnn.training.batches import Collator, batch_stream
from sketchrnn.training.configuration import TrainingConfiguration
from sketchrnn.training.distributed import ALONE
from sketchrnn.training.run import take_step
from sketchrnn.training.state import TrainingState


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--file", type=Path, default=KANJI, help="short_kanji.npz, of Magenta's sketch_rnn")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--rounds", type=int, default=12, help="steps of the baseline, and three times as many of ours")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    clock = time.thread_time if arguments.threads == 1 else time.perf_counter
    kanji = load([arguments.file], max_length=MAX_LENGTH)[0].of_split("train")
    print(f"{machine('cpu')}, {torch.backends.cpu.get_cpu_capability()}, {arguments.threads} threads, float32.\n")
    print("| model | categories | baseline, s a step | ours, s a step | times the drawings/s |\n" + "| --- " * 5 + "|")
    for variational in (True, False):
        for count in (1, 345):
            names = tuple(f"category {number}" for number in range(count))
            category = np.arange(len(kanji), dtype=np.int32) % count
            drawings = dataclasses.replace(kanji, categories=names, category=category)
            training = TrainingConfiguration()
            baseline = BaselineTraining(drawings, training, MAX_LENGTH, variational=variational)
            model = ModelConfiguration(variational=variational, categories=names)
            scale = drawings.offset_scale()
            state = TrainingState(drawings, scale, MAX_LENGTH, model, training, "cpu")
            batches = batch_stream(drawings, Collator(drawings, scale), training, 0, MAX_LENGTH)
            seconds = {"theirs": 0.0, "ours": 0.0}
            for turn in range(arguments.rounds + 1):
                started = clock()
                baseline.step()
                between = clock()
                for _ in range(3):
                    take_step(state, state.network, next(batches), training, MAX_LENGTH, ALONE)
                if turn:  # the first turn warms up
                    seconds["theirs"] += (between - started) / arguments.rounds
                    seconds["ours"] += (clock() - between) / arguments.rounds / 3
            name = "VAE" if variational else "decoder only"
            ratio = seconds["theirs"] / seconds["ours"]
            print(f"| {name} | {count} | {seconds['theirs']:.3f} | {seconds['ours']:.3f} | {ratio:.2f} |", flush=True)


if __name__ == "__main__":
    main()

"""Magenta's training benchmark: 10,000 kanji, its settings, batches of 100, 1,000 steps.

How low do the test losses get, and in what share of the time of the padded float32 baseline? Both run in turns, so
that whatever else the machine does meets both; a step counts with the median of its kind. Magenta's own code reaches
test L_R / L_KL -0.19 / 1.16; what share of the baseline's time to that L_R does ours take? The baseline learns at
Magenta's rate, ours at --learning-rate, and ours has the running average of its weights.
"""

import argparse
import dataclasses
import tempfile
import time
from pathlib import Path
from statistics import median

import numpy as np
import torch
from magentas import MAGENTAS
from padded_baseline import BaselineTraining

from sketchrnn.dataset.drawings import SPLITS, Drawings
from sketchrnn.dataset.load import load
from sketchrnn.model.checkpoint import Checkpoint, load_checkpoint
from sketchrnn.model.configuration import ModelConfiguration
from sketchrnn.training.configuration import LEARNING_RATE_SCHEDULES, TrainingConfiguration
from sketchrnn.training.distributed import choose_precision
from sketchrnn.training.evaluation import evaluate
from sketchrnn.training.files import last_path
from sketchrnn.training.network.cells import LSTM
from sketchrnn.training.network.sketch_rnn import SketchRNN
from sketchrnn.training.reports import EvaluationReport, Silent, StepReport
from sketchrnn.training.run import train

KANJI = Path(__file__).parent.parent.parent / "shared" / "reference" / "short_kanji.npz"
MAX_LENGTH = 88
TARGET = -0.19
"""Test L_R that Magenta's own code reaches in 1,000 steps."""
EVALUATED_EVERY = 25


class InTurns(Silent):
    """After each of our steps lets the baseline take one, until it has taken as many as asked.

    Attributes:
        ours: seconds that each of our steps took, evaluations left out.
        theirs: seconds that each of the baseline's took.
        ours_to_target: steps until our L_R was at TARGET or below; None if it never was.
        theirs_to_target: the baseline's.
    """

    def __init__(self, baseline: BaselineTraining, baseline_steps: int, test: Drawings) -> None:
        self.baseline, self.baseline_steps, self.test = baseline, baseline_steps, test
        self.ours: list[float] = []
        self.theirs: list[float] = []
        self.ours_to_target: int | None = None
        self.theirs_to_target: int | None = None
        self.since = time.perf_counter()

    def on_step(self, step: int, report: StepReport | None) -> None:
        """Book the time since the last call to us, then let the baseline go on."""
        self.ours.append(time.perf_counter() - self.since)
        if self.baseline.steps < self.baseline_steps:
            started = time.perf_counter()
            self.baseline.step()
            self.theirs.append(time.perf_counter() - started)
            if step % EVALUATED_EVERY == 0 and self.theirs_to_target is None:
                reached = self.baseline.reconstruction(self.test)
                print(f"step {step}: baseline L_R {reached:.3f}, {median(self.theirs):.3f} s a step", flush=True)
                if reached <= TARGET:
                    self.theirs_to_target = step
        self.since = time.perf_counter()

    def on_evaluation(self, report: EvaluationReport, sheet: str) -> None:
        """See whether the target is reached; the time is not ours."""
        step = report.step
        if not step:  # the first weights
            return
        print(f"step {step}: ours     L_R {report.reconstruction:.3f}, {median(self.ours):.3f} s a step", flush=True)
        if report.reconstruction <= TARGET and self.ours_to_target is None:
            self.ours_to_target = step
        self.since = time.perf_counter()


def first_weights(model: ModelConfiguration, offset_scale: float, seed: int, forget_bias: float) -> Checkpoint:
    """Return random weights with a forget bias other than the default of 1."""
    torch.manual_seed(seed)
    network = SketchRNN(model)
    with torch.no_grad():
        for layer in network.modules():
            if isinstance(layer, LSTM):
                layer.get_parameter("bias_ih_l0")[layer.units : 2 * layer.units] += forget_bias - 1.0
    return Checkpoint(model, network.weights(), offset_scale, "source", MAX_LENGTH)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--baseline-steps", type=int, help="default: as many as --steps; at least 1")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--learning-rate", type=float, default=3e-3, help="default: 0.003, three times Magenta's")
    parser.add_argument("--learning-rate-schedule", default="exponential", choices=LEARNING_RATE_SCHEDULES)
    parser.add_argument("--warmup-steps", type=int, default=0)
    parser.add_argument("--kl-weight-start", type=float, default=0.01, help="default: 0.01, Magenta's")
    parser.add_argument("--forget-bias", type=float, default=1.0, help="initial one; default: 1, Magenta's")
    parser.add_argument("--precision", default="auto", choices=["auto", "float32", "bfloat16"])
    parser.add_argument("--file", type=Path, default=KANJI, help="short_kanji.npz, of Magenta's sketch_rnn")
    arguments = parser.parse_args()
    if not arguments.file.exists():
        raise SystemExit(f"{arguments.file} is not there")
    drawings, report = load([arguments.file], max_length=MAX_LENGTH)
    print(report)
    names = np.array(SPLITS)[drawings.split]
    exchanged = np.select([names == "valid", names == "test"], [SPLITS.index("test"), SPLITS.index("valid")], 0)
    drawings = dataclasses.replace(drawings, split=exchanged)  # what is looked at on the way; nothing is chosen by it
    test = drawings.of_split("valid")
    training = TrainingConfiguration(
        **{
            **MAGENTAS,
            "learning_rate": arguments.learning_rate,
            "learning_rate_schedule": arguments.learning_rate_schedule,
            "warmup_steps": arguments.warmup_steps,
            "kl_weight_start": arguments.kl_weight_start,
            "averaged_share": TrainingConfiguration().averaged_share,
        },
        max_steps=arguments.steps,
        seed=arguments.seed,
        precision=choose_precision(arguments.precision, "cpu"),
        evaluate_every=EVALUATED_EVERY,
        checkpoint_every=arguments.steps + 1,
    )
    magentas = TrainingConfiguration(**MAGENTAS, max_steps=arguments.steps, seed=arguments.seed)
    baseline = BaselineTraining(drawings.of_split("train"), magentas, MAX_LENGTH)
    turns = InTurns(baseline, arguments.baseline_steps or arguments.steps, test)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "kanji.safetensors"
        model = ModelConfiguration(latent_dropout=0.0, categories=drawings.categories)
        start = first_weights(model, drawings.offset_scale(), arguments.seed, arguments.forget_bias)
        train(drawings, model, training, path, max_length=MAX_LENGTH, observer=turns, start=start)
        checkpoint = load_checkpoint(last_path(path))
    network = SketchRNN.from_checkpoint(checkpoint)
    scores = evaluate(network, test, checkpoint.offset_scale, MAX_LENGTH, latent="whole")
    ours, theirs = median(turns.ours), median(turns.theirs)
    print("| | steps | s a step | test L_R | test L_KL | nats per point |\n" + "| --- " * 6 + "|")
    print(f"| padded float32 torch.nn.LSTM | {turns.baseline.steps} | {theirs:.3f} | | | |")
    print(
        f"| sketchrnn, {training.precision} | {len(turns.ours)} | {ours:.3f} | "
        f"{scores.mean_reconstruction:.3f} | {scores.mean_kl:.3f} | {scores.nats_per_point[0]:.3f} |"
    )
    print(f"share of the baseline's time for a step: {ours / theirs:.3f}")
    if turns.ours_to_target is not None and turns.theirs_to_target is not None:
        ours, theirs = ours * turns.ours_to_target, theirs * turns.theirs_to_target
        print(
            f"share of its time to test L_R {TARGET}: {ours / theirs:.3f} ({ours:.0f} s, {turns.ours_to_target} "
            f"steps, and {theirs:.0f} s, {turns.theirs_to_target} steps)"
        )


if __name__ == "__main__":
    main()

"""Magenta's training benchmark: 10,000 kanji, its default settings, batches of 100, 1,000 steps.

How low do the test losses get, and in what share of the time of the padded float32 baseline? Both run in turns, so
that whatever else the machine does meets both. Magenta's own code reaches test L_R / L_KL -0.19 / 1.16.
"""

import argparse
import tempfile
import time
from pathlib import Path

from padded_baseline import BaselineTraining

from sketchrnn.dataset.prepare import prepare
from sketchrnn.model.checkpoint import load_checkpoint
from sketchrnn.model.configuration import ModelConfiguration
from sketchrnn.model.network import SketchRNN
from sketchrnn.training.configuration import TrainingConfiguration
from sketchrnn.training.evaluation import evaluate
from sketchrnn.training.hardware import choose_precision
from sketchrnn.training.paths import last_path
from sketchrnn.training.reports import Silent, StepReport
from sketchrnn.training.run import train

KANJI = Path(__file__).parent.parent.parent / "shared" / "reference" / "short_kanji.npz"
MAX_LENGTH = 88


class InTurns(Silent):
    """After each of our steps lets the baseline take one, until it has taken as many as asked."""

    def __init__(self, baseline: BaselineTraining, baseline_steps: int) -> None:
        self.baseline, self.baseline_steps = baseline, baseline_steps
        self.ours, self.theirs = 0.0, 0.0
        self.our_steps = 0
        self.since = time.perf_counter()

    def on_step(self, step: int, report: StepReport | None) -> None:
        """Book the time since the last call to us, then let the baseline go on."""
        self.ours += time.perf_counter() - self.since
        self.our_steps = step
        if self.baseline.steps < self.baseline_steps:
            started = time.perf_counter()
            loss = self.baseline.step()
            self.theirs += time.perf_counter() - started
            if step % 50 == 0:
                print(
                    f"step {step}: baseline L_R {loss:.3f}, {self.theirs / self.baseline.steps:.3f} s a step",
                    flush=True,
                )
        if report is not None:
            print(f"step {step}: ours     L_R {report.reconstruction:.3f}, {self.ours / step:.3f} s a step", flush=True)
        self.since = time.perf_counter()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--baseline-steps", type=int, help="default: as many as --steps; at least 1")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--precision", default="auto", choices=["auto", "float32", "bfloat16"])
    parser.add_argument("--file", type=Path, default=KANJI, help="short_kanji.npz, of Magenta's sketch_rnn")
    arguments = parser.parse_args()
    if not arguments.file.exists():
        raise SystemExit(f"{arguments.file} is not there")
    drawings, report = prepare([arguments.file], max_length=MAX_LENGTH)
    print(report)
    training = TrainingConfiguration(
        max_steps=arguments.steps,
        seed=arguments.seed,
        precision=choose_precision(arguments.precision, "cpu"),
        evaluate_every=arguments.steps + 1,
        checkpoint_every=arguments.steps + 1,
    )
    turns = InTurns(
        BaselineTraining(drawings.of_split("train"), training, MAX_LENGTH), arguments.baseline_steps or arguments.steps
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "kanji.safetensors"
        train(drawings, ModelConfiguration(latent_dropout=0.0), training, path, max_length=MAX_LENGTH, observer=turns)
        checkpoint = load_checkpoint(last_path(path))
    network = SketchRNN.from_checkpoint(checkpoint)
    scores = evaluate(network, drawings.of_split("test"), checkpoint.offset_scale, MAX_LENGTH, latent="whole")
    ours, theirs = turns.ours / turns.our_steps, turns.theirs / turns.baseline.steps
    print("| | steps | s a step | test L_R | test L_KL | nats per point |\n" + "| --- " * 6 + "|")
    print(f"| padded float32 torch.nn.LSTM | {turns.baseline.steps} | {theirs:.3f} | | | |")
    print(
        f"| sketchrnn, {training.precision} | {turns.our_steps} | {ours:.3f} | "
        f"{scores.mean_reconstruction:.3f} | {scores.mean_kl:.3f} | {scores.nats_per_point[0]:.3f} |"
    )
    print(f"share of the baseline's time: {ours / theirs:.3f}")


if __name__ == "__main__":
    main()

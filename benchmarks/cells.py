"""What does each recurrent cell, and each kind of dropout, reach in the same steps, and in the same time?

Small decoders learn from the drawings of the first file alone, few enough to be learned by heart, and, LSTMs only, from
those of all files. They take their steps in turns, so that whatever else the machine does meets all alike. For each
variant: what a step takes, in steps of the plain LSTM, and nats per point of the validation drawings after 0 and 50 %,
after all steps, at the best, and in the time that the plain LSTM took for its steps.
"""

import argparse
import time
from typing import Any

import torch
from magentas import MAGENTAS
from results import machine, write_results

from sketchrnn.dataset.drawings import Drawings
from sketchrnn.dataset.load import load
from sketchrnn.model.configuration import ModelConfiguration
from sketchrnn.training.batches import Collator, batch_stream
from sketchrnn.training.configuration import TrainingConfiguration
from sketchrnn.training.distributed import ALONE, choose_precision
from sketchrnn.training.evaluation import evaluate
from sketchrnn.training.run import take_step
from sketchrnn.training.state import TrainingState

MAX_LENGTH = 250
EVALUATIONS = 10
DROPOUTS: dict[str, dict[str, Any]] = {
    "none": {},
    "output 0.1": {"dropout": 0.1},
    "input 0.1": {"input_dropout": 0.1},
    "recurrent weights 0.1": {"weight_dropout": 0.1},
    "recurrent 0.1": {"recurrent_dropout": 0.1},
}
CELLS = {"LSTM": "lstm", "layer-norm LSTM": "layer_norm", "HyperLSTM": "hyper"}
FEW = [("LSTM", name) for name in DROPOUTS] + [
    (cell, name) for cell in ("layer-norm LSTM", "HyperLSTM") for name in ("none", "recurrent 0.1")
]
MANY = [("LSTM", name) for name in ("none", "recurrent weights 0.1", "recurrent 0.1")]


class Learner:
    """One variant on its way.

    Attributes:
        seconds: of the processor, that its steps took.
        found: for each evaluation the steps by then and nats per point after 0 and 50 %.
    """

    def __init__(self, drawings: Drawings, cell: str, dropout: str, arguments: argparse.Namespace) -> None:
        self.valid, train_set = drawings.of_split("valid"), drawings.of_split("train")
        self.offset_scale = drawings.offset_scale()
        self.training = TrainingConfiguration(
            **{**MAGENTAS, "learning_rate": 0.003, "averaged_share": 0.05, **DROPOUTS[dropout]},
            precision=choose_precision("auto", "cpu"),
        )
        model = ModelConfiguration(
            categories=drawings.categories,
            variational=False,
            decoder_units=arguments.units,
            decoder_cell=CELLS[cell],
            hyper_units=arguments.units // 2,
            hyper_embedding_units=16,
        )
        self.state = TrainingState(drawings, self.offset_scale, MAX_LENGTH, model, self.training, "cpu")
        self.batches = batch_stream(
            train_set, Collator(train_set, self.offset_scale, "cpu"), self.training, 0, MAX_LENGTH
        )
        self.seconds = 0.0
        self.found: list[tuple[int, float, float]] = []

    def step(self) -> None:
        """Take a step, and book its time."""
        batch = next(self.batches)
        started = time.process_time()
        take_step(self.state, self.state.network, batch, self.training, MAX_LENGTH, ALONE)
        self.seconds += time.process_time() - started

    def evaluate(self) -> None:
        """Measure the validation drawings; the time is not booked."""
        nats = evaluate(self.state.averaged, self.valid, self.offset_scale, MAX_LENGTH).nats_per_point
        self.found.append((self.state.step, nats[0], nats[2]))


def race(drawings: Drawings, variants: list[tuple[str, str]], arguments: argparse.Namespace) -> list[str]:
    learners = [Learner(drawings, *variant, arguments) for variant in variants]
    lines: list[str] = []
    for step in range(1, arguments.steps + 1):
        for learner in learners:
            learner.step()
        if step % max(1, arguments.steps // EVALUATIONS) == 0 or step == arguments.steps:
            for learner in learners:
                learner.evaluate()
            lines = table(drawings, variants, learners)
            print("\n".join(lines), flush=True)
    return lines


def table(drawings: Drawings, variants: list[tuple[str, str]], learners: list[Learner]) -> list[str]:
    steps, budget = learners[0].state.step, learners[0].seconds
    lines = [
        f"{len(drawings.of_split('train')):,} training drawings, {len(drawings.categories)} categories; the plain LSTM "
        f"takes {steps / budget:.1f} steps a second:",
        "",
        f"| cell | dropout | a step takes | {steps} steps | the best on the way | in the plain LSTM's time |",
        "| --- " * 6 + "|",
    ]
    for (cell, dropout), learner in zip(variants, learners, strict=True):
        affordable = steps * budget / learner.seconds
        in_time = [found for found in learner.found if found[0] <= 1.02 * affordable]
        shown = (learner.found[-1], min(learner.found, key=lambda found: found[1]), in_time[-1] if in_time else None)
        cells = [f"{found[1]:.3f} / {found[2]:.3f} ({found[0]})" if found else "" for found in shown]
        lines.append(f"| {cell} | {dropout} | {learner.seconds / budget:.2f} | {' | '.join(cells)} |")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="+", help="simplified Quick, Draw! files; the first is learned alone")
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--units", type=int, default=128, help="of the decoder")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    few, _ = load(arguments.files[:1], max_length=MAX_LENGTH)
    everything, _ = load(arguments.files, max_length=MAX_LENGTH)
    heading = (
        f"{machine('cpu')}, one core; decoders of {arguments.units} units, batches of 100, "
        f"{choose_precision('auto', 'cpu')}, one seed; nats per point after 0 / 50 %, in brackets the steps by then."
    )
    write_results("cells", [heading, "", *race(few, FEW, arguments), "", *race(everything, MANY, arguments)])


if __name__ == "__main__":
    main()

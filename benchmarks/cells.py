"""What does each recurrent cell, and each kind of dropout, reach in the same time, and in the same steps?

A small decoder learns from the drawings of the first file alone, few enough to be learned by heart, and, LSTMs only,
from those of all files. For each variant: steps in a second, and nats per point of the validation drawings after 0 and
50 %, after all its steps, and in the time that the plain LSTM took for its steps. Time is that of one core at work, so
that what else the machine does hardly counts.
"""

import argparse
import tempfile
import time
from pathlib import Path

import torch
from results import machine, write_results

from sketchrnn.dataset.drawings import Drawings
from sketchrnn.dataset.prepare import prepare
from sketchrnn.model.configuration import ModelConfiguration
from sketchrnn.training.configuration import TrainingConfiguration
from sketchrnn.training.hardware import choose_precision
from sketchrnn.training.reports import EvaluationReport, Silent, StepReport
from sketchrnn.training.run import train

MAX_LENGTH = 250
DROPOUTS = {
    "none": {},
    "output 0.1": {"dropout": 0.1},
    "input 0.1": {"input_dropout": 0.1},
    "recurrent weights 0.1": {"weight_dropout": 0.1},
    "recurrent 0.1": {"recurrent_dropout": 0.1},
}
OF_OTHER_CELLS = ("none", "recurrent 0.1")
OF_MANY_DRAWINGS = ("none", "recurrent weights 0.1", "recurrent 0.1")
CELLS = {"LSTM": "lstm", "layer-norm LSTM": "layer_norm", "HyperLSTM": "hyper"}


class Watch(Silent):
    """Books the time of the steps, and what each evaluation found.

    Attributes:
        seconds: that the steps took.
        found: for each evaluation the steps, the seconds by then, and nats per point after 0 and 50 %.
    """

    def __init__(self) -> None:
        self.seconds = 0.0
        self.found: list[tuple[int, float, float, float]] = []
        self._since = time.process_time()

    def on_step(self, step: int, report: StepReport | None) -> None:
        """Book the time since the last call."""
        self.seconds += time.process_time() - self._since
        self._since = time.process_time()

    def on_evaluation(self, report: EvaluationReport, sheet: str) -> None:
        """Keep what was found; the time is not the steps'."""
        nats = report.nats_per_point
        self.found.append((report.step, self.seconds, nats[0], nats[2]))
        self._since = time.process_time()


def measure(drawings: Drawings, cell: str, dropouts: dict[str, float], arguments: argparse.Namespace) -> Watch:
    model = ModelConfiguration(
        variational=False,
        decoder_units=arguments.units,
        decoder_cell=cell,
        hyper_units=arguments.units // 2,
        hyper_embedding_units=16,
    )
    training = TrainingConfiguration(
        max_steps=arguments.steps,
        learning_rate=0.003,
        precision=choose_precision("auto", "cpu"),
        evaluate_every=max(1, arguments.steps // 6),
        checkpoint_every=arguments.steps + 1,
        **dropouts,  # type: ignore[arg-type]
    )
    watch = Watch()
    with tempfile.TemporaryDirectory() as folder:
        train(drawings, model, training, Path(folder) / "model", max_length=MAX_LENGTH, observer=watch)
    return watch


def table(drawings: Drawings, variants: list[tuple[str, str]], arguments: argparse.Namespace) -> list[str]:
    of_split = {split: len(drawings.of_split(split)) for split in ("train", "valid")}
    lines = [
        f"{of_split['train']:,} training and {of_split['valid']:,} validation drawings of "
        f"{len(drawings.categories)} categories:",
        "",
        f"| cell | dropout | steps/s | {arguments.steps} steps | the best on the way | in the plain LSTM's time |",
        "| --- " * 6 + "|",
    ]
    budget = None
    for cell, dropout in variants:
        watch = measure(drawings, CELLS[cell], DROPOUTS[dropout], arguments)
        budget = watch.seconds if budget is None else budget
        in_time = [found for found in watch.found if found[1] <= budget * 1.02]
        shown = (watch.found[-1], min(watch.found, key=lambda found: found[2]), in_time[-1] if in_time else None)
        cells = [f"{found[2]:.3f} / {found[3]:.3f} ({found[0]})" if found else "-" for found in shown]
        lines.append(f"| {cell} | {dropout} | {watch.found[-1][0] / watch.seconds:.2f} | {' | '.join(cells)} |")
        print(lines[-1], flush=True)
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="+", help="simplified Quick, Draw! files; the first is learned alone")
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--units", type=int, default=128, help="of the decoder")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    lstm = [("LSTM", dropout) for dropout in DROPOUTS]
    others = [(cell, dropout) for cell in list(CELLS)[1:] for dropout in OF_OTHER_CELLS]
    few, _ = prepare(arguments.files[:1], max_length=MAX_LENGTH)
    everything, _ = prepare(arguments.files, max_length=MAX_LENGTH)
    lines = [
        f"{machine('cpu')}, one core; decoders of {arguments.units} units, batches of 100, "
        f"{choose_precision('auto', 'cpu')}, one seed; nats per point after 0 / 50 %, and (in brackets) the steps by "
        "then.",
        "",
        *table(few, lstm + others, arguments),
        "",
        *table(everything, [("LSTM", dropout) for dropout in OF_MANY_DRAWINGS], arguments),
    ]
    write_results("cells", lines)


if __name__ == "__main__":
    main()

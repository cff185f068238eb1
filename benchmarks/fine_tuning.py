"""Few drawings of one's own: begin with the model that ships, or by chance?

    python benchmarks/fine_tuning.py short_kanji.npz

The first drawings of the file are written as SVG files and trained on as a folder of them is. Nats per point of the
test drawings, lower is better. RESULTS.md gets the table.
"""

import argparse
import itertools
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from results import machine, write_results

import sketchrnn
from sketchrnn.dataset.load import load
from sketchrnn.formats.svg.writing import Layer, svg_drawing
from sketchrnn.model.checkpoint import load_checkpoint, load_shipped
from sketchrnn.model.configuration import ModelConfiguration
from sketchrnn.training.configuration import TrainingConfiguration
from sketchrnn.training.distributed import choose_device, choose_precision
from sketchrnn.training.evaluation import evaluate
from sketchrnn.training.network.sketch_rnn import SketchRNN
from sketchrnn.training.run import train

MAX_LENGTH = 250
SETTINGS = TrainingConfiguration(evaluate_every=50, checkpoint_every=10_000)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file")
    parser.add_argument("--drawings", type=int, default=400)
    parser.add_argument("--steps", type=int, nargs="+", default=[100, 400])
    arguments = parser.parse_args()
    device = choose_device("auto")
    shipped = load_shipped()
    with tempfile.TemporaryDirectory() as name:
        own = Path(name) / "own"
        own.mkdir()
        for number, record in enumerate(itertools.islice(sketchrnn.read(arguments.file), arguments.drawings)):
            (own / f"{number}.svg").write_text(svg_drawing([Layer(record.sketch, "drawing")]))
        drawings, report = load([str(own)], max_length=MAX_LENGTH)
        print(report, flush=True)
        lines = [
            f"{machine(device)}; {len(drawings.of_split('train'))} training drawings of one category.",
            "",
            "| begins with | learning rate | steps | s | 0 % | 25 % | 50 % | 75 % |",
            "| --- " * 8 + "|",
        ]
        test = drawings.of_split("test")
        for start, rate in ((None, 0.01), (shipped, 0.01), (shipped, 0.002)):
            model = ModelConfiguration() if start is None else start.configuration
            for steps in arguments.steps:
                training = replace(
                    SETTINGS, max_steps=steps, learning_rate=rate, precision=choose_precision("auto", device)
                )
                path = Path(name) / "model.safetensors"
                began = time.perf_counter()
                train(drawings, model, training, path, max_length=MAX_LENGTH, device=device, start=start)
                seconds = time.perf_counter() - began
                best = load_checkpoint(path)
                scores = evaluate(
                    SketchRNN.from_checkpoint(best),
                    test.with_categories(best.configuration.categories),
                    best.offset_scale,
                    MAX_LENGTH,
                )
                nats = " | ".join(f"{value:.3f}" for value in scores.nats_per_point)
                begins = "chance" if start is None else "the model that ships"
                lines.append(f"| {begins} | {rate:g} | {steps} | {seconds:.0f} | {nats} |")
                print(lines[-1], flush=True)
    write_results("fine_tuning", lines)


if __name__ == "__main__":
    main()

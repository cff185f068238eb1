"""How likely does a model hold held-out drawings, beside Google's decoders and beside another model?

    python benchmarks/yardstick.py simplified/*.ndjson --decoders google_decoders/*.gen.json [--before OLD.safetensors]

A decoder's name begins with its category. Nats per point of the test split, lower is better; each decoder has the
divisor of offsets that suits it best. RESULTS.md gets the tables.
"""

import argparse
from pathlib import Path

import numpy as np
from results import machine, write_results

from sketchrnn.dataset.drawings import Drawings
from sketchrnn.dataset.load import load
from sketchrnn.model.checkpoint import Checkpoint
from sketchrnn.model.loading import load_model
from sketchrnn.training.evaluation import Scores, evaluate, fit_offset_scale
from sketchrnn.training.network.sketch_rnn import SketchRNN

FREQUENT = 150
"""Drawings from which on a category counts as frequent."""


def scores_of(checkpoint: Checkpoint, drawings: Drawings, *, fitted: bool = False) -> Scores:
    """Measure a model on drawings of its categories."""
    network = SketchRNN.from_checkpoint(checkpoint)
    scale = fit_offset_scale(network, drawings, checkpoint.offset_scale) if fitted else checkpoint.offset_scale
    return evaluate(network, drawings, scale, checkpoint.max_length)


def figures(values: np.ndarray | list[float]) -> str:
    """Return nats per point as columns."""
    return " | ".join(f"{value:.3f}" for value in values)


def mean_of_categories(scores: Scores, categories: np.ndarray) -> np.ndarray:
    """Return the mean over categories of their nats per point, (4,)."""
    return np.mean([scores.of_category(category).nats_per_point for category in categories], axis=0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+")
    parser.add_argument("--decoders", nargs="*", default=[], help="Google's, as .gen.json")
    parser.add_argument("--model", help="default: the model that ships")
    parser.add_argument("--before", help="a model to compare with")
    arguments = parser.parse_args()
    checkpoints = {"now": load_model(arguments.model)}
    if arguments.before:
        checkpoints = {"before": load_model(arguments.before), **checkpoints}
    drawings, report = load(arguments.files, max_length=checkpoints["now"].max_length)
    print(report, flush=True)
    drawings = drawings.with_categories(checkpoints["now"].configuration.categories)
    counts = np.bincount(drawings.category, minlength=len(drawings.categories))
    test = drawings.of_split("test")
    scores = {name: scores_of(checkpoint, test) for name, checkpoint in checkpoints.items()}
    heading = "0 % | 25 % | 50 % | 75 %"
    lines = [f"{machine('cpu')}; the test split.", ""]
    if arguments.decoders:
        lines += [
            f"| category | drawings | Google's: {heading} | ours: {heading} | ours lower by, mean |",
            "| --- " * 11 + "|",
        ]
        gains = []
        for path in arguments.decoders:
            category = drawings.categories.index(Path(path).name.split(".")[0])
            some = test.subset(np.flatnonzero(test.category == category)).with_categories([test.categories[category]])
            theirs = scores_of(load_model(path), some, fitted=True).nats_per_point
            ours = scores["now"].of_category(category).nats_per_point
            gains.append(np.subtract(theirs, ours))
            lines.append(
                f"| {test.categories[category]} | {len(some)} | {figures(theirs)} | {figures(ours)} "
                f"| {gains[-1].mean():.3f} |"
            )
            print(lines[-1], flush=True)
        mean = np.mean(gains)
        lines += ["", f"Ours is lower by {mean:.3f} in the mean, by {np.min(gains):.3f} at least.", ""]
    there = np.unique(test.category)
    frequent = there[counts[there] >= FREQUENT]
    groups = {
        f"the {len(frequent)} categories with {FREQUENT} drawings or more": frequent,
        f"the {len(there) - len(frequent)} others that have test drawings": np.setdiff1d(there, frequent),
    }
    lines += [f"| mean over | test drawings | model | {heading} |", "| --- " * 7 + "|"]
    for group, categories in groups.items():
        for name, of_model in scores.items():
            count = np.isin(test.category, categories).sum()
            lines.append(f"| {group} | {count:,} | {name} | {figures(mean_of_categories(of_model, categories))} |")
    lines += ["", f"| category | drawings | {heading} |", "| --- " * 6 + "|"]
    for category in frequent:
        of_category = scores["now"].of_category(category)
        lines.append(f"| {test.categories[category]} | {len(of_category)} | {figures(of_category.nats_per_point)} |")
    lines.append(f"| all drawings | {len(test):,} | {figures(scores['now'].nats_per_point)} |")
    write_results("yardstick", lines)


if __name__ == "__main__":
    main()

"""What does each setting of training do to nats per point, at the same number of steps?

    python benchmarks/settings.py simplified/*.ndjson --steps 800

A decoder of 256 units on the categories with 500 drawings or more. Each line changes one thing of Magenta's settings;
the last take several together. RESULTS.md gets the table.
"""

import argparse
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from magentas import MAGENTAS
from results import machine, write_results

from sketchrnn.dataset.drawings import Drawings
from sketchrnn.dataset.load import load
from sketchrnn.model.checkpoint import load_checkpoint
from sketchrnn.model.configuration import ModelConfiguration
from sketchrnn.training.configuration import TrainingConfiguration
from sketchrnn.training.distributed import choose_precision
from sketchrnn.training.evaluation import evaluate
from sketchrnn.training.files import last_path
from sketchrnn.training.network.sketch_rnn import SketchRNN
from sketchrnn.training.run import train

MAX_LENGTH = 250
FEWEST, MOST = 500, 800
UNITS = 256
COSINE = {"learning_rate_schedule": "cosine", "warmup_steps": 50}
NORM = {"clipping": "norm", "clip": 0.25}
TOGETHER = {**COSINE, **NORM, "learning_rate": 0.012, "averaged_share": 0.05}
CHANGES: dict[str, dict[str, Any]] = {
    "Magenta's": {},
    "moving average of the weights (0.05)": {"averaged_share": 0.05},
    "learning rate 0.003": {"learning_rate": 3e-3},
    "cosine decay after a warm-up": COSINE,
    **{f"the same, learning rate {rate:g}": {**COSINE, "learning_rate": rate} for rate in (0.003, 0.006, 0.012, 0.024)},
    "clipping by norm 0.25": NORM,
    "weight decay 0.01": {"weight_decay": 0.01},
    "dropout 0.15 before the output": {"dropout": 0.15},
    "weight dropout 0.2": {"weight_dropout": 0.2},
    "no augmentation": {"augment_scale": 0.0, "augment_drop": 0.0},
    "points dropped, not stretched": {"augment_scale": 0.0},
    "stretched, no points dropped": {"augment_drop": 0.0},
    "turned by up to 10 degrees, slanted by 0.1": {"augment_rotation": 10.0, "augment_shear": 0.1},
    "average, 0.012, cosine, norm": TOGETHER,
    "the same, weight decay 0.01": {**TOGETHER, "weight_decay": 0.01},
    "the same, dropout 0.1, weight dropout 0.1": {**TOGETHER, "dropout": 0.1, "weight_dropout": 0.1},
}
VAE_CHANGES: dict[str, dict[str, Any]] = {
    "VAE, KL floor of the mean (Magenta's)": {},
    "VAE, free bits for each dimension": {"free_bits": True},
}


def of_frequent_categories(drawings: Drawings) -> Drawings:
    """Return the drawings of the categories with FEWEST to MOST."""
    counts = np.bincount(drawings.category, minlength=len(drawings.categories))
    kept = np.flatnonzero((counts >= FEWEST) & (counts <= MOST))
    some = drawings.subset(np.flatnonzero(np.isin(drawings.category, kept)))
    names = [drawings.categories[place] for place in kept]
    return some.with_categories(names)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+")
    parser.add_argument("--steps", type=int, default=800)
    arguments = parser.parse_args()
    drawings, report = load(arguments.files, max_length=MAX_LENGTH)
    print(report, flush=True)
    drawings = of_frequent_categories(drawings)
    lines = [
        f"{machine('cpu')}; {len(drawings.of_split('train')):,} training drawings of {len(drawings.categories)} "
        f"categories, {arguments.steps} steps of 100, {UNITS} units; nats per point of the validation drawings.",
        "",
        "| settings | 0 % | 25 % | 50 % | 75 % | L_KL |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    runs = [(name, changes, False) for name, changes in CHANGES.items()]
    runs += [(name, changes, True) for name, changes in VAE_CHANGES.items()]
    for name, changes, variational in runs:
        training = TrainingConfiguration(
            **{
                **MAGENTAS,
                "max_steps": arguments.steps,
                "precision": choose_precision("auto", "cpu"),
                "evaluate_every": arguments.steps + 1,
                "checkpoint_every": arguments.steps + 1,
                **changes,
            }
        )
        model = ModelConfiguration(variational=variational, decoder_units=UNITS)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "model.safetensors"
            train(drawings, model, training, path, max_length=MAX_LENGTH)
            checkpoint = load_checkpoint(path if path.exists() else last_path(path))
        network = SketchRNN.from_checkpoint(checkpoint)
        scores = evaluate(network, drawings.of_split("valid"), checkpoint.offset_scale, MAX_LENGTH)
        figures = " | ".join(f"{value:.3f}" for value in [*scores.nats_per_point, scores.mean_kl])
        lines.append(f"| {name} | {figures} |")
        print(lines[-1], flush=True)
    write_results("settings", lines)


if __name__ == "__main__":
    main()

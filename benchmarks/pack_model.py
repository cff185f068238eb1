"""Make the model that ships of a trained one: float16 weights, nothing of the optimizer.

``python benchmarks/pack_model.py TRAINED SHIPPED``. ``sketchrnn evaluate`` of both says what the rounding costs.
"""

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np

from sketchrnn.model.checkpoint import load_checkpoint, save_checkpoint


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("trained", type=Path)
    parser.add_argument("shipped", type=Path)
    arguments = parser.parse_args()
    trained = load_checkpoint(arguments.trained)
    weights = {
        name: value.astype(np.float16) for name, value in trained.weights.items() if not name.startswith("optimizer.")
    }
    save_checkpoint(replace(trained, weights=weights), arguments.shipped)
    print(f"{arguments.shipped}: {arguments.shipped.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()

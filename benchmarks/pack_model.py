"""Make the model that ships of a trained one: float16 matrices, the recognizer's largest int8, no optimizer.

``python benchmarks/pack_model.py TRAINED SHIPPED``. ``sketchrnn evaluate`` of both says what the rounding costs.
"""

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np

from sketchrnn.model.checkpoint import RECOGNIZER_TENSORS, load_checkpoint, save_checkpoint, to_int8

LARGEST = f"{RECOGNIZER_TENSORS}hidden.weight"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("trained", type=Path)
    parser.add_argument("shipped", type=Path)
    arguments = parser.parse_args()
    trained = load_checkpoint(arguments.trained)
    weights = {
        name: value.astype(np.float16) if value.ndim > 1 else value
        for name, value in trained.weights.items()
        if not name.startswith("optimizer.")
    }
    weights |= to_int8({name: weights.pop(name) for name in (LARGEST,) if name in weights})
    save_checkpoint(replace(trained, weights=weights), arguments.shipped)
    print(f"{arguments.shipped}: {arguments.shipped.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()

"""How well is the scale of a prefix found, and how large are prefixes of so many points in training?

    python benchmarks/scale.py simplified/*.ndjson

The first is measured on test drawings of which a part is shown; the second is the prior of sketchrnn/model/scale.py.
"""

import argparse

import numpy as np
from guess import first_part
from results import machine, write_results

from sketchrnn.dataset.drawings import Drawings
from sketchrnn.dataset.load import load
from sketchrnn.model.loading import load_model
from sketchrnn.model.network import DECODER_TENSORS, NumpyNetwork
from sketchrnn.model.prefix import PrefixSettings, conditionings_of, encode_prefix
from sketchrnn.model.scale import ROWS, find_scales
from sketchrnn.sketch import Sketch

SHARES = (0.1, 0.25, 0.5, 0.75, 1.0)


def extents(drawings: Drawings, generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return rows and larger side of the first part of each drawing, cut at a row chosen evenly."""
    counts = generator.integers(1, drawings.lengths + 1)
    sides = np.zeros(len(drawings))
    for place, count in enumerate(counts):
        rows = drawings.stroke3(place)[:count, :2]
        points = np.concatenate([np.zeros((1, 2)), np.cumsum(rows, axis=0)])
        sides[place] = np.ptp(points, axis=0).max()
    return counts, sides


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+")
    parser.add_argument("--model", help="default: the model that ships")
    parser.add_argument("--count", type=int, default=200, help="test drawings")
    arguments = parser.parse_args()
    generator = np.random.default_rng(0)
    network = NumpyNetwork(load_model(arguments.model, prefixes=DECODER_TENSORS))
    drawings, report = load(arguments.files, max_length=250)
    print(report, flush=True)
    counts, sides = extents(drawings.of_split("train"), generator)
    lines = [f"{machine('cpu')}; the prior: larger side of the first rows, in offset scales.", ""]
    lines += ["| rows | mean of its logarithm | deviation |", "| --- | --- | --- |"]
    for rows in ROWS:
        near = np.log(np.maximum(sides[np.abs(np.log2(counts / rows)) <= 0.5], 1.0) / network.offset_scale)
        lines.append(f"| {rows} | {near.mean():.2f} | {near.std():.2f} |")
    test = drawings.of_split("test")
    chosen = generator.choice(len(test), arguments.count, replace=False)
    lines += [
        "",
        f"Found on {arguments.count} test drawings, of which a part is shown, as a factor of the true scale:",
        "",
    ]
    lines += ["| shown | category | a quarter is below | half | a quarter is above |", "| --- " * 5 + "|"]
    for share in SHARES:
        for known in (True, False):
            found = []
            for place in chosen:
                name = test.categories[test.category[place]]
                index = network.configuration.category_index(name) if known else None
                conditionings = conditionings_of(network, [index])
                found += find_scales(
                    network, [first_part(Sketch.from_stroke3(test.stroke3(place)), share)], conditionings
                )
            low, middle, high = np.percentile(found, [25, 50, 75])
            told = "told" if known else "not told"
            lines.append(f"| {share:.0%} | {told} | {low:.2f} | {middle:.2f} | {high:.2f} |")
            print(lines[-1], flush=True)
    right: dict[float, list[float]] = {share: [] for share in SHARES}
    for place in chosen:
        for share in SHARES:
            sketch = first_part(Sketch.from_stroke3(test.stroke3(place)), share)
            index = network.configuration.category_index(test.categories[test.category[place]])
            seen = encode_prefix(network, sketch, PrefixSettings(index, pen="auto"))
            right[share].append(seen.sketch.pen_down == sketch.pen_down)
    lines += [
        "",
        "Whether the pen is down is right (`--pen auto`): "
        + ", ".join(f"{np.mean(values):.0%} of {share:.0%}" for share, values in right.items())
        + ".",
    ]
    write_results("scale", lines)


if __name__ == "__main__":
    main()

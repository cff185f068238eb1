"""How well is the scale of a prefix estimated, and how large are the first rows of the training drawings?

    python benchmarks/scale.py STORE [--effective-rows 4 8 16 32]

The first is measured on the first parts of test drawings. The second is the prior USUAL_EXTENTS of
sketchrnn/model/scale.py. With several --effective-rows, the errors of these settings are compared.
"""

import argparse
from collections.abc import Sequence

import numpy as np
from guess import first_part
from results import machine, write_results

from sketchrnn.dataset.drawings import Drawings
from sketchrnn.dataset.load import load
from sketchrnn.model import scale
from sketchrnn.model.loading import load_model
from sketchrnn.model.network import DECODER_TENSORS, NumpyNetwork
from sketchrnn.model.prefix import PrefixSettings, conditionings_of, encode_prefix
from sketchrnn.model.scale import ROWS, extent_prior, find_scales
from sketchrnn.sketch import Sketch

SHARES = (0.1, 0.25, 0.5, 0.75, 1.0)
MOST_TRAINING_DRAWINGS = 20_000
OFF = 1.25
"""Scales that differ from the true one by more than this factor are counted."""


def errors_with(network: NumpyNetwork, test: Drawings, chosen: np.ndarray, tried: Sequence[float]) -> list[str]:
    """Return a table: mean of |log(estimate / true scale)| of the median of the posterior, for each EFFECTIVE_ROWS."""
    lines = ["| effective rows | " + " | ".join(f"{share:.0%} shown" for share in SHARES) + " |"]
    lines += ["| --- " * (len(SHARES) + 1) + "|"]
    categories = [network.configuration.category_index(test.categories[test.category[place]]) for place in chosen]
    conditionings = conditionings_of(network, categories)
    usual = scale.EFFECTIVE_ROWS, scale.QUANTILE
    for rows in tried:
        scale.EFFECTIVE_ROWS, scale.QUANTILE = rows, 0.5
        errors = []
        for share in SHARES:
            parts = [first_part(Sketch.from_stroke3(test.stroke3(place)), share) for place in chosen]
            found = [
                find_scales(network, [part], [category], conditioning[None])
                for part, category, conditioning in zip(parts, categories, conditionings, strict=True)
            ]
            errors.append(float(np.abs(np.log(found)).mean()))
        lines.append(f"| {rows:g} | " + " | ".join(f"{error:.3f}" for error in errors) + " |")
        print(lines[-1], flush=True)
    scale.EFFECTIVE_ROWS, scale.QUANTILE = usual
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+")
    parser.add_argument("--model", help="default: the model that ships")
    parser.add_argument("--count", type=int, default=200, help="test drawings")
    parser.add_argument("--effective-rows", type=float, nargs="+", default=[], help="values of EFFECTIVE_ROWS")
    arguments = parser.parse_args()
    generator = np.random.default_rng(0)
    network = NumpyNetwork(load_model(arguments.model, prefixes=DECODER_TENSORS))
    drawings, report = load(arguments.files, max_length=400)
    print(report, flush=True)
    train = drawings.of_split("train")
    some = generator.permutation(len(train))[:MOST_TRAINING_DRAWINGS]
    lengths = train.lengths[some].astype(np.int64)
    (prior,) = extent_prior([(train.padded(some, int(lengths.max()))[0], lengths)])
    lines = [f"{machine('cpu')}; the prior of all categories together.", ""]
    lines += ["| rows | as large as the whole drawing | others: mean of log(extent / whole extent) | deviation |"]
    lines += ["| --- " * 4 + "|"]
    for rows, (whole, mean, deviation) in zip(ROWS, prior, strict=True):
        lines.append(f"| {rows} | {whole:.0%} | {mean:.2f} | {deviation:.2f} |")
    test = drawings.of_split("test")
    chosen = generator.choice(len(test), arguments.count, replace=False)
    lines += [
        "",
        f"The estimated scale of the first parts of {arguments.count} test drawings, divided by the true scale:",
        "",
    ]
    lines += [f"| shown | category | lower quartile | median | upper quartile | off by more than {OFF} times |"]
    lines += ["| --- " * 6 + "|"]
    for share in SHARES:
        for known in (True, False):
            found = []
            for place in chosen:
                name = test.categories[test.category[place]]
                index = network.configuration.category_index(name) if known else None
                conditionings = conditionings_of(network, [index])
                part = first_part(Sketch.from_stroke3(test.stroke3(place)), share)
                found += find_scales(network, [part], [index], conditionings)
            low, middle, high = np.percentile(found, [25, 50, 75])
            off = np.mean(np.abs(np.log(found)) > np.log(OFF))
            given = "given" if known else "not given"
            lines.append(f"| {share:.0%} | {given} | {low:.2f} | {middle:.2f} | {high:.2f} | {off:.0%} |")
            print(lines[-1], flush=True)
    if arguments.effective_rows:
        lines += ["", *errors_with(network, test, chosen, arguments.effective_rows)]
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

"""How well is the scale of a prefix estimated, and how large are the first rows of the training drawings?

    python benchmarks/scale.py STORE

The first is measured on the first parts of test drawings: by the recognizer, with and without their category, and by
the likelihood, as in models without a recognizer. The second is the prior USUAL_EXTENTS of sketchrnn/model/scale.py.
"""

import argparse
import time

import numpy as np
from guess import first_part
from results import machine, write_results

import sketchrnn
from sketchrnn.dataset.drawings import Drawings
from sketchrnn.dataset.load import load
from sketchrnn.model.prefix import PrefixSettings, conditionings_of, encode_prefix
from sketchrnn.model.scale import ROWS, WHOLE, find_scales
from sketchrnn.sketch import Sketch

SHARES = (0.1, 0.25, 0.5, 0.75, 1.0)
MOST_TRAINING_DRAWINGS = 20_000
OFF = 1.25
"""Scales that differ from the true one by more than this factor are counted."""


def extents_of_first_rows(drawings: Drawings) -> list[str]:
    """Return a table of how large the first ROWS rows are. The parts of a drawing together count 1."""
    lines = ["| rows | as large as the whole drawing | others: mean of log(extent / whole extent) | deviation |"]
    lines += ["| --- " * 4 + "|"]
    rows = [drawings.stroke3(index) for index in range(len(drawings))]
    wholes = [Sketch.from_stroke3(each).extent for each in rows]
    for count in ROWS:
        parts = [
            (Sketch.from_stroke3(each[:count]).extent / whole, 1.0 / len(each))
            for each, whole in zip(rows, wholes, strict=True)
            if len(each) >= count and whole > 0.0
        ]
        share, weight = np.array(parts).T
        log_extent = np.log(np.maximum(share, 0.01))
        others = log_extent < -WHOLE
        mean = np.average(log_extent[others], weights=weight[others])
        deviation = np.sqrt(np.average(np.square(log_extent[others] - mean), weights=weight[others]))
        whole_share = 1.0 - weight[others].sum() / weight.sum()
        lines.append(f"| {count} | {whole_share:.0%} | {mean:.2f} | {deviation:.2f} |")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+")
    parser.add_argument("--model", help="default: the model that ships")
    parser.add_argument("--count", type=int, default=200, help="test drawings")
    arguments = parser.parse_args()
    generator = np.random.default_rng(0)
    model = sketchrnn.load(arguments.model)
    network = model.network
    drawings, report = load(arguments.files, max_length=400)
    print(report, flush=True)
    train = drawings.of_split("train")
    some = generator.permutation(len(train))[:MOST_TRAINING_DRAWINGS]
    lines = [f"{machine('cpu')}; drawings of all categories.", "", *extents_of_first_rows(train.subset(some))]
    test = drawings.of_split("test")
    chosen = generator.choice(len(test), arguments.count, replace=False)
    lines += [
        "",
        f"The estimated scale of the first parts of {arguments.count} test drawings, divided by the true scale:",
        "",
    ]
    lines += [f"| shown | by | lower quartile | median | upper quartile | off by more than {OFF} times | ms each |"]
    lines += ["| --- " * 7 + "|"]
    categories = [network.configuration.category_index(test.categories[test.category[place]]) for place in chosen]
    for share in SHARES:
        parts = [first_part(Sketch.from_stroke3(test.stroke3(place)), share) for place in chosen]
        for title, recognizer, names in (
            ("picture and category", model.recognizer, categories),
            ("picture, category not given", model.recognizer, [None] * len(chosen)),
            ("likelihood and category", None, categories),
        ):
            conditionings = conditionings_of(network, names)
            started = time.perf_counter()
            found = find_scales(network, recognizer, parts, names, conditionings)
            milliseconds = 1000 * (time.perf_counter() - started) / len(parts)
            low, middle, high = np.percentile(found, [25, 50, 75])
            off = np.mean(np.abs(np.log(found)) > np.log(OFF))
            numbers = f"{low:.2f} | {middle:.2f} | {high:.2f} | {off:.0%} | {milliseconds:.1f}"
            lines.append(f"| {share:.0%} | {title} | {numbers} |")
            print(lines[-1], flush=True)
    right: dict[float, list[float]] = {share: [] for share in SHARES}
    for place, index in zip(chosen, categories, strict=True):
        for share in SHARES:
            sketch = first_part(Sketch.from_stroke3(test.stroke3(place)), share)
            seen = encode_prefix(network, sketch, PrefixSettings(index, pen="auto"), model.recognizer)
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

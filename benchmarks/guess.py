"""How often is the category of a held-out drawing guessed right, from 25, 50 and 100 % of it?

    python benchmarks/guess.py simplified/*.ndjson

Over the categories with 150 or more drawings; RESULTS.md gets the table.
"""

import argparse
import time

import numpy as np
from recognise import FEWEST, frequent, sketch_of
from results import machine, write_results

from sketchrnn.dataset.load import load as load_drawings
from sketchrnn.model.model import load

SHARES = (0.25, 0.5, 1.0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+")
    parser.add_argument("--model", help="default: the model that ships")
    parser.add_argument("--each", type=int, default=10, help="drawings of a category")
    arguments = parser.parse_args()
    model = load(arguments.model)
    drawings, report = load_drawings(arguments.files, max_length=250)
    print(report, flush=True)
    categories = [drawings.categories.index(name) for name in frequent(drawings)]
    test = drawings.of_split("test")
    chosen = [place for category in categories for place in np.flatnonzero(test.category == category)[: arguments.each]]
    found = {share: [] for share in SHARES}
    seconds = []
    for place in chosen:
        name = test.categories[test.category[place]]
        for share in SHARES:
            started = time.perf_counter()
            names = [one.category for one in model.guess(sketch_of(test, place, share))]
            seconds.append(time.perf_counter() - started)
            found[share].append(names.index(name))
    lines = [
        f"{machine('cpu')}; {len(chosen)} test drawings of {len(categories)} categories with {FEWEST} or more; guessed "
        f"among all {len(model.categories)}, in {np.median(seconds):.2f} s (median).",
        "",
        "| drawn so far | right at once | among the first 3 | among the first 5 |",
        "| --- | --- | --- | --- |",
    ]
    for share, ranks in found.items():
        first, three, five = (f"{np.mean(np.array(ranks) < count):.0%}" for count in (1, 3, 5))
        lines.append(f"| {share:.0%} | {first} | {three} | {five} |")
    write_results("guess", lines)


if __name__ == "__main__":
    main()

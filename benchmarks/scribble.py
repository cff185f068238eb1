"""How often do drawings scribble in place or never end, with the pen at the same temperature and at 1?

    python benchmarks/scribble.py simplified/*.ndjson [--model dog.gen.json ...]

A drawing scribbles in place if more than a third of its points are in some square of a tenth of its larger side.
"""

import argparse

import numpy as np
from recognise import frequent, sketch_of
from results import machine, write_results

from sketchrnn.dataset.load import load
from sketchrnn.model.choice import scribbles
from sketchrnn.model.model import load as load_model

TEMPERATURES = (0.25, 0.35, 0.5, 0.75, 1.0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+")
    parser.add_argument("--model", action="append", default=[], help="beside the model that ships")
    parser.add_argument("--each", type=int, default=25, help="drawings of a category from the model that ships")
    arguments = parser.parse_args()
    drawings, report = load(arguments.files, max_length=250)
    print(report, flush=True)
    names = frequent(drawings)
    test = drawings.of_split("test")
    chosen = np.flatnonzero(np.isin(test.category, [test.categories.index(name) for name in names]))
    real = np.mean([scribbles(np.concatenate(sketch_of(test, place).strokes)) for place in chosen])
    lines = [
        f"{machine('cpu')}; drawn from nothing, {arguments.each} of each of {len(names)} categories by the model that "
        f"ships, {arguments.each * 8} by others. Of {len(chosen):,} real drawings {real:.1%} scribble in place.",
        "",
        "| model | temperature | pen's | scribble in place | ended by themselves | points |",
        "| --- " * 6 + "|",
    ]
    for path in (None, *arguments.model):
        model = load_model(path)
        known = names if path is None else model.categories
        each = arguments.each if path is None else arguments.each * 8
        for temperature in TEMPERATURES:
            for pen in sorted({temperature, 1.0}):
                settings = {"temperature": temperature, "pen_temperature": pen, "count": each, "best_of": 1}
                drawn = [one for name in known for one in model.generate(name, **settings)]
                in_place = np.mean([scribbles(np.concatenate(one.sketch.strokes)) for one in drawn])
                ended = np.mean([one.ended for one in drawn])
                points = np.mean([one.sketch.point_count for one in drawn])
                name = "shipped" if path is None else f"Google's {known[0]}"
                lines.append(f"| {name} | {temperature} | {pen} | {in_place:.1%} | {ended:.1%} | {points:.0f} |")
                print(lines[-1], flush=True)
    write_results("scribble", lines)


if __name__ == "__main__":
    main()

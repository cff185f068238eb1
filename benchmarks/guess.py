"""How often is the category of a held-out drawing guessed, from 25, 50 and 100 % of its points?

    python benchmarks/guess.py STORE [--each 20] [--raw raw/*.ndjson]

Each drawing is guessed as it was drawn, with every stroke reversed, and with its strokes in another order (of which the
first part is taken then); ``--raw`` adds unsimplified mouse strokes. Calibration: of the guesses with a probability of
60 to 80 %, how many are right.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from results import machine, write_results

import sketchrnn
from sketchrnn.dataset.load import load
from sketchrnn.sketch import Sketch

SHARES = (0.25, 0.5, 1.0)


def first_part(sketch: Sketch, share: float) -> Sketch:
    """Return the first rows of a sketch."""
    rows = sketch.to_stroke3()
    return Sketch.from_stroke3(rows[: int(np.ceil(len(rows) * share))])


def reversed_strokes(sketch: Sketch) -> Sketch:
    """Return a sketch with every stroke drawn backwards."""
    return Sketch.from_polylines([stroke[::-1] for stroke in sketch.strokes])


def in_another_order(sketch: Sketch) -> Sketch:
    """Return a sketch with its strokes in a random order, which depends on the sketch alone."""
    order = np.random.default_rng(sketch.point_count).permutation(len(sketch.strokes))
    return Sketch.from_polylines([sketch.strokes[index] for index in order])


def row_of(model: sketchrnn.Model, title: str, sketches: Sequence[Sketch], names: Sequence[str], share: float) -> str:
    """Guess the first part of each sketch, and return a row of the table."""
    started = time.perf_counter()
    guesses: list[Any] = list(model.guess_many([first_part(sketch, share) for sketch in sketches]))
    milliseconds = 1000 * (time.perf_counter() - started) / len(sketches)
    rank = np.array([[one.category for one in guess].index(name) for guess, name in zip(guesses, names, strict=True)])
    probability = np.array([guess[0].probability for guess in guesses])
    sure = (probability > 0.6) & (probability < 0.8)
    right = f"{np.mean(rank[sure] == 0):.0%} of {sure.sum()}" if sure.any() else "-"
    return (
        f"| {title} | {share:.0%} | {np.mean(rank == 0):.1%} | {np.mean(rank < 5):.1%} | {np.mean(probability):.1%} | "
        f"{right} | {milliseconds:.1f} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", help="a store, or files of drawings")
    parser.add_argument("--model", help="default: the model that ships")
    parser.add_argument("--each", type=int, default=20, help="test drawings of a category, at most")
    parser.add_argument("--raw", nargs="*", default=[], help="files of raw drawings")
    arguments = parser.parse_args()
    model = sketchrnn.load(arguments.model)
    drawings, report = load(arguments.files, max_length=400)
    print(report, flush=True)
    test = drawings.of_split("test")
    indices = [
        index
        for category in np.unique(test.category)
        for index in np.flatnonzero(test.category == category)[: arguments.each]
    ]
    names = [test.categories[test.category[index]] for index in indices]
    sketches = [Sketch.from_stroke3(test.stroke3(index)) for index in indices]
    changes: dict[str, Callable[[Sketch], Sketch]] = {
        "as drawn": lambda sketch: sketch,
        "every stroke reversed": reversed_strokes,
        "strokes in another order": in_another_order,
    }
    lines = [
        f"{machine('cpu')}; {len(indices):,} test drawings of {len(set(names))} categories, guessed among "
        f"{len(model.categories)}.",
        "",
        "| | drawn so far | right at once | among 5 | mean probability | right of those given 60 to 80 % | ms each |",
        "| --- " * 7 + "|",
    ]
    for title, change in changes.items():
        for share in SHARES:
            lines.append(row_of(model, title, [change(sketch) for sketch in sketches], names, share))
            print(lines[-1], flush=True)
    raw = [record for path in arguments.raw for record in sketchrnn.read(path) if record.word]
    for share in SHARES if raw else ():
        words = [record.word or "" for record in raw]
        lines.append(row_of(model, "raw mouse strokes", [record.sketch for record in raw], words, share))
        print(lines[-1], flush=True)
    write_results("guess", lines)


if __name__ == "__main__":
    main()

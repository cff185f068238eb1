"""How often our simplification of a raw Quick, Draw! record gives Google's own simplified record of the same key_id.

    python benchmarks/simplification.py FOLDER

FOLDER has raw/X.ndjson and simplified/X.ndjson. Where a drawing differs, the script looks whether a choice among points
that are equally far from their line, to a millionth of a pixel, would have given Google's.
"""

import argparse
import sys
from itertools import islice
from pathlib import Path

import numpy as np
from results import write_results

from sketchrnn.formats import read_records
from sketchrnn.sketch.simplify import fit_to_box, resample, simplify

EPSILON, TIE = 2.0, 1e-6
MOST = 20  # choices that are followed at a time


def choices(points, kept, first, last):
    """Return the sets of points, of those that Google kept, that ties allow between two that are kept."""
    inside = points[first + 1 : last]
    if not len(inside):
        return {()}
    origin, along = points[first], points[last] - points[first]
    length = np.hypot(*along)
    x, y = (inside - origin).T
    distance = np.abs(along[0] * y - along[1] * x) / length if length else np.hypot(x, y)
    found = {()} if distance.max() <= EPSILON + TIE else set()
    if distance.max() > EPSILON - TIE:
        equally_far = np.flatnonzero(distance >= distance.max() - TIE)
        rounded = {place: tuple(np.rint(inside[place]).tolist()) for place in equally_far.tolist()}
        for place in [place for place in rounded if rounded[place] in kept][:MOST]:
            middle = first + 1 + place
            for before in islice(choices(points, kept, first, middle), MOST):
                for behind in islice(choices(points, kept, middle, last), MOST):
                    found.add((*before, rounded[place], *behind))
    return found


def differs_by_ties(stroke, theirs):
    """Return whether a choice among equally far points gives Google's stroke."""
    points = resample(stroke)
    target = [tuple(point) for point in theirs.tolist()]
    ends = [tuple(np.rint(point).tolist()) for point in points[[0, -1]]]
    return ends == [target[0], target[-1]] and tuple(target[1:-1]) in choices(points, set(target), 0, len(points) - 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    sys.setrecursionlimit(10_000)
    count = equal = close = ties = 0
    points = [0, 0]
    for raw in sorted((folder / "raw").glob("*.ndjson")):
        published = {record.key_id: record.sketch for record in read_records(folder / "simplified" / raw.name)}
        for record in read_records(raw):
            if record.key_id not in published:
                continue
            ours, theirs = simplify(record.sketch, EPSILON), published[record.key_id]
            count += 1
            points[0] += ours.point_count
            points[1] += theirs.point_count
            equal += ours == theirs
            pairs = list(zip(ours.strokes, theirs.strokes, strict=False))
            same_counts = len(ours.strokes) == len(theirs.strokes) and all(
                len(one) == len(other) for one, other in pairs
            )
            close += same_counts and all(np.abs(one - other).max() <= 1 for one, other in pairs)
            if ours != theirs:
                strokes = zip(fit_to_box(record.sketch).strokes, ours.strokes, theirs.strokes, strict=True)
                ties += all(
                    differs_by_ties(stroke, other) for stroke, one, other in strokes if not np.array_equal(one, other)
                )
    lines = [
        f"Of {count:,} raw records whose simplified record is known, {equal:,} ({equal / count:.1%}) come out equal to "
        f"the last point, and {close:,} ({close / count:.1%}) with as many points, none more than 1 unit off. Of the "
        f"{count - equal} that differ, {ties} differ only in which of several points was kept that are equally far "
        f"from the line, to a millionth of a pixel. Points in all: {points[0]:,}, Google {points[1]:,}.",
    ]
    write_results("simplification", lines)


if __name__ == "__main__":
    main()

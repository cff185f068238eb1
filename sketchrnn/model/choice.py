"""The best of several candidates."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sketchrnn.model.completion import Completion
from sketchrnn.model.prefix import EncodedPrefix
from sketchrnn.sketch import Sketch
from sketchrnn.sketch.shape import signature

PAGE = 13.0
"""Larger side of a drawing, in offset scales, beyond which it has left the page: the 255 box has 8 to 13, and no
training drawing is larger."""

SPOT = 0.1
SPOT_SHARE = 1 / 3
"""A drawing scribbles in place if more than this share of its points is in a square of SPOT times its larger side."""


def best_of(prefix: EncodedPrefix, candidates: Sequence[Completion], offset_scale: float) -> Completion:
    """Return the best candidate of one drawing: the fewest flaws, then the highest score, then the first."""
    return min(candidates, key=lambda one: (flaws(prefix, one, offset_scale), -one.score))


def most_diverse(
    prefix: EncodedPrefix, candidates: Sequence[Completion], count: int, offset_scale: float
) -> list[Completion]:
    """Return candidates that differ: the best one, then always the one farthest from those before it.

    Candidates with flaws come last.
    """
    flawed = [flaws(prefix, one, offset_scale) for one in candidates]
    order = sorted(range(len(candidates)), key=lambda number: (flawed[number], -candidates[number].score))
    signatures = np.stack([signature(one.joined(prefix.sketch)) for one in candidates])
    taken = order[:1]
    left = [number for number in order[1:] if not flawed[number]]
    nearest = np.full(len(candidates), np.inf)  # distance from those taken
    while left and len(taken) < count:
        nearest = np.minimum(nearest, np.abs(signatures - signatures[taken[-1]]).mean(1))
        taken.append(max(left, key=lambda number: float(nearest[number])))
        left.remove(taken[-1])
    rest = [number for number in order[1:] if flawed[number]]
    return [candidates[number] for number in (taken + rest)[:count]]


def flaws(prefix: EncodedPrefix, completion: Completion, offset_scale: float) -> int:
    """Return how many of these hold: it did not end by itself, it has left the page, it scribbles in place."""
    whole = completion.joined(prefix.sketch)
    larger_side = whole.extent * prefix.scale / offset_scale
    return int(not completion.ended) + int(larger_side > PAGE) + int(scribbles(whole))


def scribbles(sketch: Sketch) -> bool:
    """Tell whether more than a third of a drawing's points lie in some square of a tenth of its larger side."""
    if sketch.point_count < 2:
        return False
    x, y = np.concatenate(sketch.strokes).T
    half = SPOT * max(np.ptp(x), np.ptp(y)) / 2 + 1e-12
    near = (np.abs(x[:, None] - x) <= half) & (np.abs(y[:, None] - y) <= half)  # a square around each point
    return bool(np.count_nonzero(near, axis=1).max() > SPOT_SHARE * len(x))

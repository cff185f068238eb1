"""The best of several candidates."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sketchrnn.model.drawing import Drawing
from sketchrnn.model.prefix import EncodedPrefix
from sketchrnn.sketch.simplify import SIGNATURE_POINTS, signature

PAGE = 13.0
"""A drawing with a larger side than this, in offset scales, has left the page. The 255 box has 8 to 13, and no training
drawing is larger."""

SPOT = 0.1
SPOT_SHARE = 1 / 3
SPOT_POINTS = 4
"""A drawing scribbles in place if more than SPOT_SHARE of its points, and at least SPOT_POINTS, are in a square of SPOT
times its larger side."""
SPOTS_AT_ONCE = 512
"""Points whose distances from all others are computed together. A limit keeps the memory small."""


GOOD_SCORE = math.log(0.8)
"""A candidate without flaws is good if its score, the logarithm of the recognizer's probability, is at least this."""


@dataclass(frozen=True)
class Candidate:
    """One of several drawings of which the best is kept.

    Attributes:
        drawing: with its score.
        flaws: their number.
    """

    drawing: Drawing
    flaws: int

    @property
    def good(self) -> bool:
        """Whether no other candidate is needed."""
        return not self.flaws and self.drawing.score >= GOOD_SCORE

    @classmethod
    def of(cls, prefix: EncodedPrefix, drawing: Drawing, offset_scale: float) -> Candidate:
        """Count the flaws of a drawing."""
        return cls(drawing, flaws(prefix, drawing, offset_scale))


def best_of(candidates: Sequence[Candidate]) -> Drawing:
    """Return the first good candidate of a drawing, else the one with the fewest flaws, then the highest score."""
    good = next((one for one in candidates if one.good), None)
    return (good or min(candidates, key=lambda one: (one.flaws, -one.drawing.score))).drawing


def most_diverse(candidates: Sequence[Candidate], count: int) -> list[Drawing]:
    """Return candidates that differ: first the best one, then always the one that is farthest from the chosen ones.

    Candidates with flaws come last.
    """
    drawings, flawed = [one.drawing for one in candidates], [one.flaws for one in candidates]
    order = sorted(range(len(candidates)), key=lambda number: (flawed[number], -drawings[number].score))
    wholes = [one.sketch for one in drawings]
    empty = np.zeros(2 * SIGNATURE_POINTS, np.float32)
    signatures = np.stack([signature(whole) if whole.strokes else empty for whole in wholes])
    taken = order[:1]
    left = [number for number in order[1:] if not flawed[number]]
    nearest = np.full(len(candidates), np.inf)  # distance from those taken
    while left and len(taken) < count:
        nearest = np.minimum(nearest, np.abs(signatures - signatures[taken[-1]]).mean(1))
        taken.append(max(left, key=lambda number: float(nearest[number])))
        left.remove(taken[-1])
    rest = [number for number in order[1:] if flawed[number]]
    return [drawings[number] for number in (taken + rest)[:count]]


def flaws(prefix: EncodedPrefix, drawing: Drawing, offset_scale: float) -> int:
    """Return the number of flaws: it did not end by itself, it left the page, it scribbles in place.

    The points are those of the prefix and of the completion.
    """
    seen = np.cumsum(prefix.rows[:, :2].astype(np.float64), axis=0)  # (N + 1, 2), in offset scales
    new = [
        (stroke - prefix.last_point) * (prefix.scale / offset_scale) + seen[-1] for stroke in drawing.completion.strokes
    ]
    if new and (prefix.sketch.pen_down or not prefix.sketch.strokes):
        new[0] = new[0][1:]  # which is the last point that was seen
    points = np.concatenate([seen, *new])
    return int(not drawing.ended) + int(np.ptp(points, axis=0).max() > PAGE) + int(scribbles(points))


def scribbles(points: NDArray[np.float64]) -> bool:
    """Return whether too many of the points (N, 2) are in one spot; see :data:`SPOT_POINTS`."""
    if len(points) < SPOT_POINTS:
        return False
    half = SPOT * np.ptp(points, axis=0).max() / 2 + 1e-12
    too_many = max(SPOT_POINTS, int(SPOT_SHARE * len(points)) + 1)
    # a square overlaps four cells of its size; most drawings have too few points in any four
    cell = ((points - points.min(axis=0)) / (2.0001 * half)).astype(np.int64)
    counts = np.zeros(cell.max(axis=0) + 2, np.int64)
    np.add.at(counts, tuple(cell.T), 1)
    if (counts[1:, 1:] + counts[1:, :-1] + counts[:-1, 1:] + counts[:-1, :-1]).max() < too_many:
        return False
    for first in range(0, len(points), SPOTS_AT_ONCE):  # a square around each point
        distance = np.abs(points[first : first + SPOTS_AT_ONCE, None] - points).max(axis=-1)
        if np.count_nonzero(distance <= half, axis=1).max() >= too_many:
            return True
    return False

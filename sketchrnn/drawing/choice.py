"""Which of many completions are worth showing."""

from __future__ import annotations

import numpy as np

from sketchrnn.drawing.completion import Completion, complete
from sketchrnn.drawing.configuration import SamplingConfiguration
from sketchrnn.drawing.prefix import SeenPrefix
from sketchrnn.model.numpy_network import Array, NumpyNetwork
from sketchrnn.sketch import Sketch
from sketchrnn.sketch.shape import signature

PAGE = 13.0
"""Larger side of a drawing, in offset scales, beyond which it has run off the page: the 255 box has 8 to 13, and no
training drawing is larger."""

SPOT = 0.1
SPOT_SHARE = 1 / 3
"""A drawing scribbles in place if more than this share of its points is in a square of SPOT times its larger side."""


def draw_best(
    network: NumpyNetwork,
    prefix: SeenPrefix,
    category: str | None,
    count: int,
    sampling: SamplingConfiguration,
    choose_from: int = 1,
    *,
    diverse: bool = False,
    condition: Array | None = None,
) -> list[Completion]:
    """Draw each completion ``choose_from`` times and return the best of each.

    The best have ended by themselves, stay on the page and do not scribble in place; among equals it is the one that
    shows its category most, for a model of one category the likeliest. (Measured: benchmarks/RESULTS.md.)

    Args:
        network: the model.
        prefix: what it sees.
        category: what to draw.
        count: how many to return, one for each seed.
        sampling: how to draw.
        choose_from: how many to draw of each seed.
        diverse: instead of the best of each seed return, of all unflawed ones, the likeliest and then always the one
            that is farthest from those before it.
        condition: what the decoder is told for each seed, (count, condition_units), in the place of the category.

    Raises:
        CategoryError: the category is unknown or missing.
        ConfigurationError: the latent does not fit the model.
    """
    drawn = complete(network, prefix, category, count, sampling, choose_from, condition=condition)
    if choose_from == 1:
        return drawn
    flawed = [flaws(network, prefix, one) for one in drawn]

    def rank(place: int) -> tuple[int, float, float]:
        return flawed[place], -drawn[place].category_gain, drawn[place].nats_per_point

    if diverse:
        chosen = _far_apart(sorted(range(len(drawn)), key=rank), flawed, prefix.sketch, drawn)[:count]
    else:
        chosen = [min(range(first, first + choose_from), key=rank) for first in range(0, len(drawn), choose_from)]
    return [drawn[place] for place in chosen]


def scribbles(sketch: Sketch) -> bool:
    """Tell whether more than a third of a drawing's points lie in some square of a tenth of its larger side."""
    if sketch.point_count < 2:
        return False
    points = np.concatenate(sketch.strokes)
    side = SPOT * np.ptp(points, axis=0).max()
    near = np.abs(points[:, None] - points[None]) <= side / 2 + 1e-12  # a square around each point
    return bool(near.all(-1).sum(1).max() > SPOT_SHARE * len(points))


def flaws(network: NumpyNetwork, prefix: SeenPrefix, completion: Completion) -> int:
    """Return how many of these hold: it did not end by itself, it has run off the page, it scribbles in place."""
    whole = completion.joined(prefix.sketch)
    x_min, y_min, x_max, y_max = whole.bounds()
    larger = max(x_max - x_min, y_max - y_min) * prefix.scale / network.offset_scale
    return int(not completion.ended) + int(larger > PAGE) + int(scribbles(whole))


def _far_apart(order: list[int], flawed: list[int], prefix: Sketch, drawn: list[Completion]) -> list[int]:
    """Order the unflawed, after the first, by their distance from those before; the flawed stay behind."""
    signatures = np.stack([signature(one.joined(prefix)) for one in drawn])
    taken = order[:1]
    left = [place for place in order[1:] if not flawed[place]]
    nearest = np.full(len(drawn), np.inf)  # distance from those taken
    while left:
        nearest = np.minimum(nearest, np.abs(signatures - signatures[taken[-1]]).mean(1))
        taken.append(max(left, key=lambda place: float(nearest[place])))
        left.remove(taken[-1])
    return taken + [place for place in order[1:] if flawed[place]]

"""Which of many completions are worth showing."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from sketchrnn.model.completion import Completion, Session, complete
from sketchrnn.model.network import Array, NumpyNetwork
from sketchrnn.model.prefix import SeenPrefix
from sketchrnn.model.sampling import SamplingConfiguration
from sketchrnn.sketch import Sketch
from sketchrnn.sketch.shape import signature

PAGE = 13.0
"""Larger side of a drawing, in offset scales, beyond which it has run off the page: the 255 box has 8 to 13, and no
training drawing is larger."""

SPOT = 0.1
SPOT_SHARE = 1 / 3
"""A drawing scribbles in place if more than this share of its points is in a square of SPOT times its larger side."""

FIRST_CUT = 6
LAST_CUT = 24
"""Points of each after which half of a seed's drawings are given up: first and last time."""


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
    """Begin each completion ``choose_from`` times and return the best of each.

    The best are those that show their category most, for a model of one category the likeliest, of those that end by
    themselves, stay on the page and do not scribble in place. Which these are shows early (measured:
    benchmarks/RESULTS.md): after some points the worse half of a seed's drawings is given up, after twice as many the
    half of what is left, until one is left, which is drawn to its end; if that has a flaw, so is the next best.

    Reference:
        Successive halving: Jamieson and Talwalkar 2016, arXiv:1502.07943.

    Args:
        network: the model.
        prefix: what it sees.
        category: what to draw.
        count: how many to return, one for each seed.
        sampling: how to draw.
        choose_from: how many to begin for each seed.
        diverse: draw all to their end; instead of the best of each seed return, of all unflawed ones, the best and then
            always the one that is farthest from those before it.
        condition: what the decoder is told for each seed, (count, condition_units), in the place of the category.

    Raises:
        CategoryError: the category is unknown or missing.
        ConfigurationError: the latent does not fit the model.
    """
    if choose_from == 1 or diverse:
        weighed = LAST_CUT if diverse else 0
        drawn = complete(network, prefix, category, count, sampling, choose_from, condition=condition, weighed=weighed)
        return _far_apart(network, prefix, drawn)[:count] if diverse else drawn
    tries = [(sampling.seed + number, attempt) for number in range(count) for attempt in range(choose_from)]
    told = None if condition is None else np.repeat(condition, choose_from, axis=0)
    session = Session(network, prefix, category, tries, sampling, condition=told, weighed=LAST_CUT)
    order = _raced(session, choose_from)
    session.run()
    best = session.completions(order[:, 0].tolist())
    finished = 1  # of each seed's
    while finished < choose_from:
        flawed = [place for place, one in enumerate(best) if flaws(network, prefix, one)]
        if not flawed:
            break
        others = order[flawed, finished : 2 * finished]  # as many again, (F, R)
        again = Session(
            network,
            prefix,
            category,
            [tries[other] for other in others.flat],
            sampling,
            condition=None if told is None else told[others.ravel()],
        )
        again.run()
        gains = session.category_gain[others.ravel()].tolist()
        redrawn = [replace(one, category_gain=gain) for one, gain in zip(again.completions(), gains, strict=True)]
        for place in flawed:
            candidates, redrawn = [best[place], *redrawn[: others.shape[1]]], redrawn[others.shape[1] :]
            best[place] = min(candidates, key=lambda one: flaws(network, prefix, one))
        finished += others.shape[1]
    return best


def _raced(session: Session, attempts: int) -> NDArray[np.int64]:
    """Draw on with the better half of each seed's attempts, again and again, until one of each is left.

    Returns:
        The drawings of each seed, the most promising first, (count, attempts).
    """
    order = np.arange(len(session.category_gain)).reshape(-1, attempts)
    left = attempts
    while left > 1:
        later_cuts = math.ceil(math.log2(left)) - 1
        session.run(max(FIRST_CUT, LAST_CUT >> later_cuts))
        rank = np.lexsort((session.nats_per_point[order[:, :left]], -session.category_gain[order[:, :left]]))
        order[:, :left] = np.take_along_axis(order[:, :left], rank, axis=1)
        left = (left + 1) // 2
        session.give_up(order[:, left:])
    return order


def scribbles(sketch: Sketch) -> bool:
    """Tell whether more than a third of a drawing's points lie in some square of a tenth of its larger side."""
    if sketch.point_count < 2:
        return False
    x, y = np.concatenate(sketch.strokes).T
    half = SPOT * max(np.ptp(x), np.ptp(y)) / 2 + 1e-12
    near = (np.abs(x[:, None] - x) <= half) & (np.abs(y[:, None] - y) <= half)  # a square around each point
    return bool(np.count_nonzero(near, axis=1).max() > SPOT_SHARE * len(x))


def flaws(network: NumpyNetwork, prefix: SeenPrefix, completion: Completion) -> int:
    """Return how many of these hold: it did not end by itself, it has run off the page, it scribbles in place."""
    whole = completion.joined(prefix.sketch)
    larger = whole.extent * prefix.scale / network.offset_scale
    return int(not completion.ended) + int(larger > PAGE) + int(scribbles(whole))


def _far_apart(network: NumpyNetwork, prefix: SeenPrefix, drawn: list[Completion]) -> list[Completion]:
    """Order the unflawed, after the first, by their distance from those before; the flawed stay behind."""
    flawed = [flaws(network, prefix, one) for one in drawn]
    order = sorted(
        range(len(drawn)),
        key=lambda place: (flawed[place], -drawn[place].category_gain, drawn[place].nats_per_point),
    )
    signatures = np.stack([signature(one.joined(prefix.sketch)) for one in drawn])
    taken = order[:1]
    left = [place for place in order[1:] if not flawed[place]]
    nearest = np.full(len(drawn), np.inf)  # distance from those taken
    while left:
        nearest = np.minimum(nearest, np.abs(signatures - signatures[taken[-1]]).mean(1))
        taken.append(max(left, key=lambda place: float(nearest[place])))
        left.remove(taken[-1])
    return [drawn[place] for place in taken + [place for place in order[1:] if flawed[place]]]

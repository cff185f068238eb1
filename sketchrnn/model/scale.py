"""How large a partial sketch is meant: a model knows drawings of one size, a prefix comes in any unit."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from sketchrnn.model.likelihood import log_likelihood
from sketchrnn.model.network import NumpyNetwork
from sketchrnn.sketch import Sketch
from sketchrnn.sketch.simplify import rounded, simplify_in_place
from sketchrnn.sketch.stroke5 import stroke5_from_stroke3

ROWS = np.array([1, 2, 4, 8, 16, 32, 64])
USUAL_EXTENT = np.array([-0.06, 0.64, 1.24, 1.65, 1.88, 1.98, 2.02])
USUAL_DEVIATION = np.array([0.93, 0.74, 0.56, 0.42, 0.28, 0.19, 0.14])
"""Mean and deviation of log(larger side / offset_scale) of the first so many ROWS of Quick, Draw!'s training drawings,
each cut at a row chosen evenly: benchmarks/scale.py."""

COARSE = np.linspace(math.log(0.1), math.log(15.0), 21)
"""Logarithms of the larger sides that are tried first, in offset scales; each is 1.28 times the one before."""
FINE = np.linspace(-0.75, 0.75, 7) * (COARSE[1] - COARSE[0])
DECIMALS = 3
"""Digits after the point that coordinates are rounded to when the larger side is usual, so that a drawing in another
unit has the same scale to the last digit but those of the factor itself."""
MARGIN = 12.0
"""Nats behind the best scale at which another is given up."""


def find_scale(network: NumpyNetwork, sketch: Sketch, category: int | None = None) -> float:
    """Return how many units of the model's training drawings one unit of the sketch most probably is.

    The likelihood of what is drawn over a grid of scales, in one batch, times a prior of how large prefixes of so many
    points are in training. As a density of the sketch's own coordinates it has the factor scale for each of them; but
    not for an offset of exactly 0, which is 0 at every scale.

    Args:
        network: the model.
        sketch: in any unit.
        category: index of what it is to become; None takes the mean of all.

    Returns:
        The scale; 1 for a sketch without extent, whose size tells nothing, and for a model that cannot draw without z.
    """
    extent = sketch.extent
    if extent == 0.0 or not network.configuration.can_draw_without_latent:
        return 1.0
    usual = math.exp(USUAL_EXTENT[4]) * network.offset_scale  # of the larger side, for simplifying
    factor = usual / extent
    seen = rounded(simplify_in_place(sketch.transformed(factor, -factor * sketch.first_point)), DECIMALS)
    rows = stroke5_from_stroke3(seen.to_stroke3())[:-1]
    rows[:, :2] /= usual  # the larger side is 1
    best = _most_probable(network, rows, COARSE, category)
    best = _most_probable(network, rows, best + FINE, category)
    return math.exp(best) * network.offset_scale / extent


def _most_probable(
    network: NumpyNetwork, rows: NDArray[np.float64], log_extent: NDArray[np.float64], category: int | None
) -> float:
    """Return which of some logarithms of the larger side, in offset scales, (K,), is the most probable.

    Args:
        network: the model.
        rows: START and the prefix, its larger side 1, (N + 1, 5).
        log_extent: (K,).
        category: index; None takes the mean of all.
    """
    count = len(log_extent)
    state = network.start(network.condition(None if category is None else np.array([category])))
    scaled = np.repeat(rows[None], count, axis=0)  # (K, N + 1, 5)
    scaled[..., :2] *= np.exp(log_extent)[:, None, None]
    length = math.log2(len(rows) - 1)
    mean, deviation = (np.interp(length, np.log2(ROWS), values) for values in (USUAL_EXTENT, USUAL_DEVIATION))
    posterior = log_likelihood(
        network,
        state.take(np.zeros(count, np.int64)),
        scaled.astype(np.float32),
        prior=-0.5 * np.square((log_extent - mean) / deviation),
        log_unit=log_extent,
        margin=MARGIN,
    )
    return float(log_extent[int(np.argmax(posterior))])

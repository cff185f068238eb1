"""The scale of a partial sketch: the factor from its unit to that of the training drawings.

The recognizer of the model estimates how large the sketch is relative to the whole drawing. Without a recognizer, the
likelihood of the sketch at several scales decides.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sketchrnn.model.cells import Array
from sketchrnn.model.likelihood import log_likelihood, padded
from sketchrnn.model.network import NumpyNetwork
from sketchrnn.model.recognizer import LOG_EXTENTS, PICTURES_AT_ONCE, Recognizer
from sketchrnn.sketch import Sketch
from sketchrnn.sketch.simplify import as_trained
from sketchrnn.sketch.sketch import stroke5_from_stroke3

ROWS = np.array([1, 2, 4, 8, 16, 32, 64])
USUAL_EXTENTS = np.array(
    [(0.01, -2.0, 0.95), (0.03, -1.2, 0.72), (0.08, -0.79, 0.56), (0.21, -0.53, 0.44), (0.43, -0.36, 0.32),
     (0.62, -0.26, 0.24), (0.72, -0.2, 0.19)]
)  # fmt: skip
"""How large the first ROWS rows of the Quick, Draw! training drawings are (benchmarks/scale.py): the share that is as
large as the whole drawing already; and, of the others, mean and deviation of log(extent / extent of the whole drawing).
This is the prior of models without a recognizer."""
WHOLE = 0.02
"""A part whose log extent is at most this below that of the whole drawing is as large as the whole."""
LEAST_PROBABILITY = 1e-12
"""Of an extent of GRID, so that the prior excludes none."""
USUAL_SHARE = 0.7
"""Extent of a typical prefix relative to the whole drawing: the one at which it is simplified."""

STEP = 0.03
GRID = STEP * np.arange(np.rint(LOG_EXTENTS[0] / STEP), 1)
"""Logarithms of the extent, relative to the whole drawing, that have a probability. The scale is one of these, so that
rounding errors rarely change it, and the page draws the same."""
BETWEEN = np.stack([np.interp(GRID, LOG_EXTENTS, one) for one in np.eye(len(LOG_EXTENTS))])
"""What each of LOG_EXTENTS counts in the linear interpolation at each of GRID, (T, G)."""
EFFECTIVE_ROWS = 8.0
"""The likelihood of more rows than this counts as that of this number, because the sizes of the rows of a sketch depend
on each other. Of several numbers this one gave the smallest errors (benchmarks/RESULTS.md)."""
QUANTILE = 0.7
"""Quantile of the posterior that is chosen. Above 0.5, because an estimate that is too small spoils a completion more:
the model then draws a second outline around the prefix to fill the page."""
MAX_ROWS = 32
"""Rows whose likelihood is computed. More rows change the scale little."""
MARGIN = 16.0
"""Scales whose likelihood is this number of nats below the best are dropped."""


def find_scales(
    network: NumpyNetwork,
    recognizer: Recognizer | None,
    sketches: Sequence[Sketch],
    categories: Sequence[int | None],
    conditionings: Array,
) -> list[float]:
    """Return the scale of each sketch: units of the training drawings in one unit of the sketch.

    It is a quantile of the posterior of the extent relative to the whole drawing.

    Args:
        network: the model.
        recognizer: that of the model; None for a model without one.
        sketches: in any unit.
        categories: index of the category of each; None if it is not known.
        conditionings: of each, (B, C).

    Returns:
        The scales; 1 for a sketch without extent, and for a model that cannot draw without z and has no recognizer.
    """
    scales = [1.0] * len(sketches)
    extents = [sketch.extent for sketch in sketches]
    known = [number for number, extent in enumerate(extents) if extent > 0.0]
    if not known or (recognizer is None and not network.configuration.can_draw_without_latent):
        return scales
    usual = USUAL_SHARE * network.whole_extent
    seen = []
    for number in known:
        factor = usual / extents[number]
        sketch = sketches[number].transformed(factor, -factor * sketches[number].first_point)
        seen.append(as_trained(sketch))
    if recognizer is None:
        log_posterior = _by_likelihood(network, seen, conditionings[known])
    else:
        log_posterior = _by_picture(recognizer, seen, [categories[number] for number in known])
    for number, values in zip(known, log_posterior, strict=True):
        cumulative = np.cumsum(np.exp(values - values.max()))
        log_extent = GRID[np.searchsorted(cumulative, QUANTILE * cumulative[-1])]
        scales[number] = math.exp(log_extent) * network.whole_extent / extents[number]
    return scales


def _by_picture(
    recognizer: Recognizer, seen: Sequence[Sketch], categories: Sequence[int | None]
) -> NDArray[np.float64]:
    """Return the log probability of each extent of GRID, (B, G), by the recognizer."""
    outputs = [
        recognizer.extent_outputs(
            [sketch.strokes for sketch in seen[first : first + PICTURES_AT_ONCE]],
            categories[first : first + PICTURES_AT_ONCE],
        )
        for first in range(0, len(seen), PICTURES_AT_ONCE)
    ]
    return log_extent_probabilities(np.concatenate(outputs))


def log_extent_probabilities(outputs: Array) -> NDArray[np.float64]:
    """Return the log probability of each extent of GRID, (B, G).

    Args:
        outputs: of the recognizer, (B, T + 1). The first T are the log density at each of LOG_EXTENTS, not normalized.
            The last one is the logit of the probability that the sketch is as large as the whole drawing.
    """
    values = outputs.astype(np.float64)
    density, logit = values[:, :-1] @ BETWEEN, values[:, -1]
    density -= density.max(axis=1, keepdims=True)
    density -= np.log(np.exp(density).sum(axis=1, keepdims=True))
    density -= np.logaddexp(0.0, logit)[:, None]
    density[:, -1] = np.logaddexp(density[:, -1], -np.logaddexp(0.0, -logit))
    return density


def _by_likelihood(network: NumpyNetwork, seen: Sequence[Sketch], conditionings: Array) -> NDArray[np.float64]:
    """Return the log posterior of each extent of GRID, not normalized, (B, G).

    It is a power of the likelihood of the rows, times the prior of parts with this number of rows. The likelihood is a
    density of the sketch's coordinates, so each coordinate gives a factor of scale. An offset of exactly 0 gives none,
    because it is 0 at every scale.
    """
    rows = [stroke5_from_stroke3(sketch.to_stroke3())[:-1] for sketch in seen]
    for each in rows:
        each[:, :2] /= USUAL_SHARE * network.offset_scale  # as large as a whole drawing
    counts = np.array([len(each) - 1 for each in rows])
    likelihoods = _log_likelihoods(network, rows, conditionings) @ BETWEEN
    log_prior = np.stack([_log_prior(count) for count in counts])
    posterior: NDArray[np.float64] = np.minimum(1.0, EFFECTIVE_ROWS / counts)[:, None] * likelihoods + log_prior
    return posterior


def _log_likelihoods(
    network: NumpyNetwork, rows: list[NDArray[np.float64]], conditionings: Array
) -> NDArray[np.float64]:
    """Return the log likelihood of each prefix at each extent of LOG_EXTENTS, (B, T).

    Args:
        network: the model.
        rows: START and the prefix, as large as a whole drawing, in offset scales, (N + 1, 5) each.
        conditionings: of each, (B, C).
    """
    count, tried = len(rows), len(LOG_EXTENTS)
    groups = np.repeat(np.arange(count), tried)
    unit = np.tile(LOG_EXTENTS, count)
    scaled = np.repeat(padded([each[: MAX_ROWS + 1] for each in rows]), tried, axis=0)  # (B T, longest + 1, 5)
    scaled[..., :2] *= np.exp(unit)[:, None, None]
    lengths = np.array([len(each) - 1 for each in rows])
    likelihood = log_likelihood(
        network,
        network.start(conditionings).take(groups),
        scaled,
        lengths=np.minimum(lengths, MAX_ROWS)[groups],
        groups=groups,
        log_unit=unit,
        margin=MARGIN,
    )
    return likelihood.reshape(count, tried)


def _log_prior(rows: int) -> NDArray[np.float64]:
    """Return the log probability of each extent of GRID, of a part with this number of rows, 1 or more."""
    whole, mean, deviation = (np.interp(np.log2(rows), np.log2(ROWS), values) for values in USUAL_EXTENTS.T)
    probability = np.exp(-0.5 * np.square((GRID - mean) / deviation))
    probability *= (1.0 - whole) / probability.sum()
    probability[-1] += whole
    log_probability: NDArray[np.float64] = np.log(np.maximum(probability, LEAST_PROBABILITY))
    return log_probability

"""The scale of a partial sketch: the factor from its unit to that of the training drawings."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sketchrnn.model.cells import Array
from sketchrnn.model.likelihood import log_likelihood, padded
from sketchrnn.model.network import NumpyNetwork
from sketchrnn.sketch import Sketch
from sketchrnn.sketch.simplify import rounded, simplify_in_place
from sketchrnn.sketch.sketch import stroke5_from_stroke3

ROWS = np.array([1, 2, 4, 8, 16, 32, 64])
USUAL_EXTENTS = np.array(
    [(0.01, -2.0, 0.95), (0.03, -1.2, 0.72), (0.08, -0.79, 0.56), (0.21, -0.53, 0.44), (0.43, -0.36, 0.32),
     (0.62, -0.26, 0.24), (0.72, -0.2, 0.19)]
)  # fmt: skip
"""The prior of models that have none of their own: :func:`extent_prior` of the Quick, Draw! training drawings of all
categories together."""
FITTED = 200
"""Drawings of a category that its prior is fitted to."""
SHARED_DRAWINGS = 3.0
"""Average drawings of all categories that count in the prior of each category, so that few drawings are enough."""
USUAL_LENGTH = 40
"""Rows of the drawing with the prior USUAL_EXTENTS that counts too, in case no drawing has as many rows as ROWS."""
WHOLE = 0.02
"""A part whose log extent is at most this below that of the whole drawing is as large as the whole."""
LEAST_DEVIATION = 0.1
"""Of log(extent), so that few drawings that are alike do not exclude other extents."""
LEAST_PROBABILITY = 1e-12
"""Of an extent of GRID, so that no prior excludes one."""
USUAL_SHARE = 0.7
"""Extent of a typical prefix relative to the whole drawing: the one at which it is simplified."""

TRIED = -np.array([4.4, 3.4, 2.6, 2.0, 1.55, 1.2, 0.95, 0.75, 0.58, 0.43, 0.3, 0.19, 0.09, 0.0])
"""Logarithms of the extent, relative to a whole drawing, whose likelihood is computed."""
STEP = 0.03
GRID = STEP * np.arange(np.rint(TRIED[0] / STEP), 1)
"""Logarithms of the extent for the posterior. The log likelihood is interpolated between those of TRIED. The scale is
one of these, so that rounding errors rarely change it, and the page draws the same."""
EFFECTIVE_ROWS = 8.0
"""The likelihood of more rows than this counts as that of this number, because the sizes of the rows of a sketch depend
on each other. Of several numbers this one gave the smallest errors (benchmarks/RESULTS.md)."""
QUANTILE = 0.7
"""Quantile of the posterior that is chosen. Above 0.5, because an estimate that is too small spoils a completion more:
the model then draws a second outline around the prefix to fill the page."""
DECIMALS = 3
"""Decimals to which coordinates are rounded after scaling to the usual size. A drawing in another unit then has exactly
the same scale, times the factor between the units."""
MAX_ROWS = 32
"""Rows whose likelihood is computed. More rows change the scale little."""
MARGIN = 16.0
"""Scales whose likelihood is this number of nats below the best are dropped."""


def find_scales(
    network: NumpyNetwork, sketches: Sequence[Sketch], categories: Sequence[int | None], conditionings: Array
) -> list[float]:
    """Return the scale of each sketch: units of the training drawings in one unit of the sketch.

    It is a quantile of the posterior: a power of the likelihood of the rows, times the prior of the extent of prefixes
    with this number of rows. The likelihood is a density of the sketch's coordinates, so each coordinate gives a factor
    of scale. An offset of exactly 0 gives none, because it is 0 at every scale.

    Args:
        network: the model.
        sketches: in any unit.
        categories: index of the category of each; None if it is not known.
        conditionings: of each, (B, C).

    Returns:
        The scales; 1 for a sketch without extent, and for a model that cannot draw without z.
    """
    scales = [1.0] * len(sketches)
    extents = [sketch.extent for sketch in sketches]
    known = [number for number, extent in enumerate(extents) if extent > 0.0]
    if not known or not network.configuration.can_draw_without_latent:
        return scales
    usual = USUAL_SHARE * network.whole_extent
    rows = []
    for number in known:
        factor = usual / extents[number]
        sketch = sketches[number].transformed(factor, -factor * sketches[number].first_point)
        rows.append(stroke5_from_stroke3(rounded(simplify_in_place(sketch), DECIMALS).to_stroke3())[:-1])
        rows[-1][:, :2] /= USUAL_SHARE * network.offset_scale  # as large as a whole drawing
    likelihoods = _log_likelihoods(network, rows, conditionings[known])
    for number, each, values in zip(known, rows, likelihoods, strict=True):
        count = len(each) - 1
        log_prior = _log_prior(_prior_of(network, categories[number]), count)
        log_posterior = min(1.0, EFFECTIVE_ROWS / count) * np.interp(GRID, TRIED, values) + log_prior
        cumulative = np.cumsum(np.exp(log_posterior - log_posterior.max()))
        log_extent = GRID[np.searchsorted(cumulative, QUANTILE * cumulative[-1])]
        scales[number] = math.exp(log_extent) * network.whole_extent / extents[number]
    return scales


def _log_likelihoods(
    network: NumpyNetwork, rows: list[NDArray[np.float64]], conditionings: Array
) -> NDArray[np.float64]:
    """Return the log likelihood of each prefix at each extent of TRIED, (B, T).

    Args:
        network: the model.
        rows: START and the prefix, as large as a whole drawing, in offset scales, (N + 1, 5) each.
        conditionings: of each, (B, C).
    """
    count, tried = len(rows), len(TRIED)
    groups = np.repeat(np.arange(count), tried)
    unit = np.tile(TRIED, count)
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


def _prior_of(network: NumpyNetwork, category: int | None) -> NDArray[np.floating[Any]]:
    """Return the prior of a category, (ROWS, 3); of all categories if it is None."""
    if network.extent_prior is None:
        return USUAL_EXTENTS
    priors = network.extent_prior
    prior: Array = priors.mean(axis=0) if category is None else priors[category]
    return prior


def _log_prior(prior: NDArray[np.floating[Any]], rows: int) -> NDArray[np.float64]:
    """Return the log probability of each extent of GRID, of a prefix with this number of rows.

    Args:
        prior: of its category, (ROWS, 3).
        rows: 1 or more.
    """
    whole, mean, deviation = (np.interp(np.log2(rows), np.log2(ROWS), values) for values in prior.T)
    probability = np.exp(-0.5 * np.square((GRID - mean) / deviation))
    probability *= (1.0 - whole) / probability.sum()
    probability[-1] += whole
    log_probability: NDArray[np.float64] = np.log(np.maximum(probability, LEAST_PROBABILITY))
    return log_probability


def extent_prior(categories: Iterable[tuple[Array, NDArray[np.integer[Any]]]]) -> Array:
    """Return how large the first rows of the drawings of each category are, (categories, ROWS, 3).

    The three numbers are: the share of such parts that are as large as the whole drawing already; and, of the others,
    mean and deviation of log(extent / extent of the whole drawing). A part counts for the two nearest numbers of ROWS.

    Args:
        categories: for each, the offsets of some drawings in any unit, padded with 0, (B, N, 2), and their lengths,
            (B,).
    """
    parts = [(_sums(offsets.astype(np.float64), lengths), len(lengths)) for offsets, lengths in categories]
    sums, counts = np.stack([sums for sums, _ in parts]), sum(count for _, count in parts)
    whole, mean, deviation = USUAL_EXTENTS.T
    usual = np.stack([whole, 1.0 - whole, (1.0 - whole) * mean, (1.0 - whole) * (mean**2 + deviation**2)], axis=1)
    average = (sums.sum(axis=0) + usual / USUAL_LENGTH) / (counts + 1)  # of a drawing; it has parts of all ROWS
    sums += SHARED_DRAWINGS * average
    whole, others, log_extents, squares = np.moveaxis(sums, -1, 0)
    mean = log_extents / others
    deviation = np.sqrt(np.maximum(squares / others - np.square(mean), LEAST_DEVIATION**2))
    return np.stack([whole / (whole + others), mean, deviation], axis=-1).astype(np.float32)


def _sums(offsets: NDArray[np.float64], lengths: NDArray[np.integer[Any]]) -> NDArray[np.float64]:
    """Return for each of ROWS the weights of wholes and of others, and of these the log extents and their squares."""
    if not offsets.size:
        return np.zeros((len(ROWS), 4))
    points = np.cumsum(np.pad(offsets, ((0, 0), (1, 0), (0, 0))), axis=1)  # the first one is the origin
    extent = (np.maximum.accumulate(points, axis=1) - np.minimum.accumulate(points, axis=1)).max(axis=-1)[:, 1:]
    known = extent[:, -1] > 0.0
    extent, lengths = extent[known], lengths[known]
    log_extent = np.log(np.maximum(extent / extent[:, -1:], math.exp(TRIED[0])))
    weight = (np.arange(extent.shape[1]) < lengths[:, None]) / lengths[:, None]
    others = weight * (log_extent < -WHOLE)
    values = np.stack([weight - others, others, others * log_extent, others * log_extent**2], axis=-1).sum(axis=0)
    log_rows = np.log2(np.arange(1, extent.shape[1] + 1))
    nearness = np.stack([np.interp(log_rows, np.log2(ROWS), one) for one in np.eye(len(ROWS))])
    sums: NDArray[np.float64] = nearness @ values
    return sums

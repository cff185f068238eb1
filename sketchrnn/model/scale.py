"""The scale of a partial sketch: the factor from its unit to that of the training drawings."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sketchrnn.model.cells import Array
from sketchrnn.model.likelihood import log_likelihood, padded
from sketchrnn.model.network import NumpyNetwork
from sketchrnn.sketch import Sketch
from sketchrnn.sketch.simplify import rounded, simplify_in_place
from sketchrnn.sketch.sketch import stroke5_from_stroke3

ROWS = np.array([1, 2, 4, 8, 16, 32, 64])
USUAL_EXTENT = np.array([-0.06, 0.64, 1.24, 1.65, 1.88, 1.98, 2.02])
USUAL_DEVIATION = np.array([0.93, 0.74, 0.56, 0.42, 0.28, 0.19, 0.14])
"""Mean and deviation of log(larger side / offset_scale) of the first ROWS rows of the Quick, Draw! training drawings.
Each drawing was cut at a uniformly sampled row (benchmarks/scale.py)."""

COARSE = np.linspace(math.log(0.1), math.log(15.0), 12)
"""Logarithms of the larger sides that are tried first, in offset scales. The ratio of neighbors is 1.58."""
FINE = np.linspace(-0.375, 0.375, 4) * (COARSE[1] - COARSE[0])
"""Then, these distances from the best one are tried."""
DECIMALS = 3
"""Decimals to which coordinates are rounded after scaling to the usual size. A drawing in another unit then has exactly
the same scale, times the factor between the units."""
MAX_ROWS = 32
"""Rows whose likelihood is computed. More rows change the scale little."""
MARGIN = 8.0
"""Scales whose likelihood is this number of nats below the best are dropped."""


def find_scales(network: NumpyNetwork, sketches: Sequence[Sketch], conditionings: Array) -> list[float]:
    """Return the most probable scale of each sketch: units of the training drawings in one unit of the sketch.

    It maximizes the likelihood of the rows on a grid of scales, times a prior of the extent of prefixes with this
    number of rows. The likelihood is a density of the sketch's coordinates, so each coordinate gives a factor of scale.
    An offset of exactly 0 gives none, because it is 0 at every scale.

    Args:
        network: the model.
        sketches: in any unit.
        conditionings: of each, (B, C).

    Returns:
        The scales; 1 for a sketch without extent, and for a model that cannot draw without z.
    """
    scales = [1.0] * len(sketches)
    extents = [sketch.extent for sketch in sketches]
    known = [number for number, extent in enumerate(extents) if extent > 0.0]
    if not known or not network.configuration.can_draw_without_latent:
        return scales
    usual = math.exp(USUAL_EXTENT[4]) * network.offset_scale  # of the larger side, for simplifying
    rows = []
    for number in known:
        factor = usual / extents[number]
        sketch = sketches[number].transformed(factor, -factor * sketches[number].first_point)
        rows.append(stroke5_from_stroke3(rounded(simplify_in_place(sketch), DECIMALS).to_stroke3())[:-1])
        rows[-1][:, :2] /= usual  # the larger side is 1
    best = _most_probable(network, rows, conditionings[known], np.tile(COARSE, (len(known), 1)))
    best = _most_probable(network, rows, conditionings[known], best[:, None] + FINE)
    for number, log_extent in zip(known, best.tolist(), strict=True):
        scales[number] = math.exp(log_extent) * network.offset_scale / extents[number]
    return scales


def _most_probable(
    network: NumpyNetwork, rows: list[NDArray[np.float64]], conditionings: Array, log_extent: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return for each prefix the most probable of K logarithms of the larger side, in offset scales, (B,).

    Args:
        network: the model.
        rows: START and the prefix, its larger side 1, (N + 1, 5) each.
        conditionings: of each, (B, C).
        log_extent: (B, K).
    """
    count, tried = log_extent.shape
    groups = np.repeat(np.arange(count), tried)
    unit = log_extent.ravel()
    scaled = np.repeat(padded([each[: MAX_ROWS + 1] for each in rows]), tried, axis=0)  # (B K, longest + 1, 5)
    scaled[..., :2] *= np.exp(unit)[:, None, None]
    lengths = np.array([len(each) - 1 for each in rows])
    mean, deviation = (
        np.interp(np.log2(lengths), np.log2(ROWS), values)[groups] for values in (USUAL_EXTENT, USUAL_DEVIATION)
    )
    posterior = log_likelihood(
        network,
        network.start(conditionings).take(groups),
        scaled,
        lengths=np.minimum(lengths, MAX_ROWS)[groups],
        groups=groups,
        prior=-0.5 * np.square((unit - mean) / deviation),
        log_unit=unit,
        margin=MARGIN,
    )
    best = posterior.reshape(count, tried).argmax(axis=1)
    chosen: NDArray[np.float64] = log_extent[np.arange(count), best]
    return chosen

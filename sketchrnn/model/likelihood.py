"""How likely a model holds what is drawn so far, under many suppositions at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sketchrnn.model.network import Array, DecoderState, NumpyNetwork

ROWS_BETWEEN_CUTS = 4


def log_likelihood(
    network: NumpyNetwork,
    state: DecoderState,
    rows: Array,
    *,
    prior: NDArray[np.float64] | None = None,
    log_unit: NDArray[np.float64] | None = None,
    margin: float = float("inf"),
) -> NDArray[np.float64]:
    """Return the log density of a prefix under each of K suppositions, without z; (K,).

    Args:
        network: the model.
        state: before START, of K drawings.
        rows: START and the prefix, in offset scales, the same for all (1, N + 1, 5) or each its own (K, N + 1, 5).
        prior: added to each, (K,).
        log_unit: logarithm of what the prefix's own coordinates were multiplied by for each, (K,): the density is then
            one of those. An offset of exactly 0 is 0 in every unit and counts as a probability.
        margin: what falls so many nats behind the best is followed no further; it ends as far behind.
    """
    count = len(state.hidden)
    rows = np.broadcast_to(rows, (count, *rows.shape[1:]))
    total = np.zeros(count) if prior is None else prior.astype(np.float64)
    unit = np.zeros(count) if log_unit is None else log_unit
    behind = np.zeros(count)  # the best, of those that are followed no further
    followed = np.arange(count)
    for number in range(1, rows.shape[1]):
        state = network.step(state, rows[followed, number - 1])
        row = rows[followed, number]
        density = network.mixture(state).log_prob(row)
        total[followed] += density + np.count_nonzero(row[:, :2], axis=1) * unit[followed]
        deficit = total[followed].max() - total[followed]
        near = deficit <= margin
        if number % ROWS_BETWEEN_CUTS == 1 and not near.all():
            behind[followed[~near]] = deficit[~near]
            state, followed = state.take(np.flatnonzero(near)), followed[near]
    total[behind > 0] = total[followed].max() - behind[behind > 0]
    return total

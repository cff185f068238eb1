"""The likelihood of many sequences of rows, in one batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sketchrnn.model.cells import Array
from sketchrnn.model.network import DecoderState, NumpyNetwork
from sketchrnn.sketch.sketch import START

ROWS_BETWEEN_CUTS = 2


def after_start(network: NumpyNetwork, conditioning: Array) -> DecoderState:
    """Return the states after START, from conditionings (B, C)."""
    return network.step(network.start(conditioning), np.tile(np.array(START, np.float32), (len(conditioning), 1)))


def follow(
    network: NumpyNetwork, state: DecoderState, sequences: Sequence[Array], *, score: bool = True
) -> tuple[NDArray[np.float64], DecoderState]:
    """Feed each of K states its own rows.

    Args:
        network: the model.
        state: of K drawings.
        sequences: K arrays of stroke-5 rows in offset scales, (L, 5) each, of any lengths.
        score: compute the log density of the rows; else it is 0.

    Returns:
        The log density of each sequence given its state, (K,), and the states after them.
    """
    lengths = np.array([len(rows) for rows in sequences])
    order = np.argsort(-lengths, kind="stable")
    rows = padded([sequences[index] for index in order])
    lengths, state = lengths[order], state.take(order)
    total = np.zeros(len(order))
    finished = []  # the shortest first
    active = len(order)
    for number in range(rows.shape[1]):
        going_on = int(np.count_nonzero(lengths > number))
        if going_on < active:
            finished.append(state.take(slice(going_on, active)))
            state, active = state.take(slice(0, going_on)), going_on
        if score:
            total[:active] += network.mixture(state).log_prob(rows[:active, number])
        state = network.step(state, rows[:active, number])
    states = DecoderState.concatenate([*reversed([*finished, state])])
    back = np.argsort(order)
    return total[back], states.take(back)


def log_likelihood(
    network: NumpyNetwork,
    state: DecoderState,
    rows: Array,
    *,
    lengths: NDArray[np.int64] | None = None,
    groups: NDArray[np.int64] | None = None,
    prior: NDArray[np.float64] | None = None,
    log_unit: NDArray[np.float64] | None = None,
    margin: float = float("inf"),
) -> NDArray[np.float64]:
    """Return the log density of a prefix under each of K hypotheses, without z; (K,).

    Args:
        network: the model.
        state: before START, of K drawings.
        rows: START and the prefix, in offset scales, shared (1, N + 1, 5) or one for each (K, N + 1, 5).
        lengths: number of rows of each after START, (K,); by default N.
        groups: index of the prefix that each hypothesis is about, (K,), ascending; by default one prefix.
        prior: log probability that is added to each, (K,).
        log_unit: logarithm of the factor from the unit of the prefix to offset scales, (K,). The result is then a
            density in the unit of the prefix. An offset of exactly 0 is 0 in every unit and counts as a probability.
        margin: a hypothesis that is this number of nats behind the best of its group is dropped. Its result keeps its
            distance to the best at that time.
    """
    count = len(state.hidden)
    rows = np.broadcast_to(rows, (count, *rows.shape[1:]))
    total = np.zeros(count) if prior is None else prior.astype(np.float64)
    unit = np.zeros(count) if log_unit is None else log_unit
    lengths = np.full(count, rows.shape[1] - 1) if lengths is None else lengths
    groups = np.zeros(count, np.int64) if groups is None else groups
    behind = np.zeros(count)  # the best result of each group when hypotheses were dropped
    followed = np.arange(count)
    for number in range(1, rows.shape[1]):
        state = network.step(state, rows[followed, number - 1])
        row = rows[followed, number]
        density = network.mixture(state).log_prob(row) + np.count_nonzero(row[:, :2], axis=1) * unit[followed]
        total[followed] += np.where(number <= lengths[followed], density, 0.0)
        if number % ROWS_BETWEEN_CUTS == 1:
            deficit = (_best_of_group(total, groups) - total)[followed]
            far = deficit > margin
            behind[followed[far]] = deficit[far]
            total[followed[far]] = -np.inf
            kept = ~far & (number < lengths[followed])
            if not kept.all():
                state, followed = state.take(np.flatnonzero(kept)), followed[kept]
            if not len(followed):
                break
    return np.where(behind > 0, _best_of_group(total, groups) - behind, total)


def padded(sequences: Sequence[NDArray[np.floating[Any]]]) -> Array:
    """Return sequences of rows (L, 5) as one array (K, longest, 5), padded with zeros."""
    rows = np.zeros((len(sequences), max(map(len, sequences)), 5), np.float32)
    for number, sequence in enumerate(sequences):
        rows[number, : len(sequence)] = sequence
    return rows


def _best_of_group(values: NDArray[np.float64], groups: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return for each value the largest of its group, (K,)."""
    starts = np.flatnonzero(np.diff(groups, prepend=-1))
    return np.repeat(np.maximum.reduceat(values, starts), np.diff(starts, append=len(groups)))

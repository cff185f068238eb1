"""What a partial sketch is going to be."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sketchrnn.drawing.completion import rows_of_prefix
from sketchrnn.errors import ConfigurationError
from sketchrnn.model.numpy_network import Array, NumpyNetwork
from sketchrnn.sketch import Sketch

MARGIN = 20.0
"""Nats behind the best guess at which a category is given up: less than one in a hundred million."""
ROWS_BETWEEN_CUTS = 4


@dataclass(frozen=True)
class Guess:
    """A category that a sketch may belong to.

    Attributes:
        category: its name.
        probability: by the model, if every category is as likely as any other before the sketch is seen.
    """

    category: str
    probability: float


def guess(network: NumpyNetwork, prefix: Sketch) -> list[Guess]:
    """Return all categories of a model, the most probable for a prefix first.

    By Bayes' rule: the likelihood of what is drawn so far under each category, without z, times an even prior. An
    empty prefix tells nothing.

    Args:
        network: the model.
        prefix: in the unit that the model was trained in.

    Raises:
        ConfigurationError: the model knows no names, or cannot draw without z.
        FormatError: the prefix has too many points.
    """
    configuration = network.configuration
    if not configuration.categories:
        raise ConfigurationError("guessing: this model was trained on drawings without a category")
    if not configuration.can_draw_without_latent:
        raise ConfigurationError("guessing: this model was trained with z only (latent_dropout 0)")
    rows = rows_of_prefix(network, prefix)
    likelihood = log_likelihood(network, rows, np.arange(len(configuration.categories)), margin=MARGIN)
    probability = np.exp(likelihood - likelihood.max())
    probability /= probability.sum()
    order = np.argsort(-probability, kind="stable")
    return [Guess(configuration.categories[index], float(probability[index])) for index in order]


def log_likelihood(
    network: NumpyNetwork, rows: Array, category: NDArray[np.int64], *, margin: float = float("inf")
) -> NDArray[np.float64]:
    """Return the log density of a prefix under each of some categories, without z, in offset scales; (C,).

    Args:
        network: the model.
        rows: START and the prefix, (N + 1, 5).
        category: indices, (C,).
        margin: a category that falls so many nats behind the best is followed no further; it ends as far behind.
    """
    state = network.start(network.condition(category))
    total = np.zeros(len(category))
    behind = np.zeros(len(category))  # the best, of those that are followed no further
    followed = np.arange(len(category))
    for number, (row, following) in enumerate(itertools.pairwise(rows)):
        state = network.step(state, np.broadcast_to(row, (len(followed), 5)))
        total[followed] += network.mixture(state).log_prob(np.broadcast_to(following, (len(followed), 5)))
        deficit = total[followed].max() - total[followed]
        near = deficit <= margin
        if number % ROWS_BETWEEN_CUTS == 0 and not near.all():
            behind[followed[~near]] = deficit[~near]
            state, followed = state.take(np.flatnonzero(near)), followed[near]
    total[behind > 0] = total[followed].max() - behind[behind > 0]
    return total

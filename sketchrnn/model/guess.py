"""The category that a partial sketch most probably has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sketchrnn.errors import ConfigurationError
from sketchrnn.model.likelihood import log_likelihood
from sketchrnn.model.network import NumpyNetwork
from sketchrnn.model.prefix import EncodedPrefix

MARGIN = 20.0
"""Categories this number of nats behind the best are dropped: less probable than one in a hundred million."""


@dataclass(frozen=True)
class Guess:
    """A category that a sketch may belong to.

    Attributes:
        category: its name.
        probability: by the model.
    """

    category: str
    probability: float


def ranked(categories: Sequence[str], log_probabilities: NDArray[np.float64]) -> list[Guess]:
    """Return all categories, the most probable first, from their log probabilities up to a constant, (categories,)."""
    probability = np.exp(log_probabilities - log_probabilities.max())
    probability /= probability.sum()
    order = np.argsort(-probability, kind="stable")
    return [Guess(categories[index], float(probability[index])) for index in order]


def guess_by_likelihood(network: NumpyNetwork, prefix: EncodedPrefix) -> list[Guess]:
    """Guess with the decoder alone, for a model without a recognizer.

    It uses Bayes' rule: the likelihood of the strokes under each category, without z, times the prior of the category
    (:attr:`Checkpoint.category_log_prior`). For an empty prefix only the prior counts.

    Raises:
        ConfigurationError: the model has no category names, or cannot draw without z.
    """
    configuration = network.configuration
    if not configuration.categories:
        raise ConfigurationError("guess: expected a model with categories, found one trained without")
    if not configuration.can_draw_without_latent:
        raise ConfigurationError("guess: expected a model that draws without z, found one with latent_dropout 0")
    state = network.start(network.conditioning(np.arange(len(configuration.categories))))
    posterior = log_likelihood(network, state, prefix.rows[None], prior=network.category_log_prior, margin=MARGIN)
    return ranked(configuration.categories, posterior)

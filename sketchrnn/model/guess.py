"""What a partial sketch is going to be."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sketchrnn.errors import ConfigurationError
from sketchrnn.model.likelihood import log_likelihood
from sketchrnn.model.network import NumpyNetwork
from sketchrnn.model.prefix import SeenPrefix

MARGIN = 20.0
"""Nats behind the best guess at which a category is given up: less than one in a hundred million."""


@dataclass(frozen=True)
class Guess:
    """A category that a sketch may belong to.

    Attributes:
        category: its name.
        probability: by the model, if a category is as likely, before the sketch is seen, as it was in training, up to
            a limit.
    """

    category: str
    probability: float


def guess(network: NumpyNetwork, prefix: SeenPrefix) -> list[Guess]:
    """Return all categories of a model, the most probable for a prefix first.

    By Bayes' rule: the likelihood of what is drawn so far under each category, without z, times how often training had
    the category (:attr:`Checkpoint.category_log_prior`). An empty prefix leaves that.

    Args:
        network: the model.
        prefix: what :func:`sketchrnn.model.prefix.see_prefix` made of a sketch for this model.

    Raises:
        ConfigurationError: the model knows no names, or cannot draw without z.
    """
    configuration = network.configuration
    if not configuration.categories:
        raise ConfigurationError("guessing: this model was trained on drawings without a category")
    if not configuration.can_draw_without_latent:
        raise ConfigurationError("guessing: this model was trained with z only (latent_dropout 0)")
    state = network.start(network.condition(np.arange(len(configuration.categories))))
    posterior = log_likelihood(network, state, prefix.rows[None], prior=network.category_log_prior, margin=MARGIN)
    probability = np.exp(posterior - posterior.max())
    probability /= probability.sum()
    order = np.argsort(-probability, kind="stable")
    return [Guess(configuration.categories[index], float(probability[index])) for index in order]

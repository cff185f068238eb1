"""Drawing from places in what a model has learned: sketches taken apart and put together again, and what lies between.

A place is what the decoder is told: z, then the category's embedding, (condition_units,).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from sketchrnn.errors import ConfigurationError
from sketchrnn.model.choice import draw_best
from sketchrnn.model.completion import Completion
from sketchrnn.model.configuration import ModelConfiguration
from sketchrnn.model.network import Array, NumpyNetwork
from sketchrnn.model.prefix import SeenPrefix, see_prefix
from sketchrnn.model.sampling import SamplingConfiguration
from sketchrnn.sketch import Sketch

NEARLY_STRAIGHT = 1e-4
"""Sine of the angle between two vectors below which they have no arc between them that could be told from a line."""

_OF_LATENT = (1, 0)
"""Behind a seed: what draws z, other random numbers than those that draw."""


def place_of_sketch(
    network: NumpyNetwork, sketch: SeenPrefix, category: str | None, generator: np.random.Generator | None = None
) -> Array:
    """Return where a sketch is: the mean of its z, or a sample of it, and its category.

    Args:
        network: the model, with an encoder.
        sketch: what the model sees of it; of one point at least.
        category: what it is; None only for a model that knows one.
        generator: draws a sample; None takes the mean.

    Raises:
        CategoryError: the category is unknown or missing.
        ConfigurationError: the model has no encoder, or there is nothing to encode.
    """
    configuration = network.configuration
    if not configuration.variational:
        raise ConfigurationError("this model has no encoder, so that no sketch has a place in it")
    index = configuration.category_index(category)
    rows = sketch.rows[1:]
    if not len(rows):
        raise ConfigurationError("an empty sketch has no place")
    z, z_logvar = network.encode(rows, index)
    if generator is not None:
        z = z + np.exp(0.5 * z_logvar) * generator.standard_normal(len(z)).astype(np.float32)
    return network.condition(np.array([index]), z[None])[0]


def place_of_category(
    network: NumpyNetwork, category: str | None, seed: int = 0, guidance: float = SamplingConfiguration.guidance
) -> Array:
    """Return where a category is: without z if the model draws so, else with a z from the prior.

    Args:
        network: the model.
        category: its name; None only for a model that knows one.
        seed: of the z.
        guidance: how clearly the category shows there, as in :class:`SamplingConfiguration`.

    Raises:
        CategoryError: the category is unknown or missing.
    """
    configuration = network.configuration
    z = None
    if not configuration.can_draw_without_latent:
        z = np.random.default_rng(seed).standard_normal((1, configuration.latent_units)).astype(np.float32)
    return network.condition(np.array([configuration.category_index(category)]), z, guidance)[0]


def between(
    configuration: ModelConfiguration, one: Array, other: Array, shares: Sequence[float], *, spherical: bool = True
) -> Array:
    """Return the places on the way from one to another, (len(shares), condition_units).

    Args:
        configuration: the model's.
        one: where share 0 is.
        other: where share 1 is.
        shares: of the way.
        spherical: z goes along the arc between the two, which keeps it as far from the origin as z usually is (White
            2016, arXiv:1609.04468, section 2.1), not straight. Categories always mix in proportion.
    """
    share = np.asarray(shares, np.float64)[:, None]
    straight = (1.0 - share) * one + share * other
    size = configuration.latent_units * configuration.variational
    if spherical and size:
        straight[:, :size] = _arc(one[:size].astype(np.float64), other[:size].astype(np.float64), share)
    return straight.astype(np.float32)


def grid(configuration: ModelConfiguration, corners: Sequence[Array], steps: int, *, spherical: bool = True) -> Array:
    """Return the places between four, (steps, steps, condition_units), row by row.

    Args:
        configuration: the model's.
        corners: top left, top right, bottom left, bottom right.
        steps: in a row, and rows.
        spherical: as for :func:`between`.
    """
    shares = np.linspace(0.0, 1.0, steps).tolist()
    top_left, top_right, bottom_left, bottom_right = corners
    top = between(configuration, top_left, top_right, shares, spherical=spherical)
    bottom = between(configuration, bottom_left, bottom_right, shares, spherical=spherical)
    columns = [
        between(configuration, upper, lower, shares, spherical=spherical)
        for upper, lower in zip(top, bottom, strict=True)
    ]
    return np.stack(columns, axis=1)


def combined(configuration: ModelConfiguration, terms: Sequence[tuple[int, Array]]) -> Array:
    """Return the place at a sum of latent vectors, with the first term's category, (condition_units,).

    Args:
        configuration: the model's, with an encoder.
        terms: for each its sign, 1 or -1, and its place.

    Reference:
        arXiv:1704.03477, section 4.2.
    """
    size = configuration.latent_units * configuration.variational
    z = np.sum([sign * place[:size] for sign, place in terms], axis=0)
    return np.concatenate([z, terms[0][1][size:]]).astype(np.float32)


def draw_at(
    network: NumpyNetwork,
    places: Array,
    sampling: SamplingConfiguration,
    choose_from: int = 1,
    *,
    scale: float = 1.0,
    diverse: bool = False,
) -> list[Completion]:
    """Draw one sketch at each place, beginning at the origin; place i with seed + i.

    Args:
        network: the model.
        places: (count, condition_units).
        sampling: how.
        choose_from: as for :func:`sketchrnn.model.choice.draw_best`.
        scale: units of the model in one of the drawings'.
        diverse: as for :func:`sketchrnn.model.choice.draw_best`.
    """
    categories = network.configuration.categories
    any_of_them = categories[0] if categories else None  # the places say which
    empty = see_prefix(network, Sketch(()), scale=scale)
    return draw_best(network, empty, any_of_them, len(places), sampling, choose_from, diverse=diverse, condition=places)


def reconstruct(
    network: NumpyNetwork,
    sketch: SeenPrefix,
    category: str | None,
    count: int,
    sampling: SamplingConfiguration,
    choose_from: int = 1,
    *,
    sample: bool = False,
    diverse: bool = False,
) -> list[Completion]:
    """Draw a sketch again, from its z alone; each drawing has its unit and begins where it does.

    Args:
        network: the model, with an encoder.
        sketch: what the model sees of it.
        category: what it is; None only for a model that knows one.
        count: how many drawings; drawing i with seed + i.
        sampling: how.
        choose_from: as for :func:`sketchrnn.model.choice.draw_best`.
        sample: draw a z for each from the posterior, instead of its mean.
        diverse: as for :func:`sketchrnn.model.choice.draw_best`.

    Raises:
        CategoryError: the category is unknown or missing.
        ConfigurationError: the model has no encoder, or there is nothing to encode.
    """
    seeds = range(sampling.seed, sampling.seed + count)
    generators = [np.random.default_rng([seed, *_OF_LATENT]) if sample else None for seed in seeds]
    places = np.stack([place_of_sketch(network, sketch, category, generator) for generator in generators])
    drawn = draw_at(network, places, sampling, choose_from, scale=sketch.scale, diverse=diverse)
    begins = sketch.sketch.first_point
    return [replace(drawing, sketch=drawing.sketch.transformed(shift=begins)) for drawing in drawn]


def _arc(one: NDArray[np.float64], other: NDArray[np.float64], share: NDArray[np.float64]) -> NDArray[np.float64]:
    norms = np.linalg.norm(one) * np.linalg.norm(other)
    angle = np.arccos(np.clip(one @ other / norms, -1.0, 1.0)) if norms > 0.0 else 0.0
    if np.sin(angle) < NEARLY_STRAIGHT:
        return (1.0 - share) * one + share * other
    return (np.sin((1.0 - share) * angle) * one + np.sin(share * angle) * other) / np.sin(angle)

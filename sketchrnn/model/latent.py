"""Latent points: encoding, interpolation, sums and differences of sketches.

A latent point is a conditioning of the decoder: z, then the category's embedding, (conditioning_units,).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sketchrnn.errors import ConfigurationError
from sketchrnn.model.cells import Array
from sketchrnn.model.configuration import ModelConfiguration
from sketchrnn.model.network import NumpyNetwork
from sketchrnn.model.noise import latent_noise
from sketchrnn.model.prefix import EncodedPrefix

NEARLY_STRAIGHT = 1e-4
"""If the sine of the angle between two vectors is below this, the arc between them is replaced by a line."""


def latent_points_of_sketch(
    network: NumpyNetwork,
    sketch: EncodedPrefix,
    category: str | None,
    guidance: float = 1.0,
    clarity: float = 0.0,
    seeds: Sequence[int] | None = None,
) -> Array:
    """Return the latent point of a sketch: the mean of its z with its category, (1, C).

    Args:
        network: the model, with an encoder.
        sketch: as the model sees it; not empty.
        category: its name; None only for a model with one category.
        guidance: strength of the category.
        clarity: how clearly the category shows.
        seeds: sample z from the posterior once for each seed, (seeds, C), instead of using its mean.

    Raises:
        CategoryError: the category is unknown or missing.
        ConfigurationError: the model has no encoder, or the sketch is empty.
    """
    configuration = network.configuration
    if not configuration.variational:
        raise ConfigurationError("expected a model with an encoder, found a decoder-only model")
    index = configuration.category_index(category)
    rows = sketch.rows[1:]
    if not len(rows):
        raise ConfigurationError("expected a sketch with strokes, found an empty one")
    z, z_logvar = network.encode(rows, index)
    z = z[None]
    if seeds is not None:
        noise = latent_noise(np.array(seeds), np.zeros(len(seeds), np.int64), configuration.latent_units)
        z = (z + np.exp(0.5 * z_logvar) * noise).astype(np.float32)
    return network.conditioning(np.full(len(z), index), z, guidance, clarity)


def latent_point_of_category(
    network: NumpyNetwork, category: str | None, guidance: float, clarity: float, seed: int
) -> Array:
    """Return the latent point of a category, (1, C): without z if the model can draw so, else with a z from the prior.

    Args:
        network: the model.
        category: its name; None only for a model with one category.
        guidance: strength of the category.
        clarity: how clearly the category shows.
        seed: of the z.

    Raises:
        CategoryError: the category is unknown or missing.
    """
    configuration = network.configuration
    z = None
    if not configuration.can_draw_without_latent:
        z = latent_noise(np.array([seed]), np.array([0]), configuration.latent_units).astype(np.float32)
    return network.conditioning(np.array([configuration.category_index(category)]), z, guidance, clarity)


def between(
    configuration: ModelConfiguration, start: Array, end: Array, shares: Sequence[float], *, spherical: bool = True
) -> Array:
    """Interpolate between two latent points, (len(shares), C).

    Args:
        configuration: the model's.
        start: (C,), at share 0.
        end: (C,), at share 1.
        shares: positions between 0 and 1.
        spherical: interpolate z spherically, which keeps its usual distance from the origin (White 2016,
            arXiv:1609.04468, section 2.1), not linearly. Category embeddings are always interpolated linearly.
    """
    share = np.asarray(shares, np.float64)[:, None]
    straight = (1.0 - share) * start + share * end
    size = configuration.latent_units * configuration.variational
    if spherical and size:
        straight[:, :size] = _arc(start[:size].astype(np.float64), end[:size].astype(np.float64), share)
    return straight.astype(np.float32)


def grid(configuration: ModelConfiguration, corners: Sequence[Array], steps: int, *, spherical: bool = True) -> Array:
    """Return latent points between four, (steps * steps, C), row by row.

    Args:
        configuration: the model's.
        corners: top left, top right, bottom left, bottom right, (C,) each.
        steps: number of columns and of rows.
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
    return np.concatenate(np.stack(columns, axis=1))


def combined(configuration: ModelConfiguration, terms: Sequence[tuple[int, Array]]) -> Array:
    """Return the sum of latent vectors with the first term's category, (C,).

    Args:
        configuration: the model's, with an encoder.
        terms: sign, 1 or -1, and latent point, (C,), of each.

    Reference:
        arXiv:1704.03477, section 4.2.
    """
    size = configuration.latent_units * configuration.variational
    z = np.sum([sign * point[:size] for sign, point in terms], axis=0)
    return np.concatenate([z, terms[0][1][size:]]).astype(np.float32)


def _arc(start: NDArray[np.float64], end: NDArray[np.float64], share: NDArray[np.float64]) -> NDArray[np.float64]:
    norms = np.linalg.norm(start) * np.linalg.norm(end)
    angle = np.arccos(np.clip(start @ end / norms, -1.0, 1.0)) if norms > 0.0 else 0.0
    if np.sin(angle) < NEARLY_STRAIGHT:
        return (1.0 - share) * start + share * end
    points: NDArray[np.float64] = (np.sin((1.0 - share) * angle) * start + np.sin(share * angle) * end) / np.sin(angle)
    return points

"""Training that begins with the weights of another model."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from sketchrnn.dataset.drawings import Drawings
from sketchrnn.errors import ConfigurationError
from sketchrnn.model.checkpoint import CATEGORY_COUNTS, Checkpoint

CATEGORY_WEIGHT = "category.weight"


def widened(start: Checkpoint, drawings: Drawings) -> Checkpoint:
    """Return a model with the categories of some drawings after its own.

    A new category begins as the mean of all that the model knows. A model of one category takes that of the drawings.

    Raises:
        ConfigurationError: the drawings are measured in another unit, or are of several categories where the model has
            no room for more than one.
    """
    if drawings.unit != start.unit:
        raise ConfigurationError(
            f"{start.source}: was trained on drawings in the unit {start.unit!r}, these are in {drawings.unit!r}"
        )
    configuration = start.configuration
    if not configuration.conditional:
        if len(drawings.categories) > 1:
            raise ConfigurationError(
                f"{start.source}: draws one category, these drawings are of {len(drawings.categories)}"
            )
        return replace(start, configuration=replace(configuration, categories=drawings.categories))
    new = tuple(name for name in drawings.categories if name not in configuration.categories)
    known = start.weights[CATEGORY_WEIGHT]
    mean = known.astype(np.float32).mean(axis=0, keepdims=True)
    return replace(
        start,
        configuration=replace(configuration, categories=configuration.categories + new),
        training=start.training | {CATEGORY_COUNTS: start.category_counts.tolist() + [0] * len(new)},
        weights=start.weights | {CATEGORY_WEIGHT: np.concatenate([known, np.repeat(mean, len(new), axis=0)])},
    )


def record_of(start: Checkpoint) -> dict[str, Any]:
    """Return what a model that began with another's weights says of that."""
    training = {key: value for key, value in start.training.items() if key != CATEGORY_COUNTS}
    return {"model": Path(start.source).name, "training": training}

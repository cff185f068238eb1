"""The model file of the page: a checkpoint with smaller weights and without unused ones."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np

from sketchrnn.model.checkpoint import Checkpoint, checkpoint_bytes, to_int8
from sketchrnn.model.network import ENCODER_TENSORS, NumpyNetwork

Precision = Literal["float16", "int8"]


def page_model(checkpoint: Checkpoint, precision: Precision) -> bytes:
    """Return the model file of the page.

    It does not contain the state of a training run, nor the encoder if the model can draw without it.

    Args:
        checkpoint: the model.
        precision: of the matrices. float16 is exact for models in float16; int8 has a scale for each row and half the
            size.

    Raises:
        CheckpointError: a tensor is missing or has another shape.
    """
    network, configuration = NumpyNetwork(checkpoint), checkpoint.configuration
    needs_encoder = not configuration.can_draw_without_latent
    z = np.zeros((1, configuration.latent_units), np.float32) if needs_encoder else None
    network.start(network.conditioning(np.zeros(1, np.int64), z))  # it checks that no tensor is missing
    unused = ["optimizer."] if needs_encoder else ["optimizer.", ENCODER_TENSORS]
    weights = {
        name: value.astype(np.float16) if value.ndim > 1 else value
        for name, value in checkpoint.weights.items()
        if not name.startswith(tuple(unused))
    }
    return checkpoint_bytes(replace(checkpoint, weights=to_int8(weights) if precision == "int8" else weights))

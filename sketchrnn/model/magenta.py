"""The files in which Google published its Sketch-RNN decoders: ``NAME.gen.json``."""

from __future__ import annotations

import base64
import binascii
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sketchrnn.errors import CheckpointError, ConfigurationError
from sketchrnn.model.checkpoint import Checkpoint
from sketchrnn.model.configuration import MIXTURE_PARAMETERS, PEN_STATES, ModelConfiguration

LARGEST_WEIGHT = 10.0
"""What the int16 number 32767 stands for."""

BOX_PER_CANVAS_PIXEL = 0.3
"""Pixels of the 255 box in a canvas pixel, which ``scale_factor`` is measured in: what fits most decoders best."""

GATES = (0, 2, 1, 3)
"""Where torch's gates (input, forget, candidate, output) are in Magenta's (input, candidate, forget, output)."""

FORGET = 1
"""Which of torch's gates has 1 added to its bias when Magenta's network is run."""


def load_gen_json(path: str | Path) -> Checkpoint:
    """Read a published decoder as a model of drawings in the 255 box.

    Args:
        path: ``[info, shapes, blobs]``, the blobs being base64 of little-endian int16, row by row: output weights
            (H, 3 + 6 M) and bias, weights of the rows (5, 4 H) and of the state (H, 4 H), bias (4 H).

    Raises:
        CheckpointError: the file is missing or damaged, or holds something else.

    Reference:
        Magenta, sketch-rnn-js: ``sketch_rnn.js``, the function that reads a decoder.
    """
    try:
        info, shapes, blobs = json.loads(Path(path).read_bytes())
        weights = [_tensor(blob, shape, index) for index, (blob, shape) in enumerate(zip(blobs, shapes, strict=True))]
        if len(weights) != 5:
            kind = "a VAE's file; expected its .gen.json" if info.get("mode") != 2 else "expected 5"
            raise ValueError(f"found {len(weights)} tensors, {kind}")
        output_weight, output_bias, row_weight, state_weight, bias = weights
        units, outputs = output_weight.shape
        mixtures = (outputs - PEN_STATES) // MIXTURE_PARAMETERS
        configuration = ModelConfiguration(
            categories=(str(info["name"]).replace("_", " "),),
            variational=False,
            decoder_units=units,
            mixtures=mixtures,
        )
        wanted = [(units, configuration.output_units), (configuration.output_units,), (5, 4 * units)]
        wanted += [(units, 4 * units), (4 * units,)]
        if [value.shape for value in weights] != wanted:
            raise ValueError(f"found tensors of the shapes {[value.shape for value in weights]}, expected {wanted}")
        lstm_bias = _torch_gates(bias)
        lstm_bias[FORGET * units : (FORGET + 1) * units] += 1.0
        return Checkpoint(
            configuration,
            {
                "decoder.lstm.weight_ih_l0": _torch_gates(row_weight).T.copy(),
                "decoder.lstm.weight_hh_l0": _torch_gates(state_weight).T.copy(),
                "decoder.lstm.bias_ih_l0": lstm_bias,
                "decoder.output.weight": output_weight.T.copy(),
                "decoder.output.bias": output_bias,
            },
            offset_scale=float(info["scale_factor"]) * BOX_PER_CANVAS_PIXEL,
            max_length=int(info["max_seq_len"]),
            training={"imported": info},
            source=str(path),
        )
    except OSError as error:
        raise CheckpointError(f"{path}: {error.strerror or error}; expected a published decoder (.gen.json)") from error
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, ConfigurationError) as error:
        detail = f"{error} is missing" if isinstance(error, KeyError) else str(error)
        raise CheckpointError(f"{path}: no published decoder (.gen.json): {detail}") from error


def _tensor(blob: str, shape: list[int], index: int) -> NDArray[np.float32]:
    try:
        content = base64.b64decode(blob, validate=True)
        values = np.frombuffer(content, "<i2").reshape(shape)
    except (binascii.Error, ValueError) as error:
        raise ValueError(f"tensor {index} of shape {shape}: {error}") from error
    return (values * (LARGEST_WEIGHT / 32767.0)).astype(np.float32)


def _torch_gates(weight: NDArray[Any]) -> NDArray[np.float32]:
    """Bring the last axis, the four gates' units, into torch's order."""
    gates = np.split(weight, 4, axis=-1)
    return np.concatenate([gates[place] for place in GATES], axis=-1)

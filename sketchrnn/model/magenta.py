"""The files in which Google published its Sketch-RNN models: ``NAME.gen.json``, a decoder, and ``NAME.vae.json``.

Reference:
    Magenta, sketch-rnn-js: ``sketch_rnn.js``, the function that reads a model.
"""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sketchrnn.errors import CheckpointError, ConfigurationError
from sketchrnn.model.checkpoint import Checkpoint
from sketchrnn.model.configuration import MIXTURE_PARAMETERS, PEN_STATES, ModelConfiguration

Array = NDArray[np.float32]

LARGEST_WEIGHT = 10.0
"""The weight that is stored as the int16 number 32767."""

BOX_PER_CANVAS_PIXEL = 0.3
"""Pixels of the 255 box in a canvas pixel, the unit of ``scale_factor``. This value fits most decoders best."""

GEN, VAE = "gen", "vae"
GEN_MODE, VAE_MODE = 2, 1
VERSION = 6
"""Version of the written files. In earlier versions the decoder's initial state was made from tanh(z)."""

READERS_MIXTURES = 20
"""Mixture components that all readers of the format assume."""

_GATES = (0, 2, 1, 3)
"""Indices of torch's gates (input, forget, cell input, output) in Magenta's order (input, cell input, forget,
output)."""

_FORGET = 1
"""Index of the gate to whose bias Magenta's network adds 1 at run time."""


@dataclass(frozen=True)
class Export:
    """A model in Magenta's format.

    Attributes:
        content: the file.
        clipped: number of weights that were clipped to the range of the format.
        largest: the largest weight, by magnitude.
    """

    content: bytes
    clipped: int
    largest: float


def load_magenta(path: str | Path) -> Checkpoint:
    """Read a published decoder or VAE as a model of drawings in the 255 box.

    Args:
        path: ``[info, shapes, blobs]``, the blobs being base64 of little-endian int16, row by row. The suffixes
            ``.gen.json`` and ``.vae.json`` must match the content.

    Raises:
        CheckpointError: the file is missing or damaged, or holds something else.
    """
    try:
        info, shapes, blobs = json.loads(Path(path).read_bytes())
        kind = _kind(info, len(blobs), str(path))
        weights = [_decoded(blob, shape, index) for index, (blob, shape) in enumerate(zip(blobs, shapes, strict=True))]
        configuration = _configuration(info, kind, weights)
        for index, (value, shape) in enumerate(zip(weights, _shapes(configuration), strict=True)):
            if value.shape != shape:
                raise ValueError(f"tensor {index} has the shape {list(value.shape)}, expected {list(shape)}")
        return Checkpoint(
            configuration,
            {
                name: _to_ours(value, layout)
                for value, (name, layout) in zip(weights, _layouts(configuration), strict=True)
            },
            offset_scale=float(info["scale_factor"]) * BOX_PER_CANVAS_PIXEL,
            max_length=int(info["max_seq_len"]),
            training={"imported": info},
            source=str(path),
        )
    except OSError as error:
        raise CheckpointError(
            f"{path}: {(error.strerror or str(error)).lower()}; expected a published model (.gen.json or .vae.json)"
        ) from error
    except (
        *(ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError, RecursionError),
        *(ConfigurationError, CheckpointError),
    ) as error:
        detail = f"{error} is missing" if isinstance(error, KeyError) else str(error)
        raise CheckpointError(f"{path}: expected a published model (.gen.json or .vae.json): {detail}") from error


def export_magenta(checkpoint: Checkpoint, kind: str, *, category: str | None = None, clip: bool = False) -> Export:
    """Convert a model to the format of Magenta's JavaScript.

    Args:
        checkpoint: with the LSTM cell, 20 mixtures; decoder-only for "gen", with an encoder for "vae".
        kind: "gen" or "vae".
        category: one of the model's categories; its embedding becomes part of the biases.
        clip: clip weights to the range of the format.

    Raises:
        CheckpointError: the model does not fit the format, a tensor is missing or has another shape, or weights are not
            finite, or beyond +-10 without ``clip``.
        CategoryError: the category is unknown or missing.
    """
    source, configuration = checkpoint.source, checkpoint.configuration
    index, name = configuration.category_index(category), configuration.category_name(category)
    _check_that_it_fits(configuration, kind, source)
    weights = {name: value.astype(np.float32) for name, value in checkpoint.weights.items()}
    if configuration.conditional:
        configuration, weights = _of_one_category(configuration, weights, index, source)
    values = []
    for (tensor, layout), shape in zip(_layouts(configuration), _shapes(configuration), strict=True):
        value = weights.get(tensor)
        value = None if value is None else _to_theirs(value, layout)
        if value is None or value.shape != shape:
            found = "is missing" if value is None else f"has another shape, in Magenta's layout {list(value.shape)}"
            raise CheckpointError(f"{source}: tensor {tensor} {found}; expected {list(shape)}")
        if not np.isfinite(value).all():
            raise CheckpointError(f"{source}: tensor {tensor}: {(~np.isfinite(value)).sum()} weights are not finite")
        values.append(value.astype(np.float64) * (32767.0 / LARGEST_WEIGHT))
    rounded = [np.rint(value) for value in values]
    outside = [((value < -32768) | (value > 32767)).sum() for value in rounded]
    largest = max(float(np.abs(value).max()) for value in values) * LARGEST_WEIGHT / 32767.0
    if sum(outside) and not clip:
        places = ", ".join(
            f"{count} of {tensor}" for count, (tensor, _) in zip(outside, _layouts(configuration), strict=True) if count
        )
        raise CheckpointError(
            f"{source}: weights beyond +-{LARGEST_WEIGHT:g}, which is the range of the format: {places}, the largest "
            f"{largest:.4g}; --clip clips them, which changes the drawings"
        )
    info = checkpoint.training.get("imported") or {
        "mode": GEN_MODE if kind == GEN else VAE_MODE,
        "version": VERSION - 1 if configuration.latent_tanh else VERSION,
        "max_seq_len": checkpoint.max_length,
        "name": (name or "sketch").replace(" ", "_"),
        "scale_factor": checkpoint.offset_scale / (BOX_PER_CANVAS_PIXEL if checkpoint.unit == "box" else 1.0),
    }
    blobs = [base64.b64encode(value.clip(-32768, 32767).astype("<i2").tobytes()).decode("ascii") for value in rounded]
    document = json.dumps([info, [list(value.shape) for value in values], blobs], separators=(",", ":"))
    return Export(f"{document}\n".encode(), int(sum(outside)), largest)


def kind_of_name(path: str | Path) -> str | None:
    """Return the kind of model by the file's name: "gen", "vae" or None."""
    return next((kind for kind in (GEN, VAE) if str(path).endswith(f".{kind}.json")), None)


def _kind(info: dict[str, Any], count: int, path: str) -> str:
    if not isinstance(info, dict):
        raise TypeError("the first part is not a record")
    kind = {GEN_MODE: GEN, "gen": GEN}.get(info["mode"], VAE)
    if kind_of_name(path) not in (kind, None):
        holds = {GEN: "decoder-only", VAE: "a VAE"}[kind]
        raise ValueError(f"expected the suffix .{kind}.json, because mode {info['mode']!r} is {holds}")
    expected = {GEN: 5, VAE: 17}[kind]
    if count != expected:
        raise ValueError(f"found {count} tensors, expected {expected} for mode {info['mode']!r}")
    return kind


def _decoded(blob: str, shape: list[int], index: int) -> Array:
    try:
        values = np.frombuffer(base64.b64decode(blob, validate=True), "<i2")
        if not all(isinstance(size, int) and size > 0 for size in shape):
            raise ValueError("expected positive sizes")
        values = values.reshape(shape)
    except (binascii.Error, ValueError, TypeError) as error:
        raise ValueError(f"tensor {index} of shape {shape}: {error}") from error
    return (values * (LARGEST_WEIGHT / 32767.0)).astype(np.float32)


def _configuration(info: dict[str, Any], kind: str, weights: list[Array]) -> ModelConfiguration:
    output_weight, *_ = weights[-5:]
    units, outputs = output_weight.shape
    sizes = {}
    if kind == VAE:
        version = info.get("version", VERSION)
        sizes = {
            "encoder_units": weights[1].shape[0],
            "latent_units": weights[10].shape[0],
            "latent_tanh": isinstance(version, int | float) and version < VERSION,
        }
    return ModelConfiguration(
        categories=(str(info["name"]).replace("_", " "),),
        variational=kind == VAE,
        latent_dropout=0.0,
        decoder_units=units,
        mixtures=(outputs - PEN_STATES) // MIXTURE_PARAMETERS,
        **sizes,
    )


def _layouts(configuration: ModelConfiguration) -> list[tuple[str, str]]:
    """Return the names of our tensors in the order of the file, and how their layouts differ."""

    def lstm(name: str) -> list[tuple[str, str]]:
        parts = (("weight_ih_l0", "gates"), ("weight_hh_l0", "gates"), ("bias_ih_l0", "forget"))
        return [(f"{name}.{part}", layout) for part, layout in parts]

    def linear(name: str, layout: str = "same") -> list[tuple[str, str]]:
        return [(f"{name}.weight", layout), (f"{name}.bias", layout)]

    encoder = [
        *lstm("encoder.forwards"),
        *lstm("encoder.backwards"),
        *linear("encoder.mean"),
        *linear("encoder.logvar"),
        *linear("decoder.initial", "state"),
    ]
    return encoder * configuration.variational + linear("decoder.output") + lstm("decoder.lstm")


def _shapes(configuration: ModelConfiguration) -> list[tuple[int, ...]]:
    """Return the shapes of the file's tensors."""

    def lstm(inputs: int, units: int) -> list[tuple[int, ...]]:
        return [(inputs, 4 * units), (units, 4 * units), (4 * units,)]

    def linear(inputs: int, outputs: int) -> list[tuple[int, ...]]:
        return [(inputs, outputs), (outputs,)]

    units, latent = configuration.decoder_units, configuration.latent_units
    encoder = 2 * lstm(5, configuration.encoder_units) + 2 * linear(2 * configuration.encoder_units, latent)
    encoder += linear(latent, 2 * units)
    decoder = linear(units, configuration.output_units) + lstm(5 + configuration.conditioning_units, units)
    return encoder * configuration.variational + decoder


def _to_ours(value: Array, layout: str) -> Array:
    value = _exchanged(value, layout).T.copy()
    if layout == "forget":
        value.reshape(4, -1)[_FORGET] += 1.0
    return value


def _to_theirs(value: Array, layout: str) -> Array:
    value = value.T
    if layout == "forget":
        gates = value.reshape(4, -1).copy()
        gates[_FORGET] -= 1.0
        value = gates.reshape(-1)
    return _exchanged(value, layout)


def _exchanged(value: Array, layout: str) -> Array:
    """Reorder the last axis: the gates, or the halves of the state (Magenta: c, then h)."""
    if layout == "same":
        return value
    parts = np.split(value, 2 if layout == "state" else 4, axis=-1)
    return np.concatenate([parts[place] for place in ((1, 0) if layout == "state" else _GATES)], axis=-1)


def _check_that_it_fits(configuration: ModelConfiguration, kind: str, source: str) -> None:
    cells = {configuration.decoder_cell} | ({configuration.encoder_cell} if configuration.variational else set())
    reason = None
    if cells != {"lstm"}:
        reason = f"the format is for LSTM cells, and this model has {' and '.join(sorted(cells - {'lstm'}))} cells"
    elif configuration.mixtures != READERS_MIXTURES:
        reason = f"the format is for {READERS_MIXTURES} mixtures, and this model has {configuration.mixtures}"
    elif configuration.position_inputs:
        reason = "the format has no position inputs. Train a model with position_inputs=false"
    elif kind == GEN and configuration.variational:
        reason = "the format is for decoder-only models, and this model has an encoder. Export it as .vae.json"
    elif kind == GEN and configuration.conditional:
        reason = (
            "the format is for models with one category, and this model has several. Export a model that was trained "
            "on one category, or a model with an encoder as .vae.json"
        )
    elif kind == VAE and not configuration.variational:
        reason = "the format is for models with an encoder, and this model has none. Export it as .gen.json"
    if reason:
        raise CheckpointError(f"{source}: cannot be written as .{kind}.json: {reason}")


def _of_one_category(
    configuration: ModelConfiguration, weights: dict[str, Array], index: int, source: str
) -> tuple[ModelConfiguration, dict[str, Array]]:
    """Return the VAE of one category: the products with its embedding are added to the biases."""
    weights = dict(weights)
    pairs = [(f"{name}.weight", f"{name}.bias") for name in ("encoder.mean", "encoder.logvar", "decoder.initial")]
    pairs.append(("decoder.lstm.weight_ih_l0", "decoder.lstm.bias_ih_l0"))
    size = configuration.category_units
    try:
        embedding = weights["category.weight"][index]
        for weight, bias in pairs:
            conditioning = np.tanh(embedding) if configuration.latent_tanh and "initial" in weight else embedding
            weights[bias] = weights[bias] + weights[weight][:, -size:] @ conditioning
            weights[weight] = weights[weight][:, :-size]
    except (KeyError, IndexError, ValueError) as error:
        raise CheckpointError(f"{source}: its tensors do not fit its configuration ({error})") from error
    return replace(configuration, categories=()), weights

"""The page as one HTML file that holds a model and draws without a server."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from sketchrnn import __version__
from sketchrnn.errors import ConfigurationError
from sketchrnn.model.checkpoint import Checkpoint
from sketchrnn.model.network import NumpyNetwork
from sketchrnn.web.assets import (
    EXPORTED_SCRIPT,
    ICON,
    INDEX,
    SERVED_SCRIPT,
    STYLE,
    WORKER_SCRIPT,
    bundled,
    page_scale,
    page_text,
)

Precision = Literal["float16", "int8"]
Array = NDArray[np.float32]

_NOTICE = (
    f"Made with sketchrnn {__version__}, MIT License. The model that ships with sketchrnn was trained on the Quick, "
    "Draw! Dataset by Google, CC BY 4.0, https://github.com/googlecreativelab/quickdraw-dataset"
)
_ALIGNMENT = 4  # bytes, of every tensor
_NUMPY_TYPES = {"float16": "<f2", "float32": "<f4"}
_LARGEST_INT8 = 127
_PRIOR_DECIMALS = 4


def export_page(checkpoint: Checkpoint, *, name: str, precision: Precision = "float16") -> str:
    """Return the page with a model in it, as HTML.

    Args:
        checkpoint: the model; its encoder is not used and may be missing.
        name: what the page calls the model.
        precision: of the weights. float16 is exact for models that are stored so, int8, with a scale for each unit,
            takes half the room.

    Raises:
        CheckpointError: a tensor is missing or has another shape.
        ConfigurationError: the model cannot draw without z, or its decoder is no plain LSTM.
    """
    model, content = packed_model(checkpoint, name=name, precision=precision)
    script, style, worker = bundled(EXPORTED_SCRIPT), page_text(STYLE), bundled(WORKER_SCRIPT)
    policy = (
        f"default-src 'none'; script-src {_source(script)} blob: 'wasm-unsafe-eval'; style-src {_source(style)}; "
        "worker-src blob:; img-src data: blob:; base-uri 'none'; form-action 'none'"
    )
    icon = base64.b64encode(page_text(ICON).encode()).decode()
    encoding = '<meta charset="utf-8">'
    replacements = {
        encoding: f'{encoding}\n<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        f'<meta name="generator" content="sketchrnn {__version__}">',
        f'href="{ICON}"': f'href="data:image/svg+xml;base64,{icon}"',
        f'<link rel="stylesheet" href="{STYLE}">': f"<style>{style}</style>",
        f'<script type="module" src="{SERVED_SCRIPT}"></script>\n': "",
        '<html lang="en">': f'<html lang="en">\n<!-- {_NOTICE} -->',
        "</body>": _held("model", json.dumps(model, separators=(",", ":")))
        + _held("worker", worker)
        + _held("weights", base64.b64encode(content).decode())
        + f'<script type="module">{script}</script>\n</body>',
    }
    page = page_text(INDEX)
    for old, new in replacements.items():
        before, found, after = page.partition(old)
        if not found:
            raise AssertionError(f"{INDEX} has no {old}")
        page = before + new + after
    return page


def packed_model(checkpoint: Checkpoint, *, name: str, precision: Precision) -> tuple[dict[str, Any], bytes]:
    """Return what decoder.js takes: a description of a decoder, and its weights.

    "No z" is folded into the biases, so that a decoder is told the category at most. Vectors are float32, matrices of
    the given precision; those of int8 are preceded by their rows' scales in float32.

    Raises:
        CheckpointError: a tensor is missing or has another shape.
        ConfigurationError: the model cannot draw without z, or its decoder is no plain LSTM.
    """
    configuration = checkpoint.configuration
    if not configuration.can_draw_without_latent:
        raise ConfigurationError(f"{checkpoint.source}: this model was trained with z only; a page has no encoder")
    if configuration.decoder_cell != "lstm" or configuration.latent_tanh:
        found = "tanh(z)" if configuration.decoder_cell == "lstm" else f"the cell {configuration.decoder_cell!r}"
        raise ConfigurationError(f"{checkpoint.source}: the page's decoder is a plain LSTM; found {found}")
    tensors: list[dict[str, Any]] = []
    content = bytearray()
    for tensor, value in decoder_tensors(checkpoint).items():
        kind = precision if value.ndim == 2 else "float32"
        tensors.append({"name": tensor, "shape": list(value.shape), "type": kind, "offset": len(content)})
        content += _int8(value) if kind == "int8" else value.astype(_NUMPY_TYPES[kind]).tobytes()
        content += bytes(-len(content) % _ALIGNMENT)
    model = {
        "name": name,
        "categories": list(configuration.categories),
        "logPrior": np.round(checkpoint.category_log_prior, _PRIOR_DECIMALS).tolist(),
        "units": configuration.decoder_units,
        "mixtures": configuration.mixtures,
        "embedding": configuration.category_units if configuration.conditional else 0,
        "conditioned": configuration.condition_units > 0,
        "offsetScale": checkpoint.offset_scale / page_scale(checkpoint),
        "tensors": tensors,
    }
    return model, bytes(content)


def decoder_tensors(checkpoint: Checkpoint) -> dict[str, Array]:
    """Return a decoder's weights by the names that decoder.js gives them.

    Raises:
        CheckpointError: a tensor is missing or has another shape.
    """
    network = NumpyNetwork(checkpoint)
    network.start(network.condition(np.zeros(1, np.int64)))  # which finds a tensor that does not fit
    configuration = checkpoint.configuration
    weights = {key: value.astype(np.float32) for key, value in checkpoint.weights.items() if value.dtype.kind == "f"}
    latent = configuration.latent_units if configuration.variational else 0
    inputs = weights["decoder.lstm.weight_ih_l0"]
    bias = weights["decoder.lstm.bias_ih_l0"]
    tensors = {"rows": inputs[:, :5], "hidden": weights["decoder.lstm.weight_hh_l0"]}
    if configuration.condition_units:
        initial, initial_bias = weights["decoder.initial.weight"], weights["decoder.initial.bias"]
        if latent:
            bias = bias + inputs[:, 5 : 5 + latent] @ weights["no_latent"]
            initial_bias = initial_bias + initial[:, :latent] @ weights["no_latent"]
        tensors["initialBias"] = initial_bias
        if configuration.conditional:
            tensors["category"] = inputs[:, 5 + latent :]
            tensors["initial"] = initial[:, latent:]
            tensors["embedding"] = weights["category.weight"]
    return {
        **tensors,
        "bias": bias,
        "output": weights["decoder.output.weight"],
        "outputBias": weights["decoder.output.bias"],
    }


def _int8(value: Array) -> bytes:
    """Return a matrix as a scale for each row, and whole numbers from -127 to 127."""
    scale = np.abs(value).max(axis=1) / _LARGEST_INT8
    scale[scale == 0.0] = 1.0
    return bytes(scale.astype("<f4").tobytes() + np.rint(value / scale[:, None]).astype(np.int8).tobytes())


def _source(text: str) -> str:
    """Return what a content security policy calls an inline script or style."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _held(identifier: str, text: str) -> str:
    """Return an element that holds text, which nothing runs."""
    escaped = text.replace("</", "<\\/")  # the same to JavaScript and JSON, but no end of the element
    return f'<script type="text/plain" id="{identifier}">{escaped}</script>\n'

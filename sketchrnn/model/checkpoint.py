"""The checkpoint file: safetensors, with all other data of the model in the header."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from sketchrnn.errors import CheckpointError, ConfigurationError
from sketchrnn.files import atomic_write
from sketchrnn.model.configuration import ModelConfiguration
from sketchrnn.sketch.simplify import BOX

FORMAT = "sketchrnn"
FORMAT_VERSION = 1
SHIPPED = "quickdraw345"
"""Name of the model in the package: all 345 Quick, Draw! categories."""
CATEGORY_COUNTS = "category_counts"
"""Key in ``training`` of the number of training drawings per category."""
STARTED_FROM = "started_from"
"""Where ``training`` names the model whose weights were the first ones, with that model's own record."""
FLOAT16_EXPONENT = np.uint16(0x7C00)
"""The bits of the exponent: all of them are set in infinities and NaN."""
INT8_SCALE, LARGEST_INT8 = ".scale", 127
"""A tensor of int8 has a second one with this ending: what its rows are multiplied by."""
RECOGNIZER_TENSORS = "recognizer."
"""What the names of a recognizer's tensors begin with."""
MOST_COUNTED = 200
"""Drawings from which on a category is known well: that training had more of it does not make it more probable."""
OFFSET_SCALES_OF_A_DRAWING = 8.0
"""Extent of a typical drawing."""


@dataclass(frozen=True)
class Checkpoint:
    """A model as it is stored.

    Attributes:
        configuration: the architecture.
        weights: every tensor by name; float32, or float16 to halve the file. Names that begin with ``optimizer.``
            belong to a training run that can be resumed and are no part of the model.
        offset_scale: what offsets are divided by before the network sees them, in units of the training drawings.
        unit: what the training drawings were measured in: "box" for the 255 box, "source" for their file's own.
        max_length: Nmax, the most rows of a sketch in training.
        training: how it was trained, as JSON values.
        recognizer: sizes of the recognizer whose tensors are among the weights, as JSON values; None if there is none.
        source: where it was read from, for messages.
    """

    configuration: ModelConfiguration
    weights: dict[str, NDArray[Any]]
    offset_scale: float
    unit: str = "box"
    max_length: int = 250
    training: dict[str, Any] = field(default_factory=dict)
    recognizer: dict[str, Any] | None = None
    source: str = field(default="the model", compare=False)

    def __post_init__(self) -> None:
        """Check the fields that every use of the model needs.

        Raises:
            CheckpointError: offset_scale or max_length is not a positive number, the unit is unknown, or training is
                not a record.
        """
        if not isinstance(self.offset_scale, float) or not 0.0 < self.offset_scale < float("inf"):
            raise CheckpointError(f"offset_scale: expected a positive number, found {self.offset_scale!r}")
        if not isinstance(self.max_length, int) or self.max_length < 1:
            raise CheckpointError(f"max_length: expected a positive whole number, found {self.max_length!r}")
        if self.unit not in ("box", "source"):
            raise CheckpointError(f"unit: expected 'box' or 'source', found {self.unit!r}")
        if not isinstance(self.training, dict):
            raise CheckpointError(f"training: expected a record, found {self.training!r}")
        if not isinstance(self.recognizer, dict | None):
            raise CheckpointError(f"recognizer: expected a record, found {self.recognizer!r}")
        counts = self.training.get(CATEGORY_COUNTS, [])
        if not isinstance(counts, list) or not all(isinstance(count, int) and count >= 0 for count in counts):
            raise CheckpointError(f"{CATEGORY_COUNTS}: expected numbers of drawings, found {counts!r}")

    @property
    def whole_extent(self) -> float:
        """Extent (larger side) of a whole training drawing, in its unit; for the unit "source", of a typical one."""
        return BOX if self.unit == "box" else OFFSET_SCALES_OF_A_DRAWING * self.offset_scale

    @property
    def category_counts(self) -> NDArray[np.int64]:
        """Number of training drawings per category, (categories,); zeros if it is unknown."""
        names, counts = self.configuration.categories, self.training.get(CATEGORY_COUNTS, [])
        return np.array(counts if len(counts) == len(names) else [0] * len(names), np.int64)

    @property
    def category_log_prior(self) -> NDArray[np.float64]:
        """Log prior probability of each category, (categories,).

        It is proportional to the number of training drawings plus one, at most MOST_COUNTED; uniform if the numbers are
        unknown. Of limits from 50 to 700, and no limit, this one guesses best (benchmarks/RESULTS.md).
        """
        seen = np.minimum(self.category_counts + 1.0, MOST_COUNTED)
        log_prior: NDArray[np.float64] = np.log(seen / seen.sum())
        return log_prior


def checkpoint_bytes(checkpoint: Checkpoint) -> bytes:
    """Return a checkpoint as the content of a file; the same checkpoint gives the same bytes."""
    header = {
        "format": FORMAT,
        "format_version": str(FORMAT_VERSION),
        "configuration": json.dumps(checkpoint.configuration.to_json()),
        "offset_scale": repr(checkpoint.offset_scale),
        "unit": checkpoint.unit,
        "max_length": str(checkpoint.max_length),
        "training": json.dumps(checkpoint.training),
    }
    if checkpoint.recognizer is not None:
        header["recognizer"] = json.dumps(checkpoint.recognizer)
    content = save({name: np.ascontiguousarray(value) for name, value in checkpoint.weights.items()}, header)
    # safetensors writes the entries of the header in another order in each process
    size = int.from_bytes(content[:8], "little")
    text = json.dumps(json.loads(content[8 : 8 + size]), sort_keys=True, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + content[8 + size :]


def save_checkpoint(checkpoint: Checkpoint, path: str | Path) -> None:
    """Write a checkpoint atomically: a crash leaves the old file or the new one.

    Raises:
        SketchRNNError: the file cannot be written.
    """
    content = checkpoint_bytes(checkpoint)
    with atomic_write(path) as file:
        file.write(content)


def to_int8(weights: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Return weights with each matrix as whole numbers from -127 to 127, and a factor for each row.

    Vectors, and the gains and biases of normalizations, do not change. :func:`load_checkpoint` reads the result.
    """
    small = {}
    for name, value in weights.items():
        if value.ndim < 2 or "norm" in name or name.endswith("bias"):
            small[name] = value
            continue
        rows = value.reshape(*value.shape[: 2 if value.ndim == 3 else 1], -1).astype(np.float32)
        scale = np.abs(rows).max(axis=-1) / LARGEST_INT8
        scale[scale == 0.0] = 1.0
        small[name] = np.rint(rows / scale[..., None]).astype(np.int8).reshape(value.shape)
        small[name + INT8_SCALE] = scale
    return small


def _from_int8(weights: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Return the result of :func:`to_int8` in float32; other weights do not change."""
    scales = {name + INT8_SCALE: name for name, value in weights.items() if value.dtype == np.int8}
    if missing := scales.keys() - weights.keys():
        raise CheckpointError(f"tensor {min(missing)} is missing")
    whole = {name: value for name, value in weights.items() if name not in scales}
    for scale_name, name in scales.items():
        scale = weights[scale_name]
        whole[name] = (weights[name].reshape(*scale.shape, -1) * scale[..., None]).reshape(weights[name].shape)
    return whole


def load_checkpoint(path: str | Path, *, prefixes: tuple[str, ...] = ("",)) -> Checkpoint:
    """Read a checkpoint.

    Args:
        path: a file that :func:`save_checkpoint` wrote.
        prefixes: read only the tensors whose names start with one of these; by default all.

    Raises:
        CheckpointError: the file is missing, incomplete, of another version, or not a checkpoint.
    """
    if not Path(path).is_file():
        reason = "is a directory" if Path(path).is_dir() else "no such file"
        raise CheckpointError(f"{path}: expected a model (.safetensors): {reason}")
    try:
        with safe_open(path, framework="np") as file:
            header = file.metadata() or {}
            _check_header(path, header)
            names = [name for name in file.keys() if name.startswith(prefixes)]  # noqa: SIM118  (no mapping)
            weights = _from_int8({name: _finite(path, name, file.get_tensor(name)) for name in names})
    except (SafetensorError, OSError, TypeError) as error:  # TypeError: a number type that NumPy does not know
        cause = "is empty" if not Path(path).stat().st_size else f"damaged or no safetensors file ({error})"
        raise CheckpointError(f"{path}: expected a sketchrnn checkpoint: {cause}") from error
    try:
        return Checkpoint(
            ModelConfiguration.from_json(json.loads(header["configuration"])),
            weights,
            float(header["offset_scale"]),
            header["unit"],
            int(header["max_length"]),
            json.loads(header["training"]),
            json.loads(header.get("recognizer", "null")),
            str(path),
        )
    except (KeyError, TypeError, ValueError, RecursionError, ConfigurationError, CheckpointError) as error:
        raise CheckpointError(f"{path}: the header of the checkpoint is damaged: {error}") from error


def _finite(path: str | Path, name: str, value: NDArray[Any]) -> NDArray[Any]:
    """Return a tensor.

    Raises:
        CheckpointError: a number in it is not finite.
    """
    if value.dtype == np.float16:  # by its bits, because np.isfinite is slow for it
        finite = value.view(np.uint16) & FLOAT16_EXPONENT != FLOAT16_EXPONENT
    else:
        finite = np.isfinite(value)
    if not finite.all():
        count = int(np.count_nonzero(~finite))
        raise CheckpointError(f"{path}: tensor {name}: expected finite numbers, found {count} that are not")
    return value


def load_shipped(*, prefixes: tuple[str, ...] = ("",)) -> Checkpoint:
    """Read the model that comes with the package. Arguments as for :func:`load_checkpoint`."""
    with as_file(files("sketchrnn.model") / "weights" / f"{SHIPPED}.safetensors") as path:
        return load_checkpoint(path, prefixes=prefixes)


def _check_header(path: str | Path, header: dict[str, str]) -> None:
    if header.get("format") != FORMAT:
        raise CheckpointError(f"{path}: expected a sketchrnn checkpoint, found another safetensors file")
    version = header.get("format_version")
    if version != str(FORMAT_VERSION):
        raise CheckpointError(
            f"{path}: expected checkpoint format version {FORMAT_VERSION}, found {version}. Update sketchrnn"
        )

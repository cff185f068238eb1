"""The recognizer: names the category of a whole or partial drawing from its picture, and estimates its extent.

A small convolutional network looks at a gray picture of the lines. The picture does not depend on the order, direction
or starting points of the strokes, so neither does the answer. A second output, for a known category, says how large the
drawing is relative to the finished one. Training is in :mod:`sketchrnn.training.recognizer`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sketchrnn.errors import CheckpointError, ConfigurationError
from sketchrnn.model.checkpoint import RECOGNIZER_TENSORS, Checkpoint
from sketchrnn.settings import NETWORK, Settings, setting
from sketchrnn.sketch.conversions import MARGIN, pictures

Array = NDArray[np.float32]


LARGEST_SIZE = 4096
LOG_EXTENTS = -np.array([4.4, 3.4, 2.6, 2.0, 1.55, 1.2, 0.95, 0.75, 0.58, 0.43, 0.3, 0.19, 0.09, 0.0])
"""Logarithms of the extent of a part relative to the whole drawing, at which its probability density is given."""
PART_NUMBERS = 2
"""Numbers that :func:`part_numbers` returns for each drawing."""
PICTURES_AT_ONCE = 16
"""Pictures in a batch of the recognizer: their windows then stay in the processor's cache."""


def _sizes(default: int | tuple[int, ...], help: str, minimum: int = 1) -> Any:
    many = isinstance(default, tuple)
    return setting(default, help, type=int, many=many, minimum=minimum, maximum=LARGEST_SIZE, panel=NETWORK)


@dataclass(frozen=True)
class RecognizerConfiguration(Settings):
    """Sizes of a recognizer. Its convolutions pad the picture by half of the kernel."""

    picture_size: int = _sizes(48, "Width and height of the picture, in pixels.", int(2 * MARGIN) + 1)
    channels: tuple[int, ...] = _sizes((32, 64, 64, 128, 128, 192), "Output channels of each convolution.")
    kernels: tuple[int, ...] = _sizes((5, 3, 3, 3, 3, 3), "Kernel width of each convolution, an odd number.")
    strides: tuple[int, ...] = _sizes((2, 2, 1, 2, 1, 2), "Stride of each convolution.")
    hidden_units: int = _sizes(256, "Units of the fully connected layer before the output.")
    extent_units: int = _sizes(128, "Units of the layer that estimates the extent of the whole drawing.")

    def __post_init__(self) -> None:
        """Check every field.

        Raises:
            ConfigurationError: a field is outside its range, or the lists differ in length.
        """
        for name in ("channels", "kernels", "strides"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        super().__post_init__()
        if not len(self.channels) == len(self.kernels) == len(self.strides) or not self.channels:
            raise ConfigurationError("channels: expected as many channels as kernels and strides, at least one")
        if any(kernel % 2 == 0 for kernel in self.kernels):
            raise ConfigurationError(f"kernels: expected odd numbers, found {self.kernels!r}")

    @property
    def final_size(self) -> int:
        """Width and height of the last convolution's output."""
        size = self.picture_size
        for stride in self.strides:
            size = -(-size // stride)
        return size

    def tensor_shapes(self, categories: int) -> dict[str, tuple[int, ...]]:
        """Return the name and shape of every tensor of a recognizer with this number of categories."""
        shapes: dict[str, tuple[int, ...]] = {}
        inputs = 1
        for index, (channels, kernel) in enumerate(zip(self.channels, self.kernels, strict=True)):
            shapes[f"convolution{index}.weight"] = (channels, inputs, kernel, kernel)
            shapes[f"convolution{index}.bias"] = (channels,)
            inputs = channels
        flat = inputs * self.final_size**2
        shapes |= {"hidden.weight": (self.hidden_units, flat), "hidden.bias": (self.hidden_units,)}
        shapes |= {"output.weight": (categories, self.hidden_units), "output.bias": (categories,)}
        units, outputs = self.extent_units, len(LOG_EXTENTS) + 1
        shapes |= {"extent.hidden.weight": (units, self.hidden_units + PART_NUMBERS), "extent.hidden.bias": (units,)}
        shapes |= {"extent.category.weight": (categories, units)}
        shapes |= {"extent.output.weight": (outputs, units), "extent.output.bias": (outputs,)}
        return {f"{RECOGNIZER_TENSORS}{name}": shape for name, shape in shapes.items()}

    def to_json(self) -> dict[str, Any]:
        """Return the fields as JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> RecognizerConfiguration:
        """Return the configuration that :meth:`to_json` wrote.

        Raises:
            ConfigurationError: a field is missing, unknown or outside its range.
        """
        try:
            return cls(**values)
        except (TypeError, ConfigurationError) as error:
            raise ConfigurationError(f"recognizer: {error}") from error


class Recognizer:
    """The recognizer of a model, in NumPy.

    Attributes:
        categories: names in the order of the output.
    """

    def __init__(self, checkpoint: Checkpoint) -> None:
        """Read the recognizer of a checkpoint.

        Raises:
            CheckpointError: the checkpoint has none, or a tensor is missing or has another shape.
        """
        if checkpoint.recognizer is None:
            raise CheckpointError(
                f"{checkpoint.source}: expected a model with a recognizer (`sketchrnn train-recognizer`), found none"
            )
        self.categories = checkpoint.configuration.categories
        try:
            self.configuration = RecognizerConfiguration.from_json(checkpoint.recognizer)
        except ConfigurationError as error:
            raise CheckpointError(f"{checkpoint.source}: {error}") from error
        self._tensors: dict[str, Array] = {}
        for name, shape in self.configuration.tensor_shapes(len(self.categories)).items():
            value = checkpoint.weights.get(name)
            if value is None or value.shape != shape:
                found = "is missing" if value is None else f"has shape {value.shape}"
                raise CheckpointError(f"{checkpoint.source}: tensor {name} {found}; expected shape {shape}")
            value = value.astype(np.float32)
            if value.ndim == 4:  # (outputs, inputs, k, k) -> (k k inputs, outputs), for pictures with channels last
                value = value.transpose(2, 3, 1, 0).reshape(-1, shape[0])
            elif name == f"{RECOGNIZER_TENSORS}hidden.weight":  # channels last here, channels first in torch
                size = self.configuration.final_size
                value = value.reshape(shape[0], -1, size, size).transpose(2, 3, 1, 0).reshape(-1, shape[0])
            elif value.ndim == 2 and not name.endswith("category.weight"):
                value = value.T
            self._tensors[name.removeprefix(RECOGNIZER_TENSORS)] = np.ascontiguousarray(value)

    @classmethod
    def from_checkpoint(cls, checkpoint: Checkpoint) -> Recognizer | None:
        """Return the recognizer of a checkpoint; None if it has none.

        Raises:
            CheckpointError: a tensor is missing or has another shape.
        """
        return None if checkpoint.recognizer is None else cls(checkpoint)

    def log_probabilities(self, drawings: Sequence[Sequence[NDArray[Any]]]) -> Array:
        """Return the log probability of each category for each drawing, (B, categories).

        They are calibrated: of drawings that are given a probability of 0.7, about 70 % are of that category.

        Args:
            drawings: for each its strokes, arrays (points, 2) in any unit, y down.
        """
        if not len(drawings):
            return np.zeros((0, len(self.categories)), np.float32)
        logits = self._hidden(drawings) @ self._tensors["output.weight"] + self._tensors["output.bias"]
        logits -= logits.max(axis=-1, keepdims=True)
        logits -= np.log(np.exp(logits).sum(axis=-1, keepdims=True))
        return logits

    def extent_outputs(self, drawings: Sequence[Sequence[NDArray[Any]]], categories: Sequence[int | None]) -> Array:
        """Return what :func:`sketchrnn.model.scale.log_extent_probabilities` takes, (B, len(LOG_EXTENTS) + 1).

        Args:
            drawings: for each its strokes, with as few points as the training drawings have, in any unit; each has an
                extent.
            categories: the index of each; None if it is not known.
        """
        inputs = np.concatenate([self._hidden(drawings), part_numbers(drawings)], axis=1)
        values = inputs @ self._tensors["extent.hidden.weight"] + self._tensors["extent.hidden.bias"]
        for row, category in enumerate(categories):
            if category is not None:
                values[row] += self._tensors["extent.category.weight"][category]
        outputs: Array = (
            np.maximum(values, 0.0) @ self._tensors["extent.output.weight"] + self._tensors["extent.output.bias"]
        )
        return outputs

    def _hidden(self, drawings: Sequence[Sequence[NDArray[Any]]]) -> Array:
        """Return the values of the hidden layer, (B, hidden_units)."""
        picture = pictures(drawings, self.configuration.picture_size)
        values = picture[..., None]  # (B, height, width, channels)
        configuration = self.configuration
        for index, (kernel, stride) in enumerate(zip(configuration.kernels, configuration.strides, strict=True)):
            count, side, _, channels = values.shape
            half, size = kernel // 2, -(-side // stride)
            padded = np.zeros((count, side + 2 * half, side + 2 * half, channels), np.float32)
            padded[:, half : half + side, half : half + side] = values
            by_picture, by_row, by_pixel, by_number = padded.strides
            windows = np.lib.stride_tricks.as_strided(  # the channels of a row's pixels follow each other in memory
                padded,
                (count, size, size, kernel, kernel * channels),
                (by_picture, stride * by_row, stride * by_pixel, by_row, by_number),
            )
            values = windows.reshape(count * size * size, -1) @ self._tensors[f"convolution{index}.weight"]
            values += self._tensors[f"convolution{index}.bias"]
            values = np.maximum(values, 0.0, out=values).reshape(len(picture), size, size, -1)
        hidden: Array = values.reshape(len(picture), -1) @ self._tensors["hidden.weight"] + self._tensors["hidden.bias"]
        return np.maximum(hidden, 0.0, out=hidden)


def part_numbers(drawings: Sequence[Sequence[NDArray[Any]]]) -> Array:
    """Return how detailed each drawing is: log of its points, and log(1 + length of its lines / extent), (B, 2)."""
    numbers = np.zeros((len(drawings), PART_NUMBERS), np.float32)
    for row, strokes in enumerate(drawings):
        points = np.concatenate(strokes)
        length = sum(float(np.hypot(*np.diff(stroke, axis=0).T).sum()) for stroke in strokes)
        numbers[row] = np.log(len(points)), np.log1p(length / np.ptp(points, axis=0).max())
    return numbers

"""The recognizer: names the category of a whole or partial drawing from its picture.

A small convolutional network looks at a gray picture of the lines. The picture does not depend on the order, direction
or starting points of the strokes, so neither does the answer. Training is in :mod:`sketchrnn.training.recognizer`.
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
            elif name.endswith("hidden.weight"):  # channels last here, channels first in torch
                size = self.configuration.final_size
                value = value.reshape(shape[0], -1, size, size).transpose(2, 3, 1, 0).reshape(-1, shape[0])
            elif value.ndim == 2:
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
        logits = self._logits(pictures(drawings, self.configuration.picture_size))
        logits -= logits.max(axis=-1, keepdims=True)
        logits -= np.log(np.exp(logits).sum(axis=-1, keepdims=True))
        return logits

    def _logits(self, picture: Array) -> Array:
        """Return the network's output (B, categories) for pictures (B, size, size)."""
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
        hidden = values.reshape(len(picture), -1) @ self._tensors["hidden.weight"] + self._tensors["hidden.bias"]
        logits: NDArray[np.float32] = (
            np.maximum(hidden, 0.0) @ self._tensors["output.weight"] + self._tensors["output.bias"]
        )
        return logits

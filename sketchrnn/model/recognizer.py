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

Array = NDArray[np.float32]

MARGIN = 3.0
"""Pixels that stay empty on each side of the picture."""
SAMPLE_SPACING = 0.7
"""Lines are drawn as dots at most this many pixels apart."""


@dataclass(frozen=True)
class RecognizerConfiguration:
    """Sizes of a recognizer.

    Attributes:
        picture_size: width and height of the picture, in pixels.
        channels: output channels of each convolution.
        kernels: kernel width of each convolution, odd; the padding is half of it.
        strides: stride of each convolution.
        hidden_units: units of the fully connected layer before the output.
    """

    picture_size: int = 48
    channels: tuple[int, ...] = (32, 64, 64, 128, 128, 192)
    kernels: tuple[int, ...] = (5, 3, 3, 3, 3, 3)
    strides: tuple[int, ...] = (2, 2, 1, 2, 1, 2)
    hidden_units: int = 256

    def __post_init__(self) -> None:
        """Check every field.

        Raises:
            ConfigurationError: a field is outside its range, or the lists differ in length.
        """
        for name in ("channels", "kernels", "strides"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        sizes = (self.picture_size, self.hidden_units, *self.channels, *self.kernels, *self.strides)
        if not all(isinstance(size, int) and 1 <= size <= 4096 for size in sizes):
            raise ConfigurationError("recognizer: expected whole numbers from 1 to 4096")
        if not len(self.channels) == len(self.kernels) == len(self.strides) or not self.channels:
            raise ConfigurationError("recognizer: expected as many channels as kernels and strides, at least one")
        if any(kernel % 2 == 0 for kernel in self.kernels) or self.picture_size <= 2 * MARGIN:
            raise ConfigurationError(f"recognizer: expected odd kernels and pictures above {2 * MARGIN:g} pixels")

    @property
    def final_size(self) -> int:
        """Width and height of the last convolution's output."""
        size = self.picture_size
        for stride in self.strides:
            size = -(-size // stride)
        return size

    def tensor_shapes(self, categories: int) -> dict[str, tuple[int, ...]]:
        """Return the name and shape of every tensor of a recognizer of so many categories."""
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
        except TypeError as error:
            raise ConfigurationError(f"recognizer: {error}") from error


class Recognizer:
    """The recognizer of a model, in NumPy.

    Attributes:
        categories: what it can name, in the order of its output.
    """

    def __init__(self, checkpoint: Checkpoint) -> None:
        """Take over the recognizer of a checkpoint.

        Raises:
            CheckpointError: the checkpoint has none, or a tensor is missing or has another shape.
        """
        if checkpoint.recognizer is None:
            raise CheckpointError(f"{checkpoint.source}: has no recognizer")
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
            elif name.endswith("hidden.weight"):  # the input is flattened with channels last, in torch first
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
            half = kernel // 2
            padded = np.pad(values, ((0, 0), (half, half), (half, half), (0, 0)))
            windows = np.lib.stride_tricks.sliding_window_view(padded, (kernel, kernel), axis=(1, 2))
            windows = windows[:, ::stride, ::stride].transpose(0, 1, 2, 4, 5, 3)  # (B, h, w, k, k, channels)
            size = windows.shape[1]
            values = windows.reshape(len(values) * size * size, -1) @ self._tensors[f"convolution{index}.weight"]
            values += self._tensors[f"convolution{index}.bias"]
            values = np.maximum(values, 0.0, out=values).reshape(len(picture), size, size, -1)
        hidden = values.reshape(len(picture), -1) @ self._tensors["hidden.weight"] + self._tensors["hidden.bias"]
        return np.maximum(hidden, 0.0) @ self._tensors["output.weight"] + self._tensors["output.bias"]


def pictures(drawings: Sequence[Sequence[NDArray[Any]]], size: int) -> Array:
    """Return gray pictures of drawings, (B, size, size): 1 is ink, 0 paper.

    The larger side of a drawing's bounds fills the picture up to MARGIN, and the drawing is centered. Lines are dots
    at most SAMPLE_SPACING apart, each spread over the four nearest pixels in proportion; a line has an ink of 1 for
    each pixel of its length, a stroke without extent is one dot, and no pixel has more than 1.

    Args:
        drawings: for each its strokes, arrays (points, 2) in any unit, y down. One without a point is an empty picture.
        size: width and height, in pixels.
    """
    strokes = [np.asarray(stroke, np.float64) for drawing in drawings for stroke in drawing if len(stroke)]
    if not strokes:
        return np.zeros((len(drawings), size, size), np.float32)
    strokes_of = [sum(len(stroke) > 0 for stroke in drawing) for drawing in drawings]
    points_of = np.array([len(stroke) for stroke in strokes])
    drawing = np.repeat(np.repeat(np.arange(len(drawings)), strokes_of), points_of)  # of each point
    points = _fitted(np.concatenate(strokes), drawing, size)
    # A segment leads from each point to the next of its stroke; from the last point of a stroke, nowhere.
    last = np.cumsum(points_of) - 1
    vector = np.diff(points, axis=0, append=points[-1:])
    vector[last] = 0.0
    length = np.hypot(vector[:, 0], vector[:, 1])
    dot = last[np.add.reduceat(length, last + 1 - points_of) == 0.0]  # strokes without extent
    weight = length.copy()
    weight[dot] = 1.0
    count = np.ceil(length / SAMPLE_SPACING).astype(np.int64)
    count[dot] = 1
    number = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    along = (number + 0.5) / np.repeat(count, count)
    samples = np.repeat(points, count, axis=0) + along[:, None] * np.repeat(vector, count, axis=0)
    sample_weight = np.repeat(weight / np.maximum(count, 1), count)
    corner = np.floor(samples).astype(np.int64)
    right, below = (samples - corner).T
    pixel = (np.repeat(drawing, count) * size + corner[:, 1]) * size + corner[:, 0]
    pixels = np.concatenate([pixel, pixel + 1, pixel + size, pixel + size + 1])
    shares = np.concatenate([(1 - right) * (1 - below), right * (1 - below), (1 - right) * below, right * below])
    ink = np.bincount(pixels, shares * np.tile(sample_weight, 4), len(drawings) * size * size)
    return np.minimum(ink, 1.0).astype(np.float32).reshape(len(drawings), size, size)


def _fitted(points: NDArray[np.float64], drawing: NDArray[np.int64], size: int) -> NDArray[np.float64]:
    """Return points (n, 2) such that each drawing is centered and fills its picture up to MARGIN.

    Args:
        points: in any unit.
        drawing: which drawing each point belongs to, in ascending order, (n,).
        size: width and height of a picture, in pixels.
    """
    changes = np.flatnonzero(np.diff(drawing, prepend=-1))
    low, high = np.minimum.reduceat(points, changes), np.maximum.reduceat(points, changes)  # (drawings, 2)
    extent = (high - low).max(axis=1)
    scale = np.where(extent > 0, (size - 1 - 2.0 * MARGIN) / np.where(extent > 0, extent, 1.0), 0.0)
    repeats = np.diff(changes, append=len(points))
    center = np.repeat(0.5 * low + 0.5 * high, repeats, axis=0)
    return (points - center) * np.repeat(scale, repeats)[:, None] + 0.5 * (size - 1)

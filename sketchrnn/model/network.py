"""The trained network in NumPy: drawing needs no torch."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sketchrnn.errors import CheckpointError
from sketchrnn.model.cells import Array, NumpyCell, batch_last, numpy_cell, product
from sketchrnn.model.checkpoint import Checkpoint
from sketchrnn.model.configuration import (
    MAX_LOG_SIGMA,
    MAX_RHO_LOGIT,
    PEN_STATES,
    POSITION_FACTOR,
    ModelConfiguration,
)

DECODER_TENSORS = ("decoder.", "category.", "clarity", "no_latent")
"""Prefixes of the names of the tensors for drawing without an encoder."""
ENCODER_TENSORS = "encoder."


@dataclass(frozen=True)
class NumpyMixture:
    """The distribution of one step; any leading axes, here (B,). Counterpart of the torch network's ``Mixture``.

    Attributes:
        log_pi: (B, M).
        mu: in offset scales, (B, M, 2).
        log_sigma: (B, M, 2).
        rho: (B, M).
        log_q: pen stays down, lifts, sketch ended, (B, 3).
    """

    log_pi: Array
    mu: Array
    log_sigma: Array
    rho: Array
    log_q: Array

    @classmethod
    def from_output(cls, output: Array) -> NumpyMixture:
        """Split the decoder's output (B, 3 + 6 M): pen, pi, mu_x, mu_y, sigma_x, sigma_y, rho."""
        output = np.ascontiguousarray(output)
        parts = output[..., PEN_STATES:].reshape(*output.shape[:-1], 6, -1)  # (B, 6, M)
        return cls(
            log_pi=_log_softmax(parts[..., 0, :]),
            mu=parts[..., 1:3, :].swapaxes(-1, -2),
            log_sigma=np.clip(parts[..., 3:5, :].swapaxes(-1, -2), -MAX_LOG_SIGMA, MAX_LOG_SIGMA),
            rho=np.tanh(np.clip(parts[..., 5, :], -MAX_RHO_LOGIT, MAX_RHO_LOGIT)),
            log_q=_log_softmax(output[..., :PEN_STATES]),
        )

    def at_temperature(
        self, temperature: float, pen_temperature: float | None = None, top_p: float = 1.0
    ) -> NumpyMixture:
        """Return the mixture with the logits of pi and q divided by tau and the variances multiplied by it.

        Args:
            temperature: tau; 0 leaves the likeliest component's mean and the likeliest pen state.
            pen_temperature: tau for q; None for the same.
            top_p: keep only the likeliest components with this total weight.
        """
        log_pi = _tempered(self.log_pi, temperature)
        if top_p < 1.0:
            pi = np.exp(log_pi)
            order = np.argsort(-pi, axis=-1, kind="stable")
            in_order = np.take_along_axis(pi, order, -1)
            before = np.cumsum(in_order, axis=-1) - in_order  # the weight of all likelier components
            kept = np.empty_like(order, dtype=bool)
            least = np.finfo(before.dtype).tiny  # a smaller share would be 0 and remove all components
            np.put_along_axis(kept, order, before < max(top_p, least), -1)
            log_pi = _log_softmax(np.where(kept, log_pi, -np.inf).astype(np.float32))
        log_tau = math.log(temperature) if temperature > 0 else -math.inf
        return NumpyMixture(
            log_pi=log_pi,
            mu=self.mu,
            log_sigma=self.log_sigma + np.float32(0.5 * log_tau),
            rho=self.rho,
            log_q=_tempered(self.log_q, temperature if pen_temperature is None else pen_temperature),
        )

    def log_prob(self, rows: Array) -> NDArray[np.float64]:
        """Log density of stroke-5 rows' offsets (B, 5), in offset scales, plus the log probability of their pens; (B,).

        Reference:
            arXiv:1704.03477, equation 4.
        """
        x, y = np.moveaxis((rows[:, None, :2] - self.mu) * np.exp(-self.log_sigma), -1, 0)  # (B, M) each
        rest = 1.0 - self.rho * self.rho
        quadratic = np.square(x - self.rho * y) / rest + y * y
        log_normal = -0.5 * (quadratic + np.log(rest)) - self.log_sigma.sum(-1) - math.log(2.0 * math.pi)
        weighted = (self.log_pi + log_normal).astype(np.float64)
        highest = weighted.max(-1)
        log_density = highest + np.log(np.exp(weighted - highest[:, None]).sum(-1))
        log_probability: NDArray[np.float64] = log_density + (rows[:, 2:] * self.log_q).sum(-1)
        return log_probability

    def sample(self, uniform: NDArray[np.float64], normal: NDArray[np.float64]) -> tuple[Array, NDArray[np.int64]]:
        """Convert random numbers to an offset and a pen state for each of B drawings.

        Args:
            uniform: from [0, 1), (B, 2): for the component and for the pen.
            normal: from N(0, 1), (B, 2).

        Returns:
            Offsets (B, 2) in offset scales, and pen states 0, 1, 2 (B,).
        """
        component = _inverse_cdf(self.log_pi, uniform[:, 0])
        chosen = np.arange(len(component)), component
        mu, sigma, rho = self.mu[chosen], np.exp(self.log_sigma[chosen]), self.rho[chosen]
        correlated = rho * normal[:, 0] + np.sqrt(1.0 - rho * rho) * normal[:, 1]
        offsets = mu + sigma * np.stack([normal[:, 0], correlated], axis=-1)
        return offsets.astype(np.float32), _inverse_cdf(self.log_q, uniform[:, 1])


@dataclass(frozen=True)
class PenPosition:
    """The positions of the pens of B drawings, in offset scales.

    Attributes:
        point: the last point, (B, 2).
        stroke_start: the first point of its stroke, (B, 2).
        lowest: least x and y so far, (B, 2).
        highest: greatest x and y so far, (B, 2).
        lifted: the pen rose after the last point, so that the next one begins a stroke, (B, 1) bool.
    """

    point: Array
    stroke_start: Array
    lowest: Array
    highest: Array
    lifted: NDArray[np.bool_]

    @classmethod
    def at_origin(cls, count: int) -> PenPosition:
        """Return the positions before START."""
        zero = np.zeros((count, 2), np.float32)
        return cls(zero, zero, zero, zero, np.ones((count, 1), bool))

    def take(self, index: NDArray[np.int64] | slice) -> PenPosition:
        """Return the positions at some indices of the batch, which may repeat."""
        return PenPosition(*(value[index] for value in vars(self).values()))

    @staticmethod
    def concatenate(parts: Sequence[PenPosition]) -> PenPosition:
        """Return several batches as one."""
        return PenPosition(
            *(np.concatenate(values) for values in zip(*(vars(part).values() for part in parts), strict=True))
        )

    def after(self, rows: Array) -> PenPosition:
        """Return the positions after stroke-5 rows (B, 5)."""
        point = self.point + rows[:, :2]
        return PenPosition(
            point,
            np.where(self.lifted, point, self.stroke_start),
            np.minimum(self.lowest, point),
            np.maximum(self.highest, point),
            rows[:, 3:4] > 0.5,
        )

    def inputs(self) -> Array:
        """Return the decoder's inputs, (B, POSITION_INPUTS): see :class:`ModelConfiguration`."""
        point = self.point
        parts = [point, point - self.stroke_start, point - self.lowest, self.highest - point]
        inputs: Array = np.float32(POSITION_FACTOR) * np.concatenate(parts, axis=-1)
        return inputs


@dataclass(frozen=True)
class DecoderState:
    """The decoder's state after some rows. Arrays have the batch last in memory.

    Attributes:
        hidden: (B, S); the output is its first part.
        cell: (B, S).
        constant: sum of the terms of z, category and bias at every step, (B, K), or (1, K) if all share it.
        pen: where the pen is; None for a model without position inputs.
    """

    hidden: Array
    cell: Array
    constant: Array
    pen: PenPosition | None = None

    def take(self, index: NDArray[np.int64] | slice) -> DecoderState:
        """Return the states at some indices of the batch, which may repeat."""
        constant = self.constant if len(self.constant) == 1 else _taken(self.constant, index)
        pen = None if self.pen is None else self.pen.take(index)
        return DecoderState(_taken(self.hidden, index), _taken(self.cell, index), constant, pen)

    @staticmethod
    def concatenate(states: Sequence[DecoderState]) -> DecoderState:
        """Return several batches as one."""
        hidden, cell, constant = (
            np.concatenate([value.T for value in values], axis=1).T
            for values in zip(*((state.hidden, state.cell, state.constants) for state in states), strict=True)
        )
        pens = [state.pen for state in states if state.pen is not None]
        return DecoderState(hidden, cell, constant, PenPosition.concatenate(pens) if pens else None)

    @property
    def constants(self) -> Array:
        """The constant of each, (B, K)."""
        return np.broadcast_to(self.constant, (len(self.hidden), self.constant.shape[1]))


class NumpyNetwork:
    """Encoder and decoder of a checkpoint; agrees with the torch network on the same weights within 1e-4."""

    def __init__(self, checkpoint: Checkpoint, part: Callable[[tuple[str, ...]], Checkpoint] | None = None) -> None:
        """Read the weights of a checkpoint. The encoder can be missing if it is not used.

        Args:
            checkpoint: the model.
            part: loads the encoder, when it is needed, if the checkpoint lacks it.

        Raises:
            CheckpointError: a tensor is missing or has another shape.
        """
        self._part = part
        self.configuration: ModelConfiguration = checkpoint.configuration
        self.offset_scale = checkpoint.offset_scale
        self.whole_extent = checkpoint.whole_extent
        self.category_log_prior = checkpoint.category_log_prior
        self._weights, self._source = checkpoint.weights, checkpoint.source
        units = self.configuration.decoder_units
        sizes = (self.configuration.row_units, self.configuration.conditioning_units, units)
        self._cell = self._layer("decoder.lstm", self.configuration.decoder_cell, *sizes)
        outputs = self.configuration.output_units
        self._output_weights = self._tensor("decoder.output.weight", outputs, units)
        self._output_bias = self._tensor("decoder.output.bias", outputs)

    def conditioning(
        self,
        category: NDArray[np.int64] | None,
        z: Array | None = None,
        guidance: float = 1.0,
        clarity: float = 0.0,
    ) -> Array:
        """Return the decoder's conditioning, (B, conditioning_units).

        Args:
            category: index of the category of each, (B,); None for one drawing with the mean of all categories.
            z: latent vectors (B, Z), or None for "no z".
            guidance: factor of the distance of the category's embedding from the mean embedding; 1 = as trained.
            clarity: how clearly the category shows; 0 = unknown. Models without this input ignore it.
        """
        count = 1 if category is None else len(category)
        parts = []
        if self.configuration.variational:
            if z is None:
                z = np.broadcast_to(
                    self._tensor("no_latent", self.configuration.latent_units),
                    (count, self.configuration.latent_units),
                )
            parts.append(z)
        if self.configuration.conditional:
            embedding = self._embedding()
            mean = embedding.mean(0, keepdims=True)
            own = mean if category is None else mean + np.float32(guidance) * (embedding[category] - mean)
            if self.configuration.clarity:
                own = own + np.float32(clarity) * self._tensor("clarity", self.configuration.category_units)
            parts.append(own)
        return np.concatenate(parts, axis=-1) if parts else np.zeros((count, 0), np.float32)

    def start(self, condition: Array) -> DecoderState:
        """Return the state before START."""
        units = self._cell.state_units
        constant = self._cell.constant(condition)
        pen = PenPosition.at_origin(len(condition)) if self.configuration.position_inputs else None
        if condition.shape[1] == 0:
            zero = np.zeros((units, len(condition)), np.float32).T
            return DecoderState(zero, zero, constant, pen)
        inputs = np.tanh(condition) if self.configuration.latent_tanh else condition
        weight = self._tensor("decoder.initial.weight", 2 * units, condition.shape[1])
        state = np.tanh(product(inputs, weight) + self._tensor("decoder.initial.bias", 2 * units))
        return DecoderState(state[:, :units], state[:, units:], constant, pen)

    def step(self, state: DecoderState, rows: Array) -> DecoderState:
        """Take one step.

        Args:
            state: of B drawings.
            rows: their stroke-5 rows, in offset scales, (B, 5).
        """
        pen = None
        if state.pen is not None:
            pen = state.pen.after(rows)
            rows = batch_last(rows, pen.inputs())
        hidden, cell = self._cell.step(rows, state.constant, state.hidden, state.cell)
        return DecoderState(hidden, cell, state.constant, pen)

    def mixture(self, state: DecoderState) -> NumpyMixture:
        """Return the distribution of the next row."""
        output = product(state.hidden[:, : self._cell.units], self._output_weights)
        output += self._output_bias
        return NumpyMixture.from_output(output)

    def encode(self, rows: Array, category: int) -> tuple[Array, Array]:
        """Return z_mean and z_logvar, (Z,) each, of one sketch.

        Args:
            rows: its stroke-5 rows without START and END, in offset scales, (L, 5).
            category: index of its category.
        """
        units = self.configuration.encoder_units
        kind = self.configuration.encoder_cell
        parts = [
            _last_output(self._layer(f"encoder.{name}", kind, 5, 0, units), sequence)
            for name, sequence in (("forwards", rows), ("backwards", rows[::-1]))
        ]
        if self.configuration.conditional:
            parts.append(self._embedding()[category])
        summary = np.concatenate(parts)
        size = self.configuration.latent_units
        mean, logvar = (
            self._tensor(f"encoder.{name}.weight", size, len(summary)) @ summary
            + self._tensor(f"encoder.{name}.bias", size)
            for name in ("mean", "logvar")
        )
        return mean, logvar

    def _embedding(self) -> Array:
        configuration = self.configuration
        return self._tensor("category.weight", len(configuration.categories), configuration.category_units)

    def _layer(self, name: str, kind: str, inputs: int, conditioning: int, units: int) -> NumpyCell:
        def tensors(part: str, *shape: int) -> Array:
            return self._tensor(f"{name}.{part}", *shape)

        return numpy_cell(kind, tensors, inputs, conditioning, units, self.configuration)

    def _tensor(self, name: str, *shape: int) -> Array:
        if self._part is not None and name.startswith(ENCODER_TENSORS):
            self._weights, self._part = self._weights | self._part((ENCODER_TENSORS,)).weights, None
        value: NDArray[Any] | None = self._weights.get(name)
        if value is None or value.shape != shape:
            found = "is missing" if value is None else f"has shape {value.shape}"
            raise CheckpointError(f"{self._source}: tensor {name} {found}; expected shape {shape}")
        return value.astype(np.float32, copy=False)


def _last_output(layer: NumpyCell, rows: Array) -> Array:
    """Return a layer's output after the last row, (units,)."""
    hidden = cell = np.zeros((1, layer.state_units), np.float32)
    constant = layer.constant(np.zeros((1, 0), np.float32))
    for row in rows:
        hidden, cell = layer.step(row[None], constant, hidden, cell)
    return hidden[0, : layer.units]


def _taken(values: Array, index: NDArray[np.int64] | slice) -> Array:
    """Return rows (B, K) at an index, with the batch last in memory."""
    return values[index] if isinstance(index, slice) else np.take(values.T, index, axis=1).T


def _log_softmax(logits: Array) -> Array:
    shifted = logits - logits.max(axis=-1, keepdims=True)
    result: Array = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return result


def _tempered(log_weights: Array, temperature: float) -> Array:
    """Divide the logits by a temperature; 0 leaves the largest (the first of equals)."""
    if temperature > 0:
        return _log_softmax(log_weights / np.float32(temperature))
    largest = np.arange(log_weights.shape[-1]) == log_weights.argmax(-1)[..., None]
    result: Array = np.where(largest, np.float32(0.0), np.float32(-np.inf))
    return result


def _inverse_cdf(log_weights: Array, uniform: NDArray[np.float64]) -> NDArray[np.int64]:
    cumulative = np.cumsum(np.exp(log_weights), axis=-1)
    index: NDArray[np.int64] = (uniform[:, None] * cumulative[:, -1:] >= cumulative).sum(axis=-1)
    return index.clip(max=log_weights.shape[-1] - 1)

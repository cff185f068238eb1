"""The recurrent cells in NumPy, each the counterpart of one in :mod:`sketchrnn.training.network`.

Gates in torch's order: input, forget, cell input, output. Weights keep torch's layout, (outputs, inputs).

Batches are (B, K) arrays whose memory order is batch-last (Fortran order): the drawings of a batch fill the SIMD lanes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from sketchrnn.model.configuration import ModelConfiguration

Array = NDArray[np.float32]
Tensors = Callable[..., Array]
"""Returns a layer's tensor by name and shape: ``tensors("weight_hh_l0", 4 * units, units)``."""

EPSILON = np.float32(1e-3)
BLOCK = 16
"""Drawings in each matrix product; the last block is padded. BLAS rounds differently for other numbers, so a fixed
number gives the same drawing alone and in a batch."""


class NumpyCell(Protocol):
    """A recurrent layer.

    Attributes:
        units: H, numbers in its output, which is the first part of the hidden state.
        state_units: S, numbers in each of its two states.
    """

    units: int
    state_units: int

    def constant(self, conditioning: Array) -> Array:
        """Return the part of the conditioning (B, C) in the sums of every step, (B, K)."""
        ...

    def step(self, rows: Array, constant: Array, hidden: Array, cell: Array) -> tuple[Array, Array]:
        """Return the new hidden state and cell, (B, S) each.

        Args:
            rows: the part of the input that changes at each step, (B, I).
            constant: what :meth:`constant` returned, (B, K) or (1, K).
            hidden: (B, S).
            cell: (B, S).
        """
        ...


class NumpyLSTM:
    """The plain cell; counterpart of :class:`sketchrnn.training.network.cells.LSTM`."""

    def __init__(self, tensors: Tensors, inputs: int, conditioning: int, units: int) -> None:
        self.units = self.state_units = units
        # sigmoid(x) = (1 + tanh(x / 2)) / 2: with the halves in the weights (exactly) one tanh does for all four gates
        halves = np.repeat(np.array([0.5, 0.5, 1.0, 0.5], np.float32), units)[:, None]
        input_weights = tensors("weight_ih_l0", 4 * units, inputs + conditioning)
        self._weights = np.empty((4 * units, units + inputs), np.float32)
        np.multiply(tensors("weight_hh_l0", 4 * units, units), halves, out=self._weights[:, :units])
        np.multiply(input_weights[:, :inputs], halves, out=self._weights[:, units:])
        self._conditioning_weights = input_weights[:, inputs:] * halves
        self._bias = tensors("bias_ih_l0", 4 * units) * halves[:, 0]

    def constant(self, conditioning: Array) -> Array:
        """See :class:`NumpyCell`."""
        return product(conditioning, self._conditioning_weights) + self._bias

    def step(self, rows: Array, constant: Array, hidden: Array, cell: Array) -> tuple[Array, Array]:
        """Take one step: see :class:`NumpyCell`."""
        gates = product(batch_last(hidden, rows), self._weights)
        gates += constant
        np.tanh(gates, out=gates)
        input_gate, forget_gate, cell_input, output_gate = (
            gates[:, number * self.units : (number + 1) * self.units] for number in range(4)
        )
        cell = _half_open(forget_gate) * cell
        cell_input *= _half_open(input_gate)
        cell += cell_input
        hidden = np.tanh(cell)
        hidden *= _half_open(output_gate)
        return hidden, cell


class NumpyLayerNormLSTM:
    """The layer-norm LSTM; counterpart of :class:`sketchrnn.training.network.cells.LayerNormLSTM`."""

    def __init__(self, tensors: Tensors, inputs: int, conditioning: int, units: int) -> None:
        self.units = self.state_units = units
        weights = tensors("weight_ih", 4 * units, inputs + conditioning)
        self._row_weights, self._conditioning_weights = weights[:, :inputs], weights[:, inputs:]
        self._hidden_weights = tensors("weight_hh", 4 * units, units)
        self._gate_gain, self._gate_bias = (tensors(f"gate_norm.{name}", 4, units) for name in ("gain", "bias"))
        self._cell_gain, self._cell_bias = (tensors(f"cell_norm.{name}", 1, units)[0] for name in ("gain", "bias"))

    def constant(self, conditioning: Array) -> Array:
        """See :class:`NumpyCell`."""
        return product(conditioning, self._conditioning_weights)

    def step(self, rows: Array, constant: Array, hidden: Array, cell: Array) -> tuple[Array, Array]:
        """Take one step: see :class:`NumpyCell`."""
        projected = product(rows, self._row_weights) + constant
        return self.step_with_gates(projected + product(hidden, self._hidden_weights), cell)

    def step_with_gates(self, gates: Array, cell: Array) -> tuple[Array, Array]:
        """Return the new hidden state and cell from the gates' inputs, (B, 4 H)."""
        units = self.units
        groups = np.ascontiguousarray(gates).reshape(-1, 4, units)
        normed = (self._gate_gain * _normed(groups) + self._gate_bias).reshape(-1, 4 * units)
        input_gate, forget_gate = _sigmoid(normed[:, :units]), _sigmoid(normed[:, units : 2 * units])
        cell = forget_gate * cell + input_gate * np.tanh(normed[:, 2 * units : 3 * units])
        hidden = np.tanh(self._cell_gain * _normed(np.ascontiguousarray(cell)) + self._cell_bias)
        return _sigmoid(normed[:, 3 * units :]) * hidden, cell


class NumpyHyperLSTM(NumpyLayerNormLSTM):
    """The HyperLSTM; counterpart of :class:`sketchrnn.training.network.cells.HyperLSTM`."""

    def __init__(
        self, tensors: Tensors, inputs: int, conditioning: int, units: int, hyper_units: int, embedding_units: int
    ) -> None:
        super().__init__(tensors, inputs, conditioning, units)
        self.state_units = units + hyper_units
        self._hyper = NumpyLayerNormLSTM(
            lambda name, *shape: tensors(f"hyper.{name}", *shape), inputs + conditioning + units, 0, hyper_units
        )
        rows, condition, states = np.split(self._hyper._row_weights, [inputs, inputs + conditioning], axis=1)
        # one product for both LSTMs
        self._row_weights = np.concatenate([self._row_weights, rows])
        self._conditioning_weights = np.concatenate([self._conditioning_weights, condition])
        self._hidden_weights = np.concatenate([self._hidden_weights, states])
        self._bias = tensors("bias", 4, units)
        self._scale_embedding = tensors("scale_embedding.weight", 8 * embedding_units, hyper_units)
        self._scale_embedding_bias = tensors("scale_embedding.bias", 8 * embedding_units)
        self._shift_embedding = tensors("shift_embedding.weight", 4 * embedding_units, hyper_units)
        self._scale = tensors("scale", 8, units, embedding_units).swapaxes(1, 2)
        self._shift = tensors("shift", 4, units, embedding_units).swapaxes(1, 2)

    def step(self, rows: Array, constant: Array, hidden: Array, cell: Array) -> tuple[Array, Array]:
        """Take one step: see :class:`NumpyCell`."""
        units = self.units
        projected = product(rows, self._row_weights) + constant
        of_state = product(hidden[:, :units], self._hidden_weights)
        hyper_gates = projected[:, 4 * units :] + of_state[:, 4 * units :]
        hyper_gates = hyper_gates + product(hidden[:, units:], self._hyper._hidden_weights)
        hyper_hidden, hyper_cell = self._hyper.step_with_gates(hyper_gates, cell[:, units:])
        scale = _scaled(product(hyper_hidden, self._scale_embedding) + self._scale_embedding_bias, self._scale)
        shift = _scaled(product(hyper_hidden, self._shift_embedding), self._shift)
        by_gate = (-1, 4, units)
        gates = scale[:, :4] * projected[:, : 4 * units].reshape(by_gate)
        gates = gates + scale[:, 4:] * of_state[:, : 4 * units].reshape(by_gate) + shift + self._bias
        large, cell = self.step_with_gates(gates.reshape(-1, 4 * units), cell[:, :units])
        return np.concatenate([large, hyper_hidden], axis=-1), np.concatenate([cell, hyper_cell], axis=-1)


def numpy_cell(
    kind: str, tensors: Tensors, inputs: int, conditioning: int, units: int, configuration: ModelConfiguration
) -> NumpyCell:
    """Return a recurrent layer; counterpart of :func:`sketchrnn.training.network.cells.make_cell`.

    Args:
        kind: one of :data:`sketchrnn.model.configuration.CELLS`.
        tensors: the layer's.
        inputs: numbers in a row.
        conditioning: numbers in the conditioning, which follow those of the row in the layer's input.
        units: H.
        configuration: with the sizes of a HyperLSTM's small LSTM.
    """
    if kind == "hyper":
        sizes = (configuration.hyper_units, configuration.hyper_embedding_units)
        return NumpyHyperLSTM(tensors, inputs, conditioning, units, *sizes)
    return (NumpyLayerNormLSTM if kind == "layer_norm" else NumpyLSTM)(tensors, inputs, conditioning, units)


def product(rows: Array, weights: Array) -> Array:
    """Return rows (B, I) times weights (K, I), as (B, K) with the batch last in memory; see :data:`BLOCK`."""
    columns = rows.T  # (I, B)
    count = columns.shape[1]
    result = np.empty((len(weights), count), np.float32)
    for start in range(0, count, BLOCK):
        block = columns[:, start : start + BLOCK]
        width = block.shape[1]
        if width < BLOCK:
            padded = np.zeros((len(block), BLOCK), np.float32)
            padded[:, :width] = block
            block = padded
        result[:, start : start + width] = (weights @ block)[:, :width]
    transposed: Array = result.T
    return transposed


def batch_last(*parts: Array) -> Array:
    """Join arrays (B, K_i) along their last axis, with the batch last in memory."""
    joined: Array = np.concatenate([part.T for part in parts]).T
    return joined


def _half_open(gate: Array) -> Array:
    """Turn tanh(x / 2) into sigmoid(x), in place."""
    gate *= np.float32(0.5)
    gate += np.float32(0.5)
    return gate


def _sigmoid(value: Array) -> Array:
    result: Array = 0.5 + 0.5 * np.tanh(0.5 * value)  # no overflow, whatever the sign
    return result


def _normed(values: Array) -> Array:
    """Bring the last axis to mean 0 and deviation 1."""
    centered = values - values.mean(axis=-1, keepdims=True)
    normed: Array = centered / np.sqrt(np.square(centered).mean(axis=-1, keepdims=True) + EPSILON)
    return normed


def _scaled(embedding: Array, weight: Array) -> Array:
    """Return embeddings (B, K E) as (B, K, H), by weights (K, E, H)."""
    parts = np.ascontiguousarray(embedding).reshape(len(embedding), len(weight), 1, -1)  # (B, K, 1, E)
    return (parts @ weight)[..., 0, :]

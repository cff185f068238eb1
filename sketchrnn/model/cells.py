"""The recurrent cells in NumPy: twins of the cells in :mod:`sketchrnn.training.network`.

Gates are in torch's order: input, forget, cell input, output.
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
FEW_ROWS = 12
"""A product with fewer rows is faster row by row: for a batch of any size BLAS first copies all weights."""


class NumpyCell(Protocol):
    """A recurrent layer.

    Attributes:
        units: H, size of its output, which is the first part of the hidden state.
        state_units: S, size of each of its two states.
        input_weights: weights of a step's row, (I, K).
        input_bias: bias of that product, (K,).
    """

    units: int
    state_units: int
    input_weights: Array
    input_bias: Array

    def step(self, projected: Array, hidden: Array, cell: Array) -> tuple[Array, Array]:
        """Return the new hidden state and cell, from a row's product (B, K) and the old ones, (B, S) each."""
        ...


class NumpyLSTM:
    """The plain cell; twin of :class:`sketchrnn.training.network.cells.LSTM`."""

    def __init__(self, tensors: Tensors, inputs: int, units: int) -> None:
        self.units = self.state_units = units
        # sigmoid(x) = (1 + tanh(x / 2)) / 2: with the halves in the weights (exactly) one tanh does for all four gates
        halves = np.repeat(np.array([0.5, 0.5, 1.0, 0.5], np.float32), units)
        self.input_weights = _transposed(tensors("weight_ih_l0", 4 * units, inputs)) * halves
        self.input_bias = tensors("bias_ih_l0", 4 * units) * halves
        self._hidden_weights = _transposed(tensors("weight_hh_l0", 4 * units, units))
        self._hidden_weights *= halves

    def step(self, projected: Array, hidden: Array, cell: Array) -> tuple[Array, Array]:
        """Take one step: see :class:`NumpyCell`."""
        gates = product(hidden, self._hidden_weights)
        gates += projected
        np.tanh(gates, out=gates)
        input_gate, forget_gate, cell_input, output_gate = (
            gates[..., gate * self.units : (gate + 1) * self.units] for gate in range(4)
        )
        cell = _sigmoid_from_tanh(forget_gate) * cell
        cell_input *= _sigmoid_from_tanh(input_gate)
        cell += cell_input
        hidden = np.tanh(cell)
        hidden *= _sigmoid_from_tanh(output_gate)
        return hidden, cell


class NumpyLayerNormLSTM:
    """The layer-norm LSTM; twin of :class:`sketchrnn.training.network.cells.LayerNormLSTM`."""

    def __init__(self, tensors: Tensors, inputs: int, units: int) -> None:
        self.units = self.state_units = units
        self.input_weights = tensors("weight_ih", 4 * units, inputs).T
        self.input_bias = np.zeros(4 * units, np.float32)
        self._hidden_weights = _transposed(tensors("weight_hh", 4 * units, units))
        self._gate_gain, self._gate_bias = (tensors(f"gate_norm.{name}", 4, units) for name in ("gain", "bias"))
        self._cell_gain, self._cell_bias = (tensors(f"cell_norm.{name}", 1, units)[0] for name in ("gain", "bias"))

    def step(self, projected: Array, hidden: Array, cell: Array) -> tuple[Array, Array]:
        """Take one step: see :class:`NumpyCell`."""
        return self._step_with_gates(projected + product(hidden, self._hidden_weights), cell)

    def _step_with_gates(self, gates: Array, cell: Array) -> tuple[Array, Array]:
        groups = gates.reshape(*gates.shape[:-1], 4, self.units)
        normed = self._gate_gain * _normed(groups) + self._gate_bias
        cell, output_gate = _apply_gates(normed.reshape(gates.shape), cell)
        return output_gate * np.tanh(self._cell_gain * _normed(cell) + self._cell_bias), cell


class NumpyHyperLSTM(NumpyLayerNormLSTM):
    """The HyperLSTM; twin of :class:`sketchrnn.training.network.cells.HyperLSTM`."""

    def __init__(self, tensors: Tensors, inputs: int, units: int, hyper_units: int, embedding_units: int) -> None:
        super().__init__(tensors, inputs, units)
        self.state_units = units + hyper_units
        self._hyper = NumpyLayerNormLSTM(
            lambda name, *shape: tensors(f"hyper.{name}", *shape), inputs + units, hyper_units
        )
        rows, states = np.split(self._hyper.input_weights, [inputs])
        self.input_weights = np.concatenate([self.input_weights, rows], axis=1)
        self.input_bias = np.zeros(self.input_weights.shape[1], np.float32)
        self._hidden_weights = np.concatenate([self._hidden_weights, states], axis=1)  # for both LSTMs
        self._bias = tensors("bias", 4, units)
        embedded = (8 * embedding_units, hyper_units), (4 * embedding_units, hyper_units)
        self._scale_embedding = tensors("scale_embedding.weight", *embedded[0]).T
        self._scale_embedding_bias = tensors("scale_embedding.bias", 8 * embedding_units)
        self._shift_embedding = tensors("shift_embedding.weight", *embedded[1]).T
        self._scale = tensors("scale", 8, units, embedding_units).swapaxes(1, 2)
        self._shift = tensors("shift", 4, units, embedding_units).swapaxes(1, 2)

    def step(self, projected: Array, hidden: Array, cell: Array) -> tuple[Array, Array]:
        """Take one step: see :class:`NumpyCell`."""
        units = self.units
        from_state = product(hidden[..., :units], self._hidden_weights)
        hyper_hidden, hyper_cell = self._hyper.step(
            projected[..., 4 * units :] + from_state[..., 4 * units :], hidden[..., units:], cell[..., units:]
        )
        scale = _scales(hyper_hidden @ self._scale_embedding + self._scale_embedding_bias, self._scale)
        shift = _scales(hyper_hidden @ self._shift_embedding, self._shift)
        by_gate = (*projected.shape[:-1], 4, units)
        gates = scale[..., :4, :] * projected[..., : 4 * units].reshape(by_gate)
        gates = gates + scale[..., 4:, :] * from_state[..., : 4 * units].reshape(by_gate) + shift + self._bias
        large, cell = self._step_with_gates(gates.reshape(*projected.shape[:-1], 4 * units), cell[..., :units])
        return np.concatenate([large, hyper_hidden], axis=-1), np.concatenate([cell, hyper_cell], axis=-1)


def numpy_cell(kind: str, tensors: Tensors, inputs: int, units: int, configuration: ModelConfiguration) -> NumpyCell:
    """Return a recurrent layer; twin of :func:`sketchrnn.training.network.cells.make_cell`.

    Args:
        kind: one of :data:`sketchrnn.model.configuration.CELLS`.
        tensors: the layer's.
        inputs: numbers in a row.
        units: H.
        configuration: with the sizes of a HyperLSTM's small LSTM.
    """
    if kind == "hyper":
        sizes = (configuration.hyper_units, configuration.hyper_embedding_units)
        return NumpyHyperLSTM(tensors, inputs, units, *sizes)
    return (NumpyLayerNormLSTM if kind == "layer_norm" else NumpyLSTM)(tensors, inputs, units)


def _transposed(weights: Array) -> Array:
    """Return weights (K, I) as (I, K), contiguous: products with few rows then take half the time."""
    return np.ascontiguousarray(weights.T)


def product(rows: Array, weights: Array) -> Array:
    """Return rows (B, I) or (I,) times weights (I, K)."""
    if rows.ndim == 2 and len(rows) < FEW_ROWS:
        return np.matmul(rows[:, None], weights)[:, 0]
    return rows @ weights


def _sigmoid_from_tanh(gate: Array) -> Array:
    """Turn tanh(x / 2) into sigmoid(x), in place."""
    gate *= np.float32(0.5)
    gate += np.float32(0.5)
    return gate


def _apply_gates(gates: Array, cell: Array) -> tuple[Array, Array]:
    """Return the new cell and the output gate, from the gates' inputs (..., 4 units)."""
    units = gates.shape[-1] // 4
    input_gate, forget_gate = _sigmoid(gates[..., :units]), _sigmoid(gates[..., units : 2 * units])
    cell = forget_gate * cell + input_gate * np.tanh(gates[..., 2 * units : 3 * units])
    return cell, _sigmoid(gates[..., 3 * units :])


def _sigmoid(value: Array) -> Array:
    return 0.5 + 0.5 * np.tanh(0.5 * value)  # no overflow, whatever the sign


def _normed(values: Array) -> Array:
    """Normalize the last axis to mean 0 and deviation 1."""
    centered = values - values.mean(axis=-1, keepdims=True)
    return centered / np.sqrt(np.square(centered).mean(axis=-1, keepdims=True) + EPSILON)


def _scales(embedding: Array, weight: Array) -> Array:
    """Return scales or shifts (B, K, H) from embeddings (B, K E) and weights (K, E, H)."""
    parts = embedding.reshape(*embedding.shape[:-1], len(weight), 1, -1)  # (B, K, 1, E)
    return (parts @ weight)[..., 0, :]

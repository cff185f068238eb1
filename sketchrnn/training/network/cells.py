"""The recurrent cells of encoder and decoder: LSTM, layer-norm LSTM and HyperLSTM; time first.

The plain LSTM runs over a whole sequence: on a CPU in :mod:`sketchrnn.training.network.recurrence`, on a GPU in cuDNN.
The other two run step by step. All have NumPy counterparts in :mod:`sketchrnn.model.cells`. Gates are in torch's order:
input, forget, cell input, output.

The layer-norm LSTM and the HyperLSTM have the same initial weights as in Magenta's code (sketch_rnn/rnn.py): recurrent
weights orthogonal for each gate, input weights by Glorot and Bengio 2010, forget bias 1. Magenta adds that bias at run
time; here it is part of the weights.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional

from sketchrnn.model.configuration import ModelConfiguration
from sketchrnn.training.configuration import NO_DROPOUT, Dropouts
from sketchrnn.training.network.recurrence import Recurrence, Workspace

State = tuple[Tensor, Tensor]
"""Hidden state and cell state, (B, S) each. S is H; in a HyperLSTM the small LSTM's states follow."""

EPSILON = 1e-3
"""Added to the variance in every layer norm; Magenta's value."""

INITIAL_SCALE = 0.1
"""Initial factor of a HyperLSTM's products."""


class Cell(Protocol):
    """A recurrent layer that can be run step by step.

    Attributes:
        units: H, size of its output, which is the first part of the hidden state.
        state_units: S, size of each of its two states.
    """

    units: int
    state_units: int

    def recurrent_weights(self) -> tuple[Tensor, ...]:
        """Return the recurrent weights of a run, some of them dropped in training."""
        ...

    def project(self, rows: Tensor, conditioning: Tensor | None) -> Tensor:
        """Return the part of all steps that does not depend on the state.

        Args:
            rows: (N, B, I).
            conditioning: the same at each step, (B, C).

        Returns:
            (N, B, K).
        """
        ...

    def step(self, projected: Tensor, state: State, recurrent: tuple[Tensor, ...]) -> State:
        """Return the state after one step.

        Args:
            projected: one step of :meth:`project`'s result, (B, K).
            state: the state before the step.
            recurrent: the result of :meth:`recurrent_weights` for this run.
        """
        ...


class LSTM(nn.LSTM):
    """One plain layer.

    Its initial weights are those of torch, with forget bias 1 (Jozefowicz et al. 2015,
    proceedings.mlr.press/v37/jozefowicz15).
    With Magenta's orthogonal recurrent weights, the loss on kanji fell more slowly (benchmarks/RESULTS.md). torch has
    two biases, but only their sum matters. The second one stays zero and is not trained, so that the number of
    parameters is the published one.
    """

    def __init__(self, input_size: int, units: int, dropouts: Dropouts = NO_DROPOUT) -> None:
        """Make a layer.

        Args:
            input_size: size of a row and the conditioning.
            units: H.
            dropouts: ``weight`` drops recurrent weights, the same for all rows of a run, and scales the others up;
                ``recurrent`` drops cell inputs, see :func:`apply_gates`, and makes the layer run step by step.
        """
        super().__init__(input_size, units)
        self.units = self.state_units = units
        self.weight_dropout, self.recurrent_dropout = dropouts.weight, dropouts.recurrent
        _, _, bias_ih, bias_hh = self.all_weights[0]
        with torch.no_grad():
            bias_ih[units : 2 * units] += 1.0
            bias_hh.zero_()
        bias_hh.requires_grad_(False)

    @property
    def runs_by_steps(self) -> bool:
        """Whether cell inputs are dropped, which neither cuDNN nor our own recurrence supports."""
        return self.training and self.recurrent_dropout > 0

    def recurrent_weights(self) -> tuple[Tensor, ...]:
        """Return the recurrent weights of one run, (4 H, H), some of them dropped in training.

        Reference:
            Merity, Keskar and Socher 2018, arXiv:1708.02182, section 2.
        """
        weights: Tensor = self.weight_hh_l0  # type: ignore[assignment]  # torch declares only "Tensor | Module"
        return (functional.dropout(weights, self.weight_dropout, self.training),)

    def project(self, rows: Tensor, conditioning: Tensor | None) -> Tensor:
        """Return the gates' inputs without the state's part, (N, B, 4 H)."""
        weights: Tensor = self.weight_ih_l0  # type: ignore[assignment]
        bias: Tensor = self.bias_ih_l0  # type: ignore[assignment]
        return _project(weights, rows, conditioning) + bias

    def step(self, projected: Tensor, state: State, recurrent: tuple[Tensor, ...]) -> State:
        """Return the state after one step: see :class:`Cell`."""
        hidden, cell = state
        gates = projected + functional.linear(hidden, recurrent[0])
        cell, output_gate = apply_gates(gates, cell, self.recurrent_dropout * self.training)
        return output_gate * torch.tanh(cell), cell


class LayerNorm(nn.Module):
    """Normalizes groups of numbers to mean 0 and deviation 1, then scales and shifts each number.

    Reference:
        Ba, Kiros and Hinton 2016, arXiv:1607.06450, equation 3.
    """

    def __init__(self, groups: int, units: int) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.ones(groups, units))
        self.bias = nn.Parameter(torch.zeros(groups, units))

    def forward(self, values: Tensor) -> Tensor:
        """Return values (B, groups, units) normalized, in float32."""
        normed = functional.layer_norm(values.float(), values.shape[-1:], eps=EPSILON)
        return torch.addcmul(self.bias, self.gain, normed)


class LayerNormLSTM(nn.Module):
    """An LSTM that normalizes the input of each gate, and the cell state before the output gate.

    Reference:
        Ba, Kiros and Hinton 2016, arXiv:1607.06450, equations 20 to 22, with one norm for rows and state together;
        Magenta, sketch_rnn/rnn.py, ``LayerNormLSTMCell``.
    """

    def __init__(self, input_size: int, units: int, dropouts: Dropouts = NO_DROPOUT) -> None:
        """Make a layer; arguments: see :class:`LSTM`."""
        super().__init__()
        self.units = self.state_units = units
        self.weight_dropout, self.recurrent_dropout = dropouts.weight, dropouts.recurrent
        self.weight_ih = nn.Parameter(torch.empty(4 * units, input_size))
        self.weight_hh = nn.Parameter(torch.empty(4 * units, units))
        self.gate_norm = LayerNorm(4, units)
        self.cell_norm = LayerNorm(1, units)
        with torch.no_grad():
            nn.init.xavier_uniform_(self.weight_ih)
            for gate in self.weight_hh.chunk(4):
                nn.init.orthogonal_(gate)
            self.gate_norm.bias[1] = 1.0  # of the forget gate

    def recurrent_weights(self) -> tuple[Tensor, ...]:
        """Return the recurrent weights of one run, (4 H, H)."""
        return (functional.dropout(self.weight_hh, self.weight_dropout, self.training),)

    def project(self, rows: Tensor, conditioning: Tensor | None) -> Tensor:
        """Return the part of rows and conditioning in the gates' inputs before the norm, (N, B, 4 H)."""
        return _project(self.weight_ih, rows, conditioning)

    def step(self, projected: Tensor, state: State, recurrent: tuple[Tensor, ...]) -> State:
        """Return the state after one step: see :class:`Cell`."""
        hidden, cell = state
        gates = projected + functional.linear(hidden, recurrent[0])
        return self.step_with_gates(gates.unflatten(-1, (4, self.units)), cell)

    def step_with_gates(self, gates: Tensor, cell: Tensor) -> State:
        """Return the state after one step, from the gates' inputs (B, 4, H) before their norm and the cell (B, H)."""
        normed = self.gate_norm(gates).flatten(1)
        cell, output_gate = apply_gates(normed, cell, self.recurrent_dropout * self.training)
        return output_gate * torch.tanh(self.cell_norm(cell[:, None]).squeeze(1)), cell


class HyperLSTM(LayerNormLSTM):
    """A layer-norm LSTM whose products are scaled and shifted by a smaller LSTM, which sees the same row and state.

    Reference:
        Ha, Dai and Le 2016, arXiv:1609.09106, equations 10 to 12 and appendix A.2.3; Magenta, sketch_rnn/rnn.py,
        ``HyperLSTMCell``, which has the same order of states: the large LSTM's, then the small one's.
    """

    def __init__(
        self,
        input_size: int,
        units: int,
        hyper_units: int,
        embedding_units: int,
        dropouts: Dropouts = NO_DROPOUT,
    ) -> None:
        """Make a layer.

        Args:
            input_size: size of a row and the conditioning.
            units: H, of the large LSTM.
            hyper_units: units of the small LSTM.
            embedding_units: size of the embedding from which each scale and shift is computed.
            dropouts: see :class:`LSTM`; for the large LSTM.
        """
        super().__init__(input_size, units, dropouts)
        self.state_units = units + hyper_units
        self.bias = nn.Parameter(torch.zeros(4, units))
        self.hyper = LayerNormLSTM(input_size + units, hyper_units)
        self.scale_embedding = nn.Linear(hyper_units, 8 * embedding_units)
        self.scale = nn.Parameter(torch.full((8, units, embedding_units), INITIAL_SCALE / embedding_units))
        self.shift_embedding = nn.Linear(hyper_units, 4 * embedding_units, bias=False)
        self.shift = nn.Parameter(torch.zeros(4, units, embedding_units))
        nn.init.zeros_(self.scale_embedding.weight)
        nn.init.ones_(self.scale_embedding.bias)
        nn.init.normal_(self.shift_embedding.weight, std=0.01)

    def recurrent_weights(self) -> tuple[Tensor, ...]:
        """Return the weights of one run.

        Returns:
            Weights of the large hidden state for both LSTMs, (4 H + 4 hyper, H); the small LSTM's recurrent weights,
            (4 hyper, hyper); weights and biases of the embeddings of scales and shifts together, (12 E, hyper) and
            (12 E); and the weights from embeddings to scales and shifts, (12, E, H).
        """
        (large,) = super().recurrent_weights()
        small_from_large = self.hyper.weight_ih[:, -self.units :]  # the large hidden state follows the small one's row
        bias = self.scale_embedding.bias
        return (
            torch.cat([large, small_from_large]),
            *self.hyper.recurrent_weights(),
            torch.cat([self.scale_embedding.weight, self.shift_embedding.weight]),
            torch.cat([bias, bias.new_zeros(len(bias) // 2)]),
            torch.cat([self.scale, self.shift]).transpose(1, 2).contiguous(),
        )

    def project(self, rows: Tensor, conditioning: Tensor | None) -> Tensor:
        """Return the products of both LSTMs' input weights, (N, B, 4 H + 4 hyper)."""
        return _project(torch.cat([self.weight_ih, self.hyper.weight_ih[:, : -self.units]]), rows, conditioning)

    def step(self, projected: Tensor, state: State, recurrent: tuple[Tensor, ...]) -> State:
        """Return the state after one step: see :class:`Cell`."""
        sizes = [self.units, self.hyper.units]
        (hidden, hyper_hidden), (cell, hyper_cell) = (part.split(sizes, dim=-1) for part in state)
        gate_sizes = [4 * size for size in sizes]
        from_rows, hyper_from_rows = projected.split(gate_sizes, dim=-1)
        from_state, hyper_from_state = functional.linear(hidden, recurrent[0]).split(gate_sizes, dim=-1)
        hyper_recurrent, embedding, bias, scales_and_shifts = recurrent[1:]
        hyper_hidden, hyper_cell = self.hyper.step(
            hyper_from_rows + hyper_from_state, (hyper_hidden, hyper_cell), (hyper_recurrent,)
        )
        count = len(scales_and_shifts)
        embedded = functional.linear(hyper_hidden, embedding, bias).unflatten(-1, (count, -1))  # (B, 12, E)
        scale_rows, scale_state, shift = torch.bmm(embedded.transpose(0, 1), scales_and_shifts).split(4)  # (4, B, H)
        by_gate = (-1, 4, self.units)
        gates = scale_rows * from_rows.reshape(by_gate).transpose(0, 1)
        gates = torch.addcmul(gates, scale_state, from_state.reshape(by_gate).transpose(0, 1))
        gates = (gates + shift).transpose(0, 1) + self.bias  # (B, 4, H)
        hidden, cell = self.step_with_gates(gates, cell)
        return torch.cat([hidden, hyper_hidden], dim=-1), torch.cat([cell, hyper_cell], dim=-1)


def make_cell(
    kind: str,
    input_size: int,
    units: int,
    configuration: ModelConfiguration,
    dropouts: Dropouts = NO_DROPOUT,
) -> Cell:
    """Return a new recurrent layer.

    Args:
        kind: one of :data:`sketchrnn.model.configuration.CELLS`.
        input_size: size of a row and the conditioning.
        units: H.
        configuration: holds the sizes of a HyperLSTM's small LSTM.
        dropouts: ``weight`` and ``recurrent`` are used.
    """
    if kind == "hyper":
        sizes = (configuration.hyper_units, configuration.hyper_embedding_units)
        return HyperLSTM(input_size, units, *sizes, dropouts)
    if kind == "layer_norm":
        return LayerNormLSTM(input_size, units, dropouts)
    return LSTM(input_size, units, dropouts)


def apply_gates(gates: Tensor, cell: Tensor, dropout: float) -> State:
    """Return the new cell and the output gate, (B, H) each, in float32.

    Args:
        gates: inputs of the gates, (B, 4 H).
        cell: before the step, (B, H).
        dropout: probability of dropping a cell input; the cell itself is not dropped.

    Reference:
        Semeniuta, Severyn and Barth 2016, arXiv:1603.05118, equation 9.
    """
    input_gate, forget_gate, cell_input, output_gate = gates.float().chunk(4, dim=-1)
    cell_input = functional.dropout(torch.tanh(cell_input), dropout)
    return torch.sigmoid(forget_gate) * cell + torch.sigmoid(input_gate) * cell_input, torch.sigmoid(output_gate)


class SideBySide:
    """Runs layers of one kind and size, each on its own rows.

    Attributes:
        layers: the layers.
        compile_options: options of torch.compile for the step of layers that run step by step; None does not compile.
    """

    def __init__(self, layers: Sequence[Cell]) -> None:
        self.layers = layers
        self.compile_options: dict[str, Any] | None = None
        self._workspaces: list[Workspace] = []

    def __call__(
        self, rows: Sequence[Tensor], conditioning: Tensor | None = None, state: State | None = None
    ) -> tuple[list[Tensor], list[State]]:
        """Run over rows.

        Args:
            rows: for each layer the first part of its input, (N, B, I).
            conditioning: the rest of the input, the same at each step, (B, C).
            state: initial state of every layer; zero if None.

        Returns:
            For each layer its outputs (N, B, H), and the state after the last row.
        """
        fused = [layer for layer in self.layers if isinstance(layer, LSTM) and not layer.runs_by_steps]
        if len(fused) < len(self.layers):
            runs = [self._run_by_steps(*pair, conditioning, state) for pair in zip(self.layers, rows, strict=True)]
            return [outputs for outputs, _ in runs], [last for _, last in runs]
        if rows[0].is_cpu and torch.is_grad_enabled():
            return self._run_recurrence(fused, rows, conditioning, state)
        hiddens, states = [], []
        for layer, sequence in zip(fused, rows, strict=True):
            if conditioning is not None:
                steps = conditioning.to(sequence.dtype).expand(len(sequence), -1, -1)
                sequence = torch.cat([sequence, steps], dim=-1)  # (N, B, I + C)
            start = None if state is None else (state[0][None].to(sequence.dtype), state[1][None].to(sequence.dtype))
            weights = {"weight_hh_l0": layer.recurrent_weights()[0]} if layer.weight_dropout else {}
            output, (hidden, cell) = torch.func.functional_call(layer, weights, (sequence, start))
            hiddens.append(output)
            states.append((hidden.squeeze(0), cell.squeeze(0)))
        return hiddens, states

    def _run_recurrence(
        self, layers: Sequence[LSTM], rows: Sequence[Tensor], conditioning: Tensor | None, state: State | None
    ) -> tuple[list[Tensor], list[State]]:
        inputs = rows[0].shape[-1]
        weight_ih = _stacked([layer.weight_ih_l0 for layer in layers])  # type: ignore[misc]
        bias = _stacked([layer.bias_ih_l0 for layer in layers])  # type: ignore[misc]
        weight_hh = _stacked([layer.recurrent_weights()[0] for layer in layers])
        base = None
        if conditioning is not None and conditioning.shape[-1]:
            base = conditioning @ weight_ih[..., inputs:].transpose(1, 2)  # (G, B, 4 H)
        hidden, cell = (None, None) if state is None else (part.expand(len(rows), -1, -1) for part in state)
        dtype = torch.get_autocast_dtype("cpu") if torch.is_autocast_enabled("cpu") else rows[0].dtype
        hiddens, cells = Recurrence.apply(  # type: ignore[no-untyped-call]
            *(_stacked(rows), base, weight_ih[..., :inputs], weight_hh, bias, hidden, cell, dtype, self._workspaces)
        )
        states = [(hiddens[group, -1], cells[group]) for group in range(len(rows))]
        return list(hiddens.unbind(0)), states

    def _run_by_steps(
        self, layer: Cell, rows: Tensor, conditioning: Tensor | None, state: State | None
    ) -> tuple[Tensor, State]:
        recurrent = layer.recurrent_weights()
        if torch.is_autocast_enabled(rows.device.type):  # once, not at each step
            recurrent = tuple(weight.to(torch.get_autocast_dtype(rows.device.type)) for weight in recurrent)
        if state is None:
            zero = rows.new_zeros(rows.shape[1], layer.state_units, dtype=torch.float32)
            state = zero, zero
        step: Callable[..., State] = layer.step
        if self.compile_options is not None:
            step = torch.compile(step, **self.compile_options)  # torch caches the compiled code of the layer
        outputs = []
        for projection in layer.project(rows, conditioning).unbind():
            state = step(projection, state, recurrent)
            outputs.append(state[0][:, : layer.units])
        return torch.stack(outputs), state


def _project(weight: Tensor, rows: Tensor, conditioning: Tensor | None) -> Tensor:
    """Return the products of input weights (K, I + C) with rows (N, B, I) and conditioning (B, C): (N, B, K)."""
    inputs = rows.shape[-1]
    product = functional.linear(rows, weight[:, :inputs])
    if conditioning is not None and conditioning.shape[-1]:
        product = product + functional.linear(conditioning, weight[:, inputs:])
    return product


def _stacked(tensors: Sequence[Tensor]) -> Tensor:
    """Return tensors along a new first axis; a single one is not copied."""
    return torch.stack(list(tensors)) if len(tensors) > 1 else tensors[0][None]

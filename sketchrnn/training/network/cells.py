"""The paper's two other recurrent cells: the layer-norm LSTM and the HyperLSTM.

Both begin as Magenta's do (sketch_rnn/rnn.py): recurrent weights orthogonal for each gate, input weights as Glorot and
Bengio 2010 draw them, forget bias 1. Where Magenta adds that bias when it runs, here it is part of the weights.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from sketchrnn.model.configuration import ModelConfiguration
from sketchrnn.training.configuration import NO_DROPOUT, Dropouts
from sketchrnn.training.network.lstm import LSTM, Cell, State, gated, projected

EPSILON = 1e-3
"""Added to the variance in every layer norm; Magenta's."""

INITIAL_SCALE = 0.1
"""What a fresh HyperLSTM scales its products by."""


class LayerNorm(nn.Module):
    """Brings groups of numbers to mean 0 and deviation 1, then scales and shifts each number.

    Reference:
        Ba, Kiros and Hinton 2016, arXiv:1607.06450, equation 3.
    """

    def __init__(self, groups: int, units: int) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.ones(groups, units))
        self.bias = nn.Parameter(torch.zeros(groups, units))

    def forward(self, values: Tensor) -> Tensor:
        """Return values (B, groups, units) normed, in float32."""
        normed = nn.functional.layer_norm(values.float(), values.shape[-1:], eps=EPSILON)
        return torch.addcmul(self.bias, self.gain, normed)


class LayerNormLSTM(nn.Module):
    """An LSTM that norms what goes into each gate, and the cell where it is shown.

    Reference:
        Ba, Kiros and Hinton 2016, arXiv:1607.06450, equations 20 to 22, with one norm for rows and state together;
        Magenta, sketch_rnn/rnn.py, ``LayerNormLSTMCell``.
    """

    def __init__(self, input_size: int, units: int, dropouts: Dropouts = NO_DROPOUT) -> None:
        """Make a layer; arguments as for :class:`sketchrnn.training.network.lstm.LSTM`."""
        super().__init__()
        self.units = self.state_units = units
        self.weight_dropout, self.recurrent_dropout = dropouts.weight, dropouts.recurrent
        self.weight_ih = nn.Parameter(torch.empty(4 * units, input_size))
        self.weight_hh = nn.Parameter(torch.empty(4 * units, units))
        self.gate_norm = LayerNorm(4, units)
        self.cell_norm = LayerNorm(1, units)
        _begin(self.weight_ih, self.weight_hh, self.gate_norm)

    def recurrent_weights(self) -> tuple[Tensor, ...]:
        """Return the recurrent weights of one run, (4 H, H)."""
        return (nn.functional.dropout(self.weight_hh, self.weight_dropout, self.training),)

    def project(self, rows: Tensor, condition: Tensor | None) -> Tensor:
        """Return what rows and condition put into the gates before the norm, (N, B, 4 H)."""
        return projected(self.weight_ih, rows, condition)

    def step(self, projected: Tensor, state: State, recurrent: tuple[Tensor, ...]) -> State:
        """Take one step: see :class:`sketchrnn.training.network.lstm.Cell`."""
        hidden, cell = state
        gates = projected + nn.functional.linear(hidden, recurrent[0])
        return self.step_with_gates(gates.unflatten(-1, (4, self.units)), cell)

    def step_with_gates(self, gates: Tensor, cell: Tensor) -> State:
        """Return the state after a step, from the gates (B, 4, H) before their norm, and the cell (B, H)."""
        normed = self.gate_norm(gates).flatten(1)
        cell, show = gated(normed, cell, self.recurrent_dropout * self.training)
        return show * torch.tanh(self.cell_norm(cell[:, None]).squeeze(1)), cell


class HyperLSTM(LayerNormLSTM):
    """A layer-norm LSTM whose products are scaled, and shifted, by what a smaller one makes of row and state.

    Reference:
        Ha, Dai and Le 2016, arXiv:1609.09106, equations 10 to 12 and appendix A.2.3; Magenta, sketch_rnn/rnn.py,
        ``HyperLSTMCell``, in whose order of the states (that of the large LSTM, then that of the small one) ours is.
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
            input_size: numbers in a row.
            units: H, of the large LSTM.
            hyper_units: of the small one.
            embedding_units: numbers between the small one and each scale.
            dropouts: of the large one, as for :class:`sketchrnn.training.network.lstm.LSTM`.
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
        """Return what a run multiplies with: the large hidden state for both LSTMs, the small one, and its embeddings.

        Returns:
            (4 H + 4 hyper, H); (4 hyper, hyper); weights and biases of scales and shifts together, (12 E, hyper) and
            (12 E); and what makes them of their embeddings, (12, E, H).
        """
        (large,) = super().recurrent_weights()
        rows_of_small = self.hyper.weight_ih[:, -self.units :]  # behind the row it is given the large hidden state
        bias = self.scale_embedding.bias
        return (
            torch.cat([large, rows_of_small]),
            *self.hyper.recurrent_weights(),
            torch.cat([self.scale_embedding.weight, self.shift_embedding.weight]),
            torch.cat([bias, bias.new_zeros(len(bias) // 2)]),
            torch.cat([self.scale, self.shift]).transpose(1, 2).contiguous(),
        )

    def project(self, rows: Tensor, condition: Tensor | None) -> Tensor:
        """Return the products of both LSTMs' input weights, (N, B, 4 H + 4 hyper)."""
        return projected(torch.cat([self.weight_ih, self.hyper.weight_ih[:, : -self.units]]), rows, condition)

    def step(self, projected: Tensor, state: State, recurrent: tuple[Tensor, ...]) -> State:
        """Take one step: see :class:`sketchrnn.training.network.lstm.Cell`."""
        sizes = [self.units, self.hyper.units]
        (hidden, hyper_hidden), (cell, hyper_cell) = (part.split(sizes, dim=-1) for part in state)
        gate_sizes = [4 * size for size in sizes]
        of_rows, hyper_of_rows = projected.split(gate_sizes, dim=-1)
        of_state, hyper_of_state = nn.functional.linear(hidden, recurrent[0]).split(gate_sizes, dim=-1)
        of_small, embedding, bias, told = recurrent[1:]
        hyper_hidden, hyper_cell = self.hyper.step(
            hyper_of_rows + hyper_of_state, (hyper_hidden, hyper_cell), (of_small,)
        )
        embedded = nn.functional.linear(hyper_hidden, embedding, bias).unflatten(-1, (len(told), -1))  # (B, 12, E)
        scale_rows, scale_state, shift = torch.bmm(embedded.transpose(0, 1), told).split(4)  # (4, B, H) each
        by_gate = (-1, 4, self.units)
        gates = scale_rows * of_rows.reshape(by_gate).transpose(0, 1)
        gates = torch.addcmul(gates, scale_state, of_state.reshape(by_gate).transpose(0, 1))
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
    """Return a fresh recurrent layer.

    Args:
        kind: one of :data:`sketchrnn.model.configuration.CELLS`.
        input_size: numbers in a row.
        units: H.
        configuration: with the sizes of a HyperLSTM's small LSTM.
        dropouts: those of recurrent weights and of cell inputs are used.
    """
    if kind == "hyper":
        sizes = (configuration.hyper_units, configuration.hyper_embedding_units)
        return HyperLSTM(input_size, units, *sizes, dropouts)
    if kind == "layer_norm":
        return LayerNormLSTM(input_size, units, dropouts)
    return LSTM(input_size, units, dropouts)


@torch.no_grad()
def _begin(weight_ih: Tensor, weight_hh: Tensor, gate_norm: LayerNorm) -> None:
    nn.init.xavier_uniform_(weight_ih)
    for gate in weight_hh.chunk(4):
        nn.init.orthogonal_(gate)
    gate_norm.bias[1] = 1.0  # the forget gate's

"""What the recurrent layers of encoder and decoder have in common, and the plain one: torch's fused LSTM.

On a processor in bfloat16 a recurrence of our own runs in the place of torch's. The other cells are in
:mod:`sketchrnn.training.network.cells`; all have their NumPy twins in :mod:`sketchrnn.model.cells`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor, nn

from sketchrnn.training.configuration import NO_DROPOUT, Dropouts
from sketchrnn.training.network.recurrence import Recurrence, Workspace

State = tuple[Tensor, Tensor]
"""Hidden state h and cell state c, (B, S) each; S is H, but for a HyperLSTM, whose small LSTM's states stand behind."""


class Cell(Protocol):
    """A recurrent layer that can be stepped. Gates in torch's order: input, forget, candidate, output.

    Attributes:
        units: H, numbers in its output, which is the first part of the hidden state.
        state_units: S, numbers in each of its two states.
    """

    units: int
    state_units: int

    def recurrent_weights(self) -> tuple[Tensor, ...]:
        """Return the weights that a run multiplies states with; in training some of them may be dropped."""
        ...

    def project(self, rows: Tensor, condition: Tensor | None) -> Tensor:
        """Return what of the steps does not depend on the state, (N, B, K), of rows (N, B, I), condition (B, C)."""
        ...

    def step(self, projected: Tensor, state: State, recurrent: tuple[Tensor, ...]) -> State:
        """Take one step.

        Args:
            projected: one of :meth:`project`'s, (B, K).
            state: where it starts from.
            recurrent: what :meth:`recurrent_weights` returned for this run.
        """
        ...


class LSTM(nn.LSTM):
    """One layer, time first. Gates in torch's order: input, forget, candidate, output.

    It begins with torch's weights and forget bias 1 (Jozefowicz et al. 2015, proceedings.mlr.press/v37/jozefowicz15).
    Magenta's beginning, orthogonal recurrent weights, learned kanji more slowly: benchmarks/RESULTS.md. torch keeps two
    biases that only ever act as their sum; the second stays zero and is not trained, so that the parameter count is the
    published one.
    """

    def __init__(self, input_size: int, units: int, dropouts: Dropouts = NO_DROPOUT) -> None:
        """Make a layer.

        Args:
            input_size: numbers in a row.
            units: H.
            dropouts: ``weight`` drops recurrent weights, the same for all rows of a run, and scales the others up;
                ``recurrent`` drops cell inputs, see :func:`gated`, and then the layer is not fused.
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
        """Candidates are dropped, which torch's LSTM cannot do."""
        return self.training and self.recurrent_dropout > 0

    def recurrent_weights(self) -> tuple[Tensor, ...]:
        """Return the recurrent weights of one run, (4 H, H): in training with some of them dropped.

        Reference:
            Merity, Keskar and Socher 2018, arXiv:1708.02182, section 2.
        """
        weights: Tensor = self.weight_hh_l0  # type: ignore[assignment]  # torch declares only "Tensor | Module"
        return (nn.functional.dropout(weights, self.weight_dropout, self.training),)

    def project(self, rows: Tensor, condition: Tensor | None) -> Tensor:
        """Return the gates' inputs but for the state's part, (N, B, 4 H)."""
        weights: Tensor = self.weight_ih_l0  # type: ignore[assignment]
        bias: Tensor = self.bias_ih_l0  # type: ignore[assignment]
        return projected(weights, rows, condition) + bias

    def step(self, projected: Tensor, state: State, recurrent: tuple[Tensor, ...]) -> State:
        """Take one step: see :class:`Cell`."""
        hidden, cell = state
        gates = projected + nn.functional.linear(hidden, recurrent[0])
        cell, show = gated(gates, cell, self.recurrent_dropout * self.training)
        return show * torch.tanh(cell), cell


def projected(weight: Tensor, rows: Tensor, condition: Tensor | None) -> Tensor:
    """Return the products of input weights (K, I + C) with rows (N, B, I) and, the same at each step, condition (B, C).

    Returns:
        (N, B, K).
    """
    inputs = rows.shape[-1]
    product = nn.functional.linear(rows, weight[:, :inputs])
    if condition is not None and condition.shape[-1]:
        product = product + nn.functional.linear(condition, weight[:, inputs:])
    return product


def gated(gates: Tensor, cell: Tensor, dropout: float) -> State:
    """Return the new cell and the open output gate, (B, H) each, in float32.

    Args:
        gates: what goes into the gates, (B, 4 H).
        cell: before the step, (B, H).
        dropout: probability of dropping a candidate: what is new is dropped, not what is remembered.

    Reference:
        Semeniuta, Severyn and Barth 2016, arXiv:1603.05118, equation 9.
    """
    admit, keep, candidate, show = gates.float().chunk(4, dim=-1)
    candidate = nn.functional.dropout(torch.tanh(candidate), dropout)
    return torch.sigmoid(keep) * cell + torch.sigmoid(admit) * candidate, torch.sigmoid(show)


class SideBySide:
    """Runs layers of one kind and size, each over rows of its own."""

    def __init__(self, layers: Sequence[Cell]) -> None:
        self.layers = layers
        self._workspaces: list[Workspace] = []

    def __call__(
        self, rows: Sequence[Tensor], condition: Tensor | None = None, state: State | None = None
    ) -> tuple[list[Tensor], list[State]]:
        """Run over rows.

        Args:
            rows: for each layer the first part of its input, (N, B, I).
            condition: the rest of it, the same at each step, (B, C).
            state: where the layers start from; zero if None.

        Returns:
            For each layer its outputs (N, B, H), and the state after the last row.
        """
        fused = [layer for layer in self.layers if isinstance(layer, LSTM) and not layer.runs_by_steps]
        if len(fused) < len(self.layers):
            runs = [_run_by_steps(*pair, condition, state) for pair in zip(self.layers, rows, strict=True)]
            return [outputs for outputs, _ in runs], [last for _, last in runs]
        if rows[0].is_cpu and torch.is_grad_enabled() and _in_bfloat16() and not rows[0].requires_grad:
            return self._run_ours(fused, rows, condition, state)
        hiddens, states = [], []
        for layer, sequence in zip(fused, rows, strict=True):
            if condition is not None:
                steps = condition.to(sequence.dtype).expand(len(sequence), -1, -1)
                sequence = torch.cat([sequence, steps], dim=-1)  # (N, B, I + C)
            start = None if state is None else (state[0][None].to(sequence.dtype), state[1][None].to(sequence.dtype))
            weights = {"weight_hh_l0": layer.recurrent_weights()[0]} if layer.weight_dropout else {}
            output, (hidden, cell) = torch.func.functional_call(layer, weights, (sequence, start))
            hiddens.append(output)
            states.append((hidden.squeeze(0), cell.squeeze(0)))
        return hiddens, states

    def _run_ours(
        self, layers: Sequence[LSTM], rows: Sequence[Tensor], condition: Tensor | None, state: State | None
    ) -> tuple[list[Tensor], list[State]]:
        inputs = rows[0].shape[-1]
        weight_ih, bias = (
            torch.stack([getattr(layer, name) for layer in layers]) for name in ("weight_ih_l0", "bias_ih_l0")
        )
        weight_hh = torch.stack([layer.recurrent_weights()[0] for layer in layers])
        base = None
        if condition is not None and condition.shape[-1]:
            base = condition @ weight_ih[..., inputs:].transpose(1, 2)  # (G, B, 4 H)
        hidden, cell = (None, None) if state is None else (part.expand(len(rows), -1, -1) for part in state)
        hiddens, cells = Recurrence.apply(
            torch.stack(list(rows), 1), base, weight_ih[..., :inputs], weight_hh, bias, hidden, cell, self._workspaces
        )
        states = [(hiddens[-1, group], cells[group]) for group in range(len(rows))]
        return list(hiddens.unbind(1)), states


def _run_by_steps(layer: Cell, rows: Tensor, condition: Tensor | None, state: State | None) -> tuple[Tensor, State]:
    recurrent = layer.recurrent_weights()
    if torch.is_autocast_enabled(rows.device.type):  # once, not at each step
        recurrent = tuple(weight.to(torch.get_autocast_dtype(rows.device.type)) for weight in recurrent)
    if state is None:
        zero = rows.new_zeros(rows.shape[1], layer.state_units, dtype=torch.float32)
        state = zero, zero
    outputs = []
    for projection in layer.project(rows, condition).unbind():
        state = layer.step(projection, state, recurrent)
        outputs.append(state[0][:, : layer.units])
    return torch.stack(outputs), state


def _in_bfloat16() -> bool:
    return torch.is_autocast_enabled("cpu") and torch.get_autocast_dtype("cpu") == torch.bfloat16

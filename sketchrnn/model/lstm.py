"""The recurrent layer of encoder and decoder: torch's fused LSTM, or on a processor in bfloat16 our own."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from sketchrnn.model.recurrence import Recurrence, Workspace

State = tuple[Tensor, Tensor]
"""Hidden state h and cell state c, (B, H) each."""


class LSTM(nn.LSTM):
    """One layer, time first. Gates in torch's order: input, forget, candidate, output.

    It begins with torch's weights and forget bias 1 (Jozefowicz et al. 2015, proceedings.mlr.press/v37/jozefowicz15).
    Magenta's beginning, orthogonal recurrent weights, learned kanji more slowly: benchmarks/RESULTS.md. torch keeps two
    biases that only ever act as their sum; the second stays zero and is not trained, so that the parameter count is the
    published one.
    """

    def __init__(self, input_size: int, units: int, weight_dropout: float = 0.0) -> None:
        """Make a layer.

        Args:
            input_size: numbers in a row.
            units: H.
            weight_dropout: probability of dropping a recurrent weight in training, for all rows of a run alike; the
                others are scaled up.
        """
        super().__init__(input_size, units)
        self.weight_dropout = weight_dropout
        _, _, bias_ih, bias_hh = self.all_weights[0]
        with torch.no_grad():
            bias_ih[units : 2 * units] += 1.0
            bias_hh.zero_()
        bias_hh.requires_grad_(False)

    def recurrent_weights(self) -> Tensor:
        """Return the recurrent weights of one run, (4 H, H): in training with some of them dropped.

        Reference:
            Merity, Keskar and Socher 2018, arXiv:1708.02182, section 2.
        """
        weights: Tensor = self.weight_hh_l0  # type: ignore[assignment]  # torch declares only "Tensor | Module"
        return nn.functional.dropout(weights, self.weight_dropout, self.training)


class SideBySide:
    """Runs LSTMs of one size, each over rows of its own."""

    def __init__(self, layers: Sequence[LSTM]) -> None:
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
            For each layer the hidden states (N, B, H), and the state after the last row.
        """
        if rows[0].is_cpu and torch.is_grad_enabled() and _in_bfloat16():
            return self._run_ours(rows, condition, state)
        hiddens, states = [], []
        for layer, sequence in zip(self.layers, rows, strict=True):
            if condition is not None:
                steps = condition.to(sequence.dtype).expand(len(sequence), -1, -1)
                sequence = torch.cat([sequence, steps], dim=-1)  # (N, B, I + C)
            start = None if state is None else (state[0][None].to(sequence.dtype), state[1][None].to(sequence.dtype))
            weights = {"weight_hh_l0": layer.recurrent_weights()} if layer.weight_dropout else {}
            output, (hidden, cell) = torch.func.functional_call(layer, weights, (sequence, start))
            hiddens.append(output)
            states.append((hidden.squeeze(0), cell.squeeze(0)))
        return hiddens, states

    def _run_ours(
        self, rows: Sequence[Tensor], condition: Tensor | None, state: State | None
    ) -> tuple[list[Tensor], list[State]]:
        inputs = rows[0].shape[-1]
        weight_ih, bias = (
            torch.stack([getattr(layer, name) for layer in self.layers]) for name in ("weight_ih_l0", "bias_ih_l0")
        )
        weight_hh = torch.stack([layer.recurrent_weights() for layer in self.layers])
        base = None
        if condition is not None and condition.shape[-1]:
            base = condition @ weight_ih[..., inputs:].transpose(1, 2)  # (G, B, 4 H)
        hidden, cell = (None, None) if state is None else (part.expand(len(rows), -1, -1) for part in state)
        hiddens, cells = Recurrence.apply(
            torch.stack(list(rows), 1), base, weight_ih[..., :inputs], weight_hh, bias, hidden, cell, self._workspaces
        )
        states = [(hiddens[-1, group], cells[group]) for group in range(len(rows))]
        return list(hiddens.unbind(1)), states


def _in_bfloat16() -> bool:
    return torch.is_autocast_enabled("cpu") and torch.get_autocast_dtype("cpu") == torch.bfloat16

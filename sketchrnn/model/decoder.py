"""The decoder: an LSTM that is told z and the category at its start and at every step."""

import torch
from torch import Tensor, nn

from sketchrnn.model.configuration import ModelConfiguration
from sketchrnn.model.lstm import LSTM, SideBySide, State


class Decoder(nn.Module):
    """Turns stroke-5 rows into the mixture's raw parameters.

    Reference:
        arXiv:1704.03477, section 3.2, equation 3.
    """

    def __init__(self, configuration: ModelConfiguration, dropout: float = 0.0, weight_dropout: float = 0.0) -> None:
        super().__init__()
        self.units = configuration.decoder_units
        condition_units = configuration.condition_units
        self.initial = nn.Linear(condition_units, 2 * self.units) if condition_units else None
        self.lstm = LSTM(5 + condition_units, self.units, weight_dropout)
        self._run = SideBySide([self.lstm])
        self.dropout = nn.Dropout(dropout)
        self.output = nn.Linear(self.units, configuration.output_units)

    def initial_state(self, condition: Tensor) -> State:
        """Return h0 and c0 = tanh(W condition + b); zero where there is nothing to be told.

        Args:
            condition: z and the category embedding, (B, condition_units).
        """
        if self.initial is None:
            zero = condition.new_zeros(condition.shape[0], self.units)
            return zero, zero
        hidden, cell = torch.tanh(self.initial(condition)).chunk(2, dim=-1)
        return hidden, cell

    def forward(self, rows: Tensor, condition: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Run over rows.

        Args:
            rows: stroke-5, beginning with START, (B, N, 5).
            condition: z and the category embedding, (B, condition_units).
            state: where to go on from; the initial state if None.

        Returns:
            Raw parameters (B, N, 3 + 6 M), and the state after the last row.
        """
        start = self.initial_state(condition) if state is None else state
        (hiddens,), (state,) = self._run([rows.transpose(0, 1)], condition, start)
        return self.output(self.dropout(hiddens)).transpose(0, 1), state

"""The decoder: a recurrence that is told z and the category at its start and at every step."""

import torch
from torch import Tensor, nn

from sketchrnn.model.configuration import POSITION_FACTOR, ModelConfiguration
from sketchrnn.training.configuration import NO_DROPOUT, Dropouts
from sketchrnn.training.network.cells import make_cell
from sketchrnn.training.network.lstm import SideBySide, State


class Decoder(nn.Module):
    """Turns stroke-5 rows into the mixture's raw parameters.

    Reference:
        arXiv:1704.03477, section 3.2, equation 3.
    """

    def __init__(self, configuration: ModelConfiguration, dropouts: Dropouts = NO_DROPOUT) -> None:
        super().__init__()
        units, condition_units = configuration.decoder_units, configuration.condition_units
        self.lstm = make_cell(
            configuration.decoder_cell,
            configuration.row_units + condition_units,
            units,
            configuration,
            dropouts,
        )
        self.initial = nn.Linear(condition_units, 2 * self.lstm.state_units) if condition_units else None
        self._position_inputs = configuration.position_inputs
        self._latent_tanh = configuration.latent_tanh
        self._run = SideBySide([self.lstm])
        self.input_dropout = nn.Dropout(dropouts.input)
        self.dropout = nn.Dropout(dropouts.output)
        self.output = nn.Linear(units, configuration.output_units)

    def initial_state(self, condition: Tensor) -> State:
        """Return h0 and c0 = tanh(W condition + b); zero where there is nothing to be told.

        Args:
            condition: z and the category embedding, (B, condition_units).
        """
        if self.initial is None:
            zero = condition.new_zeros(condition.shape[0], self.lstm.state_units)
            return zero, zero
        if self._latent_tanh:
            condition = torch.tanh(condition)
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
        if state is not None and self._position_inputs:
            raise ValueError("with position inputs the decoder runs from START only: a state holds no pen position")
        start = self.initial_state(condition) if state is None else state
        if self._position_inputs:
            rows = torch.cat([rows, pen_positions(rows)], dim=-1)
        steps, told = rows.transpose(0, 1), condition
        if self.training and self.input_dropout.p:  # other inputs at each step
            steps = self.input_dropout(torch.cat([steps, condition.expand(len(steps), -1, -1)], dim=-1))
            told = condition[:, :0]
        (hiddens,), (state,) = self._run([steps], told, start)
        return self.output(self.dropout(hiddens)).transpose(0, 1), state


def pen_positions(rows: Tensor) -> Tensor:
    """Return the position inputs of each step, see :attr:`ModelConfiguration.position_inputs`.

    Args:
        rows: stroke-5, beginning with START, (B, N, 5).

    Returns:
        (B, N, POSITION_INPUTS) float32.
    """
    rows = rows.float()
    point = rows[..., :2].cumsum(1)  # (B, N, 2)
    stroke_begins = torch.roll(rows[..., 3] > 0.5, 1, dims=1)
    stroke_begins[:, 0] = True
    step = torch.arange(rows.shape[1], device=rows.device)[None]
    first_step = (step * stroke_begins).cummax(1).values  # of each step's stroke, (B, N)
    stroke_start = point.gather(1, first_step[..., None].expand_as(point))
    lowest, highest = point.cummin(1).values, point.cummax(1).values
    return POSITION_FACTOR * torch.cat([point, point - stroke_start, point - lowest, highest - point], dim=-1)

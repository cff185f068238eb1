"""The recurrent layer of encoder and decoder: torch's fused LSTM with the initialisation of the paper's code."""

import torch
from torch import nn


class LSTM(nn.LSTM):
    """One layer, batch first. Gates in torch's order: input, forget, candidate, output.

    torch keeps two biases that only ever act as their sum; the second stays zero and is not trained, so that the
    parameter count is the published one.
    """

    def __init__(self, input_size: int, units: int) -> None:
        super().__init__(input_size, units, batch_first=True)
        self.bias_hh_l0.requires_grad_(False)

    def reset_parameters(self) -> None:
        """Input weights Glorot uniform, recurrent weights orthogonal for each gate, biases 0, forget bias 1.

        Reference:
            Magenta, sketch_rnn/rnn.py: ``LSTMCell`` and ``lstm_ortho_initializer``.
        """
        weight_ih, weight_hh, bias_ih, bias_hh = self.all_weights[0]
        with torch.no_grad():
            for gate in weight_ih.chunk(4):
                nn.init.xavier_uniform_(gate)
            for gate in weight_hh.chunk(4):
                nn.init.orthogonal_(gate)
            bias_ih.zero_()
            bias_ih[self.hidden_size : 2 * self.hidden_size] = 1.0
            bias_hh.zero_()

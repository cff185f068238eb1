"""The recurrent layer of encoder and decoder: torch's fused LSTM."""

import torch
from torch import nn


class LSTM(nn.LSTM):
    """One layer, batch first. Gates in torch's order: input, forget, candidate, output.

    It begins with torch's weights and forget bias 1 (Jozefowicz et al. 2015, proceedings.mlr.press/v37/jozefowicz15).
    Magenta's beginning, orthogonal recurrent weights, learned kanji more slowly: benchmarks/RESULTS.md. torch keeps two
    biases that only ever act as their sum; the second stays zero and is not trained, so that the parameter count is the
    published one.
    """

    def __init__(self, input_size: int, units: int) -> None:
        super().__init__(input_size, units, batch_first=True)
        _, _, bias_ih, bias_hh = self.all_weights[0]
        with torch.no_grad():
            bias_ih[units : 2 * units] += 1.0
            bias_hh.zero_()
        bias_hh.requires_grad_(False)

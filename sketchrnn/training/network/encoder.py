"""The encoder: a bidirectional recurrence over the sketch, then a normal posterior of z."""

import torch
from torch import Tensor, nn

from sketchrnn.model.configuration import ModelConfiguration
from sketchrnn.training.configuration import NO_DROPOUT, Dropouts
from sketchrnn.training.network.cells import make_cell
from sketchrnn.training.network.lstm import SideBySide


class Encoder(nn.Module):
    """Reads a whole sketch and returns z's posterior.

    Reference:
        arXiv:1704.03477, section 3.2, equations 1 and 2.
    """

    def __init__(self, configuration: ModelConfiguration, dropouts: Dropouts = NO_DROPOUT) -> None:
        super().__init__()
        units = configuration.encoder_units
        layers = [make_cell(configuration.encoder_cell, 5, units, configuration, dropouts) for _ in range(2)]
        self.forwards, self.backwards = layers
        self._run = SideBySide([self.forwards, self.backwards])
        summary_units = 2 * units + configuration.category_units * configuration.conditional
        self.mean = nn.Linear(summary_units, configuration.latent_units)
        self.logvar = nn.Linear(summary_units, configuration.latent_units)

    def forward(self, rows: Tensor, lengths: Tensor, category: Tensor | None) -> tuple[Tensor, Tensor]:
        """Encode sketches; what stands after a sketch's own rows has no influence.

        Args:
            rows: stroke-5 without START and END, (B, L, 5).
            lengths: rows of each sketch, int64 (B,).
            category: embeddings, (B, category_units), or None.

        Returns:
            z_mean and z_logvar, (B, Z) each.
        """
        last = (lengths - 1).clamp_min(0)
        reversed_rows = rows.gather(1, _reversed_index(last, rows.shape[1])[..., None].expand_as(rows))
        hiddens, _ = self._run([rows.transpose(0, 1), reversed_rows.transpose(0, 1)])
        at_end = last[None, :, None].expand(-1, -1, self.forwards.units)
        summary = [hidden.gather(0, at_end).squeeze(0) for hidden in hiddens]  # (B, units)
        if category is not None:
            summary.append(category.to(summary[0].dtype))
        joined = torch.cat(summary, dim=-1)
        return self.mean(joined).float(), self.logvar(joined).float()


def _reversed_index(last: Tensor, steps: int) -> Tensor:
    """Index (B, L) that reverses each sketch's own rows and repeats row 0 over the padding."""
    return (last[:, None] - torch.arange(steps, device=last.device)[None]).clamp_min(0)

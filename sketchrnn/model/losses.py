"""The paper's losses."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from sketchrnn.model.mixture import Mixture


def reconstruction_losses(
    mixture: Mixture,
    targets: Tensor,
    lengths: Tensor,
    max_length: int,
    *,
    pen_rows: str = "end",
    density_floor: float = 0.0,
) -> tuple[Tensor, Tensor]:
    """Return L_s of the offsets and L_p of the pen, scalars; their sum is L_R.

    Both are divided by B * Nmax, however far the batch is padded, so that they do not depend on the padding.

    Args:
        mixture: the prediction of each row, (B, N).
        targets: stroke-5 rows that are predicted: the sketch, END, padding; (B, N, 5).
        lengths: rows of each sketch, END not counted, (B,).
        max_length: Nmax.
        pen_rows: where the pen's cross-entropy counts. "real": the sketch's rows, which is how the paper's code
            evaluates; "end": END too, without which stopping is not learned; "all": the padding too, which is how the
            paper's code trains (give targets padded to Nmax then).
        density_floor: added to every density; the paper's code adds 1e-6, which hides how unlikely an outlier is.

    Reference:
        arXiv:1704.03477, equation 9.
    """
    row = torch.arange(targets.shape[1], device=targets.device)[None]
    real = row < lengths[:, None]  # (B, N)
    counted = {"real": real, "end": row <= lengths[:, None], "all": torch.ones_like(real)}[pen_rows]
    normaliser = targets.shape[0] * max_length
    log_density = mixture.log_prob(targets[..., :2])  # (B, N)
    if density_floor > 0:
        log_density = torch.logaddexp(log_density, log_density.new_tensor(math.log(density_floor)))
    offset_loss = -(log_density * real).sum() / normaliser
    pen_loss = -(mixture.pen_log_prob(targets[..., 2:]) * counted).sum() / normaliser
    return offset_loss, pen_loss


def kl_loss(z_mean: Tensor, z_logvar: Tensor, latent_used: Tensor | None = None) -> Tensor:
    """Return L_KL, the divergence of the posterior from N(0, 1), averaged over sketches and Z.

    Args:
        z_mean: (B, Z).
        z_logvar: (B, Z).
        latent_used: 1 for each sketch that counts, (B,); None counts all.

    Reference:
        arXiv:1704.03477, equation 10.
    """
    per_sketch = -0.5 * (1.0 + z_logvar - z_mean.square() - z_logvar.exp()).mean(-1)  # (B,)
    if latent_used is None:
        return per_sketch.mean()
    return (per_sketch * latent_used).sum() / latent_used.sum().clamp_min(1.0)

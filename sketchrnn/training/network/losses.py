"""The paper's losses."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from sketchrnn.training.network.mixture import Mixture


def row_losses(
    mixture: Mixture, targets: Tensor, lengths: Tensor, *, pen_rows: str = "end", density_floor: float = 0.0
) -> tuple[Tensor, Tensor]:
    """Return -log p of each row's offset and of its pen state, 0 where it does not count: (B, N) each.

    Args:
        mixture: the prediction of each row, (B, N).
        targets: stroke-5 rows that are predicted: the sketch, END, padding; (B, N, 5).
        lengths: rows of each sketch, END not counted, (B,).
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
    log_density = mixture.log_prob(targets[..., :2])
    if density_floor > 0:
        log_density = torch.logaddexp(log_density, log_density.new_tensor(math.log(density_floor)))
    return -log_density * real, -mixture.pen_log_prob(targets[..., 2:]) * counted


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
        mixture: see :func:`row_losses`, as for the other arguments.
        targets: see there.
        lengths: see there.
        max_length: Nmax.
        pen_rows: see there.
        density_floor: see there.

    Reference:
        arXiv:1704.03477, equation 9.
    """
    offset, pen = row_losses(mixture, targets, lengths, pen_rows=pen_rows, density_floor=density_floor)
    normaliser = targets.shape[0] * max_length
    return offset.sum() / normaliser, pen.sum() / normaliser


def kl_divergence(z_mean: Tensor, z_logvar: Tensor) -> Tensor:
    """Return each dimension's divergence of the posterior from N(0, 1), (B, Z).

    Reference:
        arXiv:1704.03477, equation 10.
    """
    return -0.5 * (1.0 + z_logvar - z_mean.square() - z_logvar.exp())


def kl_loss(z_mean: Tensor, z_logvar: Tensor, latent_used: Tensor | None = None) -> Tensor:
    """Return L_KL of each dimension: :func:`kl_divergence`, averaged over the sketches, (Z,).

    The paper's L_KL is its mean.

    Args:
        z_mean: (B, Z).
        z_logvar: (B, Z).
        latent_used: 1 for each sketch that counts, 0 for the others, (B,); None counts all.
    """
    divergence = kl_divergence(z_mean, z_logvar)
    if latent_used is None:
        return divergence.mean(0)
    return (divergence * latent_used[:, None]).sum(0) / latent_used.sum().clamp_min(1.0)

"""The distribution of a step and the paper's losses."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from sketchrnn.model.configuration import MAX_LOG_SIGMA, MAX_RHO_LOGIT, PEN_STATES


@dataclass(frozen=True)
class Mixture:
    """Distribution of each step's row: a mixture of bivariate normals over the offset, and three pen states.

    All tensors may have other leading axes than (B, N).

    Attributes:
        log_pi: log mixture weights, (B, N, M).
        mu: means, in offset scales, (B, N, M, 2).
        log_sigma: log deviations, (B, N, M, 2).
        rho_logit: atanh of the correlations, (B, N, M).
        log_q: log probabilities of the pen states: stays down, lifts, sketch ended; (B, N, 3).
    """

    log_pi: Tensor
    mu: Tensor
    log_sigma: Tensor
    rho_logit: Tensor
    log_q: Tensor

    @classmethod
    def from_output(cls, output: Tensor) -> Mixture:
        """Split the decoder's output (B, N, 3 + 6 M): pen, pi, mu_x, mu_y, sigma_x, sigma_y, rho.

        Reference:
            arXiv:1704.03477, equations 4 to 6.
        """
        pen, parameters = output.float().split([PEN_STATES, output.shape[-1] - PEN_STATES], dim=-1)
        parts = parameters.unflatten(-1, (6, parameters.shape[-1] // 6)).split([1, 2, 2, 1], dim=-2)
        pi, mu, log_sigma, rho = (part.transpose(-1, -2) for part in parts)  # (B, N, M, 1 or 2) each, not copied
        return cls(
            log_pi=functional.log_softmax(pi.squeeze(-1), dim=-1),
            mu=mu,
            log_sigma=log_sigma.clamp(-MAX_LOG_SIGMA, MAX_LOG_SIGMA),
            rho_logit=rho.squeeze(-1).clamp(-MAX_RHO_LOGIT, MAX_RHO_LOGIT),
            log_q=functional.log_softmax(pen, dim=-1),
        )

    @property
    def rho(self) -> Tensor:
        """Correlations, (B, N, M)."""
        return torch.tanh(self.rho_logit)

    def log_prob(self, offsets: Tensor) -> Tensor:
        """Log density of offsets (B, N, 2), in offset scales. It is computed in log space, so it is finite.

        Returns:
            (B, N).

        Reference:
            arXiv:1704.03477, equation 4; the density of a bivariate normal.
        """
        scaled = (offsets.unsqueeze(-2) - self.mu) * torch.exp(-self.log_sigma)  # (B, N, M, 2)
        x, y = scaled.unbind(-1)
        # 1 - tanh(r)^2 = sech(r)^2, whose logarithm is precise where |rho| is near 1
        magnitude = self.rho_logit.abs()
        log_one_minus_rho2 = 2.0 * (math.log(2.0) - magnitude - torch.log1p(torch.exp(-2.0 * magnitude)))
        # x² + y² - 2 rho x y over 1 - rho², in a form that is also precise
        quadratic = (x - self.rho * y).square() * torch.exp(-log_one_minus_rho2) + y * y
        log_normal = (
            -0.5 * quadratic - self.log_sigma.sum(-1) - 0.5 * log_one_minus_rho2 - math.log(2.0 * math.pi)
        )  # (B, N, M)
        return torch.logsumexp(self.log_pi + log_normal, dim=-1)

    def pen_log_prob(self, pen: Tensor) -> Tensor:
        """Log probability of one-hot pen states (B, N, 3); (B, N)."""
        return (pen * self.log_q).sum(-1)


def row_losses(
    mixture: Mixture, targets: Tensor, lengths: Tensor, *, pen_rows: str = "end", density_floor: float = 0.0
) -> tuple[Tensor, Tensor]:
    """Return -log p of each row's offset and of its pen state, (B, N) each; 0 for rows that are not scored.

    Args:
        mixture: prediction of each row, (B, N).
        targets: stroke-5 rows to predict: the sketch, END, padding; (B, N, 5).
        lengths: rows of each sketch, END not counted, (B,).
        pen_rows: rows whose pen state is scored. "real": the sketch's rows, as in the paper's evaluation; "end": also
            END, so that the model learns to stop; "all": also the padding, as in the paper's training (then
            targets must be padded to Nmax).
        density_floor: added to every density. The paper's code adds 1e-6, which hides how unlikely an outlier is.

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

    Both are divided by B * Nmax, so that they do not depend on the batch's padding.

    Args:
        mixture: see :func:`row_losses`.
        targets: see :func:`row_losses`.
        lengths: see :func:`row_losses`.
        max_length: Nmax.
        pen_rows: see :func:`row_losses`.
        density_floor: see :func:`row_losses`.

    Reference:
        arXiv:1704.03477, equation 9.
    """
    offset, pen = row_losses(mixture, targets, lengths, pen_rows=pen_rows, density_floor=density_floor)
    normalizer = targets.shape[0] * max_length
    return offset.sum() / normalizer, pen.sum() / normalizer


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
        latent_used: 1 for sketches that count, 0 for the others, (B,); None counts all.
    """
    divergence = kl_divergence(z_mean, z_logvar)
    if latent_used is None:
        return divergence.mean(0)
    return (divergence * latent_used[:, None]).sum(0) / latent_used.sum().clamp_min(1.0)

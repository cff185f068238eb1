"""The distribution of one step: a mixture of bivariate normals over the offset, three states of the pen."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from sketchrnn.model.configuration import MAX_LOG_SIGMA, MAX_RHO_LOGIT, PEN_STATES


@dataclass(frozen=True)
class Mixture:
    """What the decoder returns for each step; any leading axes, here (B, N).

    Attributes:
        log_pi: log mixture weights, (B, N, M).
        mu: means, in offset scales, (B, N, M, 2).
        log_sigma: log deviations, (B, N, M, 2).
        rho_logit: atanh of the correlations, (B, N, M).
        log_q: log probabilities of the pen's states: stays down, lifts, sketch ended; (B, N, 3).
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
        pi, mu_x, mu_y, sigma_x, sigma_y, rho = parameters.chunk(6, dim=-1)  # (B, N, M) each
        return cls(
            log_pi=functional.log_softmax(pi, dim=-1),
            mu=torch.stack([mu_x, mu_y], dim=-1),
            log_sigma=torch.stack([sigma_x, sigma_y], dim=-1).clamp(-MAX_LOG_SIGMA, MAX_LOG_SIGMA),
            rho_logit=rho.clamp(-MAX_RHO_LOGIT, MAX_RHO_LOGIT),
            log_q=functional.log_softmax(pen, dim=-1),
        )

    @property
    def rho(self) -> Tensor:
        """Correlations, (B, N, M)."""
        return torch.tanh(self.rho_logit)

    def log_prob(self, offsets: Tensor) -> Tensor:
        """Log density of offsets (B, N, 2), in offset scales. Computed in log space throughout, hence finite.

        Returns:
            (B, N).

        Reference:
            arXiv:1704.03477, equation 4; the density of a bivariate normal.
        """
        scaled = (offsets.unsqueeze(-2) - self.mu) * torch.exp(-self.log_sigma)  # (B, N, M, 2)
        x, y = scaled.unbind(-1)
        # 1 - tanh(r)^2 = sech(r)^2, whose logarithm does not cancel where |rho| is near 1
        magnitude = self.rho_logit.abs()
        log_one_minus_rho2 = 2.0 * (math.log(2.0) - magnitude - torch.log1p(torch.exp(-2.0 * magnitude)))
        # x² + y² - 2 rho x y over 1 - rho², in the form that does not cancel either
        quadratic = (x - self.rho * y).square() * torch.exp(-log_one_minus_rho2) + y * y
        log_normal = (
            -0.5 * quadratic - self.log_sigma.sum(-1) - 0.5 * log_one_minus_rho2 - math.log(2.0 * math.pi)
        )  # (B, N, M)
        return torch.logsumexp(self.log_pi + log_normal, dim=-1)

    def pen_log_prob(self, pen: Tensor) -> Tensor:
        """Log probability of one-hot pen states (B, N, 3); (B, N)."""
        return (pen * self.log_q).sum(-1)

    def at_temperature(self, temperature: float) -> Mixture:
        """Return the mixture with the logits of pi and q divided by tau and the variances multiplied by it.

        Reference:
            arXiv:1704.03477, equation 8.
        """
        return Mixture(
            log_pi=functional.log_softmax(self.log_pi / temperature, dim=-1),
            mu=self.mu,
            log_sigma=self.log_sigma + 0.5 * math.log(temperature),
            rho_logit=self.rho_logit,
            log_q=functional.log_softmax(self.log_q / temperature, dim=-1),
        )

    def sample(self, generator: torch.Generator | None = None) -> tuple[Tensor, Tensor]:
        """Draw one offset and one pen state for each step.

        Returns:
            Offsets (B, N, 2) in offset scales, and pen states 0, 1, 2 (B, N).
        """
        component = _categorical(self.log_pi, generator)  # (B, N)
        pick = component[..., None, None].expand(*component.shape, 1, 2)
        mu = self.mu.gather(-2, pick).squeeze(-2)
        sigma = self.log_sigma.gather(-2, pick).squeeze(-2).exp()
        rho = self.rho.gather(-1, component[..., None]).squeeze(-1)
        first, second = torch.randn(*component.shape, 2, generator=generator, device=mu.device).unbind(-1)
        correlated = rho * first + torch.sqrt(1.0 - rho * rho) * second
        return mu + sigma * torch.stack([first, correlated], dim=-1), _categorical(self.log_q, generator)


def _categorical(log_weights: Tensor, generator: torch.Generator | None) -> Tensor:
    """Sample an index by the Gumbel maximum, over the last axis."""
    uniform = torch.rand(log_weights.shape, generator=generator, device=log_weights.device)
    return (log_weights - torch.log(-torch.log(uniform.clamp_min(1e-20)))).argmax(-1)

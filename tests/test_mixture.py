import dataclasses

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.distributions import Categorical, MixtureSameFamily, MultivariateNormal

from sketchrnn.training.network.losses import Mixture

MIXTURES = 3
OUTPUTS = 3 + 6 * MIXTURES


def mixture_of(seed, *axes, spread=1.0):
    generator = torch.Generator().manual_seed(seed)
    return doubled(Mixture.from_output(spread * torch.randn(*axes, OUTPUTS, generator=generator)))


def doubled(mixture):
    return Mixture(*(value.double() for value in vars(mixture).values()))


def covariances(mixture):
    """(..., M, 2, 2)"""
    sigma_x, sigma_y = mixture.log_sigma.exp().unbind(-1)
    across = mixture.rho * sigma_x * sigma_y
    return torch.stack([torch.stack([sigma_x**2, across], dim=-1), torch.stack([across, sigma_y**2], dim=-1)], dim=-1)


def torchs_own(mixture):
    weights = Categorical(logits=mixture.log_pi)
    return MixtureSameFamily(weights, MultivariateNormal(mixture.mu, covariances(mixture)))


def moments(mixture):
    """Mean (2,) and covariance (2, 2) of a mixture without leading axes."""
    pi = mixture.log_pi.exp()
    mean = (pi[:, None] * mixture.mu).sum(0)
    apart = mixture.mu - mean
    within = (pi[:, None, None] * covariances(mixture)).sum(0)
    return mean, within + (pi[:, None, None] * apart[:, :, None] * apart[:, None, :]).sum(0)


@given(st.integers(0, 10_000), st.floats(0.1, 2.0))
def test_log_prob_is_that_of_torch(seed, spread):
    mixture = mixture_of(seed, 2, 4, spread=spread)
    offsets = 3.0 * torch.randn(2, 4, 2, generator=torch.Generator().manual_seed(seed + 1)).double()
    torch.testing.assert_close(mixture.log_prob(offsets), torchs_own(mixture).log_prob(offsets))


def test_log_prob_in_float32_is_close_to_float64():
    single = Mixture.from_output(torch.randn(50, OUTPUTS, generator=torch.Generator().manual_seed(3)))
    offsets = torch.randn(50, 2, generator=torch.Generator().manual_seed(4))
    exact = doubled(single).log_prob(offsets.double())
    torch.testing.assert_close(single.log_prob(offsets).double(), exact, rtol=1e-4, atol=1e-4)


def test_the_output_is_split_in_the_documented_order():
    output = torch.arange(OUTPUTS) / 10.0
    mixture = Mixture.from_output(output)
    torch.testing.assert_close(mixture.log_q, torch.log_softmax(output[:3], -1))
    pi, mu_x, mu_y, sigma_x, sigma_y, rho = output[3:].reshape(6, MIXTURES)
    torch.testing.assert_close(mixture.log_pi, torch.log_softmax(pi, -1))
    torch.testing.assert_close(mixture.mu, torch.stack([mu_x, mu_y], -1))
    torch.testing.assert_close(mixture.log_sigma.exp(), torch.stack([sigma_x.exp(), sigma_y.exp()], -1))
    torch.testing.assert_close(mixture.rho, rho.tanh())


def test_the_density_integrates_to_one():
    mixture = mixture_of(5, spread=0.5)
    side = torch.linspace(-15.0, 15.0, 601, dtype=torch.float64)
    grid = torch.cartesian_prod(side, side)
    total = mixture.log_prob(grid).exp().sum() * (side[1] - side[0]) ** 2
    assert total.item() == pytest.approx(1.0, abs=1e-6)


def test_pen_probabilities_sum_to_one():
    mixture = mixture_of(6, 10)
    each = torch.stack([mixture.pen_log_prob(torch.eye(3).double()[state].expand(10, 3)) for state in range(3)])
    torch.testing.assert_close(each.exp().sum(0), torch.ones(10).double())
    torch.testing.assert_close(each.T, mixture.log_q)


@given(
    st.lists(st.sampled_from([-1e4, -30.0, 0.0, 30.0, 1e4]), min_size=OUTPUTS, max_size=OUTPUTS),
    st.tuples(*[st.sampled_from([-1e6, -1e3, 0.0, 1e3, 1e6])] * 2),
)
def test_extreme_outputs_give_finite_losses_and_gradients(raw, offset):
    output = torch.tensor(raw, dtype=torch.float32, requires_grad=True)
    mixture = Mixture.from_output(output)
    log_prob = mixture.log_prob(torch.tensor(offset, dtype=torch.float32))
    pen = mixture.pen_log_prob(torch.eye(3))
    assert torch.isfinite(log_prob)
    assert torch.isfinite(pen).all()
    (log_prob + pen.sum()).backward()
    assert torch.isfinite(output.grad).all()


def test_correlations_stay_below_one():
    output = torch.full((OUTPUTS,), 1e4)
    assert (Mixture.from_output(output).rho.abs() < 1).all()
    assert (Mixture.from_output(-output).rho.abs() < 1).all()


def test_half_precision_output_is_taken_to_float32():
    mixture = Mixture.from_output(torch.randn(4, OUTPUTS).bfloat16())
    assert {value.dtype for value in vars(mixture).values()} == {torch.float32}


def test_the_comparison_with_torch_notices_a_wrong_correlation():
    mixture = mixture_of(1, 5)
    wrong = dataclasses.replace(mixture, rho_logit=-mixture.rho_logit)
    offsets = torch.ones(5, 2).double()
    assert (wrong.log_prob(offsets) - torchs_own(mixture).log_prob(offsets)).abs().max() > 0.01

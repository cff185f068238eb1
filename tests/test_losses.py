import math

import pytest
import torch
from builders import network_of, random_stroke5, small_model
from hypothesis import given
from hypothesis import strategies as st
from torch.distributions import Normal
from torch.distributions import kl_divergence as torchs_kl

from sketchrnn.training.network.losses import Mixture, kl_divergence, kl_loss, reconstruction_losses, row_losses

LENGTHS = [1, 4, 6]


def standard_mixture(rows, pen=(0.5, 0.3, 0.2)):
    """One component, N(0, 1), and the same pen at every step of one drawing."""
    return Mixture(
        log_pi=torch.zeros(1, rows, 1),
        mu=torch.zeros(1, rows, 1, 2),
        log_sigma=torch.zeros(1, rows, 1, 2),
        rho_logit=torch.zeros(1, rows, 1),
        log_q=torch.tensor(pen).log().expand(1, rows, 3),
    )


TARGETS = torch.tensor([[[1.0, 2.0, 1, 0, 0], [0.0, -1.0, 0, 1, 0], [0, 0, 0, 0, 1], [0, 0, 0, 0, 1]]])
OFFSET_BY_HAND = [math.log(2 * math.pi) + 2.5, math.log(2 * math.pi) + 0.5, 0.0, 0.0]
PEN_BY_HAND = [-math.log(0.5), -math.log(0.3), -math.log(0.2), -math.log(0.2)]


@pytest.mark.parametrize(("pen_rows", "counted"), [("real", 2), ("end", 3), ("all", 4)])
def test_row_losses_by_hand(pen_rows, counted):
    offset, pen = row_losses(standard_mixture(4), TARGETS, torch.tensor([2]), pen_rows=pen_rows)
    torch.testing.assert_close(offset, torch.tensor([OFFSET_BY_HAND]))
    torch.testing.assert_close(pen, torch.tensor([PEN_BY_HAND[:counted] + [0.0] * (4 - counted)]))


def test_the_end_counts_unless_told():
    _, pen = row_losses(standard_mixture(4), TARGETS, torch.tensor([2]))
    assert (pen[0] > 0).tolist() == [True, True, True, False]


def test_both_losses_are_divided_by_nmax():
    offset, pen = reconstruction_losses(standard_mixture(4), TARGETS, torch.tensor([2]), 10, pen_rows="real")
    assert offset.item() == pytest.approx(sum(OFFSET_BY_HAND) / 10)
    assert pen.item() == pytest.approx(sum(PEN_BY_HAND[:2]) / 10)


def test_density_floor_is_added_to_the_density():
    offset, _ = row_losses(standard_mixture(4), TARGETS, torch.tensor([2]), density_floor=1e-6)
    expected = [-math.log(math.exp(-loss) + 1e-6) for loss in OFFSET_BY_HAND[:2]]
    torch.testing.assert_close(offset[0, :2], torch.tensor(expected))


def losses_with_padding(padding, pen_rows):
    network = network_of(small_model(latent_dropout=0.5))
    stroke5, lengths = random_stroke5(LENGTHS, padding=padding), torch.tensor(LENGTHS)
    category = torch.zeros(3, dtype=torch.int64)
    with torch.no_grad():
        output, _ = network.decoder(stroke5[:, :-1], network.conditioning(None, category))
        mixture = Mixture.from_output(output)
        return torch.stack(reconstruction_losses(mixture, stroke5[:, 1:], lengths, 20, pen_rows=pen_rows))


@pytest.mark.parametrize("pen_rows", ["real", "end"])
def test_padding_does_not_count(pen_rows):
    torch.testing.assert_close(losses_with_padding(7, pen_rows), losses_with_padding(0, pen_rows))


def test_padding_counts_for_the_pen_if_told():
    offset, pen = losses_with_padding(0, "all")
    padded_offset, padded_pen = losses_with_padding(7, "all")
    torch.testing.assert_close(padded_offset, offset)
    assert padded_pen > pen + 0.01


@given(st.integers(0, 1000))
def test_kl_is_that_of_torch(seed):
    generator = torch.Generator().manual_seed(seed)
    mean, logvar = (torch.randn(5, 4, generator=generator).double() for _ in range(2))
    theirs = torchs_kl(Normal(mean, torch.exp(0.5 * logvar)), Normal(0.0, 1.0))
    torch.testing.assert_close(kl_divergence(mean, logvar), theirs)
    torch.testing.assert_close(kl_loss(mean, logvar), theirs.mean(0))
    used = torch.tensor([1.0, 0.0, 0.0, 1.0, 0.0])
    torch.testing.assert_close(kl_loss(mean, logvar, used), (theirs[0] + theirs[3]) / 2)


def test_no_sketch_with_its_z_gives_no_kl():
    mean = torch.ones(3, 4, requires_grad=True)
    loss = kl_loss(mean, torch.zeros(3, 4), torch.zeros(3)).mean()
    loss.backward()
    assert loss.item() == 0.0
    assert not mean.grad.any()


@given(st.lists(st.sampled_from([-1e4, -10.0, 0.0, 10.0, 1e4]), min_size=21, max_size=21), st.integers(1, 3))
def test_never_nan(raw, length):
    output = torch.tensor(raw).float().expand(1, 4, 21).clone().requires_grad_()
    targets = torch.cat([1e6 * TARGETS[..., :2], TARGETS[..., 2:]], dim=-1)
    for pen_rows in ("real", "end", "all"):
        mixture = Mixture.from_output(output)
        offset, pen = reconstruction_losses(mixture, targets, torch.tensor([length]), 4, pen_rows=pen_rows)
        assert torch.isfinite(offset)
        assert torch.isfinite(pen)
        output.grad = None
        (offset + pen).backward()
        assert torch.isfinite(output.grad).all()

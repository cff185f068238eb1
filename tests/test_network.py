import dataclasses
from typing import Any

import numpy as np
import pytest
import torch
from builders import CONFIGURATIONS, checkpoint_of, network_of, random_stroke5, small_model

from sketchrnn.errors import CheckpointError
from sketchrnn.model.checkpoint import load_checkpoint, save_checkpoint
from sketchrnn.model.configuration import ModelConfiguration
from sketchrnn.training.configuration import Dropouts
from sketchrnn.training.network.losses import Mixture, kl_loss, reconstruction_losses
from sketchrnn.training.network.sketch_rnn import SketchRNN, pen_positions

LENGTHS = [3, 7, 1, 5]
CATEGORY = torch.tensor([0, 2, 1, 2])


@pytest.fixture(params=CONFIGURATIONS)
def network(request):
    return network_of(small_model(**CONFIGURATIONS[request.param]))


def categories_of(network):
    return CATEGORY if network.configuration.conditional else torch.zeros(4, dtype=torch.int64)


def latent_of(network, seed=5):
    if not network.configuration.variational:
        return None
    return torch.randn(4, network.configuration.latent_units, generator=torch.Generator().manual_seed(seed))


def output_of(network, stroke5, z):
    return network.decoder(stroke5[:, :-1], network.conditioning(z, categories_of(network)))


def noise_of(network, count, seed=0):
    return network.draw_noise(count, torch.Generator().manual_seed(seed))


def losses_of(network, stroke5, seed=3):
    lengths = torch.tensor(LENGTHS)
    noise = noise_of(network, len(stroke5), seed)
    clarity = torch.linspace(-1.0, 1.0, len(stroke5) + 1)[1:]
    prediction = network(stroke5, lengths, categories_of(network), noise, clarity)
    losses = list(reconstruction_losses(prediction.mixture, stroke5[:, 1:], lengths, 10))
    if prediction.z_mean is not None:
        losses.append(kl_loss(prediction.z_mean, prediction.z_logvar, noise.latent_used).mean())
    return torch.stack(losses)


@torch.no_grad()
def test_padding_changes_nothing(network):
    plain, padded = random_stroke5(LENGTHS), random_stroke5(LENGTHS, padding=6)
    lengths, category = torch.tensor(LENGTHS), categories_of(network)
    if network.encoder is not None:
        for ours, theirs in zip(
            network.encode(plain[:, 1:-1], lengths, category),
            network.encode(padded[:, 1:-1], lengths, category),
            strict=True,
        ):
            torch.testing.assert_close(ours, theirs)
    z = latent_of(network)
    torch.testing.assert_close(output_of(network, padded, z)[0][:, :8], output_of(network, plain, z)[0])
    torch.testing.assert_close(losses_of(network, padded), losses_of(network, plain))


@torch.no_grad()
def test_each_sketch_is_encoded_as_if_it_were_alone():
    network = network_of(small_model(latent_dropout=0.0))
    stroke5 = random_stroke5(LENGTHS)
    stroke5[0, LENGTHS[0] + 1 :] = 1e3  # whatever stands after a sketch's own rows
    together = network.encode(stroke5[:, 1:-1], torch.tensor(LENGTHS), torch.zeros(4, dtype=torch.int64))
    for place, length in enumerate(LENGTHS):
        alone = network.encode(
            stroke5[place : place + 1, 1 : length + 1], torch.tensor([length]), torch.zeros(1, dtype=torch.int64)
        )
        for ours, theirs in zip(together, alone, strict=True):
            torch.testing.assert_close(ours[place], theirs[0])


@torch.no_grad()
def test_the_encoder_reads_both_ways_and_every_row():
    network = network_of(small_model(latent_dropout=0.0))
    zero = torch.zeros(1, dtype=torch.int64)
    rows = random_stroke5([6])[:, 1:-1]
    mean, _ = network.encode(rows, torch.tensor([6]), zero)
    for row in range(6):
        changed = rows.clone()
        changed[0, row, 0] += 1.0
        assert (network.encode(changed, torch.tensor([6]), zero)[0] - mean).abs().max() > 1e-5
    encoder: Any = network.encoder
    hidden = encoder.backwards(rows.flip(1).transpose(0, 1))[0][-1]
    summary = torch.cat([encoder.forwards(rows.transpose(0, 1))[0][-1], hidden], dim=-1)
    torch.testing.assert_close(encoder.mean(summary), mean)


@torch.no_grad()
def test_teacher_forcing_equals_stepping(network):
    if network.configuration.position_inputs:
        pytest.skip("not applicable: with position inputs the torch decoder runs whole sketches only")
    stroke5, z = random_stroke5(LENGTHS), latent_of(network)
    whole, last = output_of(network, stroke5, z)
    condition, state = network.conditioning(z, categories_of(network)), None
    steps = []
    for row in range(stroke5.shape[1] - 1):
        output, state = network.decoder(stroke5[:, row : row + 1], condition, state)
        steps.append(output)
    torch.testing.assert_close(torch.cat(steps, dim=1), whole)
    for ours, theirs in zip(state, last, strict=True):
        torch.testing.assert_close(ours, theirs)


@torch.no_grad()
def test_the_decoder_sees_no_later_row(network):
    stroke5, z = random_stroke5(LENGTHS), latent_of(network)
    before, _ = output_of(network, stroke5, z)
    stroke5[:, 4] += 1.0
    after, _ = output_of(network, stroke5, z)
    torch.testing.assert_close(after[:, :4], before[:, :4])
    assert (after[:, 4] - before[:, 4]).abs().min() > 0


def test_every_trained_parameter_gets_a_gradient(network):
    network.train()
    losses_of(network, random_stroke5(LENGTHS)).sum().backward()
    trained = {name: parameter for name, parameter in network.named_parameters() if parameter.requires_grad}
    without = [name for name, parameter in trained.items() if parameter.grad is None or not parameter.grad.any()]
    assert without == []
    assert set(network.weights()) == set(trained)


def test_fresh_networks_get_gradients_too():
    torch.manual_seed(0)
    network = SketchRNN(small_model(**CONFIGURATIONS["vae with categories"]))
    losses_of(network, random_stroke5(LENGTHS)).sum().backward()
    assert all(p.grad is not None and p.grad.any() for p in network.parameters() if p.requires_grad)


@torch.no_grad()
def test_without_z_the_learned_one_is_told():
    network = network_of(small_model(**CONFIGURATIONS["vae with categories"]))
    z = network.no_latent.expand(4, -1)
    assert network.no_latent.any()
    assert torch.equal(network.conditioning(None, CATEGORY), network.conditioning(z, CATEGORY))
    assert not torch.equal(network.conditioning(None, CATEGORY), network.conditioning(torch.zeros(4, 4), CATEGORY))


def test_without_z_a_network_that_always_had_one_refuses():
    network = network_of(small_model(latent_dropout=0.0))
    with pytest.raises(ValueError, match="with z only"):
        network.conditioning(None, CATEGORY * 0)


@torch.no_grad()
def test_z_and_category_reach_the_start_and_every_step(network):
    stroke5 = random_stroke5(LENGTHS)
    told = network.conditioning(latent_of(network), categories_of(network))
    for place in range(told.shape[1]):
        changed = told.clone()
        changed[:, place] += 1.0
        for ours, theirs in zip(
            network.decoder.initial_state(changed), network.decoder.initial_state(told), strict=True
        ):
            assert (ours - theirs).abs().max() > 1e-5
        if network.configuration.position_inputs:
            continue
        # from one and the same state on, so that the difference can only come through the rows
        state = network.decoder.initial_state(told)
        after, before = (network.decoder(stroke5[:, :1], each, state)[0] for each in (changed, told))
        assert (after - before).abs().max() > 1e-5


def mixtures_with_two_encoders(latent_dropout):
    """What the decoder predicts with some encoder, and with another one."""
    stroke5, lengths = random_stroke5(LENGTHS), torch.tensor(LENGTHS)
    network = network_of(small_model(latent_dropout=latent_dropout))
    results = []
    for shift in (0.0, 1.0):
        with torch.no_grad():
            for parameter in network.encoder.parameters():
                parameter.add_(shift)
            noise = noise_of(network, len(stroke5))
            results.append(network(stroke5, lengths, CATEGORY * 0, noise).mixture)
    return results, noise


def test_latent_dropout_of_one_cuts_off_the_encoder():
    (one, other), noise = mixtures_with_two_encoders(1.0)
    assert all(torch.equal(vars(one)[name], vars(other)[name]) for name in vars(one))
    assert not noise.latent_used.any()


def test_latent_dropout_of_zero_never_does():
    (one, other), noise = mixtures_with_two_encoders(0.0)
    assert (one.mu != other.mu).any(dim=-1).any(dim=-1).any(dim=-1).all()
    assert noise.latent_used.all()


@torch.no_grad()
def test_latent_dropout_is_as_frequent_as_it_says():
    network = network_of(small_model(latent_dropout=0.3))
    stroke5 = random_stroke5([2]).expand(4000, -1, -1)
    zero = torch.zeros(4000, dtype=torch.int64)
    noise = noise_of(network, 4000)
    prediction = network(stroke5, zero + 2, zero, noise)
    assert noise.latent_used.mean().item() == pytest.approx(0.7, abs=0.03)
    # those told "no z" all get the same prediction, the others do not
    first_mu = prediction.mixture.mu[:, 0, 0, 0]
    assert len(first_mu[noise.latent_used == 0].unique()) == 1
    assert len(first_mu[noise.latent_used == 1].unique()) > 1000


@torch.no_grad()
def test_z_is_drawn_from_the_posterior():
    network = network_of(small_model(latent_dropout=0.0))
    seen = []
    network.decoder.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[1]))
    zero = torch.zeros(20_000, dtype=torch.int64)
    stroke5 = random_stroke5([4]).expand(20_000, -1, -1)
    prediction = network(stroke5, zero + 4, zero, noise_of(network, len(stroke5)))
    z = seen[0]
    deviation = torch.exp(0.5 * prediction.z_logvar[0])
    torch.testing.assert_close(z.std(0), deviation, rtol=0.03, atol=0)
    assert ((z.mean(0) - prediction.z_mean[0]).abs() < 5 * deviation / 20_000**0.5).all()


@torch.no_grad()
def test_saved_and_loaded_it_is_the_same(network, tmp_path):
    save_checkpoint(checkpoint_of(network, training={"step": 3}, max_length=77, unit="source"), tmp_path / "a")
    stored = load_checkpoint(tmp_path / "a")
    assert (stored.offset_scale, stored.max_length, stored.unit) == (26.5, 77, "source")
    assert stored.training == {"step": 3}
    assert stored.configuration == network.configuration
    loaded = SketchRNN.from_checkpoint(stored)
    assert not loaded.training
    ours, theirs = network.weights(), loaded.weights()
    assert ours.keys() == theirs.keys()
    assert all(np.array_equal(ours[name], theirs[name]) for name in ours)
    stroke5, z = random_stroke5(LENGTHS), latent_of(network)
    assert torch.equal(output_of(network, stroke5, z)[0], output_of(loaded, stroke5, z)[0])
    assert torch.equal(losses_of(network, stroke5), losses_of(loaded, stroke5))


def test_half_precision_weights_load(network, tmp_path):
    halves = {name: value.astype(np.float16) for name, value in network.weights().items()}
    save_checkpoint(dataclasses.replace(checkpoint_of(network), weights=halves), tmp_path / "a")
    stored = load_checkpoint(tmp_path / "a")
    assert {value.dtype for value in stored.weights.values()} == {np.dtype(np.float16)}
    for name, value in SketchRNN.from_checkpoint(stored).weights().items():
        assert np.array_equal(value, halves[name].astype(np.float32))


def test_weights_are_copies(network):
    before = network.weights()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(1.0)
    assert all((network.weights()[name] - value > 0.5).all() for name, value in before.items())


@pytest.mark.parametrize("change", ["missing", "shape"])
def test_weights_that_do_not_fit_are_refused(network, change):
    weights = network.weights()
    name = "decoder.output.weight"
    if change == "missing":
        del weights[name]
    else:
        weights[name] = weights[name].T
    with pytest.raises(
        CheckpointError, match=rf"^the model: tensor {name} (is missing|has shape .*); expected shape \(21, 12\)$"
    ):
        SketchRNN.from_checkpoint(dataclasses.replace(checkpoint_of(network), weights=weights))


def test_dropout_acts_in_training_only():
    torch.manual_seed(0)
    network = SketchRNN(small_model(variational=False), Dropouts(output=0.5))
    rows, condition = random_stroke5(LENGTHS), torch.zeros(4, 0)
    assert not torch.equal(network.decoder(rows, condition)[0], network.decoder(rows, condition)[0])
    network.eval()
    assert torch.equal(network.decoder(rows, condition)[0], network.decoder(rows, condition)[0])


def test_category_dropout_drops_the_same_numbers_at_every_step():
    network = SketchRNN(small_model(variational=False, categories=("cat", "pig")), Dropouts(category=0.5))
    embedding = network.category.weight[1]
    told = network.conditioning(None, torch.ones(2_000, dtype=torch.int64))
    dropped = told == 0
    torch.testing.assert_close(told[~dropped], (2 * embedding).expand(2_000, -1)[~dropped])
    assert dropped.float().mean().item() == pytest.approx(0.5, abs=0.02)
    assert torch.equal(network.eval().conditioning(None, torch.ones(1, dtype=torch.int64))[0], embedding)


@pytest.mark.parametrize("bfloat16", [False, True])
def test_weight_dropout_drops_recurrent_weights_in_training_only(bfloat16):
    torch.manual_seed(0)
    network = SketchRNN(small_model(), Dropouts(weight=0.5))
    rows, lengths = random_stroke5(LENGTHS), torch.tensor(LENGTHS)
    noise = noise_of(network, 4)

    def output():
        with torch.autocast("cpu", torch.bfloat16, enabled=bfloat16):
            prediction = network(rows, lengths, categories_of(network), noise)
        return torch.cat([prediction.mixture.mu.flatten(), prediction.z_mean.flatten()]).float()

    torch.manual_seed(1)
    one = output()
    assert not torch.equal(one, output())
    torch.manual_seed(1)
    assert torch.equal(one, output())
    one.sum().backward()
    lstm: Any = network.decoder.lstm
    dropped = (lstm.weight_hh_l0.grad == 0).float().mean()
    assert dropped == pytest.approx(0.5, abs=0.1)  # what was dropped learns nothing
    (weights,) = lstm.recurrent_weights()
    assert torch.equal(weights, torch.where(weights == 0, weights, 2 * lstm.weight_hh_l0))
    network.eval()
    assert torch.equal(output(), output())


def forget_bias(units):
    return torch.cat([torch.zeros(units), torch.ones(units), torch.zeros(2 * units)])


def test_initial_weights():
    torch.manual_seed(0)
    network: Any = SketchRNN(ModelConfiguration(latent_dropout=0.0))
    for lstm in (network.encoder.forwards, network.encoder.backwards, network.decoder.lstm):
        bound = lstm.hidden_size**-0.5
        for weight in (lstm.weight_ih_l0, lstm.weight_hh_l0, lstm.bias_ih_l0 - forget_bias(lstm.hidden_size)):
            assert 0.9 * bound < weight.abs().max() < bound + 1e-6
        assert not lstm.bias_hh_l0.any()
        assert not lstm.bias_hh_l0.requires_grad


@torch.no_grad()
def test_a_category_changes_what_is_drawn():
    for kind in ("vae with categories", "decoder only with categories"):
        network = network_of(small_model(**CONFIGURATIONS[kind]))
        stroke5 = random_stroke5([4]).expand(3, -1, -1)
        output, _ = network.decoder(stroke5[:, :-1], network.conditioning(None, torch.arange(3)))
        mixture = Mixture.from_output(output)
        assert (mixture.mu[0] - mixture.mu[1]).abs().max() > 1e-3
        assert (mixture.mu[1] - mixture.mu[2]).abs().max() > 1e-3


def test_pen_positions_are_those_of_the_drawn_points():
    rows = random_stroke5(LENGTHS)[:, :-1]
    expected = torch.zeros(*rows.shape[:2], 8)
    for drawing, found in zip(rows.tolist(), expected, strict=True):
        x = y = start_x = start_y = left = right = top = bottom = 0.0
        lifted = True
        for step, (dx, dy, _, lifts, _) in enumerate(drawing):
            x, y = x + dx, y + dy
            if lifted:
                start_x, start_y = x, y
            lifted = lifts > 0.5
            left, right, top, bottom = min(left, x), max(right, x), min(top, y), max(bottom, y)
            found[step] = 0.25 * torch.tensor(
                [x, y, x - start_x, y - start_y, x - left, y - top, right - x, bottom - y]
            )
    torch.testing.assert_close(pen_positions(rows), expected)


def test_a_decoder_with_pen_positions_refuses_a_state():
    network = network_of(small_model(variational=False, position_inputs=True))
    rows, condition = random_stroke5(LENGTHS)[:, :1], torch.zeros(4, 0)
    with pytest.raises(ValueError, match="expected no state"):
        network.decoder(rows, condition, network.decoder.initial_state(condition))

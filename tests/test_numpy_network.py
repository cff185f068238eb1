import dataclasses

import numpy as np
import pytest
import torch
from builders import CATEGORIES, CONFIGURATIONS, checkpoint_of, network_of, random_stroke5, small_model
from hypothesis import given
from hypothesis import strategies as st

from sketchrnn.errors import CheckpointError
from sketchrnn.model.checkpoint import load_checkpoint, load_shipped, save_checkpoint
from sketchrnn.model.network import DECODER_TENSORS, NumpyMixture, NumpyNetwork
from sketchrnn.training.network.losses import Mixture
from sketchrnn.training.network.sketch_rnn import SketchRNN

LENGTHS = [3, 9, 1, 5]
FIELDS = ("log_pi", "mu", "log_sigma", "rho", "log_q")


@pytest.fixture(params=CONFIGURATIONS)
def network(request):
    return network_of(small_model(**CONFIGURATIONS[request.param]))


def categories_of(configuration):
    return np.array([0, 2, 1, 2]) if configuration.conditional else np.zeros(4, np.int64)


def latents_of(configuration):
    """The z that a network can be given: a vector, or None for "no z"."""
    z = np.random.default_rng(5).normal(size=(4, configuration.latent_units)).astype(np.float32)
    return [z] * configuration.variational + [None] * configuration.can_draw_without_latent


def close(ours, theirs, tolerance=1e-5):
    np.testing.assert_allclose(ours, theirs.detach().numpy(), rtol=0, atol=tolerance)


def compare(network, ours, tolerance=1e-5):
    """Step the NumPy network over sketches; compare each state and mixture with the torch network's in one run."""
    stroke5, category = random_stroke5(LENGTHS), categories_of(network.configuration)
    for z in latents_of(network.configuration):
        told = network.conditioning(None if z is None else torch.from_numpy(z), torch.from_numpy(category))
        condition = ours.conditioning(category, z)
        close(condition, told, 1e-7)
        state = ours.start(condition)
        for mine, theirs in zip((state.hidden, state.cell), network.decoder.initial_state(told), strict=True):
            close(mine, theirs, tolerance)
        output, last = network.decoder(stroke5[:, :-1], told)
        forced = Mixture.from_output(output)
        their_state = None
        for row in range(stroke5.shape[1] - 1):
            state = ours.step(state, stroke5[:, row].numpy())
            mixture = ours.mixture(state)
            for name in FIELDS:
                close(getattr(mixture, name), getattr(forced, name)[:, row], tolerance)
            if network.configuration.position_inputs:  # its torch decoder runs whole sketches only
                continue
            stepped_output, their_state = network.decoder(stroke5[:, row : row + 1], told, their_state)
            stepped = Mixture.from_output(stepped_output)
            for name in FIELDS:
                close(getattr(mixture, name), getattr(stepped, name)[:, 0], tolerance)
        for mine, theirs in zip((state.hidden, state.cell), last, strict=True):
            close(mine, theirs, tolerance)


@torch.no_grad()
def test_drawing_agrees_with_torch(network):
    compare(network, NumpyNetwork(checkpoint_of(network)))


@torch.no_grad()
def test_half_precision_weights_agree_with_torch(network):
    halves = {name: value.astype(np.float16) for name, value in network.weights().items()}
    checkpoint = dataclasses.replace(checkpoint_of(network), weights=halves)
    compare(SketchRNN.from_checkpoint(checkpoint), NumpyNetwork(checkpoint))


@torch.no_grad()
def test_the_comparison_notices_swapped_gates(network):
    weights = network.weights()
    name = next(name for name in weights if name.startswith("decoder.lstm.weight_hh"))
    weights[name] = np.roll(weights[name], 12, axis=0)
    with pytest.raises(AssertionError):
        compare(network, NumpyNetwork(dataclasses.replace(checkpoint_of(network), weights=weights)))


@torch.no_grad()
def test_encode_agrees_with_torch(network):
    if network.encoder is None:
        pytest.skip("not applicable: decoder only")
    ours, category = NumpyNetwork(checkpoint_of(network)), categories_of(network.configuration)
    stroke5 = random_stroke5(LENGTHS)
    theirs = network.encode(stroke5[:, 1:-1], torch.tensor(LENGTHS), torch.from_numpy(category))
    for place, length in enumerate(LENGTHS):
        rows = stroke5[place, 1 : length + 1].numpy()
        for mine, their in zip(ours.encode(rows, int(category[place])), theirs, strict=True):
            close(mine, their[place])


@torch.no_grad()
def test_the_shipped_weights_agree_with_torch():
    checkpoint = load_shipped()
    compare(SketchRNN.from_checkpoint(checkpoint), NumpyNetwork(checkpoint), 1e-4)
    assert len(checkpoint.configuration.categories) == 345
    assert checkpoint.configuration.can_draw_without_latent
    assert not any(name.startswith("optimizer.") for name in checkpoint.weights)


@torch.no_grad()
def test_the_decoders_tensors_are_enough_to_draw_without_z(network, tmp_path):
    if not network.configuration.can_draw_without_latent:
        pytest.skip("not applicable: needs a z")
    save_checkpoint(checkpoint_of(network), tmp_path / "a")
    part = load_checkpoint(tmp_path / "a", prefixes=DECODER_TENSORS)
    assert not any(name.startswith("encoder.") for name in part.weights)
    category = categories_of(network.configuration)
    pair = [NumpyNetwork(each) for each in (part, checkpoint_of(network))]
    one, other = (each.mixture(each.start(each.conditioning(category))) for each in pair)
    assert all(np.array_equal(getattr(one, name), getattr(other, name)) for name in FIELDS)


def test_the_offset_scale_is_kept(network):
    assert NumpyNetwork(checkpoint_of(network, offset_scale=3.25)).offset_scale == 3.25


@torch.no_grad()
def test_a_state_can_be_taken_many_times(network):
    ours, category = NumpyNetwork(checkpoint_of(network)), categories_of(network.configuration)
    state = ours.start(ours.conditioning(category, latents_of(network.configuration)[0]))
    index = np.array([2, 2, 0])
    rows = random_stroke5(LENGTHS)[:, 1].numpy()
    after, before = ours.step(state.take(index), rows[index]), ours.step(state, rows).take(index)
    for name in ("hidden", "cell", "constant"):
        np.testing.assert_allclose(getattr(after, name), getattr(before, name), atol=1e-6)


@pytest.mark.parametrize("change", ["missing", "shape"])
def test_weights_that_do_not_fit_are_refused(network, change):
    weights = network.weights()
    if change == "missing":
        del weights["decoder.output.weight"]
    else:
        weights["decoder.output.weight"] = weights["decoder.output.weight"].T
    with pytest.raises(
        CheckpointError, match=r"^the model: tensor decoder\.output\.weight .*expected shape \(21, 12\)$"
    ):
        NumpyNetwork(dataclasses.replace(checkpoint_of(network), weights=weights))


def mixture_of(output):
    return NumpyMixture.from_output(output), Mixture.from_output(torch.from_numpy(output))


@given(st.integers(0, 1000), st.floats(0.05, 4.0), st.floats(0.1, 5.0))
def test_temperature_multiplies_variances_and_divides_logits(seed, temperature, spread):
    mixture, _ = mixture_of((spread * np.random.default_rng(seed).normal(size=(3, 21))).astype(np.float32))
    tempered = mixture.at_temperature(temperature)
    for name in FIELDS:
        assert getattr(tempered, name).dtype == np.float32
    variances = np.exp(2.0 * mixture.log_sigma), np.exp(2.0 * tempered.log_sigma)
    np.testing.assert_allclose(variances[1], temperature * variances[0], rtol=1e-4)
    np.testing.assert_array_equal(tempered.mu, mixture.mu)
    np.testing.assert_array_equal(tempered.rho, mixture.rho)
    for name in ("log_pi", "log_q"):
        before, after = getattr(mixture, name), getattr(tempered, name)
        np.testing.assert_allclose(np.exp(after).sum(-1), 1.0, rtol=1e-5)
        # logits are known up to a constant: compare their differences
        differences = after - after[:, :1], (before - before[:, :1]) / temperature
        np.testing.assert_allclose(*differences, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("value", [-1e4, 1e4])
def test_extreme_outputs_are_bounded_as_in_torch(value):
    for place in range(21):
        output = np.zeros((1, 21), np.float32)
        output[0, place] = value
        ours, theirs = mixture_of(output)
        for name in FIELDS:
            close(getattr(ours, name), getattr(theirs, name))


def test_samples_have_the_mixtures_moments():
    output = np.random.default_rng(2).normal(size=(1, 21)).astype(np.float32)
    mixture, _ = mixture_of(np.repeat(output, 200_000, axis=0))
    count = len(mixture.log_pi)
    generator = np.random.default_rng(3)
    offsets, pen = mixture.sample(generator.random((count, 2)), generator.normal(size=(count, 2)))
    pi, mu, sigma, rho = np.exp(mixture.log_pi[0]), mixture.mu[0], np.exp(mixture.log_sigma[0]), mixture.rho[0]
    mean = pi @ mu
    across = rho * sigma[:, 0] * sigma[:, 1]
    within = np.array([[sigma[:, 0] ** 2, across], [across, sigma[:, 1] ** 2]])  # (2, 2, M)
    apart = mu - mean
    covariance = within @ pi + (apart * pi[:, None]).T @ apart
    assert (np.abs(offsets.mean(0) - mean) < 5 * np.sqrt(np.diag(covariance) / count)).all()
    np.testing.assert_allclose(np.cov(offsets.T), covariance, rtol=0.05, atol=0.03)
    np.testing.assert_allclose(np.bincount(pen, minlength=3) / count, np.exp(mixture.log_q[0]), atol=0.006)
    assert offsets.dtype == np.float32


def test_every_random_number_gives_a_component_and_a_pen_state():
    output = np.zeros((4, 21), np.float32)
    output[:, 1] = 50.0  # the pen lifts, unless the number is 0
    mixture, _ = mixture_of(output)
    uniform = np.array([[0.0, 0.0], [0.0, 1 - 2**-53], [1 - 2**-53, 0.0], [1 - 2**-53, 1 - 2**-53]])
    offsets, pen = mixture.sample(uniform, np.zeros((4, 2)))
    assert set(pen) <= {0, 1, 2}
    assert pen[1] == pen[3] == 1
    assert np.isfinite(offsets).all()


def test_offset_and_pen_are_drawn_from_different_numbers():
    mixture, _ = mixture_of(np.zeros((2, 21), np.float32) + np.arange(21, dtype=np.float32) / 10)
    offsets, pen = mixture.sample(np.array([[0.01, 0.01], [0.01, 0.99]]), np.zeros((2, 2)))
    assert np.array_equal(offsets[0], offsets[1])
    assert pen.tolist() == [0, 2]
    offsets, pen = mixture.sample(np.array([[0.01, 0.5], [0.99, 0.5]]), np.zeros((2, 2)))
    assert not np.array_equal(offsets[0], offsets[1])
    assert pen[0] == pen[1]


def some_mixture(seed=0, batch=4):
    return NumpyMixture.from_output(np.random.default_rng(seed).normal(size=(batch, 3 + 6 * 5)).astype(np.float32))


def test_temperature_0_is_the_likeliest_each_time():
    mixture = some_mixture()
    cold = mixture.at_temperature(0.0)
    for seed in range(3):
        generator = np.random.default_rng(seed)
        offsets, pen = cold.sample(generator.random((4, 2)), generator.normal(size=(4, 2)))
        np.testing.assert_array_equal(offsets, mixture.mu[np.arange(4), mixture.log_pi.argmax(-1)])
        np.testing.assert_array_equal(pen, mixture.log_q.argmax(-1))


def test_the_pen_has_a_temperature_of_its_own():
    mixture = some_mixture()
    both, pen = mixture.at_temperature(0.5, 2.0), mixture.at_temperature(2.0)
    np.testing.assert_array_equal(both.log_q, pen.log_q)
    np.testing.assert_array_equal(both.log_pi, mixture.at_temperature(0.5).log_pi)


def test_guidance_tells_a_category_further_from_the_mean_of_all():
    network = NumpyNetwork(checkpoint_of(network_of(small_model(variational=False, categories=CATEGORIES))))
    all_of_them = np.arange(len(CATEGORIES))
    plain, mean = network.conditioning(all_of_them), network.conditioning(None)
    np.testing.assert_allclose(network.conditioning(all_of_them, guidance=2.0) - mean, 2 * (plain - mean), atol=1e-6)
    np.testing.assert_allclose(network.conditioning(all_of_them, guidance=0.0), np.repeat(mean, 3, axis=0), atol=1e-6)


def test_clarity_is_what_the_trained_network_was_given():
    network = network_of(small_model(variational=False, categories=CATEGORIES, clarity=True))
    category, rating = torch.arange(3), torch.tensor([-1.0, 0.0, 0.5])
    theirs = network.conditioning(None, category, rating).detach().numpy()
    ours = NumpyNetwork(checkpoint_of(network))
    for number, value in enumerate(rating.tolist()):
        given = ours.conditioning(np.array([number]), clarity=value)
        np.testing.assert_allclose(given[0], theirs[number], atol=1e-6)
    assert np.abs(theirs[2] - network.conditioning(None, category).detach().numpy()[2]).max() > 0.01


@given(st.integers(0, 1000), st.floats(0.05, 1.0) | st.sampled_from([5e-324, 1e-45, 1e-30]))
def test_top_p_keeps_the_fewest_likeliest_that_weigh_enough(seed, top_p):
    mixture = some_mixture(seed)
    for before, after in zip(
        np.exp(mixture.log_pi), np.exp(mixture.at_temperature(1.0, top_p=top_p).log_pi), strict=True
    ):
        kept = after > 0
        assert after.sum() == pytest.approx(1.0, abs=1e-5)
        assert before[kept].min() >= before[~kept].max(initial=0.0)
        assert before[kept].sum() >= top_p - 1e-5
        assert before[kept].sum() - before[kept].min() < top_p + 1e-5
        np.testing.assert_allclose(after[kept], before[kept] / before[kept].sum(), rtol=1e-4)

"""Our network with Magenta's weights gives Magenta's numbers: see tests/reference/README.md."""

from pathlib import Path

import numpy as np
import pytest
import torch

from sketchrnn.model.configuration import ModelConfiguration
from sketchrnn.model.losses import kl_loss, reconstruction_losses
from sketchrnn.model.mixture import Mixture
from sketchrnn.model.network import SketchRNN

REFERENCE = Path(__file__).parent / "reference"
MAX_LENGTH = 24
KL_FLOOR = 0.2
KL_WEIGHT = 0.5
DENSITY_FLOOR = 1e-6  # Magenta's log(density + 1e-6)


def gates_to_torch(matrix):
    """Magenta's gates i, j, f, o along the last axis -> torch's i, f, g, o along the first."""
    i, j, f, o = np.split(matrix, 4, axis=-1)
    return np.concatenate([i, f, j, o], axis=-1).T


def lstm_weights(numbers, kind, theirs, ours):
    return {
        f"{ours}.weight_ih_l0": gates_to_torch(numbers[f"{kind}/{theirs}/LSTMCell/W_xh"]),
        f"{ours}.weight_hh_l0": gates_to_torch(numbers[f"{kind}/{theirs}/LSTMCell/W_hh"]),
        f"{ours}.bias_ih_l0": gates_to_torch(numbers[f"{kind}/{theirs}/LSTMCell/bias"]),
    }


def swap_halves(matrix):
    """Magenta's state is [c, h], ours (h, c)."""
    cell, hidden = np.split(matrix, 2, axis=-1)
    return np.concatenate([hidden, cell], axis=-1)


def translated(numbers, kind):
    """Magenta's tensors ("weight" or "gradient") under our names and in our layout."""
    root = "vector_rnn"
    tensors = lstm_weights(numbers, kind, f"{root}/RNN", "decoder.lstm")
    tensors["decoder.output.weight"] = numbers[f"{kind}/{root}/RNN/output_w"].T
    tensors["decoder.output.bias"] = numbers[f"{kind}/{root}/RNN/output_b"]
    if f"{kind}/{root}/ENC_RNN_mu/super_linear_w" in numbers:
        tensors |= lstm_weights(numbers, kind, f"{root}/ENC_RNN/fw", "encoder.forwards")
        tensors |= lstm_weights(numbers, kind, f"{root}/ENC_RNN/bw", "encoder.backwards")
        for theirs, ours in (("mu", "mean"), ("sigma", "logvar")):
            tensors[f"encoder.{ours}.weight"] = numbers[f"{kind}/{root}/ENC_RNN_{theirs}/super_linear_w"].T
            tensors[f"encoder.{ours}.bias"] = numbers[f"{kind}/{root}/ENC_RNN_{theirs}/super_linear_b"]
        tensors["decoder.initial.weight"] = swap_halves(numbers[f"{kind}/{root}/linear/super_linear_w"]).T
        tensors["decoder.initial.bias"] = swap_halves(numbers[f"{kind}/{root}/linear/super_linear_b"])
    return tensors


def magenta_network(numbers, variational):
    network = SketchRNN(
        ModelConfiguration(
            variational=variational,
            encoder_units=12,
            decoder_units=20,
            latent_units=6,
            mixtures=4,
            latent_dropout=0.0,
        )
    )
    weights = {name: np.array(value) for name, value in translated(numbers, "weight").items()}
    for name, value in weights.items():
        if name.endswith("bias_ih_l0"):  # Magenta adds the forget bias of 1 when it runs
            units = len(value) // 4
            value[units : 2 * units] += 1.0
    network.load_weights(weights)
    return network


def run(numbers, variational):
    """Return the network, its decoder's mixture and final state, z_mean, z_logvar and the two kinds of loss."""
    network = magenta_network(numbers, variational)
    stroke5 = torch.from_numpy(numbers["stroke5"])
    lengths = torch.from_numpy(numbers["lengths"])
    category = torch.zeros(len(lengths), dtype=torch.int64)
    z_mean = z_logvar = z = None
    if variational:
        z_mean, z_logvar = network.encode(stroke5[:, 1:], lengths, category)
        z = torch.from_numpy(numbers["z"]).requires_grad_()
    condition = network.condition(z, category)
    initial = network.decoder.initial_state(condition)
    output, final = network.decoder(stroke5[:, :-1], condition)
    mixture = Mixture.from_output(output)
    floor = {"density_floor": DENSITY_FLOOR}
    losses = {
        rows: sum(reconstruction_losses(mixture, stroke5[:, 1:], lengths, MAX_LENGTH, pen_rows=rows, **floor))
        for rows in ("real", "all")
    }
    return network, mixture, initial, final, z_mean, z_logvar, losses, z


@pytest.fixture(params=["vae", "decoder_only"])
def reference(request):
    with np.load(REFERENCE / f"magenta_lstm_{request.param}.npz") as numbers:
        return dict(numbers), request.param == "vae"


def close(ours, theirs, tolerance=1e-5):
    np.testing.assert_allclose(ours.detach().numpy(), theirs, rtol=0, atol=tolerance)


def test_mixture_parameters_states_and_z(reference):
    numbers, variational = reference
    _, mixture, initial, final, z_mean, z_logvar, *_ = run(numbers, variational)
    close(mixture.log_pi.exp(), numbers["decoder/pi"])
    close(mixture.mu[..., 0], numbers["decoder/mu1"])
    close(mixture.mu[..., 1], numbers["decoder/mu2"])
    close(mixture.log_sigma[..., 0].exp(), numbers["decoder/sigma1"])
    close(mixture.log_sigma[..., 1].exp(), numbers["decoder/sigma2"])
    close(mixture.rho, numbers["decoder/corr"])
    close(mixture.log_q.exp(), numbers["decoder/pen"])
    close(torch.cat([final[1], final[0]], dim=-1), numbers["final_state"])
    if variational:
        close(torch.cat([initial[1], initial[0]], dim=-1), numbers["initial_state"])
        close(z_mean, numbers["z_mean"])
        close(z_logvar, numbers["z_logvar"])


def test_losses(reference):
    numbers, variational = reference
    _, _, _, _, z_mean, z_logvar, losses, _ = run(numbers, variational)
    close(losses["all"], numbers["loss/train_reconstruction"])
    close(losses["real"], numbers["loss/eval_reconstruction"])
    if variational:
        close(kl_loss(z_mean, z_logvar).mean().clamp_min(KL_FLOOR), numbers["loss/kl_floored"])


def noise_behind(numbers, network, z_logvar, z_gradient):
    """The noise through which Magenta's gradient reached z_logvar.

    z was fed, so the graph's own noise, drawn anew, shows in no output; it is recovered from the gradient of the
    logvar layer: for each latent dimension 25 equations in the 6 sketches' noises, of which 19 are left as a check.
    """
    stroke5, lengths = torch.from_numpy(numbers["stroke5"]), torch.from_numpy(numbers["lengths"])
    seen = []
    hook = network.encoder.logvar.register_forward_hook(lambda layer, inputs, result: seen.append(inputs[0].detach()))
    network.encode(stroke5[:, 1:], lengths, torch.zeros(len(lengths), dtype=torch.int64))
    hook.remove()
    summary = np.column_stack([seen[0].double().numpy(), np.ones(len(lengths))])  # (B, 25)
    per_noise = (z_gradient * 0.5 * torch.exp(0.5 * z_logvar)).detach().double().numpy()  # (B, Z)
    theirs = translated(numbers, "gradient")
    wanted = np.column_stack([theirs["encoder.logvar.weight"], theirs["encoder.logvar.bias"]])  # (Z, 25)
    noise = np.zeros_like(per_noise)
    for dimension in range(noise.shape[1]):
        equations = summary.T * per_noise[:, dimension]
        noise[:, dimension] = np.linalg.lstsq(equations, wanted[dimension], rcond=None)[0]
        assert np.abs(equations @ noise[:, dimension] - wanted[dimension]).max() < 1e-7
    return torch.from_numpy(noise).float()


def test_gradients(reference):
    numbers, variational = reference
    network, _, _, _, z_mean, z_logvar, losses, z = run(numbers, variational)
    losses["all"].backward()
    if variational:
        noise = noise_behind(numbers, network, z_logvar, z.grad)
        reparameterised = z_mean + torch.exp(0.5 * z_logvar) * noise
        kl = KL_WEIGHT * kl_loss(z_mean, z_logvar).mean().clamp_min(KL_FLOOR)
        ((reparameterised * z.grad).sum() + kl).backward()
    ours = {name: parameter.grad for name, parameter in network.named_parameters() if parameter.requires_grad}
    theirs = translated(numbers, "gradient")
    assert set(ours) == set(theirs)
    for name, gradient in theirs.items():
        difference = np.linalg.norm(ours[name].numpy() - gradient) / np.linalg.norm(gradient)
        assert difference < 1e-4, f"{name}: {difference}"


def test_a_wrong_gate_order_is_noticed(reference):
    numbers, variational = reference
    recurrent = "weight/vector_rnn/RNN/LSTMCell/W_hh"
    numbers[recurrent] = np.roll(numbers[recurrent], 20, axis=-1)
    with pytest.raises(AssertionError):
        test_mixture_parameters_states_and_z((numbers, variational))


@pytest.mark.parametrize(("variational", "count"), [(True, 2_186_107), (False, 1_123_963)])
def test_parameter_counts_are_the_published_ones(variational, count):
    network = SketchRNN(ModelConfiguration(variational=variational, latent_dropout=0.0))
    assert sum(p.numel() for p in network.parameters() if p.requires_grad) == count

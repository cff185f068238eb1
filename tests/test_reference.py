"""Our network with Magenta's weights gives Magenta's numbers: see tests/reference/README.md."""

from pathlib import Path

import numpy as np
import pytest
import torch
from builders import checkpoint_of

from sketchrnn.model.configuration import ModelConfiguration
from sketchrnn.model.network import NumpyNetwork
from sketchrnn.training.network.losses import Mixture, kl_loss, reconstruction_losses
from sketchrnn.training.network.sketch_rnn import SketchRNN

REFERENCE = Path(__file__).parent / "reference"
MAX_LENGTH = 24
KL_FLOOR = 0.2
KL_WEIGHT = 0.5
DENSITY_FLOOR = 1e-6  # Magenta's log(density + 1e-6)


def gates_to_torch(matrix):
    """Magenta's gates i, j, f, o along the last axis -> torch's i, f, g, o along the first."""
    i, j, f, o = np.split(matrix, 4, axis=-1)
    return np.concatenate([i, f, j, o], axis=-1).T


def by_gate(vector):
    """The same of a vector, as torch's four gates (4, units)."""
    return vector.reshape(4, -1)[[0, 2, 1, 3]]


def lstm_weights(numbers, path):
    """Magenta's tensors of one LSTM cell, under the names of ours."""
    return {
        "weight_ih_l0": gates_to_torch(numbers[f"{path}/W_xh"]),
        "weight_hh_l0": gates_to_torch(numbers[f"{path}/W_hh"]),
        "bias_ih_l0": gates_to_torch(numbers[f"{path}/bias"]),
    }


def layer_norm_weights(numbers, path):
    return {
        "weight_ih": gates_to_torch(numbers[f"{path}/W_xh"]),
        "weight_hh": gates_to_torch(numbers[f"{path}/W_hh"]),
        "gate_norm.gain": by_gate(numbers[f"{path}/ln_all/ln_gamma"]),
        "gate_norm.bias": by_gate(numbers[f"{path}/ln_all/ln_beta"]),
        "cell_norm.gain": numbers[f"{path}/ln_c/ln_gamma"][None],
        "cell_norm.bias": numbers[f"{path}/ln_c/ln_beta"][None],
    }


def hyper_weights(numbers, path):
    def stacked(names, layer):
        return [numbers[f"{path}/hyper_{name}/{layer}"].T for name in names]

    of_rows, of_state = (tuple(gate + part for gate in "ifjo") for part in "xh")
    scaled = of_rows + of_state
    inner = layer_norm_weights(numbers, f"{path}/LayerNormLSTMCell")
    return {
        **layer_norm_weights(numbers, path),
        **{f"hyper.{name}": value for name, value in inner.items()},
        "bias": by_gate(numbers[f"{path}/bias"]),
        "scale_embedding.weight": np.concatenate(stacked(scaled, "zw/super_linear_w")),
        "scale_embedding.bias": np.concatenate(stacked(scaled, "zw/super_linear_b")),
        "scale": np.stack(stacked(scaled, "alpha/super_linear_w")),
        "shift_embedding.weight": np.concatenate(stacked(of_state, "zb/super_linear_w")),
        "shift": np.stack(stacked(of_state, "beta/super_linear_w")),
    }


CELLS = {
    "lstm": ("LSTMCell", lstm_weights),
    "layer_norm": ("LayerNormLSTMCell", layer_norm_weights),
    "hyper": ("HyperLSTMCell", hyper_weights),
}


def cell_weights(numbers, kind, cell, theirs, ours):
    name, weights = CELLS[cell]
    return {f"{ours}.{part}": value for part, value in weights(numbers, f"{kind}/{theirs}/{name}").items()}


def swap_halves(matrix):
    """Magenta's state is [c, h], ours (h, c)."""
    cell, hidden = np.split(matrix, 2, axis=-1)
    return np.concatenate([hidden, cell], axis=-1)


def translated(numbers, kind, cell):
    """Magenta's tensors ("weight" or "gradient") under our names and in our layout."""
    root = "vector_rnn"
    tensors = cell_weights(numbers, kind, cell, f"{root}/RNN", "decoder.lstm")
    tensors["decoder.output.weight"] = numbers[f"{kind}/{root}/RNN/output_w"].T
    tensors["decoder.output.bias"] = numbers[f"{kind}/{root}/RNN/output_b"]
    if f"{kind}/{root}/ENC_RNN_mu/super_linear_w" in numbers:
        tensors |= cell_weights(numbers, kind, cell, f"{root}/ENC_RNN/fw", "encoder.forwards")
        tensors |= cell_weights(numbers, kind, cell, f"{root}/ENC_RNN/bw", "encoder.backwards")
        for theirs, ours in (("mu", "mean"), ("sigma", "logvar")):
            tensors[f"encoder.{ours}.weight"] = numbers[f"{kind}/{root}/ENC_RNN_{theirs}/super_linear_w"].T
            tensors[f"encoder.{ours}.bias"] = numbers[f"{kind}/{root}/ENC_RNN_{theirs}/super_linear_b"]
        in_our_order = swap_halves if cell == "lstm" else np.asarray
        for ours, theirs in (("weight", "super_linear_w"), ("bias", "super_linear_b")):
            tensors[f"decoder.initial.{ours}"] = in_our_order(numbers[f"{kind}/{root}/linear/{theirs}"]).T
    return tensors


def magenta_network(numbers, variational, cell):
    network = SketchRNN(
        ModelConfiguration(
            variational=variational,
            encoder_units=12,
            decoder_units=20,
            latent_units=6,
            mixtures=4,
            latent_dropout=0.0,
            encoder_cell=cell,
            decoder_cell=cell,
        )
    )
    weights = {name: np.array(value) for name, value in translated(numbers, "weight", cell).items()}
    for name, value in weights.items():  # Magenta adds the forget bias of 1 when it runs
        if name.endswith("bias_ih_l0"):
            units = len(value) // 4
            value[units : 2 * units] += 1.0
        elif name.endswith("gate_norm.bias"):
            value[1] += 1.0
    network.load_weights(weights)
    return network


def run(numbers, variational, cell):
    """Return the network, its decoder's mixture and final state, z_mean, z_logvar and the two kinds of loss."""
    network = magenta_network(numbers, variational, cell)
    stroke5 = torch.from_numpy(numbers["stroke5"])
    lengths = torch.from_numpy(numbers["lengths"])
    category = torch.zeros(len(lengths), dtype=torch.int64)
    z_mean = z_logvar = z = None
    if variational:
        z_mean, z_logvar = network.encode(stroke5[:, 1:], lengths, category)
        z = torch.from_numpy(numbers["z"]).requires_grad_()
    condition = network.conditioning(z, category)
    initial = network.decoder.initial_state(condition)
    output, final = network.decoder(stroke5[:, :-1], condition)
    mixture = Mixture.from_output(output)
    floor = {"density_floor": DENSITY_FLOOR}
    losses = {
        rows: sum(reconstruction_losses(mixture, stroke5[:, 1:], lengths, MAX_LENGTH, pen_rows=rows, **floor))
        for rows in ("real", "all")
    }
    return network, mixture, initial, final, z_mean, z_logvar, losses, z


@pytest.fixture(params=[f"{cell}_{kind}" for cell in CELLS for kind in ("vae", "decoder_only")])
def reference(request):
    """Magenta's numbers, whether they are of a VAE, and the cell; the HyperLSTM's are too large to keep here."""
    cell, _, kind = request.param.partition("_vae" if request.param.endswith("vae") else "_decoder")
    folder = REFERENCE if cell != "hyper" else request.getfixturevalue("shared") / "reference" / "magenta"
    with np.load(folder / f"magenta_{request.param}.npz") as numbers:
        return dict(numbers), not kind, cell


def close(ours, theirs, tolerance=1e-5):
    np.testing.assert_allclose(ours.detach().numpy(), theirs, rtol=0, atol=tolerance)


def test_mixture_parameters_states_and_z(reference):
    numbers, variational, cell = reference
    tolerance = 1e-4 if cell == "hyper" else 1e-5
    _, mixture, initial, final, z_mean, z_logvar, *_ = run(*reference)
    for ours, theirs in (
        (mixture.log_pi.exp(), "pi"),
        (mixture.mu[..., 0], "mu1"),
        (mixture.mu[..., 1], "mu2"),
        (mixture.log_sigma[..., 0].exp(), "sigma1"),
        (mixture.log_sigma[..., 1].exp(), "sigma2"),
        (mixture.rho, "corr"),
        (mixture.log_q.exp(), "pen"),
    ):
        close(ours, numbers[f"decoder/{theirs}"], tolerance)
    their_order = slice(None, None, -1) if cell == "lstm" else slice(None)  # [c, h] there, [h, c] in the others
    close(torch.cat(final[their_order], dim=-1), numbers["final_state"], tolerance)
    if variational:
        close(torch.cat(initial[their_order], dim=-1), numbers["initial_state"], tolerance)
        close(z_mean, numbers["z_mean"], tolerance)
        close(z_logvar, numbers["z_logvar"], tolerance)


def test_numpy_gives_the_same_mixture_parameters(reference):
    numbers, variational, cell = reference
    network = NumpyNetwork(checkpoint_of(magenta_network(numbers, variational, cell)))
    state = network.start(network.conditioning(np.zeros(6, np.int64), numbers["z"] if variational else None))
    for place in range(MAX_LENGTH):
        state = network.step(state, numbers["stroke5"][:, place])
        mixture = network.mixture(state)
        for ours, theirs in ((np.exp(mixture.log_pi), "pi"), (mixture.mu[..., 1], "mu2"), (mixture.rho, "corr")):
            np.testing.assert_allclose(ours, numbers[f"decoder/{theirs}"][:, place], atol=1e-4)
    if variational:
        for place, length in enumerate(numbers["lengths"]):
            z_mean, z_logvar = network.encode(numbers["stroke5"][place, 1 : length + 1], 0)
            np.testing.assert_allclose(z_mean, numbers["z_mean"][place], atol=1e-4)
            np.testing.assert_allclose(z_logvar, numbers["z_logvar"][place], atol=1e-4)


def test_losses(reference):
    numbers, variational, cell = reference
    tolerance = 1e-4 if cell == "hyper" else 1e-5
    _, _, _, _, z_mean, z_logvar, losses, _ = run(*reference)
    close(losses["all"], numbers["loss/train_reconstruction"], tolerance)
    close(losses["real"], numbers["loss/eval_reconstruction"], tolerance)
    if variational:
        close(kl_loss(z_mean, z_logvar).mean().clamp_min(KL_FLOOR), numbers["loss/kl_floored"], tolerance)


def noise_behind(numbers, cell, network, z_logvar, z_gradient, kl_gradient):
    """The noise through which Magenta's gradient reached z_logvar.

    z was fed, so the graph's own noise, drawn anew, shows in no output; it is recovered from the gradient of the
    logvar layer, less what the KL term put there: for each latent dimension 25 equations in the 6 sketches' noises, of
    which 19 are left as a check.
    """
    stroke5, lengths = torch.from_numpy(numbers["stroke5"]), torch.from_numpy(numbers["lengths"])
    seen = []
    hook = network.encoder.logvar.register_forward_hook(lambda layer, inputs, result: seen.append(inputs[0].detach()))
    network.encode(stroke5[:, 1:], lengths, torch.zeros(len(lengths), dtype=torch.int64))
    hook.remove()
    summary = np.column_stack([seen[0].double().numpy(), np.ones(len(lengths))])  # (B, 25)
    per_noise = (z_gradient * 0.5 * torch.exp(0.5 * z_logvar)).detach().double().numpy()  # (B, Z)
    theirs = translated(numbers, "gradient", cell)
    wanted = np.column_stack([theirs["encoder.logvar.weight"], theirs["encoder.logvar.bias"]])  # (Z, 25)
    wanted = wanted - (summary.T @ kl_gradient.double().numpy()).T
    noise = np.zeros_like(per_noise)
    for dimension in range(noise.shape[1]):
        equations = summary.T * per_noise[:, dimension]
        noise[:, dimension] = np.linalg.lstsq(equations, wanted[dimension], rcond=None)[0]
        assert np.abs(equations @ noise[:, dimension] - wanted[dimension]).max() < 1e-7
    return torch.from_numpy(noise).float()


def test_gradients(reference):
    numbers, variational, cell = reference
    if cell == "hyper":
        pytest.skip("not applicable: its gradients are not among Magenta's numbers")
    network, _, _, _, z_mean, z_logvar, losses, z = run(*reference)
    losses["all"].backward()
    if variational:
        kl = KL_WEIGHT * kl_loss(z_mean, z_logvar).mean().clamp_min(KL_FLOOR)
        (kl_gradient,) = torch.autograd.grad(kl, z_logvar, retain_graph=True)
        noise = noise_behind(numbers, cell, network, z_logvar, z.grad, kl_gradient)
        reparameterised = z_mean + torch.exp(0.5 * z_logvar) * noise
        ((reparameterised * z.grad).sum() + kl).backward()
    ours = {name: parameter.grad for name, parameter in network.named_parameters() if parameter.requires_grad}
    theirs = translated(numbers, "gradient", cell)
    assert set(ours) == set(theirs)
    for name, gradient in theirs.items():
        difference = np.linalg.norm(ours[name].numpy() - gradient) / np.linalg.norm(gradient)
        assert difference < 1e-4, f"{name}: {difference}"


def test_a_wrong_gate_order_is_noticed(reference):
    numbers, variational, cell = reference
    recurrent = f"weight/vector_rnn/RNN/{CELLS[cell][0]}/W_hh"
    numbers[recurrent] = np.roll(numbers[recurrent], 20, axis=-1)
    with pytest.raises(AssertionError):
        test_mixture_parameters_states_and_z((numbers, variational, cell))


@pytest.mark.parametrize(("variational", "count"), [(True, 2_186_107), (False, 1_123_963)])
def test_parameter_counts_are_the_published_ones(variational, count):
    network = SketchRNN(ModelConfiguration(variational=variational, latent_dropout=0.0))
    assert sum(p.numel() for p in network.parameters() if p.requires_grad) == count

"""The recurrent cells: torch's fused LSTM, and those that are run step by step."""

import dataclasses
import json
from typing import Any

import numpy as np
import pytest
import torch
from builders import CONFIGURATIONS, checkpoint_of, network_of, random_stroke5, small_model
from safetensors import safe_open
from safetensors.numpy import save

from sketchrnn.errors import ConfigurationError
from sketchrnn.model.checkpoint import SHIPPED, load_checkpoint, load_shipped, save_checkpoint
from sketchrnn.model.configuration import CELLS, LATER_FIELDS, ModelConfiguration
from sketchrnn.training.configuration import NO_DROPOUT, Dropouts
from sketchrnn.training.network.cells import LSTM, HyperLSTM, LayerNormLSTM, SideBySide, apply_gates, make_cell
from sketchrnn.training.network.sketch_rnn import SketchRNN

STEPS, BATCH, INPUTS, UNITS = 7, 3, 5, 8


def cell_of(kind, seed=0, dropouts=NO_DROPOUT):
    """A cell none of whose weights is near its beginning."""
    torch.manual_seed(seed)
    cell: Any = make_cell(kind, INPUTS + 2, UNITS, small_model(), dropouts)
    with torch.no_grad():
        for parameter in cell.parameters():
            if parameter.requires_grad:
                parameter.add_(0.3 * torch.randn(parameter.shape))
    return cell


def inputs_of(cell, seed=1):
    generator = torch.Generator().manual_seed(seed)
    rows = torch.randn(STEPS, BATCH, INPUTS, generator=generator)
    condition = torch.randn(BATCH, 2, generator=generator)
    state = tuple(torch.randn(BATCH, cell.state_units, generator=generator) for _ in "hc")
    return rows, condition, state


def run(cell, rows, condition, state):
    (outputs,), (last,) = SideBySide([cell])([rows], condition, state)
    return outputs, last


def test_by_steps_the_plain_cell_is_torchs():
    cell = cell_of("lstm", dropouts=Dropouts(recurrent=1e-9))  # by steps in training, with a chance that never comes
    rows, condition, state = inputs_of(cell)
    assert cell.runs_by_steps
    stepped = run(cell, rows, condition, state)
    cell.eval()
    assert not cell.runs_by_steps
    fused = run(cell, rows, condition, state)
    torch.testing.assert_close(stepped, fused)


@pytest.mark.parametrize("kind", CELLS)
def test_a_sequence_in_two_parts_is_the_whole(kind):
    cell = cell_of(kind).eval()
    rows, condition, state = inputs_of(cell)
    whole, last = run(cell, rows, condition, state)
    first, middle = run(cell, rows[:3], condition, state)
    second, end = run(cell, rows[3:], condition, middle)
    torch.testing.assert_close(torch.cat([first, second]), whole)
    torch.testing.assert_close(end, last)
    assert whole.shape == (STEPS, BATCH, UNITS)
    assert torch.equal(whole[-1], last[0][:, :UNITS])


def test_recurrent_dropout_drops_what_is_new_and_keeps_what_is_remembered():
    torch.manual_seed(0)
    gates, cell = torch.randn(1000, 4 * UNITS), torch.randn(1000, UNITS)
    whole, show = apply_gates(gates, cell, 0.0)
    dropped, shown = apply_gates(gates, cell, 0.25)
    assert torch.equal(show, shown)
    remembered = torch.sigmoid(gates[:, UNITS : 2 * UNITS]) * cell
    new = whole - remembered
    kept = ~torch.isclose(dropped, remembered)
    assert kept.float().mean() == pytest.approx(0.75, abs=0.02)
    torch.testing.assert_close(dropped[kept], (remembered + new / 0.75)[kept])


def predictions(network):
    torch.manual_seed(1)
    rows, lengths = random_stroke5([3, 7, 1, 5]), torch.tensor([3, 7, 1, 5])
    noise = network.draw_noise(4, torch.Generator().manual_seed(0))
    zero = torch.zeros(4, dtype=torch.int64)
    prediction = network(rows, lengths, zero, noise)
    return torch.cat([prediction.mixture.mu.flatten(), prediction.z_mean.flatten()]), prediction.z_mean


DROPOUTS = [field.name for field in dataclasses.fields(Dropouts)]


@pytest.mark.parametrize("kind", CELLS)
@pytest.mark.parametrize("dropout", DROPOUTS)
def test_every_dropout_acts_in_training_only(kind, dropout):
    model = small_model(encoder_cell=kind, decoder_cell=kind, latent_dropout=0.0, categories=("cat", "pig"))
    plain = network_of(model).train()
    network = SketchRNN(model, Dropouts(**{dropout: 0.5}))
    network.load_state_dict(plain.state_dict())
    everything, z_mean = predictions(network)
    undropped, undropped_z = predictions(plain)
    assert not torch.allclose(everything, undropped)
    in_encoder = dropout in ("weight", "recurrent")
    assert torch.allclose(z_mean, undropped_z) != in_encoder
    assert torch.equal(predictions(network)[0], everything)  # the seed repeats it
    everything.square().sum().backward()
    learning = {name for name, value in network.named_parameters() if value.grad is not None and value.grad.any()}
    resting = {name for name, value in network.named_parameters() if value.requires_grad} - learning
    assert resting == set()
    network.eval()
    torch.testing.assert_close(predictions(network)[0], predictions(plain.eval())[0])


@pytest.mark.parametrize("kind", ["lstm", "layer_norm", "hyper"])
def test_in_bfloat16_the_gradients_are_nearly_the_same(kind):
    network: Any = network_of(small_model(encoder_cell=kind, decoder_cell=kind), seed=2).train()
    for part in (network.encoder.forwards, network.encoder.backwards, network.decoder.lstm):
        part.recurrent_dropout = 1e-9

    def gradients(bfloat16):
        network.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=bfloat16):
            values, _ = predictions(network)
        values.float().square().mean().backward()
        return torch.cat([value.grad.flatten() for value in network.parameters() if value.grad is not None])

    exact, rounded = gradients(False), gradients(True)
    assert torch.nn.functional.cosine_similarity(exact, rounded, dim=0) > 0.99


def test_the_other_cells_begin_as_magentas():
    torch.manual_seed(0)
    model = ModelConfiguration(hyper_units=32, hyper_embedding_units=4)
    for kind, expected in (("layer_norm", LayerNormLSTM), ("hyper", HyperLSTM), ("lstm", LSTM)):
        assert type(make_cell(kind, INPUTS, UNITS, model)) is expected
    cell: Any = make_cell("hyper", INPUTS, UNITS, model)
    for layer in (cell, cell.hyper):
        for gate in layer.weight_hh.chunk(4):
            torch.testing.assert_close(gate @ gate.T, torch.eye(layer.units))
        assert layer.weight_ih.abs().max() <= (6 / sum(layer.weight_ih.shape)) ** 0.5
        assert torch.equal(layer.gate_norm.gain, torch.ones(4, layer.units))
        assert torch.equal(layer.gate_norm.bias.mean(1), torch.tensor([0.0, 1.0, 0.0, 0.0]))
    told = cell.scale_embedding(torch.randn(2, 32)).unflatten(-1, (8, 1, 4)) @ cell.scale.transpose(1, 2)
    torch.testing.assert_close(told, torch.full((2, 8, 1, UNITS), 0.1))  # whatever the small LSTM says
    assert not cell.shift.any()


@pytest.mark.parametrize(
    ("name", "value"),
    [(name, value) for name in ("encoder_cell", "decoder_cell") for value in ("gru", "LSTM", None, 3, ["lstm"])]
    + [("hyper_embedding_units", 0), ("latent_tanh", 1)],
)
def test_refused_cells(name, value):
    with pytest.raises(ConfigurationError, match=f"^{name}: expected "):
        ModelConfiguration(**{name: value})


@torch.no_grad()
def test_checkpoints_of_before_the_cells_load_as_lstm(tmp_path):
    network = network_of(small_model(**CONFIGURATIONS["vae with categories"]))
    path = tmp_path / "old.safetensors"
    save_checkpoint(checkpoint_of(network), path)
    with safe_open(path, framework="np") as file:
        header = file.metadata()
    configuration = json.loads(header["configuration"])
    for name in LATER_FIELDS:
        del configuration[name]
    path.write_bytes(save(network.weights(), {**header, "configuration": json.dumps(configuration)}))
    old = load_checkpoint(path)
    assert (old.configuration.encoder_cell, old.configuration.decoder_cell) == ("lstm", "lstm")
    loaded = SketchRNN.from_checkpoint(old).weights()
    assert all(np.array_equal(loaded[name], value) for name, value in network.weights().items())


def test_the_shipped_model_is_lstm():
    configuration = load_shipped(prefixes=()).configuration
    assert configuration.decoder_cell == "lstm", SHIPPED

"""Our recurrence on a CPU against torch.nn.LSTM, which computes the same by other means. No test needs AVX-512."""

import pytest
import torch
from builders import FUSED, network_of, random_stroke5, small_model
from test_network import categories_of, noise_of
from torch import nn

from sketchrnn.training.network import recurrence
from sketchrnn.training.network.cells import LSTM, SideBySide
from sketchrnn.training.network.recurrence import Workspace

STEPS, BATCH, INPUTS, UNITS = 9, 6, 5, 12
SHAPES = [(1, 0), (1, 7), (2, 0), (2, 7)]
"""Layers side by side, and size of the conditioning."""
PRECISIONS = {torch.float64: 1e-12, torch.float32: 1e-5, torch.bfloat16: 0.02}
"""Largest error of outputs and gradients, relative to their norm: a few times the rounding error of a product."""


def case(groups, conditioning_units, with_state, dtype=torch.float64, seed=0):
    """Layers, rows, conditioning and initial state."""
    generator = torch.Generator().manual_seed(seed)

    def random(*shape):
        return torch.randn(*shape, generator=generator, dtype=torch.float64).to(dtype).requires_grad_()

    layers = [LSTM(INPUTS + conditioning_units, UNITS).to(dtype) for _ in range(groups)]
    for layer in layers:
        for parameter in layer.parameters():
            if parameter.requires_grad:
                parameter.data = random(*parameter.shape).detach() / 2
    rows = [random(STEPS, BATCH, INPUTS) for _ in range(groups)]
    conditioning = random(BATCH, conditioning_units) if conditioning_units else None
    return layers, rows, conditioning, (random(BATCH, UNITS), random(BATCH, UNITS)) if with_state else None


def torchs_own(layers, rows, conditioning, state):
    hiddens, states = [], []
    for layer, sequence in zip(layers, rows, strict=True):
        if conditioning is not None:
            sequence = torch.cat([sequence, conditioning.expand(len(sequence), -1, -1)], dim=-1)
        output, last = nn.LSTM.forward(layer, sequence, None if state is None else tuple(s[None] for s in state))
        hiddens.append(output)
        states.append(tuple(part[0] for part in last))
    return hiddens, states


def ours(layers, rows, conditioning, state):
    return SideBySide(layers)(rows, conditioning, state)


def results(run, layers, rows, conditioning, state):
    """Outputs, last states, and the gradients of everything that has one."""
    hiddens, states = run(layers, rows, conditioning, state)
    outputs = [*hiddens, *(part for last in states for part in last)]
    loss = sum((value * torch.linspace(-1, 1, value.numel(), dtype=value.dtype).view(value.shape)).sum()
               for value in outputs)  # fmt: skip
    inputs = [p for layer in layers for p in layer.parameters() if p.requires_grad]
    inputs += [*rows, *(state or ()), *([] if conditioning is None else [conditioning])]
    return [value.detach().double().clone() for value in (*outputs, *torch.autograd.grad(loss, inputs))]


@pytest.mark.parametrize("with_state", [False, True])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("precision", PRECISIONS, ids=str)
def test_it_computes_what_torchs_lstm_does(precision, shape, with_state):
    groups, units = shape
    exact = results(torchs_own, *case(groups, units, with_state))
    arguments = case(groups, units, with_state, torch.float64 if precision == torch.float64 else torch.float32)
    with torch.autocast("cpu", torch.bfloat16, enabled=precision == torch.bfloat16):
        found = results(ours, *arguments)
    for number, (one, other) in enumerate(zip(exact, found, strict=True)):
        assert (one - other).norm() < PRECISIONS[precision] * one.norm(), number
    assert precision == torch.float64 or not all(map(torch.equal, exact, found))


@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16], ids=str)
def test_it_computes_the_same_without_onednn(precision, monkeypatch):
    with torch.autocast("cpu", torch.bfloat16, enabled=precision == torch.bfloat16):
        expected = results(ours, *case(2, 7, True, torch.float32))
        monkeypatch.setattr(recurrence, "_linear", None)
        found = results(ours, *case(2, 7, True, torch.float32))
    for number, (one, other) in enumerate(zip(expected, found, strict=True)):
        assert (one - other).norm() < PRECISIONS[precision] * one.norm(), number


def test_a_batch_without_drawings_has_gradients_of_zero():
    """Such a batch is the shard of a process that gets none of a small batch."""
    layers, rows, conditioning, _ = case(2, 7, False, torch.float32)
    empty = [sequence[:, :0] for sequence in rows]
    (one, other), _ = ours(layers, empty, conditioning[:0], None)
    (one.sum() + other.sum()).backward()
    assert all((layer.weight_hh_l0.grad == 0).all() for layer in layers)


def test_dropped_recurrent_weights_are_the_same_at_all_steps():
    layers, rows, conditioning, state = case(1, 7, with_state=True)
    layers[0].weight_dropout = 0.5
    torch.manual_seed(3)
    found, _ = ours(layers, rows, conditioning, state)
    torch.manual_seed(3)
    dropped = nn.functional.dropout(layers[0].weight_hh_l0, 0.5)
    layers[0].weight_dropout, layers[0].weight_hh_l0.data = 0.0, dropped.detach()
    expected, _ = torchs_own(layers, rows, conditioning, state)
    torch.testing.assert_close(found[0], expected[0])


def test_memory_is_reused_but_not_while_it_is_needed():
    layers, rows, conditioning, state = case(1, 7, with_state=True)
    run = SideBySide(layers)

    def repeat(rows):
        return results(lambda _, *arguments: run(*arguments), layers, rows, conditioning, state)

    first = repeat(rows)
    assert len(run._workspaces) == 1
    repeat([torch.cat([sequence, sequence]).detach().requires_grad_() for sequence in rows])  # another shape
    assert len(run._workspaces) == 1
    again = repeat(rows)
    assert all(torch.equal(one, other) for one, other in zip(first, again, strict=True))
    (one,), _ = run(rows, conditioning, state)
    before = one.detach().clone()
    (other,), _ = run([2 * rows[0]], conditioning, state)  # before the first one's backward pass
    assert torch.equal(one, before)
    assert not torch.equal(one, other)
    (one.sum() + other.sum()).backward()
    assert len(run._workspaces) == 2


def test_a_workspace_grows_and_keeps_its_memory():
    workspace = Workspace()
    small = workspace.get("a", (2, 3), torch.float32).fill_(7.0)
    assert workspace.get("a", (3, 2), torch.float32).data_ptr() == small.data_ptr()
    assert workspace.get("a", (20, 30), torch.float32).shape == (20, 30)
    assert workspace.get("a", (20,), torch.bfloat16).dtype == torch.bfloat16
    assert workspace.get("b", (2, 3), torch.float32).data_ptr() != workspace.get("a", (2, 3), torch.float32).data_ptr()


@pytest.mark.parametrize("kind", FUSED)
def test_a_whole_network_learns_the_same_with_it(kind, monkeypatch):
    network = network_of(small_model(**FUSED[kind])).train()
    stroke5, lengths = random_stroke5([4, 6, 1, 3]), torch.tensor([4, 6, 1, 3])
    noise = noise_of(network, 4)
    learned = [parameter for parameter in network.parameters() if parameter.requires_grad]

    def gradients(bfloat16):
        with torch.autocast("cpu", torch.bfloat16, enabled=bfloat16):
            prediction = network(stroke5, lengths, categories_of(network), noise)
        loss = prediction.mixture.log_prob(stroke5[:, 1:, :2]).sum()
        if prediction.z_mean is not None:
            loss = loss + prediction.z_mean.square().sum() + prediction.z_logvar.square().sum()
        found = torch.autograd.grad(loss, learned, allow_unused=True)
        return torch.cat([torch.zeros(1) if value is None else value.flatten() for value in found])

    found, rounded = gradients(False), gradients(True)
    monkeypatch.setattr(SideBySide, "_run_recurrence", lambda _, *arguments: torchs_own(*arguments))
    exact = gradients(False)
    assert not torch.equal(found, exact)
    assert (found - exact).norm() < 1e-4 * exact.norm()
    assert (rounded - exact).norm() < 0.05 * exact.norm()

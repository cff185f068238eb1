import pytest
import torch
from builders import FUSED, network_of, small_model
from test_network import categories_of, noise_of, random_stroke5

from sketchrnn.training.network import lstm
from sketchrnn.training.network.lstm import LSTM, SideBySide
from sketchrnn.training.network.recurrence import Workspace

STEPS, BATCH = 9, 6


def case(groups, inputs, condition_units, with_state, units=12, seed=0):
    """Layers, rows, condition and state, of which all but the rows get gradients."""
    torch.manual_seed(seed)
    layers = [LSTM(inputs + condition_units, units) for _ in range(groups)]
    rows = [torch.randn(STEPS, BATCH, inputs) for _ in range(groups)]
    condition = torch.randn(BATCH, condition_units, requires_grad=True) if condition_units else None
    state = tuple((0.5 * torch.randn(BATCH, units)).requires_grad_() for _ in range(2)) if with_state else None
    return layers, rows, condition, state


def results(layers, rows, condition, state, bfloat16, run=None):
    """Hidden states, last states, and the gradients of everything."""
    learned = [p for layer in layers for p in layer.parameters() if p.requires_grad]
    learned += [value for value in (condition, *(state or ())) if value is not None]
    with torch.autocast("cpu", torch.bfloat16, enabled=bfloat16):
        hiddens, states = (run or SideBySide(layers))(rows, condition, state)
    weights = [torch.linspace(-1, 1, value.numel()).view(value.shape) for value in hiddens]
    loss = sum((value.float() * weight).sum() for value, weight in zip(hiddens, weights, strict=True))
    loss = loss + sum((part.float() ** 2).sum() for last in states for part in last)
    gradients = torch.autograd.grad(loss, learned)
    outputs = [*hiddens, *(part for last in states for part in last)]
    return [value.detach().float().clone() for value in (*outputs, *gradients)]


@pytest.mark.parametrize("with_state", [False, True])
@pytest.mark.parametrize(("groups", "condition_units"), [(1, 0), (1, 7), (2, 0), (2, 7)])
def test_it_is_the_lstm_within_bfloat16(groups, condition_units, with_state, monkeypatch):
    arguments = case(groups, 5, condition_units, with_state)
    exact = results(*arguments, bfloat16=False)
    ours = results(*arguments, bfloat16=True)
    monkeypatch.setattr(lstm, "_in_bfloat16", lambda: False)
    theirs = results(*arguments, bfloat16=True)
    assert not all(torch.equal(one, other) for one, other in zip(ours, theirs, strict=True))  # ours was run
    for number, (value, mine, other) in enumerate(zip(exact, ours, theirs, strict=True)):
        error, usual = (mine - value).norm() / value.norm(), (other - value).norm() / value.norm()
        assert error < max(2 * usual, 0.01), (number, error, usual)


def test_memory_is_used_again_but_not_while_it_is_needed():
    layers, rows, condition, state = case(1, 5, 7, with_state=True)
    run = SideBySide(layers)
    first = results(layers, rows, condition, state, True, run)
    assert len(run._workspaces) == 1
    longer = [torch.cat([sequence, sequence]) for sequence in rows]
    results(layers, longer, condition, state, True, run)  # another shape, the same memory
    assert len(run._workspaces) == 1
    again = results(layers, rows, condition, state, True, run)
    assert all(torch.equal(one, other) for one, other in zip(first, again, strict=True))
    with torch.autocast("cpu", torch.bfloat16):
        (one,), _ = run(rows, condition, state)
        before = one.detach().clone()
        (other,), _ = run([2 * rows[0]], condition, state)  # before the first one's backward pass
    assert torch.equal(one, before)
    assert not torch.equal(one, other)
    (one.float().sum() + other.float().sum()).backward()
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
        return [torch.zeros(1) if value is None else value for value in found]

    exact, ours = gradients(False), gradients(True)
    monkeypatch.setattr(lstm, "_in_bfloat16", lambda: False)
    theirs = gradients(True)
    assert not all(torch.equal(one, other) for one, other in zip(ours, theirs, strict=True))
    size = torch.sqrt(sum(value.square().sum() for value in exact))
    errors = [
        torch.sqrt(sum((one - other).square().sum() for one, other in zip(exact, found, strict=True))) / size
        for found in (ours, theirs)
    ]
    assert errors[0] < max(2 * errors[1], 0.02), errors

"""A training step on any device: on torch's meta device, which has shapes but no data, and on a GPU if there is one.

On the meta device an operation fails if one of its tensors lies elsewhere, if the shape of its result depends on data,
or if its result is read back, for which a GPU would have to be waited for.
"""

import dataclasses
import functools
from typing import Any

import numpy as np
import pytest
import torch
from builders import FUSED, network_of, random_drawings, random_stroke5, small_model

from sketchrnn.model.configuration import CELLS
from sketchrnn.training.batches import Augmentation, AugmentationNoise, Batch, Collator, augment, batch_stream
from sketchrnn.training.configuration import TrainingConfiguration
from sketchrnn.training.distributed import ALONE, choose_precision
from sketchrnn.training.evaluation import evaluate
from sketchrnn.training.reports import Window
from sketchrnn.training.run import take_step
from sketchrnn.training.state import TrainingState

CATEGORIES = ("pig", "cat", "dog")
LENGTHS = [2, 3, 1, 2]  # the meta device is slow: it computes every shape in Python
DROPOUTS = ("dropout", "weight_dropout", "recurrent_dropout", "input_dropout", "category_dropout")
needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="not applicable: no GPU here")


def model_of(cell, **changes):
    return small_model(encoder_cell=cell, decoder_cell=cell, categories=CATEGORIES, **changes)


def state_of(model, training, device):
    return TrainingState(random_drawings(8, categories=CATEGORIES), 20.0, 12, model, training, device)


class NoGenerator:
    """The meta device has no random generator; None stands for torch's default one."""

    def __init__(self, device):
        assert torch.device(device).type == "meta", device

    def manual_seed(self, seed):
        return None


class PlainAdamW(torch.optim.AdamW):
    """Without the fused kernel, which the meta device does not have."""

    def __init__(self, parameters, *, fused, **options):
        super().__init__(parameters, **options)

    def step(self):
        assert self.__dict__.pop("found_inf").device.type == "meta"
        super().step()


@pytest.fixture
def on_meta(monkeypatch):
    """Replaces what the meta device lacks: generators, the fused optimizer, autocast."""
    monkeypatch.setattr(torch, "Generator", NoGenerator)
    monkeypatch.setattr(torch.optim, "AdamW", PlainAdamW)
    monkeypatch.setattr(torch, "is_autocast_enabled", lambda device_type: False)


def meta_batch():
    stroke5 = random_stroke5(LENGTHS).to("meta")
    lengths, category = (torch.tensor(values, device="meta") for values in (LENGTHS, [0, 1, 2, 0]))
    return Batch(stroke5, lengths, category, slice(None), len(LENGTHS))


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("dropouts", [(), DROPOUTS], ids=["without dropout", "every dropout"])
def test_a_step_stays_on_its_device_and_reads_nothing_back(cell, dropouts, on_meta):
    changes: dict[str, Any] = dict.fromkeys(dropouts, 0.5)
    training = TrainingConfiguration(**changes)
    state = state_of(model_of(cell, position_inputs=True), training, "meta")
    window = Window("meta")
    result = take_step(state, state.network, meta_batch(), training, 12, ALONE)
    window.add(result)
    assert {value.device.type for value in vars(result).values() if isinstance(value, torch.Tensor)} == {"meta"}
    assert {parameter.grad.device.type for parameter in state.parameters} == {"meta"}


@pytest.mark.parametrize("kind", FUSED)
def test_so_do_all_other_settings(kind, on_meta):
    training = TrainingConfiguration(pen_over_padding=True, free_bits=True, clipping="value", averaged_share=0.0)
    model = dataclasses.replace(small_model(**FUSED[kind]), categories=CATEGORIES)
    state = state_of(model, training, "meta")
    take_step(state, state.network, meta_batch(), training, 12, ALONE)


def test_the_meta_device_notices_a_value_that_is_read_back(on_meta, monkeypatch):
    training = TrainingConfiguration()
    state = state_of(model_of("lstm"), training, "meta")
    monkeypatch.setattr(ALONE.__class__, "sum", lambda self, value: value * float(value[0]))
    with pytest.raises(RuntimeError, match="meta"):
        take_step(state, state.network, meta_batch(), training, 12, ALONE)


def test_so_does_augmentation():
    batch = meta_batch()
    noise = AugmentationNoise(*(torch.empty(4, size, device="meta") for size in (2, 1, 1, 12, 1)))
    offsets, lifts = batch.stroke5[..., :2], batch.stroke5[..., 3] > 0
    for value in augment(offsets, lifts, batch.lengths, noise, Augmentation(0.1, 5.0, 0.1, 0.1)):
        assert value.device.type == "meta"


@pytest.mark.parametrize("cell", ["layer_norm", "hyper"])
@pytest.mark.parametrize("recurrent_dropout", [0.0, 1e-9])
def test_compiled_cells_learn_the_same(cell, recurrent_dropout):
    """With torch's own tracing and no compiler: one graph without breaks, as on a GPU."""
    stroke5, lengths = random_stroke5(LENGTHS), torch.tensor(LENGTHS)
    compiled_graphs = []

    def backend(graph, example_inputs):
        compiled_graphs.append(graph)
        return graph

    def gradients(compile_options):
        network: Any = network_of(model_of(cell)).train()
        for layer in (network.encoder.forwards, network.encoder.backwards, network.decoder.lstm):
            layer.recurrent_dropout = recurrent_dropout
        if compile_options:
            network.compile_steps(**compile_options)
        noise = network.draw_noise(len(LENGTHS), torch.Generator().manual_seed(0))
        prediction = network(stroke5, lengths, torch.tensor([0, 1, 2, 0]), noise)
        (prediction.mixture.log_prob(stroke5[:, 1:, :2]).sum() + prediction.z_mean.square().sum()).backward()
        return torch.cat([value.grad.flatten() for value in network.parameters() if value.grad is not None])

    plain = gradients(None)
    torch.testing.assert_close(gradients({"backend": backend, "fullgraph": True}), plain)
    assert 1 <= len(compiled_graphs) <= 6  # one for each layer, at most one more for the state of the first step


def losses_of_steps(device, cell, steps=3, **settings):
    training = TrainingConfiguration(batch_size=4, **settings)
    drawings = random_drawings(40, categories=CATEGORIES)
    state = TrainingState(drawings, 20.0, 12, model_of(cell, latent_dropout=0.0), training, device)
    # the noise is the same on both devices
    state.network.draw_noise = functools.partial(noise_on, device, state.network.draw_noise, state.network)
    stream = batch_stream(drawings, Collator(drawings, 20.0, device), training, 0, 12)
    losses = [float(take_step(state, state.network, next(stream), training, 12, ALONE).reconstruction)
              for _ in range(steps)]  # fmt: skip
    return losses, evaluate(state.averaged, drawings.of_split("valid"), 20.0, 12, latent="whole").points


def noise_on(device, draw, network, count, generator=None):
    noise = draw(count, generator)
    z = torch.linspace(-1, 1, noise.z.numel()).view(noise.z.shape)
    return type(noise)(z.to(device), noise.latent_used)


@needs_gpu
@pytest.mark.parametrize("cell", CELLS)
def test_a_gpu_learns_what_a_cpu_does(cell):
    plain = {"augment_scale": 0.0, "augment_drop": 0.0}
    (cpu, cpu_points), (gpu, gpu_points) = (losses_of_steps(device, cell, **plain) for device in ("cpu", "cuda"))
    np.testing.assert_allclose(cpu, gpu, rtol=1e-3)
    np.testing.assert_array_equal(cpu_points, gpu_points)


@needs_gpu
@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("dropout", DROPOUTS)
def test_a_gpu_takes_steps_in_bfloat16_with_every_dropout(cell, dropout):
    losses, _ = losses_of_steps("cuda", cell, precision="bfloat16", **{dropout: 0.2})
    assert np.isfinite(losses).all()


@needs_gpu
@pytest.mark.parametrize("cell", ["layer_norm", "hyper"])
def test_a_gpu_learns_the_same_with_compiled_cells(cell):
    plain, compiled = (losses_of_steps("cuda", cell, compile_cells=choice)[0] for choice in (False, True))
    np.testing.assert_allclose(plain, compiled, rtol=1e-3)


@needs_gpu
def test_a_step_on_a_gpu_does_not_wait_for_it():
    training = TrainingConfiguration(batch_size=4)
    drawings = random_drawings(40, categories=CATEGORIES)
    state = TrainingState(drawings, 20.0, 12, model_of("lstm"), training, "cuda")
    stream = batch_stream(drawings, Collator(drawings, 20.0, "cuda"), training, 0, 12)
    take_step(state, state.network, next(stream), training, 12, ALONE)
    torch.cuda.set_sync_debug_mode("error")
    try:
        take_step(state, state.network, next(stream), training, 12, ALONE)
    finally:
        torch.cuda.set_sync_debug_mode("default")


def test_bfloat16_is_not_chosen_where_torch_may_not_use_it(monkeypatch):
    monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", "avx2")
    assert choose_precision("auto", "cpu") == "float32"
    assert choose_precision("bfloat16", "cpu") == "bfloat16"  # what is asked for is taken

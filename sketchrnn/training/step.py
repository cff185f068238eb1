"""One optimiser step."""

from __future__ import annotations

import contextlib

import torch
from torch import nn

from sketchrnn.training.batches import Batch
from sketchrnn.training.configuration import TrainingConfiguration
from sketchrnn.training.distributed import Workers
from sketchrnn.training.network.losses import kl_loss, reconstruction_losses
from sketchrnn.training.reports import StepResult
from sketchrnn.training.schedules import kl_weight, learning_rate
from sketchrnn.training.state import TrainingState
from sketchrnn.training.stream import derived_seed


def take_step(
    state: TrainingState,
    network: nn.Module,
    batch: Batch,
    training: TrainingConfiguration,
    max_length: int,
    workers: Workers,
) -> StepResult:
    """Take one step on the batch, each process on its part; none where the loss or a gradient is not finite.

    Args:
        state: what is trained.
        network: its network, wrapped for the processes.
        batch: this process's part of it.
        training: how.
        max_length: Nmax.
        workers: the processes.
    """
    step, device = state.step, batch.stroke5.device
    for group in state.optimizer.param_groups:
        group["lr"] = learning_rate(step, training)
    torch.manual_seed(derived_seed(training.seed, 2, step, workers.rank))  # dropout draws from the default generator
    generator = torch.Generator(device).manual_seed(derived_seed(training.seed, 3, step))
    noise = state.network.draw_noise(batch.whole, generator)
    part_noise = noise[batch.part]

    with torch.autocast(device.type, torch.bfloat16) if training.precision == "bfloat16" else contextlib.nullcontext():
        prediction = network(batch.stroke5, batch.lengths, batch.category, part_noise)
    pen_rows = "all" if training.pen_over_padding else "end"
    offset_loss, pen_loss = reconstruction_losses(
        prediction.mixture, batch.stroke5[:, 1:], batch.lengths, max_length, pen_rows=pen_rows
    )
    reconstruction = (offset_loss + pen_loss) * (len(batch) / batch.whole)
    kl = torch.zeros(1, device=device)
    if prediction.z_mean is not None:
        counted = part_noise.latent_used.sum().clamp_min(1.0) / noise.latent_used.sum().clamp_min(1.0)
        kl = kl_loss(prediction.z_mean, prediction.z_logvar, part_noise.latent_used) * counted
    reconstruction_of_all, *_ = of_all = workers.sum(torch.cat([reconstruction[None], kl]).detach())
    kl_of_all = of_all[1:].mean()
    above_floor = ((of_all[1:] if training.free_bits else kl_of_all) > training.kl_floor).float()
    loss = reconstruction + kl_weight(step, training) * (above_floor * kl).mean()

    state.optimizer.zero_grad(set_to_none=True)
    (workers.size * loss).backward()  # whose gradients are then averaged over the processes
    gradients = [parameter.grad for parameter in state.parameters if parameter.grad is not None]
    gradient_norm = nn.utils.get_total_norm(gradients)
    if training.clipping == "value":
        nn.utils.clip_grad_value_(state.parameters, training.clip)
    else:
        nn.utils.clip_grads_with_norm_(state.parameters, training.clip, gradient_norm)
    finite = torch.isfinite(reconstruction_of_all + kl_of_all) & torch.isfinite(gradient_norm)
    state.optimizer.found_inf = (~finite).float()  # type: ignore[attr-defined]  # the fused optimiser then skips it
    state.optimizer.step()
    state.advance()
    return StepResult(reconstruction_of_all, kl_of_all, gradient_norm, finite, batch.whole)

"""Measures of a model on drawings: the paper's losses, and nats per point after a prefix."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sketchrnn.dataset.drawings import Drawings
from sketchrnn.errors import DatasetError
from sketchrnn.training.batches import Batch, Collator, derived_seed, length_order_batches
from sketchrnn.training.distributed import ALONE, Workers
from sketchrnn.training.network.losses import Mixture, kl_divergence, row_losses
from sketchrnn.training.network.sketch_rnn import SketchRNN

FITTED = 200
"""Most drawings that an offset_scale is fitted on."""
PREFIX_SHARES = (0.0, 0.25, 0.5, 0.75)
LATENTS = ("none", "prefix", "whole", "prior")


@dataclass(frozen=True)
class Scores:
    """The measures of drawings, one entry for each drawing.

    Attributes:
        category: (drawings,).
        reconstruction: L_R of each, with z sampled from its posterior, (drawings,).
        kl: L_KL of each; 0 without an encoder, (drawings,).
        nats: -log p of the rows after each of PREFIX_SHARES, offsets as a density per square unit, (drawings, 4).
        points: number of those rows, END included, (drawings, 4).
    """

    category: NDArray[np.int64]
    reconstruction: NDArray[np.float64]
    kl: NDArray[np.float64]
    nats: NDArray[np.float64]
    points: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.category)

    def of_category(self, category: int) -> Scores:
        """Return the scores of one category's drawings."""
        chosen = self.category == category
        return Scores(*(value[chosen] for value in vars(self).values()))

    @property
    def mean_reconstruction(self) -> float:
        """L_R."""
        return float(self.reconstruction.mean())

    @property
    def mean_kl(self) -> float:
        """L_KL."""
        return float(self.kl.mean())

    @property
    def nats_per_point(self) -> list[float]:
        """Nats per point after each of PREFIX_SHARES: summed over drawings, divided by the rows scored."""
        nats: list[float] = (self.nats.sum(0) / self.points.sum(0)).tolist()
        return nats


def default_latent(network: SketchRNN) -> str:
    """Return the source of z for completions: "none" if the network was trained for it, else "prefix"."""
    return "none" if network.configuration.can_draw_without_latent else "prefix"


@torch.no_grad()
def evaluate(
    network: SketchRNN,
    drawings: Drawings,
    offset_scale: float,
    max_length: int,
    *,
    latent: str | None = None,
    batch_size: int = 250,
    seed: int = 0,
    workers: Workers = ALONE,
) -> Scores:
    """Measure a model on all drawings.

    Args:
        network: the model.
        drawings: with the model's categories and unit.
        offset_scale: the model's.
        max_length: Nmax, by which L_R is divided.
        latent: z for nats per point: "none", or sampled from the posterior of the "prefix" or of the "whole" drawing,
            or from the "prior"; None for :func:`default_latent`. An empty prefix has the prior as its posterior.
        batch_size: drawings in a batch. It changes the result only by rounding and by the order of the noise.
        seed: of the noise of z.
        workers: the processes that call this together; each measures its shard, all return the scores of all.

    Raises:
        DatasetError: there is no drawing, or the latent does not fit the model.
    """
    if not len(drawings):
        raise DatasetError("expected drawings to evaluate, found none")
    latent = latent or default_latent(network)
    if latent == "none" and not network.configuration.can_draw_without_latent:
        raise DatasetError(
            "latent: expected prefix, whole or prior for a model trained with latent_dropout 0, found none"
        )
    if latent != "none" and network.encoder is None:
        raise DatasetError(f"latent: expected none for a decoder-only model, found {latent}")
    was_training = network.training
    network.eval()
    device = next(network.parameters()).device
    collator = Collator(drawings, offset_scale, str(device))
    numbered = list(enumerate(length_order_batches(drawings.lengths, batch_size)))
    parts = [
        _score(
            network,
            collator.collate(index),
            offset_scale,
            max_length,
            latent,
            torch.Generator(device).manual_seed(derived_seed(seed, number)),
        )
        for number, index in numbered[workers.strided_shard]
    ]
    network.train(was_training)
    parts = workers.merge(parts)
    return Scores(*(np.concatenate(values) for values in zip(*(vars(part).values() for part in parts), strict=True)))


def fit_offset_scale(network: SketchRNN, drawings: Drawings, offset_scale: float) -> float:
    """Return the offset_scale with the lowest nats per point, summed over PREFIX_SHARES, to 5 %.

    Use it for a model with another unit than the drawings, such as Google's decoders, which use canvas pixels.

    Args:
        network: the model.
        drawings: at most FITTED of them are used.
        offset_scale: where the search begins; the result is within a factor of 4 of it.

    Raises:
        DatasetError: there is no drawing.
    """
    some = drawings.subset(np.linspace(0, len(drawings) - 1, min(FITTED, len(drawings))).astype(np.int64))

    def nats(factor: float) -> float:
        return float(sum(evaluate(network, some, offset_scale * factor, 1).nats_per_point))

    best = min(np.geomspace(1 / 3, 3.0, 9), key=nats)
    return offset_scale * float(min(best * np.geomspace(1 / 1.25, 1.25, 9), key=nats))


def _score(
    network: SketchRNN,
    batch: Batch,
    offset_scale: float,
    max_length: int,
    latent: str,
    generator: torch.Generator,
) -> Scores:
    stroke5, lengths, category = batch.stroke5, batch.lengths, batch.category
    targets = stroke5[:, 1:]
    posterior = None
    if network.encoder is not None:
        posterior = network.encode(stroke5[:, 1:-1], lengths, category)
    z = None if posterior is None else _sample(*posterior, generator)
    offset, pen = row_losses(_predict(network, stroke5, category, z), targets, lengths, pen_rows="real")
    reconstruction = (offset + pen).sum(1) / max_length
    kl = torch.zeros_like(reconstruction) if posterior is None else kl_divergence(*posterior).mean(-1)

    row = torch.arange(targets.shape[1], device=stroke5.device)[None]
    nats, points = [], []
    by_row = None
    for share in PREFIX_SHARES:
        prefix = torch.ceil(lengths * share).long()
        if by_row is None or latent == "prefix":  # other z are the same for every prefix
            z = _latent(network, latent, stroke5, prefix, category, posterior, generator)
            offset, pen = row_losses(_predict(network, stroke5, category, z), targets, lengths, pen_rows="end")
            per_square_unit = 2.0 * math.log(offset_scale) * (row < lengths[:, None])
            by_row = offset + pen + per_square_unit  # (B, N)
        nats.append((by_row * (row >= prefix[:, None])).sum(1))
        points.append(lengths + 1 - prefix)
    return Scores(
        category.cpu().numpy(),
        reconstruction.double().cpu().numpy(),
        kl.double().cpu().numpy(),
        torch.stack(nats, 1).double().cpu().numpy(),
        torch.stack(points, 1).cpu().numpy(),
    )


def _latent(
    network: SketchRNN,
    latent: str,
    stroke5: Tensor,
    prefix: Tensor,
    category: Tensor,
    posterior: tuple[Tensor, Tensor] | None,
    generator: torch.Generator,
) -> Tensor | None:
    if latent == "none" or posterior is None:
        return None
    if latent == "whole":
        return _sample(*posterior, generator)
    prior = torch.zeros_like(posterior[0])
    if latent == "prior":
        return _sample(prior, prior, generator)
    z_mean, z_logvar = network.encode(stroke5[:, 1:-1], prefix, category)
    empty = (prefix == 0)[:, None]
    return _sample(torch.where(empty, prior, z_mean), torch.where(empty, prior, z_logvar), generator)


def _sample(z_mean: Tensor, z_logvar: Tensor, generator: torch.Generator) -> Tensor:
    noise = torch.randn(z_mean.shape, generator=generator, device=z_mean.device)
    return z_mean + torch.exp(0.5 * z_logvar) * noise


def _predict(network: SketchRNN, stroke5: Tensor, category: Tensor, z: Tensor | None) -> Mixture:
    output, _ = network.decoder(stroke5[:, :-1], network.conditioning(z, category))
    return Mixture.from_output(output)

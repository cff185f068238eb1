"""Augmentation of whole batches at once, on the device of the batch."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

KEPT_ROWS = 2
"""Rows at the beginning of each stroke that are never dropped."""


@dataclass(frozen=True)
class Augmentation:
    """How much a drawing is changed: the largest random change of each kind.

    Attributes:
        scale: each axis is multiplied by a factor between 1 - scale and 1 + scale.
        rotation: largest angle, in degrees, in both directions.
        shear: largest share of y that is added to x, or subtracted from it.
        drop: probability of dropping a point inside a stroke.
        mirror: probability of swapping left and right.
    """

    scale: float = 0.0
    rotation: float = 0.0
    shear: float = 0.0
    drop: float = 0.0
    mirror: float = 0.0


@dataclass(frozen=True)
class AugmentationNoise:
    """Random numbers that decide how the drawings of a batch are changed.

    Attributes:
        scale: of each axis, between -1 and 1, (B, 2).
        rotation: between -1 and 1, (B, 1).
        shear: between -1 and 1, (B, 1).
        drop: of each row, between 0 and 1; rows with low numbers are dropped, (B, N).
        mirror: between 0 and 1; drawings with low numbers are mirrored, (B, 1).
    """

    scale: Tensor
    rotation: Tensor
    shear: Tensor
    drop: Tensor
    mirror: Tensor

    @classmethod
    def sample(cls, count: int, longest: int, generator: torch.Generator) -> AugmentationNoise:
        """Sample the numbers of ``count`` drawings, padded to ``longest`` rows, on the generator's device."""
        scale, rotation, shear = (
            2.0 * torch.rand(count, size, generator=generator, device=generator.device) - 1.0 for size in (2, 1, 1)
        )
        drop, mirror = (torch.rand(count, size, generator=generator, device=generator.device) for size in (longest, 1))
        return cls(scale, rotation, shear, drop, mirror)

    def __getitem__(self, index: slice) -> AugmentationNoise:
        return AugmentationNoise(*(value[index] for value in vars(self).values()))


def augment(
    offsets: Tensor, lifts: Tensor, lengths: Tensor, noise: AugmentationNoise, amounts: Augmentation
) -> tuple[Tensor, Tensor, Tensor]:
    """Mirror, scale, shear and rotate every drawing, and drop points inside its strokes.

    The offset of a dropped row is added to the last kept row before it, so that all later points keep their positions.
    The first two rows of a stroke and the one that lifts the pen are never dropped.

    Args:
        offsets: padded with zeros, (B, N, 2).
        lifts: padded with False, (B, N).
        lengths: rows of each drawing, (B,).
        noise: of these drawings, on the same device; of N rows or more.
        amounts: the largest changes.

    Returns:
        The new offsets, lifts and lengths, padded as before.

    Reference:
        Magenta, sketch_rnn/utils.py: ``augment_strokes`` and ``DataLoader.random_scale``.
    """
    angle = noise.rotation * math.radians(amounts.rotation)
    x, y = ((1.0 + noise.scale * amounts.scale)[:, None] * offsets).unbind(-1)  # (B, N) each
    x = torch.where(noise.mirror < amounts.mirror, -x, x)
    x = x + noise.shear * amounts.shear * y
    offsets = torch.stack([angle.cos() * x - angle.sin() * y, angle.sin() * x + angle.cos() * y], dim=-1)
    if amounts.drop == 0.0 or not offsets.shape[1]:
        return offsets, lifts, lengths
    row = torch.arange(offsets.shape[1], device=offsets.device).expand_as(lifts)  # (B, N)
    begins = torch.roll(lifts, 1, dims=1)
    begins[:, 0] = True
    position = row - (row * begins).cummax(1).values  # in its stroke
    not_dropped = noise.drop[:, : offsets.shape[1]] >= amounts.drop
    kept = ((position < KEPT_ROWS) | lifts | not_dropped) & (row < lengths[:, None])
    index = (kept.cumsum(1) - 1).clamp_min(0)  # of a kept row, or of the row that a dropped row is added to
    merged = torch.zeros_like(offsets).scatter_add_(1, index[..., None].expand_as(offsets), offsets)
    lifted = torch.zeros_like(index).scatter_add_(1, index, lifts.long()) > 0
    return merged, lifted, kept.sum(1)

"""Changes that leave a drawing what it is, on whole batches at once and where the batch lies."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

KEPT_ROWS = 2
"""Rows at the beginning of each stroke that are never dropped."""


@dataclass(frozen=True)
class Augmentation:
    """How much a drawing is changed, each time by other amounts up to these.

    Attributes:
        scale: each axis is multiplied by a factor between 1 - scale and 1 + scale.
        rotation: turned by an angle, in degrees.
        shear: slanted: x moves by a share of y.
        drop: probability of dropping a point inside a stroke.
    """

    scale: float = 0.0
    rotation: float = 0.0
    shear: float = 0.0
    drop: float = 0.0


def augment(
    offsets: Tensor, lifts: Tensor, lengths: Tensor, generator: torch.Generator, amounts: Augmentation
) -> tuple[Tensor, Tensor, Tensor]:
    """Stretch, slant and turn every drawing, and drop points inside its strokes.

    A dropped row's offset is merged into the row kept before it, which so takes the dropped one's place: all later
    points stay where they are. The first two rows of a stroke and the one that lifts the pen are never dropped.

    Args:
        offsets: padded with zeros, (B, N, 2).
        lifts: padded with False, (B, N).
        lengths: rows of each drawing, (B,).
        generator: source of the randomness, on the device of the others.
        amounts: how much.

    Returns:
        The new offsets, lifts and lengths, padded as before.

    Reference:
        Magenta, sketch_rnn/utils.py: ``augment_strokes`` and ``DataLoader.random_scale``.
    """
    stretch, angle, shear = (
        (2.0 * torch.rand(len(offsets), size, generator=generator, device=offsets.device) - 1.0) * most
        for size, most in ((2, amounts.scale), (1, math.radians(amounts.rotation)), (1, amounts.shear))
    )
    x, y = ((1.0 + stretch)[:, None] * offsets).unbind(-1)  # (B, N) each
    x = x + shear * y
    offsets = torch.stack([angle.cos() * x - angle.sin() * y, angle.sin() * x + angle.cos() * y], dim=-1)
    if amounts.drop == 0.0 or not offsets.shape[1]:
        return offsets, lifts, lengths
    row = torch.arange(offsets.shape[1], device=offsets.device).expand_as(lifts)  # (B, N)
    begins = torch.roll(lifts, 1, dims=1)
    begins[:, 0] = True
    position = row - (row * begins).cummax(1).values  # in its stroke
    chance = torch.rand(lifts.shape, generator=generator, device=offsets.device)
    kept = ((position < KEPT_ROWS) | lifts | (chance >= amounts.drop)) & (row < lengths[:, None])
    place = (kept.cumsum(1) - 1).clamp_min(0)  # of a kept row, or of the one that a dropped row is merged into
    merged = torch.zeros_like(offsets).scatter_add_(1, place[..., None].expand_as(offsets), offsets)
    lifted = torch.zeros_like(place).scatter_add_(1, place, lifts.long()) > 0
    return merged, lifted, kept.sum(1)

"""Changes that leave a drawing what it is, on whole batches at once and where the batch lies."""

from __future__ import annotations

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


@dataclass(frozen=True)
class Chances:
    """What is drawn by lot for the drawings of a batch.

    Attributes:
        stretch: of each axis, between -1 and 1, (B, 2).
        turn: between -1 and 1, (B, 1).
        slant: between -1 and 1, (B, 1).
        rows: of each row, between 0 and 1: low ones are dropped, (B, N).
    """

    stretch: Tensor
    turn: Tensor
    slant: Tensor
    rows: Tensor

    @classmethod
    def draw(cls, count: int, longest: int, generator: torch.Generator) -> Chances:
        """Draw for so many drawings, padded to so many rows, where the generator is."""
        stretch, turn, slant = (
            2.0 * torch.rand(count, size, generator=generator, device=generator.device) - 1.0 for size in (2, 1, 1)
        )
        return cls(stretch, turn, slant, torch.rand(count, longest, generator=generator, device=generator.device))

    def __getitem__(self, places: slice) -> Chances:
        return Chances(*(value[places] for value in vars(self).values()))


def augment(
    offsets: Tensor, lifts: Tensor, lengths: Tensor, chances: Chances, amounts: Augmentation
) -> tuple[Tensor, Tensor, Tensor]:
    """Stretch, slant and turn every drawing, and drop points inside its strokes.

    A dropped row's offset is merged into the row kept before it, which so takes the dropped one's place: all later
    points stay where they are. The first two rows of a stroke and the one that lifts the pen are never dropped.

    Args:
        offsets: padded with zeros, (B, N, 2).
        lifts: padded with False, (B, N).
        lengths: rows of each drawing, (B,).
        chances: of these drawings, on the device of the others; of N rows, or more.
        amounts: how much.

    Returns:
        The new offsets, lifts and lengths, padded as before.

    Reference:
        Magenta, sketch_rnn/utils.py: ``augment_strokes`` and ``DataLoader.random_scale``.
    """
    angle = chances.turn * math.radians(amounts.rotation)
    x, y = ((1.0 + chances.stretch * amounts.scale)[:, None] * offsets).unbind(-1)  # (B, N) each
    x = x + chances.slant * amounts.shear * y
    offsets = torch.stack([angle.cos() * x - angle.sin() * y, angle.sin() * x + angle.cos() * y], dim=-1)
    if amounts.drop == 0.0 or not offsets.shape[1]:
        return offsets, lifts, lengths
    row = torch.arange(offsets.shape[1], device=offsets.device).expand_as(lifts)  # (B, N)
    begins = torch.roll(lifts, 1, dims=1)
    begins[:, 0] = True
    position = row - (row * begins).cummax(1).values  # in its stroke
    spared = chances.rows[:, : offsets.shape[1]] >= amounts.drop
    kept = ((position < KEPT_ROWS) | lifts | spared) & (row < lengths[:, None])
    place = (kept.cumsum(1) - 1).clamp_min(0)  # of a kept row, or of the one that a dropped row is merged into
    merged = torch.zeros_like(offsets).scatter_add_(1, place[..., None].expand_as(offsets), offsets)
    lifted = torch.zeros_like(place).scatter_add_(1, place, lifts.long()) > 0
    return merged, lifted, kept.sum(1)

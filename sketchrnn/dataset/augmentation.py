"""Changes that leave a drawing what it is, on whole batches at once and where the batch lies."""

import torch
from torch import Tensor

KEPT_ROWS = 2
"""Rows at the beginning of each stroke that are never dropped."""


def augment(
    offsets: Tensor, lifts: Tensor, lengths: Tensor, generator: torch.Generator, *, scale: float, drop: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Stretch every drawing along each axis, and drop points inside its strokes.

    A dropped row's offset is merged into the row kept before it, which so takes the dropped one's place: all later
    points stay where they are. The first two rows of a stroke and the one that lifts the pen are never dropped.

    Args:
        offsets: padded with zeros, (B, N, 2).
        lifts: padded with False, (B, N).
        lengths: rows of each drawing, (B,).
        generator: source of the randomness, on the device of the others.
        scale: each axis is multiplied by a factor between 1 - scale and 1 + scale.
        drop: probability of dropping a point.

    Returns:
        The new offsets, lifts and lengths, padded as before.

    Reference:
        Magenta, sketch_rnn/utils.py: ``augment_strokes`` and ``DataLoader.random_scale``.
    """
    factors = torch.rand(len(offsets), 1, 2, generator=generator, device=offsets.device)
    offsets = offsets * (1.0 - scale + 2.0 * scale * factors)
    if drop == 0.0 or not offsets.shape[1]:
        return offsets, lifts, lengths
    row = torch.arange(offsets.shape[1], device=offsets.device).expand_as(lifts)  # (B, N)
    begins = torch.roll(lifts, 1, dims=1)
    begins[:, 0] = True
    position = row - (row * begins).cummax(1).values  # in its stroke
    chance = torch.rand(lifts.shape, generator=generator, device=offsets.device)
    kept = ((position < KEPT_ROWS) | lifts | (chance >= drop)) & (row < lengths[:, None])
    place = (kept.cumsum(1) - 1).clamp_min(0)  # of a kept row, or of the one that a dropped row is merged into
    merged = torch.zeros_like(offsets).scatter_add_(1, place[..., None].expand_as(offsets), offsets)
    lifted = torch.zeros_like(place).scatter_add_(1, place, lifts.long()) > 0
    return merged, lifted, kept.sum(1)

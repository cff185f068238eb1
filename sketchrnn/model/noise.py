"""Random numbers that depend only on the seed, the candidate and the step, not on the order of the calls.

Reference:
    Philox4x32-10: Salmon, Moraes, Dror and Shaw 2011, "Parallel random numbers: as easy as 1, 2, 3", SC '11.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

POINTS, LATENT = 0, 1
"""Streams: noise for sampled points, noise for latent vectors."""
ROUNDS = 10
_MULTIPLIERS = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
_KEY_STEPS = np.uint64(0x9E3779B9), np.uint64(0xBB67AE85)
_LOW, _HALF = np.uint64(0xFFFFFFFF), np.uint64(32)


def philox(
    counter: tuple[ArrayLike, ArrayLike, ArrayLike, ArrayLike], key: tuple[ArrayLike, ArrayLike]
) -> NDArray[np.uint64]:
    """Return four random words below 2**32 for each counter and key, (..., 4).

    Args:
        counter: four words below 2**32, arrays of broadcastable shapes.
        key: two such words.

    >>> [f"{word:08x}" for word in philox((0, 0, 0, 0), (0, 0)).tolist()]
    ['6627e8d5', 'e169c58d', 'bc57ac4c', '9b00dbd8']
    """
    *words, low_key, high_key = np.broadcast_arrays(*(np.asarray(word, np.uint64) for word in (*counter, *key)))
    for number in range(ROUNDS):
        if number:
            low_key, high_key = (low_key + _KEY_STEPS[0]) & _LOW, (high_key + _KEY_STEPS[1]) & _LOW
        first, second = _MULTIPLIERS[0] * words[0], _MULTIPLIERS[1] * words[2]
        words = [
            (second >> _HALF) ^ words[1] ^ low_key,
            second & _LOW,
            (first >> _HALF) ^ words[3] ^ high_key,
            first & _LOW,
        ]
    return np.stack(words, axis=-1)


def uniform(words: NDArray[np.uint64]) -> NDArray[np.float64]:
    """Turn words below 2**32 into numbers between 0 and 1, both excluded."""
    return (words.astype(np.float64) + 0.5) * 2.0**-32


def normal(words: NDArray[np.uint64]) -> NDArray[np.float64]:
    """Turn pairs of words, (..., 2), into pairs of numbers from N(0, 1), by Box and Muller's transform."""
    radius = np.sqrt(-2.0 * np.log(uniform(words[..., 0])))
    angle = 2.0 * math.pi * uniform(words[..., 1])
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=-1)


def point_noise(
    seeds: NDArray[np.int64], candidates: NDArray[np.int64], first: int, steps: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the noise of some steps of B candidates.

    Args:
        seeds: of each candidate's drawing, (B,).
        candidates: number of each among those of its drawing, (B,).
        first: points that were sampled before.
        steps: how many.

    Returns:
        Uniform numbers for component and pen, and normal ones for dx and dy, (steps, B, 2) each.
    """
    words = _words(seeds, np.arange(first, first + steps)[:, None], candidates, POINTS)
    return uniform(words[..., :2]), normal(words[..., 2:])


def latent_noise(seeds: NDArray[np.int64], candidates: NDArray[np.int64], units: int) -> NDArray[np.float64]:
    """Return normal numbers for the latent vectors of B candidates, (B, units)."""
    blocks = np.arange(-(-units // 4))
    words = _words(seeds[:, None], blocks, candidates[:, None], LATENT)  # (B, blocks, 4)
    return normal(words.reshape(len(seeds), -1, 2)).reshape(len(seeds), -1)[:, :units]


def _words(
    seeds: NDArray[np.int64], steps: NDArray[np.int64], candidates: NDArray[np.int64], stream: int
) -> NDArray[np.uint64]:
    key = np.asarray(seeds, np.uint64)
    return philox((steps, candidates, stream, 0), (key & _LOW, key >> _HALF))

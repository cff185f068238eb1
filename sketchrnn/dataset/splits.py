"""The splits: drawings for training, for validation (choosing the best model), and for tests."""

import hashlib

import numpy as np
from numpy.typing import NDArray

SPLITS = ("train", "valid", "test")
TEST_SHARE = 0.10
VALID_SHARE = 0.05
FEW = (10, 40)
"""With a number of drawings in this range, hashes can leave the validation split empty. One of the first ten is then
moved
to it."""

_TRAIN, _VALID, _TEST = range(len(SPLITS))


def split_of_key(key: str) -> str:
    """Return the split of a drawing by a hash of its key, so that added files do not move drawings.

    10 % of all keys are for tests, 5 % for validation, the rest for training.

    >>> split_of_key("4521451073830912") == split_of_key("4521451073830912")
    True
    """
    digest = hashlib.blake2b(key.encode(), digest_size=8).digest()
    return SPLITS[int(split_of_hash(np.array([int.from_bytes(digest, "big")], np.uint64))[0])]


def split_of_hash(hashes: NDArray[np.uint64]) -> NDArray[np.uint8]:
    """Return the splits of drawings, as indices into SPLITS, by 64-bit hashes of their keys."""
    fraction = hashes.astype(np.float64) / 2.0**64
    valid = np.uint8(_VALID) * (fraction < TEST_SHARE + VALID_SHARE).astype(np.uint8)
    splits: NDArray[np.uint8] = np.where(fraction < TEST_SHARE, np.uint8(_TEST), valid)
    return splits


def early_validation(splits: NDArray[np.uint8], hashes: NDArray[np.uint64]) -> int | None:
    """Return the drawing of a small category to move to the validation split.

    If none of the first ten drawings is in the validation split, the one with the smallest hash of their training
    drawings is moved. Drawings that are added after the first ten do not change it.

    Args:
        splits: of the category's drawings, in their order, as indices into SPLITS.
        hashes: of their keys.

    Returns:
        The drawing's index; None if no drawing has to be moved.
    """
    fewest, most = FEW
    training = np.flatnonzero(splits[:fewest] == _TRAIN)
    if not fewest <= len(splits) <= most or len(training) < 2 or (splits[:fewest] == _VALID).any():
        return None
    return int(training[np.argmin(hashes[training])])


def missing_validation(splits: NDArray[np.uint8], hashes: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Return the training drawings to use for validation if there are none: by their hash, or else one."""
    training = splits == _TRAIN
    moved: NDArray[np.bool_] = training & (split_of_hash(hashes) == _VALID)
    if (splits == _VALID).any() or training.sum() < 2:
        return np.zeros(len(splits), bool)
    if not moved.any() or moved.sum() == training.sum():
        moved = training & (hashes == hashes[training].min())
    return moved

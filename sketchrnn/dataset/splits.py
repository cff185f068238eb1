"""Which drawings are trained on, which validate (choose the best model), and which test it."""

import hashlib

import numpy as np
from numpy.typing import NDArray

SPLITS = ("train", "valid", "test")
TEST_SHARE = 0.10
VALID_SHARE = 0.05
FEW = (10, 40)
"""Numbers of drawings between which hashes alone may leave the validation split empty: of the first ten, one
validates."""

_TRAIN, _VALID, _TEST = range(len(SPLITS))


def split_of_key(key: str) -> str:
    """Return the split of a drawing by a hash of its key, so that adding files moves no drawing.

    10 % of all keys test, 5 % validate, the rest train.

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
    """Return which of a category's few drawings validates besides those whose hash says so.

    If none of the first ten validates, the training one of them with the smallest hash does: it is the nearest to those
    that validate. As it depends on the first ten only, drawings that are added behind them do not change it.

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
    """Return which training drawings validate where none does by itself: those whose hash says so, or else one."""
    training = splits == _TRAIN
    moved: NDArray[np.bool_] = training & (split_of_hash(hashes) == _VALID)
    if (splits == _VALID).any() or training.sum() < 2:
        return np.zeros(len(splits), bool)
    if not moved.any() or moved.sum() == training.sum():
        moved = training & (hashes == hashes[training].min())
    return moved

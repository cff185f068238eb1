"""Which drawings train, which choose the best model, which measure it."""

import hashlib

SPLITS = ("train", "valid", "test")
TEST_SHARE = 0.10
VALID_SHARE = 0.05


def split_of_key(key: str) -> str:
    """Return the split of a drawing by a hash of its key, so that adding files moves no drawing.

    10 % of all keys test, 5 % validate, the rest train.

    >>> split_of_key("4521451073830912") == split_of_key("4521451073830912")
    True
    """
    digest = hashlib.blake2b(key.encode(), digest_size=8).digest()
    place = int.from_bytes(digest, "big") / 2**64
    if place < TEST_SHARE:
        return "test"
    return "valid" if place < TEST_SHARE + VALID_SHARE else "train"

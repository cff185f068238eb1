"""Load a model from any kind of file."""

from __future__ import annotations

from pathlib import Path

from sketchrnn.model.checkpoint import Checkpoint, load_checkpoint, load_shipped
from sketchrnn.model.hub import HUB_PREFIX, fetch_from_hub

SHIPPED_NAME = "shipped"


def load_model(path: str | Path | None = None, *, prefixes: tuple[str, ...] = ("",)) -> Checkpoint:
    """Read a model.

    Args:
        path: a checkpoint, or a model as Google published it (``.gen.json``, ``.vae.json``); either of them on the
            Hugging Face Hub as ``hf://user/name``, ``hf://user/name@revision`` or ``hf://user/name/file``; None or
            "shipped" for the model that comes with the package.
        prefixes: read only the tensors whose names start with one of these, if the format allows it.

    Raises:
        CheckpointError: the file is missing, damaged or something else.
        DownloadError: a model on the Hub cannot be downloaded.
    """
    if path is None or str(path) == SHIPPED_NAME:
        return load_shipped(prefixes=prefixes)
    if str(path).startswith(HUB_PREFIX):
        path = fetch_from_hub(str(path))
    if str(path).endswith(".json"):
        from sketchrnn.model.magenta import load_magenta

        return load_magenta(path)
    return load_checkpoint(path, prefixes=prefixes)

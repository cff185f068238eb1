"""Everything that uses torch: the network, its losses, batches, augmentation, the loop and evaluation.

Importing this package alone does not import torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sketchrnn.errors import import_extra

if TYPE_CHECKING:
    from sketchrnn.training.batches import Strokes

__all__ = ["Strokes", "check_torch"]


def check_torch(command: str) -> None:
    """Check that torch is installed, for a command that needs it.

    Raises:
        ConfigurationError: it is not installed.
    """
    import_extra("torch", "train", f"sketchrnn {command} needs PyTorch")


def __getattr__(name: str) -> object:
    """Import the public class, and torch, at its first use."""
    if name == "Strokes":
        import_extra("torch", "train")
        from sketchrnn.training.batches import Strokes

        return Strokes
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

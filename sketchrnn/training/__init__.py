"""Training. This package alone imports torch, and only in its modules: ``import sketchrnn.training`` does not."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sketchrnn.training.strokes import Strokes

__all__ = ["Strokes"]


def __getattr__(name: str) -> object:
    """Import the public class when it is asked for, with torch."""
    if name == "Strokes":
        from sketchrnn.extras import import_extra

        import_extra("torch", "train")
        from sketchrnn.training.strokes import Strokes

        return Strokes
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

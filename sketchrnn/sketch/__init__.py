"""A drawing, and its two row formats for the network. NumPy only."""

from sketchrnn.sketch.sketch import Sketch

__all__ = ["Sketch"]

"""A drawing, and the two row formats that the network reads. NumPy only."""

from sketchrnn.sketch.sketch import Sketch

__all__ = ["Sketch"]

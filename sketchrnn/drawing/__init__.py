"""Using a trained model, in NumPy."""

from sketchrnn.drawing.completion import Completion, complete
from sketchrnn.drawing.configuration import SamplingConfiguration

__all__ = ["Completion", "SamplingConfiguration", "complete"]

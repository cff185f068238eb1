"""Complete, train and export drawings with Sketch-RNN."""

__version__ = "0.2.0"

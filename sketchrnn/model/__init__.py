"""A trained model and all that it can do; :class:`sketchrnn.model.model.Model` is the one entry point. NumPy only."""

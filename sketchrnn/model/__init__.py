"""A trained model and its methods; :class:`sketchrnn.model.model.Model` is the one entry point. NumPy only."""

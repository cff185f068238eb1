"""Using a trained model, in NumPy."""

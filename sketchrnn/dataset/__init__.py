"""From files of drawings to training data: splits, filters, one unit, batches. NumPy only."""

"""Files of drawings -> what training and evaluation read: splits, filters, one unit, batches. NumPy only."""

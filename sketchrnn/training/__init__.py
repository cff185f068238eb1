"""Training and measuring a model, with torch."""

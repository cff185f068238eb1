"""SVG documents: reading, writing, layers and styles."""

"""``python -m sketchrnn``."""

from sketchrnn.cli import main

main()

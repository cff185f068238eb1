"""``python -m sketchrnn``."""

from sketchrnn.cli import main

main(prog_name="sketchrnn")

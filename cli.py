"""``python cli.py …``: the same as ``sketchrnn …``."""

from sketchrnn.cli import main

main()

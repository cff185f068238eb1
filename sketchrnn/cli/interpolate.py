"""``sketchrnn interpolate``."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import click

from sketchrnn.cli import options
from sketchrnn.cli.drawing_output import Target
from sketchrnn.cli.prefix import TERM_HELP, read_terms
from sketchrnn.settings import HOW, WHAT


@click.command(
    cls=options.PanelCommand,
    epilog="""\b
Examples:
  sketchrnn interpolate cat pig -o cat-pig.svg
  sketchrnn interpolate cat pig face sun --steps 3 -o four.svg
  sketchrnn generate --category cat -n 40 --best-of 1 -o cats.ndjson
  sketchrnn train cats.ndjson -o cats.safetensors --max-steps 3 --set encoder_units=32 --set decoder_units=64
  sketchrnn interpolate cats.ndjson:0 cats.ndjson:1 --model cats.safetensors -o cats.svg
""",
)
@click.argument("ends", nargs=-1, required=True)
@options.request("count", "diverse", "scale", "pen", "arrange", "continue_from", "latent")
@click.option(
    "--steps",
    cls=options.PanelOption,
    panel=WHAT,
    type=click.IntRange(2, 100),
    default=9,
    show_default=True,
    help="Number of drawings in a row, ends included.",
)
@click.option(
    "--linear",
    cls=options.PanelOption,
    panel=HOW,
    is_flag=True,
    help="Follow the straight line through latent space, instead of the arc.",
)
@options.target
@options.model
def interpolate(
    ends: tuple[str, ...], settings: dict[str, Any], steps: int, linear: bool, target: Target, model: str | None
) -> None:
    """Draw what lies between two ENDS, or in a grid between four.

    An end is FILE, FILE:INDEX (one record of the file, counted from 0), or the name of a category; four are top left,
    top right, bottom left and bottom right. Sketches need a model with an encoder; categories mix in any model that has
    several. All are drawn with the same random numbers.
    """
    from sketchrnn.model.batches import attempt
    from sketchrnn.model.model import load

    if len(ends) not in (2, 4):
        raise click.UsageError(f"expected two ends, or four, found {len(ends)}; an end is {TERM_HELP}")
    target = replace(target, picture=replace(target.picture, columns=target.picture.columns or steps))
    target.check(steps ** (len(ends) // 2))
    loaded = load(model)
    rows = list(read_terms(loaded, ends))
    draw = partial(loaded.interpolate, steps=steps, linear=linear, **settings)
    results = (attempt(draw, row) for row, _ in rows)
    target.write_results(results, " ".join(ends), many=len(rows) > 1)

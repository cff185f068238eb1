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
    help="Number of drawings in a row, including the ends.",
)
@click.option(
    "--linear",
    cls=options.PanelOption,
    panel=HOW,
    is_flag=True,
    help="Interpolate z linearly, instead of spherically.",
)
@options.target
@options.model
def interpolate(
    ends: tuple[str, ...], settings: dict[str, Any], steps: int, linear: bool, target: Target, model: str | None
) -> None:
    """Draw steps between two ENDS, or a grid between four.

    An end is FILE, FILE:INDEX (one record of the file, counted from 0), or the name of a category. The order of four
    ends is top left, top right, bottom left, bottom right. Files need a model with an encoder; categories need a model
    with several categories. All drawings use the same random numbers.
    """
    from sketchrnn.model.batches import attempt
    from sketchrnn.model.model import load

    if len(ends) not in (2, 4):
        raise click.UsageError(f"expected two or four ends, found {len(ends)}. An end is {TERM_HELP}")
    target = replace(target, picture=replace(target.picture, columns=target.picture.columns or steps))
    target.check(steps ** (len(ends) // 2))
    loaded = load(model)
    rows = list(read_terms(loaded, ends))
    draw = partial(loaded.interpolate, steps=steps, linear=linear, **settings)
    results = (attempt(draw, row) for row, _ in rows)
    target.write_results(results, " ".join(ends), many=len(rows) > 1)

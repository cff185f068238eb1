"""``sketchrnn interpolate``."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import click

from sketchrnn.cli import options
from sketchrnn.cli.places import PLACE_HELP, read_place

if TYPE_CHECKING:
    from sketchrnn.cli.drawing_output import Target


@click.command(
    epilog="""\b
Examples:
  sketchrnn interpolate cat pig -o cat-pig.svg
  sketchrnn interpolate cat pig face sun --steps 3 -o four.svg
  sketchrnn generate --category cat -n 40 --choose-from 1 -o cats.ndjson
  sketchrnn train cats.ndjson -o cats.safetensors --max-steps 3 --set encoder_units=32 --set decoder_units=64
  sketchrnn interpolate cats.ndjson:0 cats.ndjson:1 --model cats.safetensors -o cats.svg
"""
)
@click.argument("places", nargs=-1, required=True)
@options.model
@options.category
@click.option("--steps", type=click.IntRange(2, 100), default=9, show_default=True, help="Pictures, ends included.")
@click.option("--linear", is_flag=True, help="Straight through latent space, instead of along the arc.")
@options.choose_from
@options.temperature
@options.pen_temperature
@options.top_p
@options.seed
@options.max_points
@options.target
def interpolate(
    places: tuple[str, ...],
    model: str | None,
    category: str | None,
    steps: int,
    linear: bool,
    choose_from: int,
    temperature: float,
    pen_temperature: float,
    top_p: float,
    seed: int,
    max_points: int,
    target: Target,
) -> None:
    """Draw what lies between two PLACES, or in a grid between four.

    A place is FILE, FILE:INDEX (a record of many, counted from 0), or the name of a category; four are top left, top
    right, bottom left and bottom right. Sketches need a model with an encoder; categories mix in any model that knows
    several. Every picture is drawn with the same random numbers, so that the place makes the difference.
    """
    import numpy as np

    from sketchrnn.cli.drawing_output import Picture, say_what_was_cut
    from sketchrnn.formats import Record
    from sketchrnn.formats.svg.writing import Layer
    from sketchrnn.model.latent import between, draw_at, grid
    from sketchrnn.model.loading import load_model
    from sketchrnn.model.network import NumpyNetwork
    from sketchrnn.model.sampling import SamplingConfiguration

    if len(places) not in (2, 4):
        raise click.UsageError(f"expected two places, or four, found {len(places)}; a place is {PLACE_HELP}")
    sampling = SamplingConfiguration(temperature, max_points, seed, pen_temperature=pen_temperature, top_p=top_p)
    target = replace(target, columns=target.columns or steps)
    target.check(steps ** (len(places) // 2))
    network = NumpyNetwork(load_model(model))
    ends = [read_place(network, text, category, seed + number) for number, text in enumerate(places)]
    shares = np.linspace(0.0, 1.0, steps)
    vectors = [end.vector for end in ends]
    if len(ends) == 2:
        way = between(network.configuration, vectors[0], vectors[1], shares.tolist(), spherical=not linear)
        labels = [f"{share:.0%}" for share in shares]
    else:
        way = grid(network.configuration, vectors, steps, spherical=not linear).reshape(steps * steps, -1)
        labels = [f"{right:.0%}, {down:.0%}" for down in shares for right in shares]
    pictures = []
    for label, place in zip(labels, way, strict=True):
        (one,) = draw_at(network, place[None], sampling, choose_from)
        layers = (Layer(one.sketch, "drawing"),)
        label += "" if one.ended else ", cut"
        pictures.append(Picture(label, layers, Record(one.sketch), one.description, not one.ended))
    target.write(pictures, f"Between {' and '.join(end.label for end in ends)}, drawn by sketchrnn")
    say_what_was_cut(pictures, max_points)

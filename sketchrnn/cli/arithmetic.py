"""``sketchrnn arithmetic``."""

from __future__ import annotations

import click

from sketchrnn.cli import options
from sketchrnn.cli.places import PLACE_HELP, read_place

SIGNS = {"+": 1, "-": -1}


@click.command(
    epilog="""\b
Examples:
  sketchrnn generate --category cat -n 60 -o cats.ndjson
  sketchrnn train cats.ndjson -o cats.safetensors --max-steps 5 --set decoder_units=64
  sketchrnn arithmetic cats.ndjson:0 - cats.ndjson:1 + cats.ndjson:2 --model cats.safetensors -o sum.svg
"""
)
@click.argument("terms", nargs=-1, required=True, metavar="A [+|- B]...")
@options.output
@options.model
@options.category
@options.count
@options.temperature
@options.seed
@options.max_points
@options.output_format
@options.columns
@options.cell
@options.force
def arithmetic(
    terms: tuple[str, ...],
    output: str,
    model: str | None,
    category: str | None,
    count: int,
    temperature: float,
    seed: int,
    max_points: int,
    output_format: str | None,
    columns: int | None,
    cell: int,
    force: bool,
) -> None:
    """Add and subtract sketches: A - B + C is drawn from the sum of their latent vectors.

    Each is FILE, FILE:INDEX (a record of many, counted from 0), or the name of a category; of several categories the
    result has the first one's. In a picture the terms stand first, each as the model draws it.
    """
    from dataclasses import replace

    from sketchrnn.cli.drawing_output import Picture, Target, say_what_was_cut
    from sketchrnn.drawing.configuration import SamplingConfiguration
    from sketchrnn.drawing.latent import combined, draw_at
    from sketchrnn.errors import ConfigurationError
    from sketchrnn.formats import Record
    from sketchrnn.formats.svg import COMPLETION_COLOUR, Layer
    from sketchrnn.model.loading import load_model
    from sketchrnn.model.numpy_network import NumpyNetwork

    if len(terms) % 2 == 0 or not set(terms[1::2]) <= set(SIGNS):
        raise click.UsageError(f"expected A - B + C with a space around each sign; A is {PLACE_HELP}")
    sampling = SamplingConfiguration(temperature, max_points, seed)
    target = Target.from_options(output, output_format, force, columns, cell)
    operands, signs = terms[::2], ("+", *terms[1::2])
    shows_terms = target.kind == "svg"
    target.check(count + shows_terms * len(operands))
    network = NumpyNetwork(load_model(model))
    if not network.configuration.variational:
        raise ConfigurationError("this model has no encoder, so that there are no latent vectors to add")
    places = [read_place(network, text, category, seed + number) for number, text in enumerate(operands)]
    result = combined(
        network.configuration, [(SIGNS[sign], place.vector) for sign, place in zip(signs, places, strict=True)]
    )
    shown = [(f"{sign} {text}", draw_at(network, place.vector, sampling), "#1a1a1a")
             for sign, text, place in zip(signs, operands, places, strict=True)] if shows_terms else []  # fmt: skip
    seeds = range(seed, seed + count)
    shown += [
        (f"sum, seed {number}", draw_at(network, result, replace(sampling, seed=number)), COMPLETION_COLOUR)
        for number in seeds
    ]
    pictures = [
        Picture(
            label + ("" if drawing.ended else ", cut"),
            (Layer(drawing.sketch, "drawing", colour),),
            Record(drawing.sketch, word=places[0].label),
        )
        for label, drawing, colour in shown
    ]
    target.write(pictures, f"{' '.join(terms)}, drawn by sketchrnn")
    say_what_was_cut(sum(not drawing.ended for _, drawing, _ in shown), max_points)

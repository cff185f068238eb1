"""``sketchrnn arithmetic``."""

from __future__ import annotations

import itertools
from pathlib import Path

import click

from sketchrnn.cli import options
from sketchrnn.cli.places import PLACE_HELP, read_place

SIGNS = {"+": 1, "-": -1}


@click.command(
    epilog="""\b
Examples:
  sketchrnn generate --category cat -n 40 --choose-from 1 -o cats.ndjson
  sketchrnn train cats.ndjson -o cats.safetensors --max-steps 3 --set encoder_units=32 --set decoder_units=64
  sketchrnn arithmetic cats.ndjson:0 - cats.ndjson:1 + cats.ndjson:2 --model cats.safetensors -o sum.svg
"""
)
@click.argument("terms", nargs=-1, required=True, metavar="A [+|- B]...")
@options.drawing
def arithmetic(terms: tuple[str, ...], drawing: options.DrawingOptions) -> None:
    """Add and subtract sketches: A - B + C is drawn from the sum of their latent vectors.

    Each is FILE, FILE:INDEX (a record of many, counted from 0), or the name of a category; of several categories the
    result has the first one's. In a picture the terms stand first, each as the model draws it.
    """
    import numpy as np

    from sketchrnn.cli.drawing_output import Picture, say_what_was_cut
    from sketchrnn.errors import ConfigurationError
    from sketchrnn.formats import Record
    from sketchrnn.formats.svg.writing import COMPLETION_COLOR, Layer
    from sketchrnn.model.latent import combined, draw_at
    from sketchrnn.model.loading import load_model
    from sketchrnn.model.network import NumpyNetwork

    if len(terms) % 2 == 0 or not set(terms[1::2]) <= set(SIGNS):
        raise click.UsageError(f"expected A - B + C with a space around each sign; A is {PLACE_HELP}")
    operands, signs = terms[::2], ("+", *terms[1::2])
    shows_terms = drawing.target.kind == "svg"
    drawing.target.check(drawing.count + shows_terms * len(operands))
    network = NumpyNetwork(load_model(drawing.model))
    if not network.configuration.variational:
        raise ConfigurationError("this model has no encoder, so that there are no latent vectors to add")
    seeds = itertools.count(drawing.sampling.seed)
    places = [read_place(network, text, drawing.category, seed) for text, seed in zip(operands, seeds, strict=False)]
    result = combined(
        network.configuration, [(SIGNS[sign], place.vector) for sign, place in zip(signs, places, strict=True)]
    )

    pictures = []
    if shows_terms:
        for sign, text, place in zip(signs, operands, places, strict=True):
            (one,) = draw_at(network, place.vector[None], drawing.sampling, drawing.choose_from)
            layers = (Layer(one.sketch, "drawing"),)
            label = f"{sign} {Path(text).name}"
            pictures.append(Picture(label, layers, Record(one.sketch), one.description, not one.ended))
    summed = np.repeat(result[None], drawing.count, axis=0)
    for one in draw_at(network, summed, drawing.sampling, drawing.choose_from, diverse=drawing.diverse):
        layers = (Layer(one.sketch, "drawing", COMPLETION_COLOR),)
        record = Record(one.sketch, word=places[0].label)
        pictures.append(Picture(f"sum, {one.label}", layers, record, one.description, not one.ended))
    drawing.target.write(pictures, f"{' '.join(terms)}, drawn by sketchrnn")
    say_what_was_cut(pictures, drawing.sampling.max_points)

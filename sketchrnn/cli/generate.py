"""``sketchrnn generate``."""

from __future__ import annotations

import click

from sketchrnn.cli import options


@click.command(
    epilog="""\b
Examples:
  sketchrnn generate --category cactus -o cactus.svg
  sketchrnn generate --category butterfly -n 20 --temperature 0.8 -o butterflies.svg
  sketchrnn generate --category cat -n 100 -o cats.ndjson
"""
)
@options.drawing
def generate(drawing: options.DrawingOptions) -> None:
    """Draw from nothing.

    A model with an encoder draws without z if it can, else with a z from the prior.
    """
    from sketchrnn.cli.drawing_output import Picture, say_what_was_cut
    from sketchrnn.formats import Record
    from sketchrnn.formats.svg.writing import Layer
    from sketchrnn.model.choice import draw_best
    from sketchrnn.model.loading import load_model
    from sketchrnn.model.network import DECODER_TENSORS, NumpyNetwork
    from sketchrnn.model.prefix import see_prefix
    from sketchrnn.sketch import Sketch

    drawing.target.check(drawing.count)
    network = NumpyNetwork(load_model(drawing.model, prefixes=DECODER_TENSORS))
    name = network.configuration.category_name(drawing.category)
    drawn = draw_best(
        network,
        see_prefix(network, Sketch(())),
        name,
        drawing.count,
        drawing.sampling,
        drawing.choose_from,
        diverse=drawing.diverse,
    )
    pictures = []
    for one in drawn:
        record = Record(one.sketch, word=name)
        layers = (Layer(one.sketch, "drawing"),)
        pictures.append(Picture(f"{name}, {one.label}", layers, record, one.description, not one.ended))
    drawing.target.write(pictures, f"{name}, drawn by sketchrnn")
    say_what_was_cut(pictures, drawing.sampling.max_points)

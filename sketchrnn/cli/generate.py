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
def generate(
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
    """Draw from nothing.

    A model with an encoder draws without z if it can, else with a z from the prior.
    """
    from sketchrnn.cli.drawing_output import Picture, Target, say_what_was_cut
    from sketchrnn.drawing.completion import complete
    from sketchrnn.drawing.configuration import SamplingConfiguration
    from sketchrnn.formats import Record
    from sketchrnn.formats.svg import Layer
    from sketchrnn.model.loading import load_model
    from sketchrnn.model.numpy_network import DECODER_TENSORS, NumpyNetwork
    from sketchrnn.sketch import Sketch

    sampling = SamplingConfiguration(temperature, max_points, seed)
    target = Target.from_options(output, output_format, force, columns, cell)
    target.check(count)
    network = NumpyNetwork(load_model(model, prefixes=DECODER_TENSORS))
    name = network.configuration.category_name(category)
    drawn = complete(network, Sketch(()), name, count, sampling)
    pictures = [
        Picture(
            f"{name}, seed {drawing.seed}" + ("" if drawing.ended else ", cut"),
            (Layer(drawing.sketch, "drawing"),),
            Record(drawing.sketch, word=name),
        )
        for drawing in drawn
    ]
    target.write(pictures, f"{name}, drawn by sketchrnn")
    say_what_was_cut(sum(not drawing.ended for drawing in drawn), max_points)

"""``sketchrnn reconstruct``."""

from __future__ import annotations

import click

from sketchrnn.cli import options
from sketchrnn.cli.prefix import one_record, read_one
from sketchrnn.errors import CategoryError, ConfigurationError, FormatError


@click.command(
    epilog="""\b
Examples:
  sketchrnn generate --category cat -n 40 --choose-from 1 -o cats.ndjson
  sketchrnn train cats.ndjson -o cats.safetensors --max-steps 3 --set encoder_units=32 --set decoder_units=64
  sketchrnn reconstruct cats.ndjson --index 3 -n 8 --model cats.safetensors -o cat.svg
"""
)
@click.argument("sketch")
@options.drawing
@click.option("--sample", is_flag=True, help="Draw z from its posterior for each drawing, instead of taking the mean.")
@options.scale
@one_record
def reconstruct(
    sketch: str,
    sample: bool,
    scale: float | None,
    index: int | None,
    key_id: str | None,
    drawing: options.DrawingOptions,
) -> None:
    """Draw SKETCH again from its latent vector alone, as the model understood it.

    SKETCH is a whole drawing, in a file as for `sketchrnn complete`. In a picture it comes first, as it was given. The
    model needs an encoder, which is what train makes unless it is told --decoder-only.
    """
    from sketchrnn.cli.drawing_output import Picture, say_what_was_cut
    from sketchrnn.formats import Record
    from sketchrnn.formats.svg.writing import COMPLETION_COLOR, Layer
    from sketchrnn.model.latent import reconstruct as reconstruct_sketch
    from sketchrnn.model.loading import load_model
    from sketchrnn.model.network import NumpyNetwork
    from sketchrnn.model.prefix import see_prefix

    shows_original = drawing.target.kind == "svg"
    drawing.target.check(drawing.count + shows_original)
    record = read_one(sketch, index, key_id)
    network = NumpyNetwork(load_model(drawing.model))
    try:
        name = network.configuration.category_name(drawing.category or record.word)
        seen = see_prefix(network, record.sketch, network.configuration.category_index(name), scale=scale)
        drawn = reconstruct_sketch(
            network,
            seen,
            name,
            drawing.count,
            drawing.sampling,
            drawing.choose_from,
            sample=sample,
            diverse=drawing.diverse,
        )
    except (CategoryError, ConfigurationError, FormatError) as error:
        raise type(error)(f"{sketch}: {error}") from error
    named = name or "drawing"
    pictures = [Picture(f"{named}, as given", (Layer(record.sketch, "sketch"),), record)] * shows_original
    for one in drawn:
        layers = (Layer(one.sketch, "reconstruction", COMPLETION_COLOR),)
        pictures.append(Picture(one.label, layers, Record(one.sketch, word=name), one.description, not one.ended))
    drawing.target.write(pictures, f"{named}, reconstructed by sketchrnn")
    say_what_was_cut(pictures, drawing.sampling.max_points)

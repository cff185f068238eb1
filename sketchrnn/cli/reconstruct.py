"""``sketchrnn reconstruct``."""

from __future__ import annotations

import click

from sketchrnn.cli import options
from sketchrnn.cli.prefix import one_record, read_one
from sketchrnn.errors import CategoryError, ConfigurationError, FormatError


@click.command(
    epilog="""\b
Examples:
  sketchrnn generate --category cat -n 60 -o cats.ndjson
  sketchrnn train cats.ndjson -o cats.safetensors --max-steps 5 --set decoder_units=64
  sketchrnn reconstruct cats.ndjson --index 3 -n 8 --model cats.safetensors -o cat.svg
"""
)
@click.argument("sketch")
@options.output
@options.model
@options.category
@options.count
@click.option("--sample", is_flag=True, help="Draw z from its posterior for each drawing, instead of taking the mean.")
@options.temperature
@options.seed
@options.max_points
@one_record
@options.output_format
@options.columns
@options.cell
@options.force
def reconstruct(
    sketch: str,
    output: str,
    model: str | None,
    category: str | None,
    count: int,
    sample: bool,
    temperature: float,
    seed: int,
    max_points: int,
    index: int | None,
    key_id: str | None,
    output_format: str | None,
    columns: int | None,
    cell: int,
    force: bool,
) -> None:
    """Draw SKETCH again from its latent vector alone, as the model understood it.

    SKETCH is a whole drawing, in a file as for `sketchrnn complete`. It comes out first, in black. The model needs an
    encoder, which is what train makes unless it is told --decoder-only.
    """
    from sketchrnn.cli.drawing_output import Picture, Target, say_what_was_cut
    from sketchrnn.drawing.configuration import SamplingConfiguration
    from sketchrnn.drawing.latent import reconstruct as reconstruct_sketch
    from sketchrnn.formats import Record
    from sketchrnn.formats.svg import COMPLETION_COLOUR, Layer
    from sketchrnn.model.loading import load_model
    from sketchrnn.model.numpy_network import NumpyNetwork

    sampling = SamplingConfiguration(temperature, max_points, seed)
    target = Target.from_options(output, output_format, force, columns, cell)
    shows_original = target.kind == "svg"
    target.check(count + shows_original)
    record = read_one(sketch, index, key_id)
    network = NumpyNetwork(load_model(model))
    try:
        name = network.configuration.category_name(category or record.word)
        drawn = reconstruct_sketch(network, record.sketch, name, count, sampling, sample=sample)
    except (CategoryError, ConfigurationError, FormatError) as error:
        raise type(error)(f"{sketch}: {error}") from error
    original = Picture(f"{name or 'drawing'}, as given", (Layer(record.sketch, "sketch"),), record)
    pictures = [
        Picture(
            f"seed {drawing.seed}" + ("" if drawing.ended else ", cut"),
            (Layer(drawing.sketch, "reconstruction", COMPLETION_COLOUR),),
            Record(drawing.sketch, word=name),
        )
        for drawing in drawn
    ]
    target.write([original] * shows_original + pictures, f"{name or 'drawing'}, reconstructed by sketchrnn")
    say_what_was_cut(sum(not drawing.ended for drawing in drawn), max_points)

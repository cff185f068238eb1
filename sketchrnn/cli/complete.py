"""``sketchrnn complete``."""

from __future__ import annotations

from dataclasses import replace

import click

from sketchrnn.cli import options
from sketchrnn.cli.prefix import choose_categories, one_record, read_one
from sketchrnn.errors import CategoryError, FormatError


@click.command(
    epilog="""\b
Examples:
  sketchrnn complete samples/pig.ndjson -o pig.svg
  sketchrnn complete samples/circle.json --category face -n 9 --seed 7 -o faces.svg
  sketchrnn complete samples/squiggle.json --category snake -n 3 -o snake-%d.svg
  sketchrnn complete - --category pig < samples/circle.json > pig.svg
"""
)
@click.argument("prefix")
@options.drawing
@options.latent
@options.scale
@options.pen
@one_record
def complete(
    prefix: str,
    drawing: options.DrawingOptions,
    latent: str,
    scale: float | None,
    pen: str | None,
    index: int | None,
    key_id: str | None,
) -> None:
    """Finish the partial sketch PREFIX.

    PREFIX is Quick, Draw! ndjson, polyline JSON ([[[x, y], ...], ...]), or - for standard input, in any unit, y down:
    how large it is meant is found by its likelihood, and said. It comes out as it went in, in a group of its own; the
    completion goes on from its last point, in another colour. Without --category the record's own word is drawn, or if
    it has none what it most probably is; --category auto:3 draws each of the three most probable.

    Several drawings (-n) make a sheet, or a file each if the output's name holds %d.
    """
    from sketchrnn.cli.drawing_output import Picture, say_what_was_cut
    from sketchrnn.drawing.choice import draw_best
    from sketchrnn.drawing.prefix import see_prefix
    from sketchrnn.formats import Record
    from sketchrnn.formats.svg import COMPLETION_COLOUR, Layer
    from sketchrnn.model.loading import load_model
    from sketchrnn.model.numpy_network import DECODER_TENSORS, ENCODER_TENSORS, NumpyNetwork

    record = read_one(prefix, index, key_id)
    tensors = DECODER_TENSORS if latent in ("none", "prior") else (*DECODER_TENSORS, ENCODER_TENSORS)
    network = NumpyNetwork(load_model(drawing.model, prefixes=tensors))
    sampling = replace(drawing.sampling, latent=latent)
    pictures = []
    try:
        names = choose_categories(network, record, drawing.category, scale)
        drawing.target.check(drawing.count * len(names))
        for name in names:
            seen = see_prefix(network, record.sketch, network.configuration.category_index(name), scale=scale, pen=pen)
            for completion in draw_best(
                network, seen, name, drawing.count, sampling, drawing.choose_from, diverse=drawing.diverse
            ):
                layers = (Layer(seen.sketch, "prefix"), Layer(completion.sketch, "completion", COMPLETION_COLOUR))
                whole = Record(completion.joined(seen.sketch), word=name)
                pictures.append(
                    Picture(f"{name}, {completion.label}", layers, whole, completion.description, not completion.ended)
                )
            if scale is None:
                click.echo(f"{name or 'the drawing'}: at scale {seen.scale:.4g} (--scale)", err=True)
    except (CategoryError, FormatError) as error:
        raise type(error)(f"{prefix}: {error}") from error
    drawing.target.write(pictures, f"{' or '.join(map(str, names))}, completed by sketchrnn")
    say_what_was_cut(pictures, sampling.max_points)

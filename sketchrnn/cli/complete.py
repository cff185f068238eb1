"""``sketchrnn complete``."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import click

from sketchrnn.cli import options
from sketchrnn.cli.prefix import choose_categories, continued_from, one_record, read_prefixes
from sketchrnn.cli.talk import say
from sketchrnn.errors import CategoryError, FormatError

if TYPE_CHECKING:
    from sketchrnn.cli.drawing_output import Target


@click.command(
    epilog="""\b
Examples:
  sketchrnn complete samples/pig.ndjson -o pig.svg
  sketchrnn complete samples/cup.svg -o finished.svg
  sketchrnn complete samples/cup.svg -n 5 --stroke tomato -o five-layers.svg
  sketchrnn complete samples/circle.json --category face -n 9 --seed 7 -o faces.svg
  sketchrnn complete samples/pig.ndjson --style ink --page a5 --landscape --margin 2cm -o plot.svg
  sketchrnn complete samples/face.ndjson --animate -o drawn-before-your-eyes.svg
  sketchrnn complete samples/squiggle.json --category snake -n 3 -o snake-%d.svg
  sketchrnn complete - --category pig < samples/circle.json > pig-of-a-circle.svg
  sketchrnn generate --category cat -n 4 --format ndjson | sketchrnn complete - --format ndjson > cats.ndjson
"""
)
@click.argument("prefix")
@options.drawing
@options.latent
@options.scale
@options.pen
@one_record
@click.option("--continue-from", metavar="ID", help="Go on from the end of this element of an SVG document.")
@click.option("--redraw", is_flag=True, help="Draw an SVG document's lines anew, instead of adding layers to it.")
def complete(
    prefix: str,
    drawing: options.DrawingOptions,
    latent: str,
    scale: float | None,
    pen: str | None,
    index: int | None,
    key_id: str | None,
    continue_from: str | None,
    redraw: bool,
) -> None:
    """Finish the partial sketch PREFIX.

    PREFIX is SVG, Quick, Draw! ndjson, polyline JSON ([[[x, y], ...], ...]), or - for standard input, in any unit, y
    down: how large it is meant is found by its likelihood, and said. Without --category the record's own word is drawn,
    or if it has none what it most probably is; --category auto:3 draws each of the three most probable. Of a file of
    many records each is finished.

    An SVG document comes out as it went in, byte for byte, with a layer more for each completion (-n), of which the
    first is shown. It goes on from the end of the last line, in that line's width and colour. --redraw, --animate, gif
    and apng draw it anew, as they do any other prefix: in a group of its own, exactly, the completion in another
    colour; and several drawings make a sheet. With %d in the output's name they make a file each.
    """
    from sketchrnn.cli.drawing_output import Picture, say_what_was_cut
    from sketchrnn.formats import Record
    from sketchrnn.formats.svg.writing import COMPLETION_COLOR, Layer
    from sketchrnn.model.choice import draw_best
    from sketchrnn.model.loading import load_model
    from sketchrnn.model.network import DECODER_TENSORS, ENCODER_TENSORS, NumpyNetwork
    from sketchrnn.model.prefix import see_prefix

    target = replace(drawing.target, redraw=redraw)
    records = [continued_from(record, continue_from) for record in read_prefixes(prefix, index, key_id)]
    if records[0].source is not None and target.keeps_documents:
        _check_look(target)
    tensors = DECODER_TENSORS if latent in ("none", "prior") else (*DECODER_TENSORS, ENCODER_TENSORS)
    network = NumpyNetwork(load_model(drawing.model, prefixes=tensors))
    sampling = replace(drawing.sampling, latent=latent)
    pictures: list[Picture] = []
    wanted: list[tuple[Record, str | None]] = []
    try:
        for record in records:
            wanted += [(record, name) for name in choose_categories(network, record, drawing.category, scale)]
        target.check(drawing.count * len(wanted))
        for record, name in wanted:
            seen = see_prefix(network, record.sketch, network.configuration.category_index(name), scale=scale, pen=pen)
            for completion in draw_best(
                network, seen, name, drawing.count, sampling, drawing.choose_from, diverse=drawing.diverse
            ):
                label = f"{name}, {completion.description}" if name else completion.description
                added = Layer(completion.sketch, "completion", COMPLETION_COLOR, label)
                pictures.append(
                    Picture(
                        f"{name}, {completion.label}",
                        (Layer(seen.sketch, "prefix"), added),
                        replace(record, sketch=completion.joined(seen.sketch), word=name, source=None),
                        completion.description,
                        not completion.ended,
                        record.source,
                    )
                )
            if scale is None:
                say(f"{name or 'the drawing'}: at scale {seen.scale:.4g} (--scale)")
    except (CategoryError, FormatError) as error:
        raise type(error)(f"{prefix}: {error}") from error
    names = dict.fromkeys(str(name) for _, name in wanted)
    target.write(pictures, f"{' or '.join(names)}, completed by sketchrnn")
    say_what_was_cut(pictures, sampling.max_points)


def _check_look(target: Target) -> None:
    """Refuse what changes the page of a document that is kept as it is."""
    look = target.look
    given = {"--page": look.page, "--margin": look.margin, "--background": look.background, "--columns": target.columns}
    for name, value in given.items():
        if value is not None:
            raise click.UsageError(f"{name} changes the document, which is kept as it is; --redraw draws it anew")

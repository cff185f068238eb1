"""``sketchrnn complete``."""

from __future__ import annotations

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
@one_record
def complete(
    prefix: str,
    output: str,
    model: str | None,
    category: str | None,
    count: int,
    temperature: float,
    seed: int,
    max_points: int,
    latent: str,
    index: int | None,
    key_id: str | None,
    output_format: str | None,
    columns: int | None,
    cell: int,
    force: bool,
) -> None:
    """Finish the partial sketch PREFIX.

    PREFIX is Quick, Draw! ndjson, polyline JSON ([[[x, y], ...], ...]), or - for standard input, in the units of the
    simplified Quick, Draw! drawings: about 255 wide when finished, y down. It comes out as it went in, in a group of
    its own; the completion goes on from its last point, in another colour. Without --category the record's own word
    is drawn, or if it has none what it most probably is; --category auto:3 draws each of the three most probable.

    Several drawings (-n) make a sheet, or a file each if the output's name holds %d.
    """
    from sketchrnn.cli.drawing_output import Picture, Target, say_what_was_cut
    from sketchrnn.drawing.completion import complete as complete_prefix
    from sketchrnn.drawing.configuration import SamplingConfiguration
    from sketchrnn.formats import Record
    from sketchrnn.formats.svg import COMPLETION_COLOUR, Layer
    from sketchrnn.model.loading import load_model
    from sketchrnn.model.numpy_network import DECODER_TENSORS, ENCODER_TENSORS, NumpyNetwork

    sampling = SamplingConfiguration(temperature, max_points, seed, latent)
    target = Target.from_options(output, output_format, force, columns, cell)
    record = read_one(prefix, index, key_id)
    tensors = DECODER_TENSORS if latent in ("none", "prior") else (*DECODER_TENSORS, ENCODER_TENSORS)
    network = NumpyNetwork(load_model(model, prefixes=tensors))
    try:
        names = choose_categories(network, record, category)
        target.check(count * len(names))
        drawn = [
            (name, completion)
            for name in names
            for completion in complete_prefix(network, record.sketch, name, count, sampling)
        ]
    except (CategoryError, FormatError) as error:
        raise type(error)(f"{prefix}: {error}") from error
    pictures = [
        Picture(
            f"{name}, seed {completion.seed}" + ("" if completion.ended else ", cut"),
            (Layer(record.sketch, "prefix"), Layer(completion.sketch, "completion", COMPLETION_COLOUR)),
            Record(completion.joined(record.sketch), word=name),
        )
        for name, completion in drawn
    ]
    target.write(pictures, f"{' or '.join(map(str, names))}, completed by sketchrnn")
    say_what_was_cut(sum(not completion.ended for _, completion in drawn), max_points)

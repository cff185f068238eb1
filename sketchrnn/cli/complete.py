"""``sketchrnn complete``."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import click

from sketchrnn.cli import options
from sketchrnn.errors import CategoryError, FormatError, SketchRNNError

if TYPE_CHECKING:
    from sketchrnn.formats import Record


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
@click.option("--index", type=click.IntRange(0), help="Which record of a file of many, counted from 0.")
@click.option("--key-id", metavar="ID", help="Which record of a file of many, by its key_id.")
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
    is drawn.

    Several drawings (-n) make a sheet, or a file each if the output's name holds %d.
    """
    from sketchrnn.cli.drawing_output import Picture, Target, say_what_was_cut
    from sketchrnn.drawing.completion import complete as complete_prefix
    from sketchrnn.drawing.configuration import SamplingConfiguration
    from sketchrnn.formats import Record
    from sketchrnn.formats.svg import COMPLETION_COLOUR, Layer
    from sketchrnn.model.numpy_network import DECODER_TENSORS, ENCODER_TENSORS, NumpyNetwork

    sampling = SamplingConfiguration(temperature, max_points, seed, latent)
    target = Target.from_options(output, output_format, force, columns, cell)
    target.check(count)
    record = _select(prefix, index, key_id)
    tensors = DECODER_TENSORS if latent in ("none", "prior") else (*DECODER_TENSORS, ENCODER_TENSORS)
    network = NumpyNetwork(options.load_model(model, tensors=tensors))
    try:
        name = network.configuration.category_name(category or record.word)
        drawn = complete_prefix(network, record.sketch, name, count, sampling)
    except (CategoryError, FormatError) as error:
        raise type(error)(f"{prefix}: {error}") from error
    pictures = [
        Picture(
            f"{name}, seed {completion.seed}" + ("" if completion.ended else ", cut"),
            (Layer(record.sketch, "prefix"), Layer(completion.sketch, "completion", COMPLETION_COLOUR)),
            Record(completion.joined(record.sketch), word=name),
        )
        for completion in drawn
    ]
    target.write(pictures, f"{name}, completed by sketchrnn")
    say_what_was_cut(sum(not completion.ended for completion in drawn), max_points)


def _select(path: str, index: int | None, key_id: str | None) -> Record:
    """Return the one record of a file that is asked for."""
    from sketchrnn.formats import read_records

    if index is not None and key_id is not None:
        raise click.UsageError("--index and --key-id both name a record; give one of them")
    records = read_records(path)
    if key_id is not None:
        chosen = next((record for record in records if record.key_id == key_id), None)
        if chosen is None:
            raise SketchRNNError(f"{path}: holds no record with key_id {key_id}")
        return chosen
    if index is not None:
        chosen = next(itertools.islice(records, index, None), None)
        if chosen is None:
            raise SketchRNNError(f"{path}: holds no record {index}, counted from 0")
        return chosen
    first = list(itertools.islice(records, 2))
    if len(first) > 1:
        raise SketchRNNError(f"{path}: holds more than one record; name one with --index or --key-id")
    return first[0]

"""``sketchrnn guess``."""

from __future__ import annotations

import json

import click

from sketchrnn.cli import options
from sketchrnn.cli.prefix import continued_from, one_record, read_prefixes
from sketchrnn.errors import FormatError


@click.command(
    epilog="""\b
Examples:
  sketchrnn guess samples/circle.json
  sketchrnn guess samples/pig.ndjson -n 3 --format json
  sketchrnn generate --category cat -n 3 --format ndjson | sketchrnn guess - --format ndjson > guessed.ndjson
"""
)
@click.argument("prefix")
@options.model
@click.option("-n", "--count", type=click.IntRange(1), default=5, show_default=True, help="How many categories.")
@click.option(
    "--format",
    "output_format",
    type=click.Choice(["text", "json", "ndjson"]),
    default="text",
    show_default=True,
    help="Lines for people; a list of JSON for programs; each record, named by the best guess, with its guesses.",
)
@options.scale
@one_record
def guess(
    prefix: str,
    model: str | None,
    count: int,
    output_format: str,
    scale: float | None,
    index: int | None,
    key_id: str | None,
) -> None:
    """Say what the partial sketch PREFIX is going to be.

    Prints the most probable categories, each with its probability by the model, if every category is as likely as any
    other before the sketch is seen. PREFIX is as for complete; of a file of many records each is guessed.
    """
    from sketchrnn.drawing.guess import guess as guess_category
    from sketchrnn.drawing.prefix import see_prefix
    from sketchrnn.formats.quickdraw_ndjson import ndjson_record
    from sketchrnn.model.loading import load_model
    from sketchrnn.model.numpy_network import DECODER_TENSORS, NumpyNetwork

    records = [continued_from(record, None) for record in read_prefixes(prefix, index, key_id)]
    network = NumpyNetwork(load_model(model, prefixes=DECODER_TENSORS))
    for number, record in enumerate(records):
        try:
            guesses = guess_category(network, see_prefix(network, record.sketch, scale=scale))[:count]
        except FormatError as error:
            raise FormatError(f"{prefix}: {error}") from error
        values = [vars(one) for one in guesses]
        if output_format == "json":
            click.echo(json.dumps(values, indent=2))
        elif output_format == "ndjson":
            fields = ndjson_record(record.sketch, word=guesses[0].category, key_id=record.key_id)
            click.echo(json.dumps({**fields, "guesses": values}, separators=(",", ":")))
        else:
            if len(records) > 1:
                click.echo(f"drawing {number}")
            for one in guesses:
                click.echo(f"{one.probability:6.1%}  {one.category}")

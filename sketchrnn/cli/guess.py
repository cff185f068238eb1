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
  sketchrnn guess samples/pig.ndjson -n 3 --json
  sketchrnn generate --category cat -n 3 --format ndjson | sketchrnn guess - --ndjson > guessed.ndjson
"""
)
@click.argument("prefix")
@options.model
@click.option("-n", "--count", type=click.IntRange(1), default=5, show_default=True, help="How many categories.")
@click.option("--json", "as_json", is_flag=True, help="A JSON list, for programs; of many records, a list of lists.")
@click.option("--ndjson", "as_ndjson", is_flag=True, help="Each record, its word the best guess, with its guesses.")
@options.scale
@one_record
def guess(
    prefix: str,
    model: str | None,
    count: int,
    as_json: bool,
    as_ndjson: bool,
    scale: float | None,
    index: int | None,
    key_id: str | None,
) -> None:
    """Say what the partial sketch PREFIX is going to be.

    Prints the most probable categories, each with its probability by the model, if a category is as likely, before
    the sketch is seen, as it was in training. PREFIX is as for complete; of a file of many records each is guessed.
    """
    from sketchrnn.formats.quickdraw_ndjson import ndjson_record
    from sketchrnn.model.guess import guess as guess_category
    from sketchrnn.model.loading import load_model
    from sketchrnn.model.network import DECODER_TENSORS, NumpyNetwork
    from sketchrnn.model.prefix import see_prefix

    if as_json and as_ndjson:
        raise click.UsageError("--json and --ndjson exclude each other")
    records = [continued_from(record, None) for record in read_prefixes(prefix, index, key_id)]
    network = NumpyNetwork(load_model(model, prefixes=DECODER_TENSORS))
    lists = []
    for number, record in enumerate(records):
        try:
            guesses = guess_category(network, see_prefix(network, record.sketch, scale=scale))[:count]
        except FormatError as error:
            raise FormatError(f"{prefix}: {error}") from error
        values = [vars(one) for one in guesses]
        lists.append(values)
        if as_ndjson:
            fields = ndjson_record(record.sketch, word=guesses[0].category, key_id=record.key_id)
            click.echo(json.dumps({**fields, "guesses": values}, separators=(",", ":")))
        elif not as_json:
            if len(records) > 1:
                click.echo(f"drawing {number}")
            for one in guesses:
                click.echo(f"{one.probability:6.1%}  {one.category}")
    if as_json:
        click.echo(json.dumps(lists if len(records) > 1 else lists[0], indent=2))

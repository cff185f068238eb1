"""``sketchrnn guess``."""

from __future__ import annotations

import json

import click

from sketchrnn.cli import options
from sketchrnn.cli.prefix import one_record, read_one
from sketchrnn.errors import FormatError


@click.command(
    epilog="""\b
Examples:
  sketchrnn guess samples/circle.json
  sketchrnn guess samples/pig.ndjson -n 3 --json
"""
)
@click.argument("prefix")
@options.model
@click.option("-n", "--count", type=click.IntRange(1), default=5, show_default=True, help="How many categories.")
@click.option("--json", "as_json", is_flag=True, help="A JSON list, for programs.")
@options.scale
@one_record
def guess(
    prefix: str,
    model: str | None,
    count: int,
    as_json: bool,
    scale: float | None,
    index: int | None,
    key_id: str | None,
) -> None:
    """Say what the partial sketch PREFIX is going to be.

    Prints the most probable categories, each with its probability by the model, if every category is as likely as any
    other before the sketch is seen. PREFIX is as for complete.
    """
    from sketchrnn.drawing.guess import guess as guess_category
    from sketchrnn.drawing.prefix import see_prefix
    from sketchrnn.model.loading import load_model
    from sketchrnn.model.numpy_network import DECODER_TENSORS, NumpyNetwork

    record = read_one(prefix, index, key_id)
    network = NumpyNetwork(load_model(model, prefixes=DECODER_TENSORS))
    try:
        guesses = guess_category(network, see_prefix(network, record.sketch, scale=scale))[:count]
    except FormatError as error:
        raise FormatError(f"{prefix}: {error}") from error
    if as_json:
        click.echo(json.dumps([vars(one) for one in guesses], indent=2))
        return
    for one in guesses:
        click.echo(f"{one.probability:6.1%}  {one.category}")

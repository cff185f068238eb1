"""``sketchrnn guess``."""

from __future__ import annotations

import itertools
import json

import click

from sketchrnn.cli import options
from sketchrnn.cli.messages import LOGGER
from sketchrnn.cli.prefix import read_prefixes
from sketchrnn.errors import SketchRNNError
from sketchrnn.settings import OUTPUT, WHAT


@click.command(
    cls=options.PanelCommand,
    epilog="""\b
Examples:
  sketchrnn guess samples/circle.json
  sketchrnn guess samples/pig.ndjson -n 3 --json
  sketchrnn generate --category cat -n 3 --format ndjson | sketchrnn guess - --ndjson > guessed.ndjson
""",
)
@click.argument("prefix")
@click.option(
    "-n",
    "--count",
    cls=options.PanelOption,
    panel=WHAT,
    type=click.IntRange(1),
    default=5,
    show_default=True,
    help="Number of categories.",
)
@options.one_record
@click.option(
    "--json",
    "as_json",
    cls=options.PanelOption,
    panel=OUTPUT,
    is_flag=True,
    help="Write a JSON list; for several records, a list of lists.",
)
@click.option(
    "--ndjson",
    "as_ndjson",
    cls=options.PanelOption,
    panel=OUTPUT,
    is_flag=True,
    help="Write each record as ndjson, with its guesses; the best guess becomes its word.",
)
@options.model
def guess(
    prefix: str, count: int, index: int | None, key_id: str | None, as_json: bool, as_ndjson: bool, model: str | None
) -> None:
    """Guess the category of the partial sketch PREFIX.

    It prints the most probable categories with their probabilities. PREFIX can have any format that `sketchrnn
    complete` reads. Each record of a file is guessed.
    """
    from sketchrnn.formats.quickdraw import ndjson_record
    from sketchrnn.model.model import load

    if as_json and as_ndjson:
        raise click.UsageError("--json and --ndjson cannot be used together")
    records, many = read_prefixes(prefix, index, key_id)
    records, again = itertools.tee(records)
    failed = number = 0
    lists = []
    for number, (record, guesses) in enumerate(zip(again, load(model).guess_many(records), strict=True)):
        if isinstance(record, SketchRNNError) or isinstance(guesses, SketchRNNError):
            error = record if isinstance(record, SketchRNNError) else guesses
            if not many:
                raise SketchRNNError(f"{prefix}: {error}")
            LOGGER.error(f"{prefix}: record {number}: {error}")
            failed += 1
            continue
        values = [vars(one) for one in guesses[:count]]
        if as_json:
            lists.append(values)
        elif as_ndjson:
            fields = ndjson_record(record.sketch, word=guesses[0].category, key_id=record.key_id)
            click.echo(json.dumps({**fields, "guesses": values}, separators=(",", ":")))
        else:
            head = f"drawing {number}\n" if many else ""
            click.echo(head + "\n".join(f"{one.probability:6.1%}  {one.category}" for one in guesses[:count]))
    if as_json:
        click.echo(json.dumps(lists if many else lists[0], indent=2))
    if failed:
        raise SketchRNNError(f"{prefix}: {failed} of {number + 1} records failed; the others were written")

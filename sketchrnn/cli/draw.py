"""``sketchrnn complete``, ``generate`` and ``guess``."""

from __future__ import annotations

import itertools
import json
from typing import Any

import click

from sketchrnn.cli import options
from sketchrnn.cli.drawings import Target, read_prefixes
from sketchrnn.cli.messages import LOGGER
from sketchrnn.errors import SketchRNNError
from sketchrnn.settings import OUTPUT, WHAT


@click.command(
    cls=options.PanelCommand,
    epilog="""\b
Examples:
  sketchrnn complete samples/pig.ndjson -o pig.svg
  sketchrnn complete samples/cup.svg -o finished.svg
  sketchrnn complete samples/cup.svg -n 5 --line-color tomato -o five-layers.svg
  sketchrnn complete samples/circle.json --category face -n 9 --seed 7 -o faces.svg
  sketchrnn complete samples/pig.ndjson --style ink --page a5 --landscape --margin 2cm -o plot.svg
  sketchrnn complete samples/face.ndjson --animate -o animation.svg
  sketchrnn complete samples/squiggle.json --category snake -n 3 -o snake-%d.svg
  sketchrnn complete - --category pig < samples/circle.json > pig-of-a-circle.svg
  sketchrnn generate --category cat -n 4 --format ndjson | sketchrnn complete - --format ndjson > cats.ndjson
""",
)
@click.argument("prefix")
@options.request()
@options.one_record
@options.target
@options.model
def complete(
    prefix: str, settings: dict[str, Any], index: int | None, key_id: str | None, target: Target, model: str | None
) -> None:
    """Complete the partial sketch PREFIX.

    PREFIX is a file in any unit, y down: SVG, Quick, Draw! ndjson, polyline JSON ([[[x, y], ...], ...]) or another
    format that `sketchrnn info --formats` lists; - is standard input. Each record of the file is completed. The scale
    of the prefix is estimated and printed. The category is that of --category, else the word of the record, else the
    most probable category to which something can be added. --category auto:3 draws the three most probable categories.

    An SVG document is not changed: each drawing (-n) is added as a layer, and the first layer is visible. The drawing
    continues from the end of the last line, in the same width and color. --redraw, --animate, gif and apng redraw the
    document.
    """
    from sketchrnn.model.model import load
    from sketchrnn.model.sampling import Request

    records, many = read_prefixes(prefix, index, key_id)
    request = Request().updated(settings)
    target.check(1 if many else request.count)
    requests = (record if isinstance(record, Exception) else request.updated({"prefix": record}) for record in records)
    target.write_results(load(model).complete_many(requests), prefix, many=many)


@click.command(
    cls=options.PanelCommand,
    epilog="""\b
Examples:
  sketchrnn generate --category cactus -o cactus.svg
  sketchrnn generate --category butterfly -n 20 --temperature 0.8 -o butterflies.svg
  sketchrnn generate --category cat -n 100 -o cats.ndjson
""",
)
@options.request("scale", "pen", "arrange", "continue_from", "latent")
@options.target
@options.model
def generate(settings: dict[str, Any], target: Target, model: str | None) -> None:
    """Draw from nothing.

    A model with an encoder draws without z if it was trained for that, else with a z sampled from the prior.
    """
    from sketchrnn.model.model import load
    from sketchrnn.model.sampling import Request

    request = Request().updated(settings)
    target.check(request.count)
    target.write_results(load(model).complete_many([request]), "generate", many=False)


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

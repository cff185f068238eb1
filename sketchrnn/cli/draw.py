"""``sketchrnn complete``, ``generate``, ``guess``, ``reconstruct``, ``interpolate`` and ``arithmetic``."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from functools import partial
from typing import Any

import click

from sketchrnn.cli import options
from sketchrnn.cli.drawings import TERM_HELP, Target, read_prefixes, read_terms
from sketchrnn.cli.messages import LOGGER
from sketchrnn.errors import SketchRNNError
from sketchrnn.settings import HOW, OUTPUT, WHAT


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

    PREFIX is an SVG file, Quick, Draw! ndjson, polyline JSON ([[[x, y], ...], ...]) or another format that
    `sketchrnn info --formats` lists; - is standard input. Coordinates can have any unit; y points down. Each record of
    the file is completed. The scale of the prefix is estimated and printed.

    --category sets what is drawn. By default it is the word of the record. If the record has no word, the category is
    guessed. If nothing can be added to a drawing of that category, the next guess is tried. --category auto:3 draws the
    three most probable categories.

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

    A model with an encoder was trained with a latent vector z. If it was also trained without z, it draws without;
    otherwise z is sampled at random.
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
@options.option(
    "-n", "--count", panel=WHAT, type=click.IntRange(1), default=5, show_default=True, help="Number of categories."
)
@options.one_record
@options.option(
    "--json", "as_json", panel=OUTPUT, is_flag=True, help="Write a JSON list; for several records, a list of lists."
)
@options.option(
    "--ndjson",
    "as_ndjson",
    panel=OUTPUT,
    is_flag=True,
    help="Write each record as ndjson, with its guesses. Its word becomes the best guess.",
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


@click.command(
    cls=options.PanelCommand,
    epilog="""\b
Examples:
  sketchrnn generate --category cat -n 40 --best-of 1 -o cats.ndjson
  sketchrnn train cats.ndjson -o cats.safetensors --max-steps 3 --set encoder_units=32 --set decoder_units=64
  sketchrnn reconstruct cats.ndjson --index 3 -n 8 --model cats.safetensors -o cat.svg
  sketchrnn reconstruct cats.ndjson --model cats.safetensors -o again.ndjson
""",
)
@click.argument("sketch")
@options.request("pen", "arrange", "continue_from", "latent")
@options.option("--sample", panel=HOW, is_flag=True, help="Sample z from the posterior, instead of using its mean.")
@options.one_record
@options.target
@options.model
def reconstruct(
    sketch: str,
    settings: dict[str, Any],
    sample: bool,
    index: int | None,
    key_id: str | None,
    target: Target,
    model: str | None,
) -> None:
    """Redraw SKETCH from its latent vector.

    SKETCH is a file with whole drawings, in any format that `sketchrnn complete` reads. SVG output also shows the
    original. The model must have an encoder: train it without --decoder-only.
    """
    from sketchrnn.model.model import load
    from sketchrnn.model.sampling import Request

    records, many = read_prefixes(sketch, index, key_id)
    originals = target.kind == "svg"
    request = Request().updated(settings)
    target.check(1 if many else request.count + originals)
    requests = (record if isinstance(record, Exception) else request.updated({"prefix": record}) for record in records)
    results = load(model).reconstruct_many(requests, sample=sample)
    target.write_results(results, sketch, many=many, originals=originals)


@click.command(
    cls=options.PanelCommand,
    epilog="""\b
Examples:
  sketchrnn interpolate cat pig -o cat-pig.svg
  sketchrnn interpolate cat pig face sun --steps 3 -o four.svg
  sketchrnn generate --category cat -n 40 --best-of 1 -o cats.ndjson
  sketchrnn train cats.ndjson -o cats.safetensors --max-steps 3 --set encoder_units=32 --set decoder_units=64
  sketchrnn interpolate cats.ndjson:0 cats.ndjson:1 --model cats.safetensors -o cats.svg
""",
)
@click.argument("ends", nargs=-1, required=True)
@options.request("count", "diverse", "scale", "pen", "arrange", "continue_from", "latent")
@options.option(
    "--steps",
    panel=WHAT,
    type=click.IntRange(2, 100),
    default=9,
    show_default=True,
    help="Number of drawings in a row, including the ends.",
)
@options.option("--linear", panel=HOW, is_flag=True, help="Interpolate z linearly, instead of spherically.")
@options.target
@options.model
def interpolate(
    ends: tuple[str, ...], settings: dict[str, Any], steps: int, linear: bool, target: Target, model: str | None
) -> None:
    """Draw steps between two ENDS, or a grid between four.

    An end is FILE, FILE:INDEX (one record of the file, counted from 0), or the name of a category. The order of four
    ends is top left, top right, bottom left, bottom right. If an end is a file, the model must have an encoder. If it
    is a category, the model must have several categories. All drawings use the same random numbers.
    """
    from sketchrnn.model.batches import attempt
    from sketchrnn.model.model import load

    if len(ends) not in (2, 4):
        raise click.UsageError(f"expected two or four ends, found {len(ends)}. An end is {TERM_HELP}")
    target = replace(target, picture=replace(target.picture, columns=target.picture.columns or steps))
    target.check(steps ** (len(ends) // 2))
    loaded = load(model)
    rows = list(read_terms(loaded, ends))
    draw = partial(loaded.interpolate, steps=steps, linear=linear, **settings)
    results = (attempt(draw, row) for row, _ in rows)
    target.write_results(results, " ".join(ends), many=len(rows) > 1)


SIGNS = {"+": 1, "-": -1}


@click.command(
    cls=options.PanelCommand,
    epilog="""\b
Examples:
  sketchrnn generate --category cat -n 40 --best-of 1 -o cats.ndjson
  sketchrnn train cats.ndjson -o cats.safetensors --max-steps 3 --set encoder_units=32 --set decoder_units=64
  sketchrnn arithmetic cats.ndjson:0 - cats.ndjson:1 + cats.ndjson:2 --model cats.safetensors -o sum.svg
  sketchrnn arithmetic cats.ndjson - cats.ndjson:1 + cats.ndjson:2 --model cats.safetensors -o sums.ndjson
""",
)
@click.argument("terms", nargs=-1, required=True, metavar="A [+|- B]...")
@options.request("scale", "pen", "arrange", "continue_from", "latent")
@options.target
@options.model
def arithmetic(terms: tuple[str, ...], settings: dict[str, Any], target: Target, model: str | None) -> None:
    """Add and subtract the latent vectors of sketches, and draw the result: A - B + C.

    A term is FILE, FILE:INDEX (one record of the file, counted from 0), or the name of a category. Files with several
    records give several results. A result has the category of its first term. SVG output also shows the terms.
    """
    from sketchrnn.model.batches import attempt
    from sketchrnn.model.model import load

    if len(terms) % 2 == 0 or not set(terms[1::2]) <= set(SIGNS):
        raise click.UsageError(f"expected A - B + C with a space around each sign. A term is {TERM_HELP}")
    operands, signs = terms[::2], [SIGNS[sign] for sign in ("+", *terms[1::2])]
    show_terms = target.kind == "svg"
    target.check(settings["count"] + show_terms * len(operands))
    loaded = load(model)
    rows = list(read_terms(loaded, operands))
    draw = partial(loaded.combine, show_terms=show_terms, **settings)
    results = (attempt(draw, list(zip(signs, row, strict=True))) for row, _ in rows)
    target.write_results(results, " ".join(terms), many=len(rows) > 1)

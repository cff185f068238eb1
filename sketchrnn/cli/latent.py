"""``sketchrnn reconstruct``, ``interpolate`` and ``arithmetic``."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import click

from sketchrnn.cli import options
from sketchrnn.cli.drawings import TERM_HELP, Target, read_prefixes, read_terms
from sketchrnn.settings import HOW, WHAT


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
@click.option(
    "--sample",
    cls=options.PanelOption,
    panel=HOW,
    is_flag=True,
    help="Sample z from the posterior, instead of using its mean.",
)
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
@click.option(
    "--steps",
    cls=options.PanelOption,
    panel=WHAT,
    type=click.IntRange(2, 100),
    default=9,
    show_default=True,
    help="Number of drawings in a row, including the ends.",
)
@click.option(
    "--linear",
    cls=options.PanelOption,
    panel=HOW,
    is_flag=True,
    help="Interpolate z linearly, instead of spherically.",
)
@options.target
@options.model
def interpolate(
    ends: tuple[str, ...], settings: dict[str, Any], steps: int, linear: bool, target: Target, model: str | None
) -> None:
    """Draw steps between two ENDS, or a grid between four.

    An end is FILE, FILE:INDEX (one record of the file, counted from 0), or the name of a category. The order of four
    ends is top left, top right, bottom left, bottom right. Files need a model with an encoder; categories need a model
    with several categories. All drawings use the same random numbers.
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

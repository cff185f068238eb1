"""``sketchrnn arithmetic``."""

from __future__ import annotations

from functools import partial
from typing import Any

import click

from sketchrnn.cli import options
from sketchrnn.cli.drawing_output import Target
from sketchrnn.cli.prefix import TERM_HELP, read_terms

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

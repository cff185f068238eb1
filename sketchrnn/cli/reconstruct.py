"""``sketchrnn reconstruct``."""

from __future__ import annotations

from typing import Any

import click

from sketchrnn.cli import options
from sketchrnn.cli.drawing_output import Target
from sketchrnn.cli.prefix import read_prefixes
from sketchrnn.settings import HOW


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

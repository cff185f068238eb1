"""``sketchrnn export``."""

from __future__ import annotations

import click

from sketchrnn.cli import options
from sketchrnn.files import check_writable, write_bytes


@click.command(
    epilog="""\b
Examples:
  sketchrnn generate --category cat -n 40 --best-of 1 -o cats.ndjson
  sketchrnn train cats.ndjson -o cats.safetensors --max-steps 3 --decoder-only --set decoder_units=64
  sketchrnn export cats.safetensors -o cats.gen.json
  sketchrnn export cats.safetensors -o small.safetensors --precision int8
"""
)
@click.argument("model")
@click.option(
    "-o", "--output", metavar="FILE", required=True, help="Write to NAME.gen.json, NAME.vae.json or NAME.safetensors."
)
@options.category
@options.precision
@click.option("--clip", is_flag=True, help="Clip weights to the range of the format, -10 to 10.")
@options.force
def export(model: str, output: str, category: str | None, precision: str, clip: bool, force: bool) -> None:
    """Convert MODEL for use in JavaScript. The name of the output selects the format.

    NAME.gen.json: a model without encoder (train --decoder-only) and with one category, for @magenta/sketch, ml5 and
    sketch-rnn-js. NAME.vae.json: a model with encoder and one of its categories, for sketch-rnn-js. Both need LSTM
    cells and 20 mixture components. Weights are rounded to multiples of 1/3,277.

    NAME.safetensors: a small model file for the page and the npm package. complete, generate and guess also read it.
    """
    from typing import cast

    from sketchrnn.model.loading import load_model
    from sketchrnn.model.magenta import export_magenta, kind_of_name
    from sketchrnn.web.model_file import Precision, page_model

    kind = kind_of_name(output)
    if kind is None and not output.endswith(".safetensors"):
        raise click.BadParameter(
            f"{output!r}: expected a name that ends in .gen.json, .vae.json or .safetensors", param_hint="--output"
        )
    check_writable(output, force=force)
    if kind is None:
        content = page_model(load_model(model), cast(Precision, precision))
        write_bytes(output, content)
        click.echo(f"wrote {output}: {len(content) / 1e6:.1f} MB", err=True)
        return
    exported = export_magenta(load_model(model), kind, category=category, clip=clip)
    write_bytes(output, exported.content)
    click.echo(f"wrote {output}; clipped {exported.clipped} weights to +-10, the largest was {exported.largest:.4g}"
               if exported.clipped else f"wrote {output}; no weight was clipped", err=True)  # fmt: skip

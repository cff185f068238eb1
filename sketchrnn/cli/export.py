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
@click.option("-o", "--output", metavar="FILE", required=True, help="NAME.gen.json, NAME.vae.json or NAME.safetensors.")
@options.category
@options.precision
@click.option("--clip", is_flag=True, help="Cut weights beyond +-10, which the format cannot hold.")
@options.force
def export(model: str, output: str, category: str | None, precision: str, clip: bool, force: bool) -> None:
    """Write MODEL for JavaScript: as Magenta's programs read it, or a small file for the page and the npm package.

    NAME.gen.json holds a decoder that was trained on one category (train --decoder-only); @magenta/sketch, ml5 and
    sketch-rnn-js run it. NAME.vae.json holds a model with an encoder, of one of its categories; sketch-rnn-js runs it.
    Weights are rounded to a 3,277th. Only models with the LSTM cell and 20 mixtures can be exported so.

    NAME.safetensors is a model file without what drawing does not need; complete, generate and guess read it, too.
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
    click.echo(f"wrote {output}; {exported.clipped} weights beyond +-10 were cut, the largest is {exported.largest:.4g}"
               if exported.clipped else f"wrote {output}; no weight is beyond +-10", err=True)  # fmt: skip

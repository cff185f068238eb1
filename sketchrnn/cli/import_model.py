"""``sketchrnn import``."""

from __future__ import annotations

import click

from sketchrnn.cli import options
from sketchrnn.files import check_writable


@click.command(
    "import",
    epilog="""\b
Examples:
  sketchrnn generate --category cat -n 40 --best-of 1 -o cats.ndjson
  sketchrnn train cats.ndjson -o cats.safetensors --max-steps 3 --decoder-only --set decoder_units=64
  sketchrnn export cats.safetensors -o cats.gen.json
  sketchrnn import cats.gen.json -o imported.safetensors
""",
)
@click.argument("file")
@click.option("-o", "--output", metavar="FILE", required=True, help="Write the checkpoint to this file (.safetensors).")
@options.force
def import_model(file: str, output: str, force: bool) -> None:
    """Convert FILE, a model that Google published (NAME.gen.json or NAME.vae.json), to a checkpoint.

    Conversion is optional: --model of every command also reads such files. `sketchrnn download-model` downloads them.
    """
    from sketchrnn.model.checkpoint import save_checkpoint
    from sketchrnn.model.magenta import load_magenta

    check_writable(output, force=force)
    checkpoint = load_magenta(file)
    save_checkpoint(checkpoint, output)
    kind = "VAE" if checkpoint.configuration.variational else "decoder"
    click.echo(f"wrote {output}: a {kind} that draws {checkpoint.configuration.categories[0]}", err=True)

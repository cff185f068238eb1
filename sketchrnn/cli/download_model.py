"""``sketchrnn download-model``."""

from __future__ import annotations

import click

from sketchrnn.cli import options
from sketchrnn.cli.messages import LOGGER
from sketchrnn.files import check_writable


@click.command(
    epilog="""\b
Examples:
  sketchrnn download-model bird -o bird.safetensors
  sketchrnn generate --model bird.safetensors -n 6 -o birds.svg
  sketchrnn download-model bird
"""
)
@click.argument("name")
@click.option("-o", "--output", metavar="FILE", help="Write the model to this checkpoint (.safetensors).")
@click.option("--vae", is_flag=True, help="Download the model with an encoder, for reconstruct and interpolate.")
@click.option("--large", is_flag=True, help="Download the larger model.")
@click.option(
    "--base",
    metavar="ADDRESS",
    envvar="SKETCHRNN_MODELS",
    help="Download from this mirror.  [default: Google's; env: SKETCHRNN_MODELS]",
)
@options.force
def download_model(name: str, output: str | None, vae: bool, large: bool, base: str | None, force: bool) -> None:
    """Download the model that Google published for category NAME, such as bird or "alarm clock".

    Google published models for 114 categories, without a license. The file is checked and kept in a cache. The command
    prints its path, which you can give to --model of other commands.
    """
    from sketchrnn.cli.progress import downloading
    from sketchrnn.model.checkpoint import save_checkpoint
    from sketchrnn.model.published import BUCKET, fetch_published

    if output is not None:
        check_writable(output, force=force)
    with downloading(name) as progress:
        path, checkpoint = fetch_published(name, vae=vae, large=large, base=base or BUCKET, progress=progress)
    if output is None:
        click.echo(path)
        return
    save_checkpoint(checkpoint, output)
    LOGGER.info(f"wrote {output}")

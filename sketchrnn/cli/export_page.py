"""``sketchrnn export-page``."""

from __future__ import annotations

from pathlib import Path

import click

from sketchrnn.cli import options


@click.command(
    "export-page",
    epilog="""\b
Examples:
  sketchrnn export-page -o draw.html
  sketchrnn export-page --precision int8 -o small.html
""",
)
@click.argument("model", required=False)
@click.option("-o", "--output", metavar="FILE", required=True, help="The page to write (.html); - is standard output.")
@click.option(
    "--precision",
    type=click.Choice(["float16", "int8"]),
    default="float16",
    show_default=True,
    help="Of the weights: int8 takes half the room and draws almost the same.",
)
@options.force
def export_page(model: str | None, output: str, precision: str, force: bool) -> None:
    """Write the page of serve as one HTML file that needs no server.

    The file holds MODEL, the page and all it needs; it draws in the browser, offline: mail it, put it on a web site, or
    open it from a disk. Without MODEL, the model that ships with sketchrnn.
    """
    from typing import cast

    from sketchrnn.files import STANDARD_STREAM, check_writable, write_bytes
    from sketchrnn.model.loading import load_model
    from sketchrnn.model.network import DECODER_TENSORS
    from sketchrnn.web.export import Precision
    from sketchrnn.web.export import export_page as page_with

    if output != STANDARD_STREAM:
        check_writable(output, force=force)
    checkpoint = load_model(model, prefixes=DECODER_TENSORS)
    name = Path(model).stem if model else options.SHIPPED_HELP
    content = page_with(checkpoint, name=name, precision=cast(Precision, precision)).encode()
    write_bytes(output, content)
    if output != STANDARD_STREAM:
        click.echo(f"wrote {output}: {len(content) / 1e6:.1f} MB, which draws without a server", err=True)

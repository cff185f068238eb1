"""``sketchrnn export-page``."""

from __future__ import annotations

import click

from sketchrnn.cli import options


@click.command(
    "export-page",
    epilog="""\b
Examples:
  sketchrnn export-page -o draw.html
  sketchrnn export-page --precision float16 -o exact.html
""",
)
@click.argument("model", required=False)
@click.option(
    "-o", "--output", metavar="FILE", required=True, help="Write the page to this file (.html); - = standard output."
)
@options.precision
@options.force
def export_page(model: str | None, output: str, precision: str, force: bool) -> None:
    """Write the page of `sketchrnn serve` as one HTML file that needs no server.

    The file contains MODEL and the drawing engine, and works offline. Mail it, put it on a web site, or open it from a
    disk. By default, MODEL is the model that ships with sketchrnn.
    """
    from typing import cast

    from sketchrnn.files import STANDARD_STREAM, check_writable, write_bytes
    from sketchrnn.model.loading import load_model
    from sketchrnn.web.model_file import Precision, page_model
    from sketchrnn.web.page_files import exported_page

    if output != STANDARD_STREAM:
        check_writable(output, force=force)
    content = exported_page(page_model(load_model(model), cast(Precision, precision))).encode()
    write_bytes(output, content)
    if output != STANDARD_STREAM:
        click.echo(f"wrote {output}: {len(content) / 1e6:.1f} MB", err=True)

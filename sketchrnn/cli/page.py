"""``sketchrnn serve`` and ``export-page``."""

from __future__ import annotations

import errno
import signal
import threading
from typing import Any, cast

import click

from sketchrnn.cli import options
from sketchrnn.errors import SketchRNNError
from sketchrnn.files import reason

DEFAULT_PORT = 8345


@click.command(
    epilog="""\b
Examples:
  sketchrnn serve
  sketchrnn serve --port 0
"""
)
@options.model
@options.precision
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    show_default=f"{DEFAULT_PORT}, or a free one if that is taken",
    help="Port to listen on; 0 = any free port.",
)
@click.option("--open", "open_page", is_flag=True, help="Open the page in the browser.")
def serve(model: str | None, precision: str, host: str, port: int | None, open_page: bool) -> None:
    """Serve a page on which you draw, and the model completes your drawing.

    The browser runs the model; this command only sends the files. It needs no internet connection. Ctrl-C stops it.
    """
    from sketchrnn.model.loading import load_model
    from sketchrnn.web.model_file import Precision, page_model
    from sketchrnn.web.page_files import served_page
    from sketchrnn.web.server import PageServer, is_loopback

    files = served_page(page_model(load_model(model), cast(Precision, precision)))

    def listen(number: int) -> PageServer:
        try:
            return PageServer(files, host, number)
        except OSError as error:
            if port is None and error.errno == errno.EADDRINUSE and number:
                click.echo(f"port {number} is taken by another program; using a free one", err=True)
                return listen(0)
            raise SketchRNNError(
                f"cannot listen on {host}, port {number}: {reason(error)}. Choose another one with --port "
                "(0 = any free port)"
            ) from error

    server = listen(DEFAULT_PORT if port is None else port)

    def stop(*_: Any) -> None:
        # not by an exception: it could interrupt the server while it accepts a connection
        threading.Thread(target=server.shutdown).start()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    if not is_loopback(host):
        click.echo(f"warning: every computer that can connect to {host} can open this page", err=True)
    shown = f"[{host}]" if ":" in host else host
    address = f"http://{shown}:{server.server_address[1]}/"
    click.echo(f"draw at {address} (Ctrl-C stops)", err=True)
    if open_page:
        click.launch(address)
    server.serve_forever()
    server.server_close()
    click.echo("stopped", err=True)


@click.command(
    "export-page",
    epilog="""\b
Examples:
  sketchrnn export-page -o draw.html
  sketchrnn export-page --precision float16 -o exact.html
""",
)
@click.argument("model", required=False)
@options.output("Write the page to this file (.html); - = standard output.", ".html", ".htm")
@options.precision
@options.force
def export_page(model: str | None, output: str, precision: str, force: bool) -> None:
    """Write the page of `sketchrnn serve` as one HTML file that needs no server.

    The file contains MODEL and the drawing engine, and works offline. Mail it, put it on a web site, or open it from a
    disk. By default, MODEL is the model that ships with sketchrnn.
    """
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

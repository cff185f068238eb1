"""``sketchrnn serve``."""

from __future__ import annotations

import socket
from pathlib import Path

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
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=DEFAULT_PORT, show_default=True, help="0 for any that is free."
)
@click.option("--open", "open_page", is_flag=True, help="Open the page in the browser.")
def serve(model: str | None, host: str, port: int, open_page: bool) -> None:
    """Draw on a page: begin, lift the pen, and watch it being finished.

    Serves the page and the HTTP API behind it (api/openapi.json) until Ctrl-C. Everything comes from the package;
    nothing is fetched from the network. Needs the extra "web": pip install 'sketchrnn[web]'.
    """
    try:
        from threadpoolctl import threadpool_limits

        from sketchrnn.web.api import create_app
        from sketchrnn.web.server import server_of
    except ModuleNotFoundError as error:
        raise SketchRNNError(f"serve needs {error.name}: pip install 'sketchrnn[web]' brings it") from error
    from sketchrnn.model.loading import load_model
    from sketchrnn.model.network import DECODER_TENSORS, ENCODER_TENSORS
    from sketchrnn.web.protection import hosts_for

    checkpoint = load_model(model, prefixes=(*DECODER_TENSORS, ENCODER_TENSORS))
    app = create_app(checkpoint, name=Path(model).stem if model else options.SHIPPED_HELP, hosts=hosts_for(host))
    try:
        listening = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        raise SketchRNNError(f"cannot listen on {host}, port {port}: {reason(error)}") from error
    with listening:
        shown = f"[{host}]" if ":" in host else host
        address = f"http://{shown}:{listening.getsockname()[1]}/"
        click.echo(f"draw at {address} (Ctrl-C stops)", err=True)
        if open_page:
            click.launch(address)
        with threadpool_limits(1, user_api="blas"):  # requests, and the browser, share the processors
            server_of(app).run(sockets=[listening])

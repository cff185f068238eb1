"""``sketchrnn generate``."""

from __future__ import annotations

from typing import Any

import click

from sketchrnn.cli import options
from sketchrnn.cli.drawing_output import Target


@click.command(
    cls=options.PanelCommand,
    epilog="""\b
Examples:
  sketchrnn generate --category cactus -o cactus.svg
  sketchrnn generate --category butterfly -n 20 --temperature 0.8 -o butterflies.svg
  sketchrnn generate --category cat -n 100 -o cats.ndjson
""",
)
@options.request("scale", "pen", "arrange", "continue_from", "latent")
@options.target
@options.model
def generate(settings: dict[str, Any], target: Target, model: str | None) -> None:
    """Draw from nothing.

    A model with an encoder draws without z if it was trained for that, else with a z sampled from the prior.
    """
    from sketchrnn.model.model import load
    from sketchrnn.model.sampling import Request

    request = Request().updated(settings)
    target.check(request.count)
    target.write_results(load(model).complete_many([request]), "generate", many=False)

"""Options that several commands share, each defined once."""

from __future__ import annotations

from collections.abc import Callable

import click

from sketchrnn.drawing.configuration import LARGEST_SEED, LATENTS, SamplingConfiguration

SHIPPED_HELP = "the model that ships with sketchrnn"
_DEFAULTS = SamplingConfiguration()

model = click.option(
    "--model",
    metavar="FILE",
    help=f"A checkpoint that train wrote, or a model of Google's (.gen.json, .vae.json).  [default: {SHIPPED_HELP}]",
)
category = click.option("--category", metavar="NAME", help="What to draw, as `sketchrnn info` spells it.")
count = click.option(
    "-n", "--count", type=click.IntRange(1, 10_000), default=1, show_default=True, help="How many drawings."
)
temperature = click.option(
    "--temperature",
    type=float,
    default=_DEFAULTS.temperature,
    show_default=True,
    help="Low is careful, 1 as varied as the training drawings.",
)
seed = click.option(
    "--seed",
    type=click.IntRange(0, LARGEST_SEED),
    default=_DEFAULTS.seed,
    show_default=True,
    help="Drawing i is drawn with seed + i; the same seed draws the same.",
)
max_points = click.option(
    "--max-points",
    type=click.IntRange(1, 100_000),
    default=_DEFAULTS.max_points,
    show_default=True,
    help="Cut a drawing that has not ended after so many new points.",
)
latent = click.option(
    "--latent",
    type=click.Choice(LATENTS),
    default=_DEFAULTS.latent,
    show_default=True,
    help="Where z comes from, for a model with an encoder; auto is none if the model can, else prefix.",
)
output = click.option(
    "-o", "--output", metavar="FILE", default="-", show_default=True, help="Where to write; - is standard output."
)
output_format = click.option(
    "--format",
    "output_format",
    type=click.Choice(["svg", "ndjson"]),
    help="A picture, or records that every command reads.  [default: by the output's name, else svg]",
)
force = click.option("--force", is_flag=True, help="Overwrite files that exist.")
columns = click.option(
    "--columns", type=click.IntRange(1, 1000), help="Pictures in a row of a sheet.  [default: about square]"
)
cell = click.option(
    "--cell", type=click.IntRange(8, 10_000), default=160, show_default=True, help="Pixels a picture of a sheet takes."
)

_DRAWING = (output, model, category, count, temperature, seed, max_points, output_format, columns, cell, force)


def drawing(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command every option that drawing several sketches takes."""
    for option in reversed(_DRAWING):
        command = option(command)
    return command

"""Options that several commands share, each defined once."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import click

from sketchrnn.cli.drawing_output import Target
from sketchrnn.drawing.configuration import LARGEST_SEED, LATENTS, PENS, SamplingConfiguration

SHIPPED_HELP = "the model that ships with sketchrnn"
_DEFAULTS = SamplingConfiguration()
CHOSEN_FROM = 4

model = click.option(
    "--model",
    metavar="FILE",
    help=f"A checkpoint that train wrote, or a decoder of Google's (.gen.json).  [default: {SHIPPED_HELP}]",
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
    help="0 is the likeliest each time, low is careful, 1 as varied as the training drawings.",
)
pen_temperature = click.option(
    "--pen-temperature", type=float, help="The same for the pen alone: when it lifts, and when the drawing ends."
)
top_p = click.option(
    "--top-p",
    type=float,
    default=_DEFAULTS.top_p,
    show_default=True,
    help="Draw only from the likeliest components of the mixture that together weigh as much.",
)
choose_from = click.option(
    "--choose-from",
    metavar="K",
    type=click.IntRange(1, 1000),
    default=CHOSEN_FROM,
    show_default=True,
    help="Draw each K times and keep the best: ended by itself, on the page, no scribbling in place, likely.",
)
diverse = click.option("--diverse", is_flag=True, help="Of the good ones, keep those that differ most.")
seed = click.option(
    "--seed",
    type=click.IntRange(0, LARGEST_SEED),
    default=_DEFAULTS.seed,
    show_default=True,
    help="Drawing i is drawn with seed + i; the same seed draws the same. A picture names its own.",
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

scale = click.option(
    "--scale",
    metavar="FACTOR",
    type=float,
    help="Pixels of a finished drawing 255 wide in one unit of the prefix.  [default: found by likelihood]",
)
pen = click.option(
    "--pen",
    type=click.Choice(PENS),
    help="Is the pen up or down after the last point? auto: what is likelier.  [default: as the file says, else up]",
)

_DRAWING = (
    output,
    model,
    category,
    count,
    choose_from,
    diverse,
    temperature,
    pen_temperature,
    top_p,
    seed,
    max_points,
    output_format,
    columns,
    cell,
    force,
)


@dataclass(frozen=True)
class DrawingOptions:
    """What every command that draws is told.

    Attributes:
        target: where the drawings go.
        model: the file; None for the shipped one.
        category: what to draw, if it is named.
        count: how many are asked for.
        choose_from: how many are drawn for each.
        diverse: keep those that differ most.
        sampling: how they are drawn.
    """

    target: Target
    model: str | None
    category: str | None
    count: int
    choose_from: int
    diverse: bool
    sampling: SamplingConfiguration

    @classmethod
    def of(cls, values: dict[str, Any]) -> DrawingOptions:
        """Take the options' values out of all that a command is given."""
        sampled = ("temperature", "max_points", "seed", "pen_temperature", "top_p")
        written = ("output", "output_format", "force", "columns", "cell")
        rest = ("model", "category", "count", "choose_from", "diverse")
        return cls(
            target=Target.from_options(*(values.pop(name) for name in written)),
            sampling=SamplingConfiguration(**{name: values.pop(name) for name in sampled}),
            **{name: values.pop(name) for name in rest},
        )


def drawing(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command every option that drawing several sketches takes; it gets them as one ``drawing``."""

    @functools.wraps(command)
    def with_drawing(**values: Any) -> None:
        command(drawing=DrawingOptions.of(values), **values)

    wrapped: Callable[..., None] = with_drawing
    for option in reversed(_DRAWING):
        wrapped = option(wrapped)
    return wrapped

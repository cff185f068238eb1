"""Options that several commands share, each defined once."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import click

from sketchrnn.cli import shell_completion
from sketchrnn.cli.drawing_output import KINDS, Target
from sketchrnn.errors import ConfigurationError
from sketchrnn.formats.image import DEFAULT_SIZE, LARGEST_SIZE
from sketchrnn.formats.page import PAGE_NAMES, Length, Page
from sketchrnn.formats.svg.animation import DEFAULT_SECONDS
from sketchrnn.formats.svg.style import STYLES, Look
from sketchrnn.model.sampling import LARGEST_SEED, LATENTS, PENS, SamplingConfiguration


class _Parsed(click.ParamType):
    """What a function of the library reads out of text."""

    name = "text"

    def __init__(self, parse: Callable[[str], object]) -> None:
        self._parse = parse

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> object:
        if not isinstance(value, (str, int, float)):
            return value
        try:
            return self._parse(str(value))
        except ConfigurationError as error:
            self.fail(str(error), param, ctx)


def _page(text: str, landscape: bool) -> Page:
    try:
        return Page.parse(text, landscape=landscape)
    except ConfigurationError as error:
        raise click.BadParameter(str(error), param_hint="--page") from error


SHIPPED_HELP = "the model that ships with sketchrnn"
_DEFAULTS = SamplingConfiguration()
CHOSEN_FROM = 4


def _sampled(name: str, text: str) -> Callable[..., Any]:
    """Return the option of a number that :class:`SamplingConfiguration` has, and checks."""
    flag = f"--{name.replace('_', '-')}"
    return click.option(flag, type=float, default=getattr(_DEFAULTS, name), show_default=True, help=text)


model = click.option(
    "--model",
    metavar="FILE",
    shell_complete=shell_completion.models,
    help=f"A checkpoint that train wrote, or a model of Google's (.gen.json, .vae.json).  [default: {SHIPPED_HELP}]",
)
category = click.option(
    "--category",
    metavar="NAME",
    shell_complete=shell_completion.categories,
    help="What to draw, as `sketchrnn info` spells it.",
)
count = click.option(
    "-n", "--count", type=click.IntRange(1, 10_000), default=1, show_default=True, help="How many drawings."
)
temperature = _sampled(
    "temperature", "0 is the likeliest each time, low is careful, 1 as varied as the training drawings."
)
pen_temperature = _sampled(
    "pen_temperature", "The same for the pen: whether it lifts, or the drawing ends. Low, it goes round in one place."
)
top_p = _sampled("top_p", "Draw only from the likeliest components of the mixture that together weigh as much.")
guidance = _sampled(
    "guidance", "How clearly the category shows: 1 as in the training drawings, more than them, 0 that of none."
)
choose_from = click.option(
    "--choose-from",
    metavar="K",
    type=click.IntRange(1, 1000),
    default=CHOSEN_FROM,
    show_default=True,
    help="Begin each K times and keep the best: ended, on the page, no scribbling in place, showing its category most.",
)
diverse = click.option("--diverse", is_flag=True, help="Of the good ones, keep those that differ most.")
seed = click.option(
    "--seed",
    type=click.IntRange(0, LARGEST_SEED),
    default=_DEFAULTS.seed,
    show_default=True,
    help="Drawing i is drawn with seed + i; the same seed draws the same. A picture names its own.",
)
random_seed = click.option(
    "--seed",
    type=click.IntRange(0, LARGEST_SEED),
    default=0,
    show_default=True,
    help="Of everything that is random; the same seed repeats the result.",
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
    type=click.Choice(KINDS),
    help="A picture; ndjson or json, which every command reads; an image.  [default: by the output's name, else svg]",
)
force = click.option("--force", is_flag=True, help="Overwrite files that exist.")
precision = click.option(
    "--precision",
    type=click.Choice(["float16", "int8"]),
    default="int8",
    show_default=True,
    help="Of the weights: int8 is half as large, float16 draws exactly as the command line does.",
)
columns = click.option(
    "--columns", type=click.IntRange(1, 1000), help="Pictures in a row of a sheet.  [default: about square]"
)
cell = click.option(
    "--cell", type=click.IntRange(8, 10_000), default=160, show_default=True, help="Pixels a picture of a sheet takes."
)

style = click.option(
    "--style",
    type=click.Choice(STYLES),
    default="pen",
    show_default=True,
    help="pen: one width; ink: smooth curves; brush: thin where it is fast; order: a colour for each stroke.",
)
stroke = click.option("--stroke", metavar="COLOUR", help="Colour of what the model draws, as CSS names it.")
stroke_width = click.option(
    "--stroke-width",
    metavar="LENGTH",
    type=_Parsed(Length.parse),
    help="Width of lines: in the drawing's unit, in % of it, or with --page in mm, cm, in, pt.",
)
background = click.option("--background", metavar="COLOUR", help="Fill the page.  [default: transparent]")
page = click.option(
    "--page", metavar="SIZE", help=f"Paper, in millimetres for plotters: {', '.join(PAGE_NAMES)}, or as 100x150mm."
)
landscape = click.option("--landscape", is_flag=True, help="The page's longer side lies down.")
margin = click.option(
    "--margin",
    metavar="LENGTH",
    type=_Parsed(Length.parse),
    help="Around the drawing, as for --stroke-width.  [default: 15mm of a page, else 5%]",
)
optimise = click.option(
    "--optimise", is_flag=True, help="Order each layer's strokes for little pen travel, not as they were drawn."
)
animate = click.option(
    "--animate", is_flag=True, help="An SVG that draws itself, without a script; gif and apng always do."
)
seconds = click.option(
    "--seconds", type=float, default=DEFAULT_SECONDS, show_default=True, help="How long drawing itself takes."
)
size = click.option(
    "--size",
    type=click.IntRange(1, LARGEST_SIZE),
    default=DEFAULT_SIZE,
    show_default=True,
    help="Larger side of an image, in pixels.",
)
show = click.option("--open", "open", is_flag=True, help="Show the result with the program that is for it.")

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

_TARGET = (
    output,
    output_format,
    force,
    columns,
    cell,
    style,
    stroke,
    stroke_width,
    background,
    page,
    landscape,
    margin,
    optimise,
    animate,
    seconds,
    size,
    show,
)
_DRAWING = (
    model,
    category,
    count,
    choose_from,
    diverse,
    temperature,
    pen_temperature,
    top_p,
    guidance,
    seed,
    max_points,
)


def target_of(values: dict[str, Any]) -> Target:
    """Take the values of the options of :func:`target` out of all that a command is given."""
    width, margin_width = values.pop("stroke_width"), values.pop("margin")
    paper, lies = values.pop("page"), values.pop("landscape")
    if lies and paper is None:
        raise click.UsageError("--landscape turns a --page; name one")
    look = Look(
        style=values.pop("style"),
        stroke_width=width,
        background=values.pop("background"),
        page=None if paper is None else _page(paper, lies),
        margin=margin_width,
        optimise=values.pop("optimise"),
    )
    rest = ("output", "output_format", "animate", "seconds", "force", "columns", "cell", "stroke", "size", "open")
    return Target.from_options(look=look, **{name: values.pop(name) for name in rest})


def target(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command every option that says where its drawings go and what they look like, as one ``target``."""

    @functools.wraps(command)
    def with_target(**values: Any) -> None:
        command(target=target_of(values), **values)

    wrapped: Callable[..., None] = with_target
    for option in reversed(_TARGET):
        wrapped = option(wrapped)
    return wrapped


@dataclass(frozen=True)
class DrawingOptions:
    """What every command that draws is told.

    Attributes:
        target: where the drawings go.
        model: the file; None for the shipped one.
        category: what to draw, if it is named.
        count: how many are asked for.
        choose_from: how many are begun for each.
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
        sampled = ("temperature", "max_points", "seed", "pen_temperature", "top_p", "guidance")
        rest = ("model", "category", "count", "choose_from", "diverse")
        return cls(
            target=target_of(values),
            sampling=SamplingConfiguration(**{name: values.pop(name) for name in sampled}),
            **{name: values.pop(name) for name in rest},
        )


def drawing(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command every option that drawing several sketches takes; it gets them as one ``drawing``."""

    @functools.wraps(command)
    def with_drawing(**values: Any) -> None:
        command(drawing=DrawingOptions.of(values), **values)

    wrapped: Callable[..., None] = with_drawing
    for option in reversed((*_DRAWING, *_TARGET)):
        wrapped = option(wrapped)
    return wrapped

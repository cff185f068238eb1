"""The vpype commands ``sketchrnn-complete`` and ``sketchrnn-generate``. Needs the extra ``vpype``.

vpype imports this module at every start, through the entry points in setup.cfg, so the model is imported only when a
command runs. vpype measures in CSS pixels, y down; a line is an array of complex numbers.

Reference:
    https://vpype.readthedocs.io/en/latest/plugins.html
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click
import numpy as np
import vpype
import vpype_cli

from sketchrnn.errors import SketchRNNError
from sketchrnn.model.sampling import LARGEST_SEED, PENS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sketchrnn.model.model import Model
    from sketchrnn.sketch import Sketch

HELP_GROUP = "Sketch-RNN"
INHERITED = (vpype.METADATA_FIELD_COLOR, vpype.METADATA_FIELD_PEN_WIDTH)
"""Properties that a new layer copies from the layer that it continues."""
SEED_PROPERTY = "sketchrnn_seed"
_SAMPLING = (
    click.option("--model", type=vpype_cli.TextType(), help="Checkpoint or hf://USER/NAME.  [default: shipped model]"),
    click.option(
        "-t",
        "--temperature",
        type=vpype_cli.FloatRangeType(0.0, 10.0),
        help="Variety: 0 = most likely lines, 1 = as in the training drawings.  [default: as in sketchrnn]",
    ),
    click.option(
        "-s",
        "--seed",
        type=vpype_cli.IntRangeType(0, LARGEST_SEED),
        help="Seed; the same seed repeats the drawing.  [default: 0]",
    ),
)


def _sampling_options(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in reversed(_SAMPLING):
        command = option(command)
    return command


@click.command("sketchrnn-complete")
@click.option(
    "-c", "--category", type=vpype_cli.TextType(), help="Category to draw, such as cup.  [default: the best guess]"
)
@click.option(
    "-l",
    "--layer",
    type=vpype_cli.LayerType(accept_multiple=True),
    default="all",
    show_default=True,
    help="Layer(s) that hold the partial sketch.",
)
@click.option(
    "-d",
    "--destination",
    type=vpype_cli.LayerType(accept_new=True),
    default="new",
    show_default=True,
    help="Layer to which the completion is added, or 'new'.",
)
@click.option(
    "--pen",
    type=vpype_cli.ChoiceType(PENS),
    help="Pen after the last line.  [default: down, up if that line is closed]",
)
@_sampling_options
@vpype_cli.global_processor
def complete(
    document: vpype.Document,
    category: str | None,
    layer: int | list[int],
    destination: int,
    pen: str | None,
    model: str | None,
    temperature: float | None,
    seed: int | None,
) -> vpype.Document:
    """Complete a partial sketch.

    The lines of the given layers, in their order, are the partial sketch; Sketch-RNN completes it. The completion
    starts at the end of the last line, unless that line is closed. Use this command before linesort,
    which changes the order of the lines.

    A new layer has the color and the pen width of the layer that it continues. Its name is the category, and its
    property sketchrnn_seed is the seed. The page size and all other metadata do not change.

    Examples:

        Complete a cup, and plot the completion in the layer of the partial sketch:

            vpype read cup.svg sketchrnn-complete --category cup -d 1 linemerge linesort write plot.svg

        Draw two completions of layer 1, each in a new layer:

            vpype read cup.svg sketchrnn-complete -l 1 -s 1 sketchrnn-complete -l 1 -s 2 write two.svg
    """  # noqa: D412  (else click joins the first example to the heading)
    layers = [lid for lid in vpype_cli.multiple_to_layer_ids(layer, document) if not document.layers[lid].is_empty()]
    if not layers:
        raise click.ClickException(
            "sketchrnn-complete: expected lines in the given layers, found none. sketchrnn-generate draws from nothing"
        )
    with _one_line_errors("sketchrnn-complete"):
        prefix = _sketch([line for lid in layers for line in document.layers[lid]])
        drawing = _load(model).complete(prefix, category, pen=pen, **_given(temperature=temperature, seed=seed))[0]
    lid = vpype_cli.single_to_layer_id(destination, document)
    is_new = not document.exists(lid)
    document.add(_lines(drawing.completion), lid)
    if is_new and document.exists(lid):
        for name in INHERITED:
            document.layers[lid].set_property(name, document.layers[layers[-1]].property(name))
        # no digits in the name: vpype reads them as the layer's number
        document.layers[lid].set_property(vpype.METADATA_FIELD_NAME, drawing.category or "completion")
        document.layers[lid].set_property(SEED_PROPERTY, drawing.seed)
    return document


@click.command("sketchrnn-generate")
@click.option("-c", "--category", type=vpype_cli.TextType(), help="Category to draw, such as cactus.")
@click.option(
    "--size",
    type=vpype_cli.LengthType(),
    default="10cm",
    show_default=True,
    help="Larger side of the drawing, whose top left corner is the origin.",
)
@_sampling_options
@vpype_cli.generator
def generate(
    category: str | None, size: float, model: str | None, temperature: float | None, seed: int | None
) -> vpype.LineCollection:
    """Draw a sketch of a category from nothing.

    Examples:

        Draw a cactus in the middle of an A5 page:

            vpype sketchrnn-generate --category cactus layout --fit-to-margins 2cm a5 write cactus.svg

        Draw a sheet of twelve butterflies, each with another seed:

            vpype begin grid -o 5cm 5cm 3 4 sketchrnn-generate -c butterfly --size 4cm -s %_i% end write sheet.svg
    """  # noqa: D412
    if not 0.0 < size < float("inf"):
        raise click.BadParameter(f"expected a positive length, found {size:g}", param_hint="--size")
    with _one_line_errors("sketchrnn-generate"):
        drawing = _load(model).generate(category, **_given(temperature=temperature, seed=seed))[0]
    from sketchrnn.sketch.simplify import fit_to_box

    return _lines(fit_to_box(drawing.sketch, size))


complete.help_group = generate.help_group = HELP_GROUP  # type: ignore[attr-defined]


@functools.lru_cache(maxsize=1)
def _load(path: str | None) -> Model:
    """Load a model, once for all commands of a pipeline."""
    from sketchrnn.model.model import load

    return load(path)


def _given(**settings: Any) -> dict[str, Any]:
    """Return the settings that have a value; the model has defaults for the others."""
    return {name: value for name, value in settings.items() if value is not None}


@contextmanager
def _one_line_errors(command: str) -> Iterator[None]:
    try:
        yield
    except SketchRNNError as error:
        raise click.ClickException(f"{command}: {' '.join(str(error).split())}") from error


def _sketch(lines: list[NDArray[np.complex128]]) -> Sketch:
    """Return lines as a sketch; its pen is down unless the last line is closed."""
    from sketchrnn.sketch import Sketch

    last = lines[-1]
    is_closed = len(last) > 2 and last[0] == last[-1]
    return Sketch.from_polylines([np.column_stack([line.real, line.imag]) for line in lines], pen_down=not is_closed)


def _lines(sketch: Sketch) -> vpype.LineCollection:
    """Return a sketch as lines; a stroke of one point becomes a line of no length, which a plotter draws as a dot."""
    strokes = [np.repeat(stroke, 2, axis=0) if len(stroke) == 1 else stroke for stroke in sketch.strokes]
    return vpype.LineCollection([stroke[:, 0] + 1j * stroke[:, 1] for stroke in strokes])

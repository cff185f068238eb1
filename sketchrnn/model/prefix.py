"""What a model sees of a partial sketch."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from sketchrnn.errors import ConfigurationError, FormatError
from sketchrnn.model.network import Array, NumpyNetwork
from sketchrnn.model.scale import find_scale
from sketchrnn.sketch import Sketch
from sketchrnn.sketch.simplify import rounded, simplify_in_place, with_at_most
from sketchrnn.sketch.sketch import LARGEST_EXTENT, SMALLEST_EXTENT
from sketchrnn.sketch.stroke5 import stroke5_from_stroke3

MAX_PREFIX_POINTS = 2_000
"""Most points that a model is shown: of a prefix that has more, also when simplified, it sees the last ones."""

FEWER_POINTS = 0.7
"""A prefix is simplified if that leaves at most this share of its points: what was simplified before stays as it is."""

DECIMALS = 3
"""Digits after the point that a model's units are rounded to, so that one drawing in two units is seen alike."""


@dataclass(frozen=True)
class SeenPrefix:
    """A partial sketch, and what a model is shown of it.

    Attributes:
        sketch: as it was given, in its own unit; whether its pen is down is decided.
        scale: units of the model's training drawings (pixels of the 255 box) in one of the sketch's.
        rows: START and its stroke-5 rows, simplified, in offset scales, (N + 1, 5).
    """

    sketch: Sketch
    scale: float
    rows: Array


def see_prefix(
    network: NumpyNetwork,
    sketch: Sketch,
    category: int | None = None,
    *,
    scale: float | None = None,
    pen: str | None = None,
) -> SeenPrefix:
    """Bring a partial sketch to what the model was trained on.

    Args:
        network: the model.
        sketch: in any unit; may be empty.
        category: index of what it is to become; None if that is not known yet.
        scale: units of the model in one of the sketch's; None to find it by the likelihood.
        pen: whether the pen is "up" or "down" after the last point, or "auto" for what the model holds likelier; None
            for what the sketch says.

    Raises:
        ConfigurationError: the scale is no positive number, or too large to compute with.
        FormatError: the sketch is too small or too large to compute with.
    """
    extent = sketch.extent
    if extent and not SMALLEST_EXTENT < extent < LARGEST_EXTENT:
        raise FormatError(f"a prefix {extent:g} units across; expected {SMALLEST_EXTENT:g} to {LARGEST_EXTENT:g}")
    largest = LARGEST_EXTENT / max(1.0, extent)
    seen = with_at_most(sketch, MAX_PREFIX_POINTS)
    if scale is None:
        scale = find_scale(network, seen, category)
    elif not 0.0 < scale < largest:
        raise ConfigurationError(f"scale: expected above 0 and below {largest:g}, found {scale}")
    if pen in ("up", "down"):
        sketch = replace(sketch, pen_down=pen == "down" and bool(sketch.strokes))
    seen = replace(seen, pen_down=sketch.pen_down)
    rows = rows_of(network, as_trained(seen.transformed(scale, -scale * seen.first_point)))
    if pen == "auto" and len(rows) > 1:
        sketch = replace(sketch, pen_down=_pen_stays_down(network, rows, category))
        rows[-1, 2:4] = (1.0, 0.0) if sketch.pen_down else (0.0, 1.0)
    return SeenPrefix(sketch, scale, rows)


def as_trained(sketch: Sketch) -> Sketch:
    """Return a sketch in the model's unit with as few points as the training drawings have.

    One with many more points than its shape takes is simplified as Google simplified the Quick, Draw! drawings.
    """
    simplified = simplify_in_place(sketch)
    if simplified.point_count <= FEWER_POINTS * sketch.point_count:
        return rounded(simplified)
    return rounded(sketch, DECIMALS)


def rows_of(network: NumpyNetwork, sketch: Sketch) -> Array:
    """Return START and the stroke-5 rows of a sketch in the model's unit, in offset scales, (N + 1, 5)."""
    rows = stroke5_from_stroke3(sketch.to_stroke3())[:-1]
    rows[:, :2] /= network.offset_scale
    return rows.astype(np.float32)


def _pen_stays_down(network: NumpyNetwork, rows: Array, category: int | None) -> bool:
    state = network.start(network.condition(None if category is None else np.array([category])))
    for row in rows[:-1]:
        state = network.step(state, row[None])
    stays, lifts, _ = network.mixture(state).log_q[0]
    return bool(stays > lifts)

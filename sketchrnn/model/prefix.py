"""A partial sketch as a model sees it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from sketchrnn.errors import ConfigurationError, FormatError, SketchRNNError
from sketchrnn.model.arrangement import arrange
from sketchrnn.model.cells import Array
from sketchrnn.model.likelihood import after_start, follow
from sketchrnn.model.network import NumpyNetwork
from sketchrnn.model.recognizer import Recognizer
from sketchrnn.model.scale import find_scales
from sketchrnn.sketch import Sketch
from sketchrnn.sketch.simplify import as_trained, with_at_most
from sketchrnn.sketch.sketch import LARGEST_EXTENT, SMALLEST_EXTENT, stroke5_from_stroke3

MAX_PREFIX_POINTS = 2_000
"""The model sees at most this number of points: the last ones of a longer prefix, after simplification."""


@dataclass(frozen=True)
class PrefixSettings:
    """How a partial sketch is converted for the model.

    Attributes:
        category: index of its category; None if it is not known.
        scale: units of the model in one unit of the sketch; None to estimate it.
        pen: whether the pen is "up" or "down" after the last point, "auto" for the likelier of both, None for that of
            the sketch.
        arrange: use the likeliest order, direction and start of the strokes.
    """

    category: int | None = None
    scale: float | None = None
    pen: str | None = None
    arrange: bool = False


@dataclass(frozen=True)
class EncodedPrefix:
    """A partial sketch, and the rows that a model sees of it.

    Attributes:
        sketch: the given sketch in its own unit, with the chosen pen position.
        scale: units of the model's training drawings (pixels of the 255 box) in one unit of the sketch.
        rows: START and its stroke-5 rows, simplified, in offset scales, (N + 1, 5).
        last_point: the last point of the rows, in the sketch's coordinates, (2,): new points are offsets from there.
    """

    sketch: Sketch
    scale: float
    rows: Array
    last_point: NDArray[np.float64]


def encode_prefix(
    network: NumpyNetwork,
    sketch: Sketch,
    settings: PrefixSettings | None = None,
    recognizer: Recognizer | None = None,
) -> EncodedPrefix:
    """Convert one partial sketch for the model; see :func:`encode_prefixes`.

    Raises:
        ConfigurationError: the scale is too large to compute with.
        FormatError: the sketch is too small or too large to compute with.
    """
    (encoded,) = encode_prefixes(network, [(sketch, settings or PrefixSettings())], recognizer)
    if isinstance(encoded, SketchRNNError):
        raise encoded
    return encoded


def encode_prefixes(
    network: NumpyNetwork, prefixes: Sequence[tuple[Sketch, PrefixSettings]], recognizer: Recognizer | None = None
) -> list[EncodedPrefix | SketchRNNError]:
    """Convert partial sketches for the model, in one batch.

    Args:
        network: the model.
        prefixes: in any unit; may be empty.
        recognizer: that of the model, which estimates scales; None for a model without one.

    Returns:
        Each prefix, or the error why it cannot be used.
    """
    problems = [_problem(*prefix) for prefix in prefixes]
    good = [prefix for prefix, problem in zip(prefixes, problems, strict=True) if problem is None]
    encoded = iter(_encoded(network, recognizer, *map(list, zip(*good, strict=True))) if good else [])
    return [problem or next(encoded) for problem in problems]


def _encoded(
    network: NumpyNetwork, recognizer: Recognizer | None, given: list[Sketch], settings: list[PrefixSettings]
) -> list[EncodedPrefix]:
    conditionings = conditionings_of(network, [each.category for each in settings])
    short = [with_at_most(sketch, MAX_PREFIX_POINTS) for sketch in given]
    scales = _scales(network, recognizer, short, settings, conditionings)
    for number, each in enumerate(settings):
        if each.pen in ("up", "down"):
            given[number] = replace(given[number], pen_down=each.pen == "down" and bool(given[number].strokes))
    seen = [
        as_trained(replace(each, pen_down=sketch.pen_down).transformed(scale, -scale * each.first_point))
        for each, sketch, scale in zip(short, given, scales, strict=True)
    ]
    unsure = [number for number, each in enumerate(settings) if each.pen == "auto" and seen[number].strokes]
    for number, down in zip(unsure, _pens_stay_down(network, seen, unsure, conditionings), strict=True):
        given[number], seen[number] = replace(given[number], pen_down=down), replace(seen[number], pen_down=down)
    last_points = [sketch.last_point for sketch in given]
    free = [number for number, each in enumerate(settings) if each.arrange]
    for number, sketch in zip(free, arrange(network, [seen[each] for each in free], conditionings[free]), strict=True):
        if sketch is not seen[number]:
            seen[number] = sketch
            if sketch.pen_down:  # its last stroke does not change
                continue
            last_points[number] = sketch.last_point / scales[number] + short[number].first_point
    return [
        EncodedPrefix(sketch, scale, rows_of(network, as_seen), last_point)
        for sketch, scale, as_seen, last_point in zip(given, scales, seen, last_points, strict=True)
    ]


def _scales(
    network: NumpyNetwork,
    recognizer: Recognizer | None,
    given: list[Sketch],
    settings: list[PrefixSettings],
    conditionings: Array,
) -> list[float]:
    """Return the given scales, and estimate the others."""
    missing = [number for number, each in enumerate(settings) if each.scale is None]
    sketches, categories = [given[each] for each in missing], [settings[each].category for each in missing]
    estimated = find_scales(network, recognizer, sketches, categories, conditionings[missing])
    found = dict(zip(missing, estimated, strict=True))
    return [found.get(number, each.scale or 1.0) for number, each in enumerate(settings)]


def conditionings_of(network: NumpyNetwork, categories: Sequence[int | None]) -> Array:
    """Return the conditioning of each category as in training, (B, C); None gives the mean of all categories.

    It has no z if the model can draw so, else the mean of the prior.
    """
    z = None
    if not network.configuration.can_draw_without_latent:
        z = np.zeros((1, network.configuration.latent_units), np.float32)
    return np.concatenate(
        [network.conditioning(None if category is None else np.array([category]), z) for category in categories]
    )


def rows_of(network: NumpyNetwork, sketch: Sketch) -> Array:
    """Return START and the stroke-5 rows of a sketch in the model's unit, in offset scales, (N + 1, 5)."""
    rows = stroke5_from_stroke3(sketch.to_stroke3())[:-1]
    rows[:, :2] /= network.offset_scale
    return rows.astype(np.float32)


def _problem(sketch: Sketch, settings: PrefixSettings) -> SketchRNNError | None:
    """Return the reason why a model cannot compute with a sketch."""
    extent = sketch.extent
    if extent and not SMALLEST_EXTENT < extent < LARGEST_EXTENT:
        return FormatError(
            f"expected a prefix {SMALLEST_EXTENT:g} to {LARGEST_EXTENT:g} units across, found {extent:g}"
        )
    largest = LARGEST_EXTENT / max(1.0, extent)
    if settings.scale is not None and not 0.0 < settings.scale < largest:
        return ConfigurationError(f"scale: expected a number above 0 and below {largest:g}, found {settings.scale}")
    return None


def _pens_stay_down(
    network: NumpyNetwork, sketches: Sequence[Sketch], numbers: list[int], conditionings: Array
) -> list[bool]:
    """Return for each sketch whether the pen more probably stays down than lifts after the last point."""
    if not numbers:
        return []
    rows = [rows_of(network, sketches[number])[1:-1] for number in numbers]
    _, state = follow(network, after_start(network, conditionings[numbers]), rows, score=False)
    log_q = network.mixture(state).log_q
    return [bool(stays > lifts) for stays, lifts, _ in log_q]

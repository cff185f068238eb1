"""Going on with a partial sketch; from an empty one, drawing from nothing."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sketchrnn.drawing.configuration import SamplingConfiguration
from sketchrnn.errors import ConfigurationError, FormatError
from sketchrnn.model.numpy_network import Array, DecoderState, NumpyNetwork
from sketchrnn.sketch import Sketch
from sketchrnn.sketch.stroke5 import stroke5_from_stroke3

MAX_PREFIX_POINTS = 10_000
PEN_LIFTED, PEN_ENDED = 1, 2


@dataclass(frozen=True)
class Completion:
    """What the model drew after a prefix.

    Attributes:
        sketch: the new strokes, in the prefix's own coordinates. If the prefix left the pen down, the first of them
            begins at its last point.
        ended: the model ended the drawing by itself; otherwise it was cut.
        seed: what it was drawn with.
    """

    sketch: Sketch
    ended: bool
    seed: int

    def joined(self, prefix: Sketch) -> Sketch:
        """Return prefix and completion as one drawing."""
        if not (prefix.pen_down and self.sketch.strokes):
            return Sketch(prefix.strokes + self.sketch.strokes, self.sketch.pen_down)
        bridge = np.concatenate([prefix.strokes[-1], self.sketch.strokes[0][1:]])
        return Sketch((*prefix.strokes[:-1], bridge, *self.sketch.strokes[1:]), self.sketch.pen_down)


@dataclass(frozen=True)
class Step:
    """A point that some drawings of a session went to, all at the same step; what ended before is no longer there.

    Attributes:
        drawings: which of the session's drawings, (A,).
        points: where to, in the prefix's own coordinates, (A, 2).
        lifts: the pen rises after this point, (A,).
    """

    drawings: NDArray[np.int64]
    points: NDArray[np.float64]
    lifts: NDArray[np.bool_]


def complete(
    network: NumpyNetwork,
    prefix: Sketch,
    category: str | None,
    count: int,
    sampling: SamplingConfiguration,
) -> list[Completion]:
    """Draw several completions of a prefix, all at once.

    Args:
        network: the model.
        prefix: in the unit that the model was trained in (the 255 box for Quick, Draw! models); may be empty.
        category: what to draw; None only for a model that knows one.
        count: how many completions.
        sampling: how.

    Raises:
        CategoryError: the category is unknown or missing.
        ConfigurationError: the latent does not fit the model.
        FormatError: the prefix has more than MAX_PREFIX_POINTS points.
    """
    generators = _generators(count, sampling)
    state = _after_prefix(network, prefix, category, generators, sampling)
    drawn, ended = _sample(network, state, generators, sampling)
    return [
        Completion(_continue(prefix, stroke3, network.offset_scale), bool(end), sampling.seed + number)
        for number, (stroke3, end) in enumerate(zip(drawn, ended, strict=True))
    ]


def stream(
    network: NumpyNetwork, prefix: Sketch, category: str | None, count: int, sampling: SamplingConfiguration
) -> Iterator[Step]:
    """Draw the same completions as :func:`complete`, and hand out each point as soon as it is drawn.

    Where the prefix left the pen down, the first stroke of each drawing begins at its last point, which is not handed
    out again; where it is empty, at the origin, which is not handed out either. Arguments and errors as for
    :func:`complete`.
    """
    generators = _generators(count, sampling)
    state = _after_prefix(network, prefix, category, generators, sampling)
    moved = np.zeros((count, 2))  # from the prefix's last point
    for active, offsets, lifts in _steps(network, state, generators, sampling):
        moved[active] += offsets.astype(np.float64) * network.offset_scale
        yield Step(active, _places(prefix.last_point, moved[active], network.offset_scale), lifts)


def _generators(count: int, sampling: SamplingConfiguration) -> list[np.random.Generator]:
    return [np.random.default_rng(sampling.seed + number) for number in range(count)]


def _after_prefix(
    network: NumpyNetwork,
    prefix: Sketch,
    category: str | None,
    generators: list[np.random.Generator],
    sampling: SamplingConfiguration,
) -> DecoderState:
    """Return the states in which the drawings of a session, one for each generator, begin."""
    index = network.configuration.category_index(category)
    count = len(generators)
    prefix_rows = rows_of_prefix(network, prefix)
    z = _latent(network, prefix_rows[1:], index, generators, sampling.latent)
    drawn_alike = z is None  # until the first sampled row all drawings are in the same state
    condition = network.condition(np.full(1 if drawn_alike else count, index), z)
    state = network.start(condition)
    for row in prefix_rows:
        state = network.step(state, np.broadcast_to(row, (len(state.hidden), 5)))
    return state.take(np.zeros(count, np.int64)) if drawn_alike else state


def rows_of_prefix(network: NumpyNetwork, prefix: Sketch) -> Array:
    """Return what a network sees of a prefix: START and its stroke-5 rows, in offset scales, (N + 1, 5).

    Raises:
        FormatError: the prefix has more than MAX_PREFIX_POINTS points.
    """
    if prefix.point_count > MAX_PREFIX_POINTS:
        raise FormatError(
            f"a prefix of {prefix.point_count:,} points; at most {MAX_PREFIX_POINTS:,} can be completed: simplify it"
        )
    rows = stroke5_from_stroke3(prefix.to_stroke3())[:-1]
    rows[:, :2] /= network.offset_scale
    return rows.astype(np.float32)


def _latent(
    network: NumpyNetwork, prefix_rows: Array, category: int, generators: list[np.random.Generator], latent: str
) -> Array | None:
    """Return z of each drawing, (count, Z); None for "no z" and for models without a latent."""
    configuration = network.configuration
    if not configuration.variational:
        if latent not in ("auto", "none"):
            raise ConfigurationError(f"latent {latent!r}: this model has no encoder")
        return None
    if latent == "auto":
        latent = "none" if configuration.can_draw_without_latent else "prefix"
    if latent == "none":
        if not configuration.can_draw_without_latent:
            raise ConfigurationError("latent 'none': this model was trained with z only; take prefix or prior")
        return None
    noise = np.stack([generator.standard_normal(configuration.latent_units) for generator in generators])
    if latent == "prior" or not len(prefix_rows):
        return noise.astype(np.float32)
    z_mean, z_logvar = network.encode(prefix_rows, category)
    return (z_mean + np.exp(0.5 * z_logvar) * noise).astype(np.float32)


def _sample(
    network: NumpyNetwork,
    state: DecoderState,
    generators: list[np.random.Generator],
    sampling: SamplingConfiguration,
) -> tuple[list[NDArray[np.float32]], NDArray[np.bool_]]:
    """Draw until every drawing has ended; return their stroke-3 rows, in offset scales, and which ended."""
    count = len(generators)
    stroke3 = np.zeros((count, sampling.max_points, 3), np.float32)
    lengths = np.zeros(count, np.int64)
    for step, (active, offsets, lifts) in enumerate(_steps(network, state, generators, sampling)):
        stroke3[active, step] = np.column_stack([offsets, lifts])
        lengths[active] = step + 1
    ended = lengths < sampling.max_points
    return [rows[:length] for rows, length in zip(stroke3, lengths, strict=True)], ended


def _steps(
    network: NumpyNetwork,
    state: DecoderState,
    generators: list[np.random.Generator],
    sampling: SamplingConfiguration,
) -> Iterator[tuple[NDArray[np.int64], Array, NDArray[np.bool_]]]:
    """Yield, for each step, the drawings that go on (A,), their offsets in offset scales (A, 2), and lifts (A,)."""
    steps = sampling.max_points
    uniforms = np.stack([generator.random((steps, 2)) for generator in generators])  # (count, steps, 2)
    normals = np.stack([generator.standard_normal((steps, 2)) for generator in generators])
    active = np.arange(len(generators))  # the drawings that ``state`` is of
    for step in range(steps):
        mixture = network.mixture(state).at_temperature(sampling.temperature)
        offsets, pen = mixture.sample(uniforms[active, step], normals[active, step])
        going_on = pen != PEN_ENDED
        if not going_on.all():
            state = state.take(np.flatnonzero(going_on))
            active, offsets, pen = active[going_on], offsets[going_on], pen[going_on]
        if not len(active):
            break
        lifts = pen == PEN_LIFTED
        yield active, offsets, lifts
        rows = np.column_stack([offsets, ~lifts, lifts, np.zeros(len(active))]).astype(np.float32)
        state = network.step(state, rows)


def _continue(prefix: Sketch, stroke3: NDArray[np.float32], offset_scale: float) -> Sketch:
    """Return drawn rows as strokes that go on from where the prefix's pen is."""
    rows = stroke3.astype(np.float64)
    rows[:, :2] *= offset_scale
    origin = prefix.last_point
    if not len(rows):
        return Sketch(())
    points = _places(origin, np.cumsum(rows[:, :2], axis=0), offset_scale)
    lifts = rows[:, 2] > 0.5
    ends = np.flatnonzero(lifts) + 1  # of each stroke, in points
    if prefix.pen_down or not prefix.strokes:
        points, ends = np.concatenate([origin[None], points]), ends + 1
    strokes = [stroke for stroke in np.split(points, ends) if len(stroke)]
    return Sketch(tuple(strokes), pen_down=not bool(lifts[-1]))


def _places(origin: NDArray[np.float64], moved: NDArray[np.float64], offset_scale: float) -> NDArray[np.float64]:
    """Return where a pen is that moved away from a point, (..., 2), to a precision that nobody sees."""
    decimals = 3 - math.floor(math.log10(offset_scale))  # a thousandth of a usual offset
    return np.round(origin + np.round(moved, decimals), decimals + 3)  # not the digits that binary fractions bring

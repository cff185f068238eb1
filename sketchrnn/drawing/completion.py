"""Going on with a partial sketch; from an empty one, drawing from nothing."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sketchrnn.drawing.configuration import SamplingConfiguration
from sketchrnn.drawing.prefix import SeenPrefix
from sketchrnn.errors import ConfigurationError
from sketchrnn.model.numpy_network import Array, DecoderState, NumpyMixture, NumpyNetwork
from sketchrnn.sketch import Sketch

PEN_LIFTED, PEN_ENDED = 1, 2


@dataclass(frozen=True)
class Completion:
    """What the model drew after a prefix.

    Attributes:
        sketch: the new strokes, in the prefix's own coordinates. If the prefix left the pen down, the first of them
            begins at its last point.
        ended: the model ended the drawing by itself; otherwise it was cut.
        seed: what it was drawn with.
        nats_per_point: how unlikely the model, at temperature 1, holds what it drew, offsets as a density per square
            unit of the training drawings; the lower, the likelier.
        category_gain: how much likelier it is drawn as its category than as the mean of all categories, in nats per
            point; the higher, the more it shows what was asked for. 0 for a model of one category, and for drawings of
            which only one was made.
    """

    sketch: Sketch
    ended: bool
    seed: int
    nats_per_point: float
    category_gain: float = 0.0

    @property
    def label(self) -> str:
        """What stands under its picture."""
        return f"seed {self.seed}" + ("" if self.ended else ", cut")

    @property
    def description(self) -> str:
        """What is to be known of it, in words."""
        end = "ended by itself" if self.ended else "cut"
        return f"seed {self.seed}, {self.nats_per_point:.3f} nats per point drawn, {end}"

    def joined(self, prefix: Sketch) -> Sketch:
        """Return prefix and completion as one drawing."""
        if not (prefix.pen_down and self.sketch.strokes):
            return Sketch(prefix.strokes + self.sketch.strokes, self.sketch.pen_down)
        bridge = np.concatenate([prefix.strokes[-1], self.sketch.strokes[0][1:]])
        return Sketch((*prefix.strokes[:-1], bridge, *self.sketch.strokes[1:]), self.sketch.pen_down)


@dataclass(frozen=True)
class Step:
    """What some drawings of a session did at the same step; those that ended before are no longer there.

    Attributes:
        drawings: which of the session's drawings went on to a point, (A,).
        points: where to, in the prefix's own coordinates, (A, 2).
        lifts: the pen rises after this point, (A,).
        ended: which drawings ended instead, (E,).
    """

    drawings: NDArray[np.int64]
    points: NDArray[np.float64]
    lifts: NDArray[np.bool_]
    ended: NDArray[np.int64]


def complete(
    network: NumpyNetwork,
    prefix: SeenPrefix,
    category: str | None,
    count: int,
    sampling: SamplingConfiguration,
    attempts: int = 1,
    *,
    condition: Array | None = None,
) -> list[Completion]:
    """Draw several completions of a prefix, all at once.

    Args:
        network: the model.
        prefix: what :func:`sketchrnn.drawing.prefix.see_prefix` made of a sketch for this model; may be empty.
        category: what to draw; None only for a model that knows one.
        count: how many seeds, from ``sampling.seed`` on.
        sampling: how.
        attempts: how many completions of each seed, which differ; they come one after the other.
        condition: what the decoder is told for each seed, (count, condition_units), in the place of the category and of
            the latent.

    Raises:
        CategoryError: the category is unknown or missing.
        ConfigurationError: the latent does not fit the model.
    """
    seeds = [sampling.seed + number for number in range(count) for _ in range(attempts)]
    generators = [np.random.default_rng([seed, place % attempts]) for place, seed in enumerate(seeds)]
    if condition is not None:
        condition = np.repeat(condition, attempts, axis=0)
    state = _after_prefix(network, prefix, category, generators, sampling, condition)
    of_any = None
    if attempts > 1 and network.configuration.conditional and network.configuration.can_draw_without_latent:
        of_any = _after_prefix(network, prefix, category, generators, sampling, network.condition(None))
    drawn, ended, nats, nats_of_any = _sample(network, state, generators, sampling, of_any)
    points = np.maximum(1, [len(stroke3) + end for stroke3, end in zip(drawn, ended, strict=True)])
    per_square_pixel = 2.0 * math.log(network.offset_scale) * np.array([len(stroke3) for stroke3 in drawn])
    nats_per_point = (nats + per_square_pixel) / points
    gain = (nats_of_any - nats) / points if of_any is not None else np.zeros(len(drawn))
    unit = network.offset_scale / prefix.scale
    return [
        Completion(
            _continue(prefix.sketch, drawn[place], unit),
            bool(ended[place]),
            seed,
            float(nats_per_point[place]),
            float(gain[place]),
        )
        for place, seed in enumerate(seeds)
    ]


def stream(
    network: NumpyNetwork, prefix: SeenPrefix, category: str | None, count: int, sampling: SamplingConfiguration
) -> Iterator[Step]:
    """Draw the same completions as :func:`complete`, and hand out each point as soon as it is drawn.

    Where the prefix left the pen down, the first stroke of each drawing begins at its last point, which is not handed
    out again; where it is empty, at the origin, which is not handed out either. Arguments and errors as for
    :func:`complete`.
    """
    generators = [np.random.default_rng([sampling.seed + number, 0]) for number in range(count)]
    state = _after_prefix(network, prefix, category, generators, sampling)
    unit = network.offset_scale / prefix.scale
    moved = np.zeros((count, 2))  # from the prefix's last point
    for active, rows, _ in _steps(network, state, generators, sampling):
        going_on = rows[:, 2 + PEN_ENDED] == 0
        drawings, rows = active[going_on], rows[going_on]
        moved[drawings] += rows[:, :2].astype(np.float64) * unit
        points = _places(prefix.sketch.last_point, moved[drawings], unit)
        yield Step(drawings, points, rows[:, 2 + PEN_LIFTED] > 0, active[~going_on])


def _after_prefix(
    network: NumpyNetwork,
    prefix: SeenPrefix,
    category: str | None,
    generators: list[np.random.Generator],
    sampling: SamplingConfiguration,
    condition: Array | None = None,
) -> DecoderState:
    """Return the states in which the drawings of a session, one for each generator, begin."""
    count = len(generators)
    if condition is None:
        index = network.configuration.category_index(category)
        z = _latent(network, prefix.rows[1:], index, generators, sampling.latent)
        # without z all drawings are in the same state until the first sampled row
        condition = network.condition(np.full(1 if z is None else count, index), z)
    state = network.start(condition)
    for row in prefix.rows:
        state = network.step(state, np.broadcast_to(row, (len(state.hidden), 5)))
    return state if len(state.hidden) == count else state.take(np.zeros(count, np.int64))


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
    other: DecoderState | None,
) -> tuple[list[NDArray[np.float32]], NDArray[np.bool_], NDArray[np.float64], NDArray[np.float64]]:
    """Draw until every drawing has ended.

    Returns:
        Their stroke-3 rows, in offset scales; which ended; -log p of the rows and the end, in nats; and the same by
        ``other``, which is the network in another state (0 without).
    """
    count, steps = len(generators), sampling.max_points
    stroke3 = np.zeros((count, steps, 3), np.float32)
    lengths = np.full(count, steps)
    ended = np.zeros(count, dtype=bool)
    nats, nats_of_other = np.zeros(count), np.zeros(count)
    for step, (active, rows, more) in enumerate(_steps(network, state, generators, sampling)):
        going_on = rows[:, 2 + PEN_ENDED] == 0
        stroke3[active[going_on], step] = rows[going_on][:, [0, 1, 2 + PEN_LIFTED]]
        ended[active[~going_on]] = True
        lengths[active[~going_on]] = step
        nats[active] += more
        if other is not None:
            nats_of_other[active] += _nats(network.mixture(other), rows)
            if going_on.any():
                other = network.step(other.take(np.flatnonzero(going_on)), rows[going_on])
    return [rows[:length] for rows, length in zip(stroke3, lengths, strict=True)], ended, nats, nats_of_other


def _steps(
    network: NumpyNetwork,
    state: DecoderState,
    generators: list[np.random.Generator],
    sampling: SamplingConfiguration,
) -> Iterator[tuple[NDArray[np.int64], Array, NDArray[np.float64]]]:
    """Yield, for each step, the drawings that have not ended before (A,), their stroke-5 rows in offset scales (A, 5).

    And -log p of each row, or of the end where it is one, in nats, (A,).
    """
    steps = sampling.max_points
    uniforms = np.stack([generator.random((steps, 2)) for generator in generators])  # (count, steps, 2)
    normals = np.stack([generator.standard_normal((steps, 2)) for generator in generators])
    active = np.arange(len(generators))  # the drawings that ``state`` is of
    for step in range(steps):
        mixture = network.mixture(state)
        tempered = mixture.at_temperature(sampling.temperature, sampling.pen_temperature, sampling.top_p)
        offsets, pen = tempered.sample(uniforms[active, step], normals[active, step])
        rows = np.column_stack([offsets, np.eye(3)[pen]]).astype(np.float32)
        going_on = pen != PEN_ENDED
        yield active, rows, _nats(mixture, rows)
        if not going_on.all():
            state = state.take(np.flatnonzero(going_on))
            active, rows = active[going_on], rows[going_on]
        if not len(active):
            break
        state = network.step(state, rows)


def _nats(mixture: NumpyMixture, rows: Array) -> NDArray[np.float64]:
    """Return -log p of stroke-5 rows, or of the end where it is one, (A,)."""
    return -np.where(rows[:, 2 + PEN_ENDED] == 0, mixture.log_prob(rows), mixture.log_q[:, PEN_ENDED])


def _continue(prefix: Sketch, stroke3: NDArray[np.float32], unit: float) -> Sketch:
    """Return drawn rows, in ``unit`` of the prefix's, as strokes that go on from where the prefix's pen is."""
    rows = stroke3.astype(np.float64)
    rows[:, :2] *= unit
    origin = prefix.last_point
    if not len(rows):
        return Sketch(())
    points = _places(origin, np.cumsum(rows[:, :2], axis=0), unit)
    lifts = rows[:, 2] > 0.5
    ends = np.flatnonzero(lifts) + 1  # of each stroke, in points
    if prefix.pen_down or not prefix.strokes:
        points, ends = np.concatenate([origin[None], points]), ends + 1
    strokes = [stroke for stroke in np.split(points, ends) if len(stroke)]
    return Sketch(tuple(strokes), pen_down=not bool(lifts[-1]))


def _places(origin: NDArray[np.float64], moved: NDArray[np.float64], unit: float) -> NDArray[np.float64]:
    """Return where a pen is that moved away from a point, (..., 2), to a precision that nobody sees."""
    decimals = 3 - math.floor(math.log10(unit))  # a thousandth of a usual offset
    return np.round(origin + np.round(moved, decimals), decimals + 3)  # not the digits that binary fractions bring

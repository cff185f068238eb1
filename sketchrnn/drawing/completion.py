"""Going on with a partial sketch; from an empty one, drawing from nothing."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sketchrnn.drawing.configuration import SamplingConfiguration
from sketchrnn.drawing.prefix import SeenPrefix
from sketchrnn.errors import ConfigurationError
from sketchrnn.model.numpy_network import Array, DecoderState, NumpyNetwork
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
    """

    sketch: Sketch
    ended: bool
    seed: int
    nats_per_point: float

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
    index = network.configuration.category_index(category)
    seeds = [sampling.seed + number for number in range(count) for _ in range(attempts)]
    generators = [np.random.default_rng([seed, place % attempts]) for place, seed in enumerate(seeds)]
    drawn_alike = False
    if condition is None:
        z = _latent(network, prefix.rows[1:], index, generators, sampling.latent)
        drawn_alike = z is None  # until the first sampled row all drawings are in the same state
        condition = network.condition(np.full(1 if drawn_alike else len(seeds), index), z)
    else:
        condition = np.repeat(condition, attempts, axis=0)
    state = network.start(condition)
    for row in prefix.rows:
        state = network.step(state, np.broadcast_to(row, (len(state.hidden), 5)))
    if drawn_alike:
        state = state.take(np.zeros(len(seeds), np.int64))
    drawn, ended, nats = _sample(network, state, generators, sampling)
    per_square_pixel = 2.0 * math.log(network.offset_scale)
    unit = network.offset_scale / prefix.scale
    return [
        Completion(
            _continue(prefix.sketch, stroke3, unit),
            bool(end),
            seed,
            float((total + len(stroke3) * per_square_pixel) / max(1, len(stroke3) + end)),
        )
        for stroke3, end, total, seed in zip(drawn, ended, nats, seeds, strict=True)
    ]


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
) -> tuple[list[NDArray[np.float32]], NDArray[np.bool_], NDArray[np.float64]]:
    """Draw until every drawing has ended.

    Returns:
        Their stroke-3 rows, in offset scales; which ended; and -log p of the rows and the end, in nats.
    """
    count, steps = len(generators), sampling.max_points
    uniforms = np.stack([generator.random((steps, 2)) for generator in generators])  # (count, steps, 2)
    normals = np.stack([generator.standard_normal((steps, 2)) for generator in generators])
    stroke3 = np.zeros((count, steps, 3), np.float32)
    lengths = np.full(count, steps)
    ended = np.zeros(count, dtype=bool)
    nats = np.zeros(count)
    active = np.arange(count)  # the drawings that ``state`` is of
    for step in range(steps):
        mixture = network.mixture(state)
        tempered = mixture.at_temperature(sampling.temperature, sampling.pen_temperature, sampling.top_p)
        offsets, pen = tempered.sample(uniforms[active, step], normals[active, step])
        going_on = pen != PEN_ENDED
        drawn = np.column_stack([offsets, np.eye(3)[pen]]).astype(np.float32)
        nats[active] -= np.where(going_on, mixture.log_prob(drawn), mixture.log_q[:, PEN_ENDED])
        ended[active[~going_on]] = True
        lengths[active[~going_on]] = step
        if not going_on.all():
            state = state.take(np.flatnonzero(going_on))
            active, drawn = active[going_on], drawn[going_on]
        if not len(active):
            break
        stroke3[active, step] = drawn[:, [0, 1, 2 + PEN_LIFTED]]
        state = network.step(state, drawn)
    return [rows[:length] for rows, length in zip(stroke3, lengths, strict=True)], ended, nats


def _continue(prefix: Sketch, stroke3: NDArray[np.float32], unit: float) -> Sketch:
    """Return drawn rows, in ``unit`` of the prefix's, as strokes that go on from where the prefix's pen is."""
    rows = stroke3.astype(np.float64)
    rows[:, :2] *= unit
    decimals = 3 - math.floor(math.log10(unit))  # a thousandth of a usual offset: what nobody sees
    origin = prefix.last_point
    if not len(rows):
        return Sketch(())
    points = origin + np.round(np.cumsum(rows[:, :2], axis=0), decimals)
    points = np.round(points, decimals + 3)  # not the digits that adding a binary fraction brings
    lifts = rows[:, 2] > 0.5
    ends = np.flatnonzero(lifts) + 1  # of each stroke, in points
    if prefix.pen_down or not prefix.strokes:
        points, ends = np.concatenate([origin[None], points]), ends + 1
    strokes = [stroke for stroke in np.split(points, ends) if len(stroke)]
    return Sketch(tuple(strokes), pen_down=not bool(lifts[-1]))

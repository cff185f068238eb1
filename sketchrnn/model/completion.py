"""Going on with a partial sketch; from an empty one, drawing from nothing."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sketchrnn.errors import ConfigurationError
from sketchrnn.model.network import Array, DecoderState, NumpyMixture, NumpyNetwork
from sketchrnn.model.prefix import SeenPrefix
from sketchrnn.model.sampling import SamplingConfiguration
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
            point, of the points for which that was measured; the higher, the more it shows what was asked for. 0 for a
            model of one category, and where it was not measured.
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


class Session:
    """Drawings of one prefix under way, side by side.

    Attributes:
        active: which of them go on, (A,): neither ended nor given up.
        points: that those have drawn so far.
    """

    def __init__(
        self,
        network: NumpyNetwork,
        prefix: SeenPrefix,
        category: str | None,
        tries: Sequence[tuple[int, int]],
        sampling: SamplingConfiguration,
        *,
        condition: Array | None = None,
        weighed: int = 0,
    ) -> None:
        """Begin.

        Args:
            network: the model.
            prefix: what :func:`sketchrnn.model.prefix.see_prefix` made of a sketch for this model; may be empty.
            category: what to draw; None only for a model that knows one.
            tries: seed of each drawing, and which of the drawings with this seed it is.
            sampling: how; its seed does not matter.
            condition: what the decoder is told for each drawing, (count, condition_units), in the place of the category
                and of the latent.
            weighed: for how many points it is looked how likely they are as the mean of all categories; that takes as
                long as drawing them.

        Raises:
            CategoryError: the category is unknown or missing.
            ConfigurationError: the latent does not fit the model.
        """
        count, steps = len(tries), sampling.max_points
        generators = [np.random.default_rng(each) for each in tries]
        self.active = np.arange(count)
        self.points = 0
        self._network, self._prefix, self._tries, self._sampling = network, prefix, tries, sampling
        self._state = _after_prefix(network, prefix, category, generators, sampling, condition)
        self._as_any: DecoderState | None = None
        self._weighed = weighed
        if weighed and network.configuration.conditional and network.configuration.can_draw_without_latent:
            self._as_any = _after_prefix(network, prefix, category, generators, sampling, network.condition(None))
        self._uniforms = np.stack([generator.random((steps, 2)) for generator in generators])  # (count, steps, 2)
        self._normals = np.stack([generator.standard_normal((steps, 2)) for generator in generators])
        self._last_rows: Array | None = None  # that the network is yet to be told, (A, 5)
        self._stroke3 = np.zeros((count, steps, 3), np.float32)  # in offset scales
        self._lengths = np.zeros(count, np.int64)
        self._ended = np.zeros(count, dtype=bool)
        self._nats, self._gain = np.zeros(count), np.zeros(count)

    def step(self) -> tuple[NDArray[np.int64], Array]:
        """Draw one point more.

        Returns:
            Which drawings did, (A,), and their stroke-5 rows in offset scales, (A, 5): a point, or the end.
        """
        active, sampling = self.active, self._sampling
        if self._last_rows is not None:
            self._state = self._network.step(self._state, self._last_rows)
        mixture = self._network.mixture(self._state)
        tempered = mixture.at_temperature(sampling.temperature, sampling.pen_temperature, sampling.top_p)
        offsets, pen = tempered.sample(self._uniforms[active, self.points], self._normals[active, self.points])
        rows = np.column_stack([offsets, np.eye(3, dtype=np.float32)[pen]])
        nats = _nats(mixture, rows)
        self._nats[active] += nats
        if self._as_any is not None:
            if self._last_rows is not None:
                self._as_any = self._network.step(self._as_any, self._last_rows)
            self._gain[active] += _nats(self._network.mixture(self._as_any), rows) - nats
        self._stroke3[active, self.points] = rows[:, [0, 1, 2 + PEN_LIFTED]]
        self._last_rows = rows
        self.points += 1
        ended = pen == PEN_ENDED
        self._ended[active[ended]] = True
        self._lengths[active[~ended]] = self.points
        if self.points == self._weighed:
            self._as_any = None
        if ended.any():
            self._follow(np.flatnonzero(~ended))
        return active, rows

    def run(self, points: int | None = None) -> None:
        """Go on until all have ended or have so many points, at most as many as the sampling admits."""
        most = self._sampling.max_points if points is None else min(points, self._sampling.max_points)
        while len(self.active) and self.points < most:
            self.step()

    def give_up(self, drawings: NDArray[np.int64]) -> None:
        """Follow some drawings no further."""
        self._follow(np.flatnonzero(~np.isin(self.active, drawings)))

    @property
    def category_gain(self) -> NDArray[np.float64]:
        """The gain of each so far, see :class:`Completion`, (count,)."""
        return self._gain / np.clip(self._lengths + self._ended, 1, max(1, self._weighed))

    @property
    def nats_per_point(self) -> NDArray[np.float64]:
        """Of each so far, see :class:`Completion`, (count,)."""
        per_square_pixel = 2.0 * math.log(self._network.offset_scale) * self._lengths
        return (self._nats + per_square_pixel) / np.maximum(1, self._lengths + self._ended)

    def completions(self, drawings: Sequence[int] | None = None) -> list[Completion]:
        """Return what was drawn so far, of all or some."""
        unit = self._network.offset_scale / self._prefix.scale
        gain, nats = self.category_gain, self.nats_per_point
        return [
            Completion(
                _continue(self._prefix.sketch, self._stroke3[place, : self._lengths[place]], unit),
                bool(self._ended[place]),
                self._tries[place][0],
                float(nats[place]),
                float(gain[place]),
            )
            for place in (range(len(self._tries)) if drawings is None else drawings)
        ]

    def _follow(self, places: NDArray[np.int64]) -> None:
        """Go on with some of the active ones only."""
        self.active = self.active[places]
        self._state = self._state.take(places)
        if self._as_any is not None:
            self._as_any = self._as_any.take(places)
        if self._last_rows is not None:
            self._last_rows = self._last_rows[places]


def complete(
    network: NumpyNetwork,
    prefix: SeenPrefix,
    category: str | None,
    count: int,
    sampling: SamplingConfiguration,
    attempts: int = 1,
    *,
    condition: Array | None = None,
    weighed: int = 0,
) -> list[Completion]:
    """Draw several completions of a prefix, all at once.

    Args:
        network: the model.
        prefix: what :func:`sketchrnn.model.prefix.see_prefix` made of a sketch for this model; may be empty.
        category: what to draw; None only for a model that knows one.
        count: how many seeds, from ``sampling.seed`` on.
        sampling: how.
        attempts: how many completions of each seed, which differ; they come one after the other.
        condition: what the decoder is told for each seed, (count, condition_units), in the place of the category and of
            the latent.
        weighed: for how many points the category's gain is measured.

    Raises:
        CategoryError: the category is unknown or missing.
        ConfigurationError: the latent does not fit the model.
    """
    tries = [(sampling.seed + number, attempt) for number in range(count) for attempt in range(attempts)]
    if condition is not None:
        condition = np.repeat(condition, attempts, axis=0)
    session = Session(network, prefix, category, tries, sampling, condition=condition, weighed=weighed)
    session.run()
    return session.completions()


def stream(
    network: NumpyNetwork, prefix: SeenPrefix, category: str | None, count: int, sampling: SamplingConfiguration
) -> Iterator[Step]:
    """Draw the same completions as :func:`complete`, and hand out each point as soon as it is drawn.

    Where the prefix left the pen down, the first stroke of each drawing begins at its last point, which is not handed
    out again; where it is empty, at the origin, which is not handed out either. Arguments and errors as for
    :func:`complete`.
    """
    session = Session(network, prefix, category, [(sampling.seed + number, 0) for number in range(count)], sampling)
    unit = network.offset_scale / prefix.scale
    moved = np.zeros((count, 2))  # from the prefix's last point
    while len(session.active) and session.points < sampling.max_points:
        active, rows = session.step()
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
        condition = network.condition(np.full(1 if z is None else count, index), z, sampling.guidance)
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

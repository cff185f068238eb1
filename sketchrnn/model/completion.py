"""Sampling: continue partial sketches. An empty prefix gives a drawing from nothing."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from sketchrnn.errors import ConfigurationError
from sketchrnn.model.batches import in_threads
from sketchrnn.model.cells import BLOCK, Array
from sketchrnn.model.drawing import Drawing
from sketchrnn.model.likelihood import after_start, follow
from sketchrnn.model.network import DecoderState, NumpyNetwork
from sketchrnn.model.noise import latent_noise, point_noise
from sketchrnn.model.prefix import EncodedPrefix
from sketchrnn.model.sampling import Request, Sampling
from sketchrnn.sketch import Sketch

PEN_LIFTED, PEN_ENDED = 1, 2
NOISE_STEPS = 32
"""Steps whose noise is computed together."""


@dataclass(frozen=True)
class Job:
    """What to draw after one prefix, of one category.

    Attributes:
        prefix: as the model sees it; may be empty.
        category: what to draw; None for a model without names.
        request: how many drawings, of how many candidates, and how.
        conditionings: of each candidate, (tries, C), or one for all, (1, C).
    """

    prefix: EncodedPrefix
    category: str | None
    request: Request
    conditionings: Array

    @cached_property
    def tries(self) -> tuple[tuple[int, int], ...]:
        """Seed and candidate number of each candidate."""
        return self.request.tries


def conditionings_for(
    network: NumpyNetwork,
    prefix: EncodedPrefix,
    category: str | None,
    tries: Sequence[tuple[int, int]],
    sampling: Sampling,
) -> Array:
    """Return the conditionings of a category's candidates, (tries, C); (1, C) if all share one.

    Raises:
        CategoryError: the category is unknown or missing.
        ConfigurationError: the setting ``latent`` does not fit the model.
    """
    index = network.configuration.category_index(category)
    z = _latent_vectors(network, prefix.rows[1:], index, tries, sampling.latent)
    return network.conditioning(np.full(1 if z is None else len(tries), index), z, sampling.guidance, sampling.clarity)


def after_prefixes(network: NumpyNetwork, jobs: Sequence[Job]) -> DecoderState:
    """Return the states after the prefixes of some jobs: one for each of their conditionings."""
    state = after_start(network, np.concatenate([job.conditionings for job in jobs]))
    rows = [job.prefix.rows[1:] for job in jobs for _ in job.conditionings]
    if any(map(len, rows)):
        _, state = follow(network, state, rows, score=False)
    return state


def sample_jobs(
    network: NumpyNetwork,
    jobs: Sequence[Job],
    state: DecoderState,
    wanted: Sequence[tuple[int, int]],
    threads: int = 1,
) -> list[Drawing]:
    """Sample candidates of some jobs in one batch, each to its end.

    Args:
        network: the model.
        jobs: all requests have the same sampling, except for their seeds.
        state: what :func:`after_prefixes` returned.
        wanted: the candidates: index of the job, and index in its tries.
        threads: how many share the work.

    Returns:
        The candidates, in the order of ``wanted``.
    """
    first = np.cumsum([0] + [len(job.conditionings) for job in jobs])
    index = np.array([first[job] + (number if len(jobs[job].conditionings) > 1 else 0) for job, number in wanted])
    tries = np.array([jobs[job].tries[number] for job, number in wanted], np.int64)
    parts = np.array_split(np.arange(len(tries)), max(1, min(threads, len(tries) // BLOCK)))

    def sampled(part: NDArray[np.int64]) -> list[tuple[Array, bool]]:
        return _sample(network, state.take(index[part]), tries[part, 0], tries[part, 1], jobs[0].request.sampling)

    drawn = []
    results = (one for each in in_threads(sampled, parts, threads) for one in each)
    for (job, _), (seed, candidate), (stroke3, ended) in zip(wanted, tries.tolist(), results, strict=True):
        prefix, category = jobs[job].prefix, jobs[job].category
        completion = _continued(prefix, stroke3, network.offset_scale)
        drawn.append(Drawing(prefix.sketch, completion, ended, seed, category, candidate))
    return drawn


def _sample(
    network: NumpyNetwork,
    state: DecoderState,
    seeds: NDArray[np.int64],
    candidates: NDArray[np.int64],
    sampling: Sampling,
) -> list[tuple[Array, bool]]:
    """Return the stroke-3 rows of each candidate, in offset scales, (L, 3), and whether it ended by itself."""
    active = np.arange(len(seeds))  # candidates in the batch; finished ones are removed if that saves a block
    alive = np.ones(len(seeds), bool)  # of these
    lengths = np.zeros(len(seeds), np.int64)
    ended = np.zeros(len(seeds), bool)
    steps: list[tuple[NDArray[np.int64], Array]] = []
    for step in range(sampling.max_points):
        if step % NOISE_STEPS == 0:
            uniform, normal = point_noise(seeds[active], candidates[active], step, NOISE_STEPS)
        mixture = network.mixture(state).at_temperature(sampling.temperature, sampling.pen_temperature, sampling.top_p)
        offsets, pen = mixture.sample(uniform[step % NOISE_STEPS], normal[step % NOISE_STEPS])
        ended[active[alive & (pen == PEN_ENDED)]] = True
        alive &= pen != PEN_ENDED
        lengths[active[alive]] = step + 1
        steps.append((active, np.column_stack([offsets, pen == PEN_LIFTED]).astype(np.float32)))
        remaining = int(np.count_nonzero(alive))
        if not remaining or step + 1 == sampling.max_points:
            break
        rows = np.column_stack([offsets, np.eye(3, dtype=np.float32)[pen]])
        if -(-remaining // BLOCK) < -(-len(active) // BLOCK):
            kept = np.flatnonzero(alive)
            state, rows, active, alive = state.take(kept), rows[kept], active[kept], alive[kept]
            uniform, normal = uniform[:, kept], normal[:, kept]
        state = network.step(state, rows)
    stroke3 = np.zeros((len(seeds), lengths.max(initial=0), 3), np.float32)
    for number, (members, rows) in enumerate(steps[: stroke3.shape[1]]):
        stroke3[members, number] = rows
    return [(stroke3[number, :length], bool(ended[number])) for number, length in enumerate(lengths)]


def _latent_vectors(
    network: NumpyNetwork, prefix_rows: Array, category: int, tries: Sequence[tuple[int, int]], latent: str
) -> Array | None:
    """Return z of each candidate, (tries, Z); None for "no z" and for models without a latent."""
    configuration = network.configuration
    if not configuration.variational:
        if latent not in ("auto", "none"):
            raise ConfigurationError(f"latent: expected auto or none for a model without an encoder, found {latent!r}")
        return None
    if latent == "auto":
        latent = "none" if configuration.can_draw_without_latent else "prefix"
    if latent == "none":
        if not configuration.can_draw_without_latent:
            raise ConfigurationError("latent: expected prefix or prior for a model trained with z only, found none")
        return None
    seeds, candidates = np.array(tries, np.int64).reshape(-1, 2).T
    noise = latent_noise(seeds, candidates, configuration.latent_units)
    if latent == "prior" or not len(prefix_rows):
        return noise.astype(np.float32)
    z_mean, z_logvar = network.encode(prefix_rows, category)
    z: Array = (z_mean + np.exp(0.5 * z_logvar) * noise).astype(np.float32)
    return z


def _continued(prefix: EncodedPrefix, stroke3: Array, offset_scale: float) -> Sketch:
    """Return sampled rows as strokes in the prefix's coordinates, from the last point that the model has seen."""
    unit = offset_scale / prefix.scale
    if not len(stroke3):
        return Sketch(())
    rows = stroke3.astype(np.float64)
    decimals = 3 - math.floor(math.log10(unit))  # a thousandth of a usual offset
    moved = np.round(np.cumsum(rows[:, :2] * unit, axis=0), decimals)
    points = np.round(prefix.last_point + moved, decimals + 3)  # without rounding errors in the last digits
    lifts = rows[:, 2] > 0.5
    ends = np.flatnonzero(lifts) + 1  # of each stroke, in points
    if prefix.sketch.pen_down or not prefix.sketch.strokes:
        points, ends = np.concatenate([prefix.last_point[None], points]), ends + 1
    strokes = [stroke for stroke in np.split(points, ends) if len(stroke)]
    return Sketch(tuple(strokes), pen_down=not bool(lifts[-1]))

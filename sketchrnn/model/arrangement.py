"""The likeliest order, direction and starting points of given strokes.

People draw the same circle from its top or from its left, and the ears before or after the head. A decoder continues
the arrangements best that were frequent in training.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from sketchrnn.model.cells import Array
from sketchrnn.model.likelihood import after_start, follow
from sketchrnn.model.network import DecoderState, NumpyNetwork
from sketchrnn.sketch import Sketch
from sketchrnn.sketch.sketch import FloatArray

MAX_ARRANGED_POINTS = 160
"""Prefixes with more points are not rearranged."""
STARTS = 4
"""Number of starting points that are tried for a closed stroke."""
CLOSED = 0.1
"""A stroke is closed if its ends are at most this share of its larger side apart."""

KEPT = 4.0
"""Another arrangement is chosen only if it is this number of nats likelier than the given one."""


@dataclass
class _Path:
    """A partial arrangement.

    Attributes:
        strokes: the remaining strokes, in order.
        fixed: strokes keep their direction and start.
        drawn: strokes as the decoder sees them.
        log_density: of these.
    """

    strokes: list[FloatArray]
    fixed: bool
    last_is_fixed: bool
    drawn: list[FloatArray] = field(default_factory=list)
    log_density: float = 0.0

    def variants(self) -> list[FloatArray]:
        """Return all variants of the next stroke."""
        stroke = self.strokes[len(self.drawn)]
        is_last = len(self.drawn) == len(self.strokes) - 1
        return [stroke] if self.fixed or (self.last_is_fixed and is_last) else list(_variants(stroke))

    def rows(self, stroke: FloatArray, offset_scale: float) -> Array:
        """Return the stroke-5 rows of a next stroke."""
        is_last = len(self.drawn) == len(self.strokes) - 1
        before = self.drawn[-1][-1:] if self.drawn else stroke[:1]
        offsets = np.diff(stroke, axis=0, prepend=before)
        if not self.drawn and offsets.any():
            offsets = offsets[1:]  # the first point of a drawing is the origin, not a row
        rows = np.zeros((len(offsets), 5), np.float32)
        rows[:, :2] = offsets / offset_scale
        rows[:, 2] = 1.0
        if not (is_last and self.last_is_fixed):
            rows[-1, 2:4] = (0.0, 1.0)
        return rows


def arrange(network: NumpyNetwork, sketches: Sequence[Sketch], conditionings: Array) -> list[Sketch]:
    """Return sketches with their strokes in the likeliest order, direction and start.

    Several orders are tried; in each, the likeliest variant of one stroke after the other is taken. If the pen is down,
    the last stroke does not change. The given arrangement is kept unless another one is likelier.

    Args:
        network: the model.
        sketches: in the unit of the model, simplified.
        conditionings: of each, (B, C).
    """
    paths: list[_Path] = []
    owners: list[int] = []
    for number, sketch in enumerate(sketches):
        if sketch.strokes and sketch.point_count <= MAX_ARRANGED_POINTS:
            mine = [_Path(list(sketch.strokes), True, sketch.pen_down)]
            mine += [_Path(order, False, sketch.pen_down) for order in _orders(sketch)]
            paths, owners = paths + mine, owners + [number] * len(mine)
    if not paths or not network.configuration.can_draw_without_latent:
        return list(sketches)
    state = after_start(network, conditionings).take(np.array(owners))
    active = list(range(len(paths)))
    while active:
        variants = [paths[index].variants() for index in active]
        state = _advance(network, state, [paths[index] for index in active], variants)
        going_on = [place for place, index in enumerate(active) if len(paths[index].drawn) < len(paths[index].strokes)]
        state, active = state.take(np.array(going_on, np.int64)), [active[place] for place in going_on]
    best: dict[int, _Path] = {}
    for path, owner in zip(paths, owners, strict=True):
        if owner not in best or path.log_density > best[owner].log_density + (KEPT if best[owner].fixed else 0.0):
            best[owner] = path
    return [
        sketch if number not in best or best[number].fixed else Sketch(tuple(best[number].drawn), sketch.pen_down)
        for number, sketch in enumerate(sketches)
    ]


def _advance(
    network: NumpyNetwork, state: DecoderState, paths: list[_Path], variants: list[list[FloatArray]]
) -> DecoderState:
    """Add the likeliest variant of its next stroke to each path; return the states after it."""
    sources = np.repeat(np.arange(len(paths)), [len(each) for each in variants])
    rows = [
        path.rows(stroke, network.offset_scale) for path, each in zip(paths, variants, strict=True) for stroke in each
    ]
    log_density, after = follow(network, state.take(sources), rows)
    chosen = []
    first = 0
    for path, each in zip(paths, variants, strict=True):
        best = first + int(log_density[first : first + len(each)].argmax())
        path.drawn.append(each[best - first])
        path.log_density += float(log_density[best])
        chosen.append(best)
        first += len(each)
    return after.take(np.array(chosen))


def _variants(stroke: FloatArray) -> Iterator[FloatArray]:
    """Return a stroke, the reversed stroke, and if it is closed, the stroke with other starting points."""
    yield stroke
    if len(stroke) == 1:
        return
    yield stroke[::-1]
    side = float(np.ptp(stroke, axis=0).max())
    if len(stroke) < STARTS + 1 or not np.hypot(*(stroke[0] - stroke[-1])) <= CLOSED * side or not side:
        return
    for number in range(1, STARTS):
        start = number * (len(stroke) - 1) // STARTS
        turned = np.concatenate([stroke[start:-1], stroke[: start + 1]])
        yield turned
        yield turned[::-1]


def _orders(sketch: Sketch) -> list[list[FloatArray]]:
    """Return the orders of the strokes that are tried, each once."""
    free = list(sketch.strokes[:-1] if sketch.pen_down else sketch.strokes)
    last = list(sketch.strokes[len(free) :])
    side = [float(np.ptp(stroke, axis=0).max()) for stroke in free]
    numbers = list(range(len(free)))
    tried = [
        numbers,
        sorted(numbers, key=lambda number: -side[number]),
    ]
    orders: list[list[FloatArray]] = []
    seen = set()
    for order in tried:
        moves = not order or order == numbers or side[order[0]] > 0
        if tuple(order) not in seen and moves:  # a first stroke that does not move has one more row
            seen.add(tuple(order))
            orders.append([free[number] for number in order] + last)
    return orders

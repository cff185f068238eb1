"""When each stroke of a picture is drawn, and an SVG that shows it without a script.

Reference:
    https://www.w3.org/TR/css-animations-1/; https://www.w3.org/TR/mediaqueries-5/#prefers-reduced-motion
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sketchrnn.errors import ConfigurationError
from sketchrnn.formats.svg.style import line_length
from sketchrnn.sketch import Sketch

DEFAULT_SECONDS = 4.0
LONGEST_SECONDS = 3600.0
_AIR_SPEED = 3.0  # of a lifted pen, of that on paper
_DOT = 0.01  # of the whole way: what a dot, or a very short stroke, takes at least
STYLE_SHEET = """
@media (prefers-reduced-motion: no-preference) {
  .stroke { animation: draw linear backwards }
  .dot { animation: dot linear backwards }
}
@keyframes draw {
  from { visibility: hidden; stroke-dasharray: 1 2; stroke-dashoffset: 1 }
  to { visibility: visible; stroke-dasharray: 1 2; stroke-dashoffset: 0 }
}
@keyframes dot { from { visibility: hidden } to { visibility: visible } }
"""
"""A viewer without animations, or whose user wants no motion, shows the finished drawing."""


@dataclass(frozen=True)
class Animation:
    """A picture that draws itself, or how far it is at a moment.

    Attributes:
        seconds: from the first point to the last.
        at: the moment that a still picture shows, in seconds; None for a picture that moves.
    """

    seconds: float = DEFAULT_SECONDS
    at: float | None = None

    def __post_init__(self) -> None:
        """Check the time.

        Raises:
            ConfigurationError: it is none.
        """
        if not 0.0 < self.seconds <= LONGEST_SECONDS:
            raise ConfigurationError(
                f"seconds: expected a number above 0 and up to {LONGEST_SECONDS:g}, found {self.seconds}"
            )


@dataclass(frozen=True)
class Moment:
    """When a stroke is drawn.

    Attributes:
        begin: in seconds.
        duration: in seconds.
    """

    begin: float
    duration: float

    def progress(self, at: float) -> float:
        """Return how much of the stroke is drawn at a time, from 0 to 1."""
        return min(max((at - self.begin) / self.duration, 0.0), 1.0)


def timetable(sketches: Sequence[Sketch], seconds: float) -> list[Moment]:
    """Return when each stroke is drawn, by a pen of one speed on paper and a greater one in the air.

    Args:
        sketches: drawn one after the other.
        seconds: that all of it takes.
    """
    strokes = [stroke for sketch in sketches for stroke in sketch.strokes]
    if not strokes:
        return []
    on_paper = np.array([line_length(stroke) for stroke in strokes])
    on_paper = np.maximum(on_paper, max(on_paper.sum() * _DOT, np.finfo(float).tiny))
    jumps = np.array([stroke[0] for stroke in strokes[1:]]) - np.array([stroke[-1] for stroke in strokes[:-1]])
    in_air = np.append(0.0, np.hypot(*jumps.reshape(-1, 2).T) / _AIR_SPEED)
    ends = np.cumsum(in_air + on_paper)
    begins, durations = (ends - on_paper) / ends[-1] * seconds, on_paper / ends[-1] * seconds  # shares: no overflow
    return [Moment(float(begin), float(duration)) for begin, duration in zip(begins, durations, strict=True)]

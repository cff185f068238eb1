"""What a model is asked for: :class:`Request`, and how it samples: :class:`Sampling`."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any

from sketchrnn.errors import ConfigurationError
from sketchrnn.settings import HOW, WHAT, check_settings, setting

if TYPE_CHECKING:
    from sketchrnn.formats import Record
    from sketchrnn.sketch import Sketch

LATENTS = ("auto", "none", "prefix", "prior")
LEAST_TEMPERATURE = 1e-3
"""Logits that are divided by less leave float32's range."""
PENS = ("up", "down", "auto")
LARGEST_SEED = 2**32 - 1
BEST_OF = 4


@dataclass(frozen=True)
class Sampling:
    """How points are sampled.

    Attributes:
        temperature: tau of the paper, for the offsets. The default is our choice by eye.
        pen_temperature: tau for the pen's states. The paper has one tau for both. But the pen may lift, or the drawing
            end, after each of many points, each time with a small probability, which a low tau takes away every time:
            the pen then never lifts (benchmarks/RESULTS.md).
        top_p: Holtzman et al. 2020, arXiv:1904.09751, applied to the mixture's components.
        guidance: distance of the category's embedding from the mean of all categories, in that of training. The effect
            is that of classifier-free guidance (Ho and Salimans 2022, arXiv:2207.12598), without its second pass.
        clarity: how clearly the category shows: 0 as in people's drawings on average, 1 as in the clearest.
        seed: drawing i of a request has seed + i, so that each can be sampled again alone.
        max_points: a drawing that has not ended is cut after so many points.
        latent: source of z for a model with an encoder: "none", the posterior of the "prefix", the "prior", or "auto":
            none if the model was trained for it, else the prefix.
    """

    temperature: float = setting(
        0.4,
        "Variety of the lines: 0 = likeliest point each time, 1 = as varied as the training drawings.",
        minimum=LEAST_TEMPERATURE,
        maximum=10.0,
        also=(0.0,),
        source="arXiv:1704.03477, equation 8",
        panel=HOW,
        common=True,
    )
    pen_temperature: float = setting(
        0.7,
        "The same for the pen: when it lifts and when the drawing ends.",
        minimum=LEAST_TEMPERATURE,
        maximum=10.0,
        also=(0.0,),
        source="benchmarks/RESULTS.md",
        panel=HOW,
    )
    top_p: float = setting(
        1.0,
        "Sample only from the likeliest mixture components with this total weight.",
        above=0.0,
        maximum=1.0,
        source="arXiv:1904.09751",
        panel=HOW,
    )
    guidance: float = setting(
        1.4,
        "Strength of the category: 1 = as trained, more = stronger, 0 = ignored.",
        minimum=0.0,
        maximum=10.0,
        source="benchmarks/RESULTS.md",
        panel=HOW,
    )
    clarity: float = setting(
        1.0,
        "How clearly the category shows: 0 = as people draw on average, 1 = as the clearest drawings.",
        minimum=-5.0,
        maximum=5.0,
        source="benchmarks/RESULTS.md",
        panel=HOW,
    )
    seed: int = setting(
        0,
        "Seed of the first drawing; drawing i has seed + i. The same seed repeats a drawing.",
        minimum=0,
        maximum=LARGEST_SEED,
        panel=HOW,
        common=True,
    )
    max_points: int = setting(
        250,
        "Cut a drawing that has not ended after so many new points.",
        minimum=1,
        maximum=100_000,
        source="Nmax of arXiv:1704.03477",
        panel=HOW,
    )
    latent: str = setting(
        "auto",
        "Source of z for a model with an encoder; auto = none if the model can, else prefix.",
        choices=LATENTS,
        panel=HOW,
    )

    def __post_init__(self) -> None:
        """Check every field.

        Raises:
            ConfigurationError: a value is outside its range.
        """
        check_settings(self)


@dataclass(frozen=True)
class Request:
    """One request to a model: what to draw, and how.

    Attributes:
        prefix: the given strokes, in any unit, y down; None to draw from nothing.
        category: by default the record's word, else the most probable one.
        count: number of drawings.
        best_of: candidates sampled for each drawing, of which the best is kept. A candidate is better that ended by
            itself, stayed on the page and did not scribble in place; among these, the one in which the recognizer sees
            the category most.
        diverse: of all candidates keep those that differ most.
        scale: pixels of a finished drawing with a larger side of 255 in one unit of the prefix; by default estimated.
        pen: whether the pen is "up" or "down" after the last point, or "auto" for the likelier of both; by default as
            the prefix says. The pen of an SVG document is down, unless its last line is closed.
        arrange: let the model see the strokes in the order and direction that it finds likeliest. The strokes
            themselves are not changed.
        continue_from: id of the element of an SVG document whose end the drawing continues from.
        sampling: how points are sampled.
    """

    prefix: Sketch | Record | None = None
    category: str | None = setting(
        None,
        "What to draw, spelled as `sketchrnn info` prints it.",
        type=str,
        panel=WHAT,
        common=True,
        metavar="NAME",
    )
    count: int = setting(
        1, "Number of drawings.", minimum=1, maximum=10_000, panel=WHAT, common=True, flags=("-n", "--count")
    )
    best_of: int = setting(
        BEST_OF,
        "Sample so many candidates for each drawing and keep the best one.",
        minimum=1,
        maximum=1000,
        panel=HOW,
        common=True,
    )
    diverse: bool = setting(False, "Of all good candidates keep those that differ most.", panel=HOW)
    scale: float | None = setting(
        None,
        "Pixels of a finished drawing 255 wide in one unit of the prefix.",
        type=float,
        above=0.0,
        default_text="estimated from the prefix",
        panel=WHAT,
    )
    pen: str | None = setting(
        None,
        "Pen after the last point: up, down, or auto = the likelier of both.",
        choices=PENS,
        default_text="as the file says, else up",
        panel=WHAT,
    )
    arrange: bool = setting(
        True, "Let the model see the strokes in their likeliest order and direction.", panel=HOW,
        flags=("--arrange/--no-arrange",)
    )  # fmt: skip
    continue_from: str | None = setting(
        None, "Continue from the end of this element of an SVG document.", type=str, metavar="ID", panel=WHAT
    )
    sampling: Sampling = field(default_factory=Sampling)

    def __post_init__(self) -> None:
        """Check every field.

        Raises:
            ConfigurationError: a value is outside its range.
        """
        check_settings(self)

    @property
    def record(self) -> Record:
        """The prefix as a record."""
        from sketchrnn.formats import Record
        from sketchrnn.sketch import Sketch

        return self.prefix if isinstance(self.prefix, Record) else Record(self.prefix or Sketch(()))

    @classmethod
    def of(cls, prefix: Sketch | Record | None, category: str | None, settings: dict[str, Any]) -> Request:
        """Make a request from keyword arguments: fields of this class and of :class:`Sampling` in one dict.

        Raises:
            ConfigurationError: a value is outside its range, or there is no such setting.
        """
        return cls(prefix, category).updated(settings)

    def updated(self, settings: dict[str, Any]) -> Request:
        """Return the request with some settings changed, given as for :meth:`of`."""
        own, sampled = ({each.name for each in fields(owner)} for owner in (Request, Sampling))
        unknown = [name for name in settings if name not in own | sampled]
        if unknown:
            raise ConfigurationError(
                f"unknown setting {unknown[0]!r}; expected one of {', '.join(sorted(own | sampled))}"
            )
        changed = {name: value for name, value in settings.items() if name in own}
        sampling = changed.pop("sampling", self.sampling)
        sampling = replace(sampling, **{name: value for name, value in settings.items() if name in sampled})
        return replace(self, sampling=sampling, **changed)

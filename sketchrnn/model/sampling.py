"""The settings of a drawing: :class:`Request` (what to draw) and :class:`Sampling` (how to sample it)."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any

from sketchrnn.errors import ConfigurationError
from sketchrnn.settings import HOW, WHAT, Settings, setting

if TYPE_CHECKING:
    from sketchrnn.formats import Record
    from sketchrnn.sketch import Sketch

LATENTS = ("auto", "none", "prefix", "prior")
LEAST_TEMPERATURE = 1e-3
"""Smaller values above 0 would overflow float32."""
PENS = ("up", "down", "auto")
LARGEST_SEED = 2**32 - 1
BEST_OF = 4


@dataclass(frozen=True)
class Sampling(Settings):
    """How points are sampled."""

    temperature: float = setting(
        0.4,
        "Variety of the lines: 0 = always the likeliest point, 1 = as in the training drawings.",
        minimum=LEAST_TEMPERATURE,
        maximum=10.0,
        also=(0.0,),
        details="It is tau of the paper, for the offsets. The default was chosen by eye.",
        source="arXiv:1704.03477, equation 8",
        panel=HOW,
        common=True,
    )
    pen_temperature: float = setting(
        0.7,
        "Like --temperature, for the pen: when it lifts, and when the drawing ends.",
        minimum=LEAST_TEMPERATURE,
        maximum=10.0,
        also=(0.0,),
        details="The paper has one tau for both. After each point, the probability that the pen lifts is small. A low "
        "tau makes it almost zero, and the pen never lifts.",
        source="benchmarks/RESULTS.md",
        panel=HOW,
    )
    top_p: float = setting(
        1.0,
        "Sample from the most probable mixture components only, up to this total weight.",
        above=0.0,
        maximum=1.0,
        details="Nucleus sampling.",
        source="Holtzman et al. 2020, arXiv:1904.09751",
        panel=HOW,
    )
    guidance: float = setting(
        1.8,
        "Influence of the category: 0 = none, 1 = as in training, higher = stronger.",
        minimum=0.0,
        maximum=10.0,
        details="It multiplies the distance of the category's embedding from the mean embedding. The effect is that of "
        "classifier-free guidance (arXiv:2207.12598), without a second pass.",
        source="benchmarks/RESULTS.md",
        panel=HOW,
    )
    clarity: float = setting(
        1.0,
        "How clearly to show the category: 0 = like an average drawing, 1 = like the clearest.",
        minimum=-5.0,
        maximum=5.0,
        source="benchmarks/RESULTS.md",
        panel=HOW,
    )
    seed: int = setting(
        0,
        "Seed of the first drawing; each further drawing adds 1. A seed repeats its drawing.",
        minimum=0,
        maximum=LARGEST_SEED,
        panel=HOW,
        common=True,
    )
    max_points: int = setting(
        250,
        "Stop a drawing after this number of new points.",
        minimum=1,
        maximum=100_000,
        source="Nmax of arXiv:1704.03477",
        panel=HOW,
    )
    latent: str = setting(
        "auto",
        "Source of z, if the model has an encoder; auto = no z if possible, else the prefix.",
        choices=LATENTS,
        details="prefix: the posterior of the prefix; prior: N(0, 1).",
        panel=HOW,
    )


@dataclass(frozen=True)
class Request(Settings):
    """One request to a model: what to draw, and how.

    ``prefix`` has the given strokes, in any unit, y down; None draws from nothing. ``sampling`` says how points are
    sampled.
    """

    prefix: Sketch | Record | None = None
    category: str | None = setting(
        None,
        "What to draw, spelled as `sketchrnn info` prints it.",
        type=str,
        details="By default the word of the record, else the most probable category.",
        panel=WHAT,
        common=True,
        metavar="NAME",
    )
    count: int = setting(
        1, "Number of drawings.", minimum=1, maximum=10_000, panel=WHAT, common=True, flags=("-n", "--count")
    )
    best_of: int = setting(
        BEST_OF,
        "Sample up to this number of candidates for each drawing and keep the best one.",
        minimum=1,
        maximum=1000,
        details="A candidate is better if it ended by itself, stayed on the page and did not scribble in place. Among "
        "these, the recognizer chooses the one that shows the category most clearly. After a candidate without these "
        "flaws that shows the category with a probability of 80 %, no other one is sampled.",
        panel=HOW,
        common=True,
    )
    diverse: bool = setting(False, "Keep candidates without flaws that differ most from each other.", panel=HOW)
    scale: float | None = setting(
        None,
        "Pixels in one unit of the prefix, if the finished drawing is 255 pixels large.",
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
        details="In an SVG document the pen is down, unless the last line is closed.",
        panel=WHAT,
    )
    arrange: bool = setting(
        True,
        "Put the strokes into their most probable order and direction for the model.",
        details="The strokes in the result do not change.",
        panel=HOW,
        flags=("--arrange/--no-arrange",),
    )
    continue_from: str | None = setting(
        None, "Continue from the end of the SVG element with this id.", type=str, metavar="ID", panel=WHAT
    )
    sampling: Sampling = field(default_factory=Sampling)

    @property
    def tries(self) -> tuple[tuple[int, int], ...]:
        """Seed and candidate number of each candidate; drawing i has the seed of the sampling + i."""
        seeds = range(self.sampling.seed, self.sampling.seed + self.count)
        return tuple((seed, candidate) for seed in seeds for candidate in range(self.best_of))

    @property
    def groups(self) -> list[range]:
        """Indices of the tries of each drawing; one group of all if ``diverse`` chooses among them."""
        if self.diverse:
            return [range(self.count * self.best_of)]
        return [range(first, first + self.best_of) for first in range(0, self.count * self.best_of, self.best_of)]

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
            ConfigurationError: a value is outside its range, or a name is unknown.
        """
        return cls(prefix, category).updated(settings)

    def updated(self, settings: dict[str, Any]) -> Request:
        """Return the request with some settings changed; see :meth:`of`."""
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

"""How a model is sampled."""

from dataclasses import dataclass

from sketchrnn.errors import ConfigurationError

LATENTS = ("auto", "none", "prefix", "prior")
LEAST_TEMPERATURE = 1e-3
"""Below, logits that are divided by it leave float32's range."""
LARGEST_GUIDANCE = 10.0
PENS = ("up", "down", "auto")
LARGEST_SEED = 2**32 - 1


@dataclass(frozen=True)
class SamplingConfiguration:
    """Settings of one drawing session.

    Attributes:
        temperature: tau of the paper, for the offsets: 0 takes the likeliest each time, low is careful, 1 is as varied
            as the training drawings. The default is our choice by eye.
        max_points: points after which a drawing that has not ended is cut.
        seed: drawing i of a session is drawn with seed + i, so that each can be had again alone.
        latent: where z comes from, for a model that has one: "none", from the posterior of the "prefix", from the
            "prior", or "auto": none if the model can, else the prefix.
        pen_temperature: tau for the pen's states. The paper has one tau for both; but that the pen lifts, or that the
            drawing ends, may happen after each of many points, each time with a small probability, which a low tau
            takes away every time: the pen then never lifts, and goes round in one place (benchmarks/RESULTS.md).
            A little below 1 the strokes end where they are to.
        top_p: only the likeliest components of the mixture that together have this weight are drawn from (Holtzman et
            al. 2020, arXiv:1904.09751).
        guidance: how far the category that the decoder is told lies from the mean of all: 1 as in training; beyond, it
            shows more clearly, as by classifier-free guidance (Ho and Salimans 2022, arXiv:2207.12598), but at no
            cost: it is the embedding that goes further, not the output. benchmarks/RESULTS.md says what it is worth.
    """

    temperature: float = 0.4
    max_points: int = 250
    seed: int = 0
    latent: str = "auto"
    pen_temperature: float = 0.7
    top_p: float = 1.0
    guidance: float = 1.4

    def __post_init__(self) -> None:
        """Check every field.

        Raises:
            ConfigurationError: a field is outside its range.
        """
        for name in ("temperature", "pen_temperature"):
            value = getattr(self, name)
            if value != 0.0 and not LEAST_TEMPERATURE <= value <= 10.0:
                raise ConfigurationError(f"{name}: expected 0, or from {LEAST_TEMPERATURE} to 10, found {value}")
        if not 0.0 < self.top_p <= 1.0:
            raise ConfigurationError(f"top_p: expected a share above 0 and up to 1, found {self.top_p}")
        if not 0.0 <= self.guidance <= LARGEST_GUIDANCE:
            raise ConfigurationError(f"guidance: expected 0 to {LARGEST_GUIDANCE:g}, found {self.guidance}")
        if self.max_points < 1:
            raise ConfigurationError(f"max_points: expected a positive whole number, found {self.max_points}")
        if not 0 <= self.seed <= LARGEST_SEED:
            raise ConfigurationError(f"seed: expected a whole number from 0 to {LARGEST_SEED}, found {self.seed}")
        if self.latent not in LATENTS:
            raise ConfigurationError(f"latent: expected one of {', '.join(LATENTS)}, found {self.latent!r}")

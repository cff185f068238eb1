"""How a model is sampled."""

from dataclasses import dataclass

from sketchrnn.errors import ConfigurationError

LATENTS = ("auto", "none", "prefix", "prior")
LARGEST_SEED = 2**32 - 1


@dataclass(frozen=True)
class SamplingConfiguration:
    """Settings of one drawing session.

    Attributes:
        temperature: tau of the paper, above 0: low is careful, 1 is as varied as the training drawings. The default
            is our choice by eye.
        max_points: points after which a drawing that has not ended is cut.
        seed: drawing i of a session is drawn with seed + i, so that each can be had again alone.
        latent: where z comes from, for a model that has one: "none", from the posterior of the "prefix", from the
            "prior", or "auto": none if the model can, else the prefix.
    """

    temperature: float = 0.5
    max_points: int = 250
    seed: int = 0
    latent: str = "auto"

    def __post_init__(self) -> None:
        """Check every field.

        Raises:
            ConfigurationError: a field is outside its range.
        """
        if not 0.0 < self.temperature <= 10.0:
            raise ConfigurationError(f"temperature: expected a number above 0 and up to 10, found {self.temperature}")
        if self.max_points < 1:
            raise ConfigurationError(f"max_points: expected a positive whole number, found {self.max_points}")
        if not 0 <= self.seed <= LARGEST_SEED:
            raise ConfigurationError(f"seed: expected a whole number from 0 to {LARGEST_SEED}, found {self.seed}")
        if self.latent not in LATENTS:
            raise ConfigurationError(f"latent: expected one of {', '.join(LATENTS)}, found {self.latent!r}")

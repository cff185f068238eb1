"""Settings of training, and the values that follow from them at each step."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from sketchrnn.errors import ConfigurationError

LEARNING_RATE_SCHEDULES = ("cosine", "exponential")
CLIPPINGS = ("norm", "value")


@dataclass(frozen=True)
class Dropouts:
    """Probabilities of dropping a number during training.

    Attributes:
        output: a decoder unit before the output layer.
        weight: a recurrent weight of encoder and decoder.
        recurrent: a cell input of encoder and decoder.
        input: a number of the decoder's input.
        category: a number of the category embedding that the decoder is conditioned on.
    """

    output: float = 0.0
    weight: float = 0.0
    recurrent: float = 0.0
    input: float = 0.0
    category: float = 0.0


NO_DROPOUT = Dropouts()


@dataclass(frozen=True)
class TrainingConfiguration:
    """One run's settings. Defaults are Magenta's published code unless said otherwise.

    Attributes:
        max_steps: optimizer steps of the whole run; the cosine schedule ends there.
        batch_size: drawings in a step.
        learning_rate: at the start (exponential) or after the warm-up (cosine). It is ten times Magenta's: of all
            settings this improves the result after a number of steps most (benchmarks/RESULTS.md).
        min_learning_rate: the learning rate at the end of the schedule.
        learning_rate_schedule: "cosine" (Loshchilov and Hutter 2017, arXiv:1608.03983) or "exponential" (Magenta's).
        learning_rate_decay: factor per step of the exponential schedule.
        warmup_steps: steps over which the learning rate rises from 0.
        weight_decay: decoupled, per step and learning rate (AdamW, arXiv:1711.05101); 0 is plain Adam.
        clipping: gradients are clipped by their global "norm" (Pascanu et al. 2013, arXiv:1211.5063) or by "value", as
            in Magenta's code.
        clip: the largest norm or value.
        averaged_share: the model that is evaluated and kept has the running average of the weights over about this
            share of the steps so far (Karras et al. 2024, arXiv:2312.02696, use the same proportion); 0 takes the last
            weights, as Magenta does.
        dropout: probability of dropping a decoder unit before the output layer.
        weight_dropout: probability of dropping a recurrent weight, the same weights for all rows of a batch (Merity et
            al. 2018, arXiv:1708.02182). Unlike dropping units it keeps the fused recurrence.
        recurrent_dropout: probability of dropping a cell input in encoder and decoder (Semeniuta et al. 2016,
            arXiv:1603.05118). Magenta's is 0.1. The recurrence is then not fused, which is slower.
        input_dropout: probability of dropping a number of the decoder's input at a step.
        category_dropout: probability of dropping a number of a drawing's category embedding, the same numbers at all
            its steps, so that rare categories share what the others learn (Srivastava et al. 2014, JMLR 15).
        kl_weight: final weight of the KL term.
        kl_weight_start: its weight at the first step.
        kl_decay: factor per step of the distance between the two.
        kl_floor: a KL below this does not lower the loss, in nats per latent dimension.
        free_bits: the floor applies to each latent dimension (Kingma et al. 2016, arXiv:1606.04934), not to their mean
            as in Magenta's code.
        augment_scale: each axis of a drawing is scaled by up to this share.
        augment_rotation: a drawing is rotated by up to this angle, in degrees.
        augment_shear: a drawing is sheared by up to this share of its height.
        augment_drop: probability of dropping a point inside a stroke.
        augment_mirror: probability of mirroring a drawing, left to right.
        clarity_dropout: share of the drawings of a batch that are trained without the rating of their clarity, so that
            the model also learns what drawings are like on average.
        most_of_a_category: drawings of one category in an epoch, at most; other ones in each epoch. 0 = all.
        pen_over_padding: the pen's loss counts every row up to Nmax, as in Magenta's code, not only up to the end.
        seed: of the weights, the order of drawings, the augmentation and the noise.
        precision: "float32", or "bfloat16" for autocast where it is safe.
        compile_cells: compile the step of layer-norm and hyper cells (torch.compile), so that a GPU launches far fewer
            kernels; it needs Triton, on a CPU a C++ compiler.
        evaluate_every: steps between two evaluations on the whole validation split.
        checkpoint_every: steps between two checkpoints of the last state.
        patience: the run ends after this number of evaluations in a row without a better model; 0 never ends it early.
    """

    max_steps: int = 10_000
    batch_size: int = 100
    learning_rate: float = 1e-2
    min_learning_rate: float = 1e-5
    learning_rate_schedule: str = "cosine"
    learning_rate_decay: float = 0.9999
    warmup_steps: int = 100
    weight_decay: float = 0.0
    clipping: str = "norm"
    clip: float = 0.25
    averaged_share: float = 0.05
    dropout: float = 0.0
    weight_dropout: float = 0.0
    recurrent_dropout: float = 0.0
    input_dropout: float = 0.0
    category_dropout: float = 0.0
    kl_weight: float = 0.5
    kl_weight_start: float = 0.01
    kl_decay: float = 0.99995
    kl_floor: float = 0.2
    free_bits: bool = False
    augment_scale: float = 0.15
    augment_rotation: float = 0.0
    augment_shear: float = 0.0
    augment_drop: float = 0.10
    augment_mirror: float = 0.0
    clarity_dropout: float = 0.5
    most_of_a_category: int = 0
    pen_over_padding: bool = False
    seed: int = 0
    precision: str = "float32"
    compile_cells: bool = False
    evaluate_every: int = 500
    checkpoint_every: int = 100
    patience: int = 0

    def __post_init__(self) -> None:
        """Check every field.

        Raises:
            ConfigurationError: a field is outside its range.
        """
        for name in ("max_steps", "batch_size", "evaluate_every", "checkpoint_every"):
            self._demand_number(name, int, lambda value: value >= 1, "a positive whole number")
        for name in ("learning_rate", "clip"):
            self._demand_number(name, int | float, lambda value: value > 0, "a positive number")
        for name in (
            "min_learning_rate",
            "weight_decay",
            "kl_weight",
            "kl_weight_start",
            "kl_floor",
            "augment_rotation",
        ):
            self._demand_number(name, int | float, lambda value: value >= 0, "a number of at least 0")
        for name in ("learning_rate_decay", "kl_decay"):
            self._demand_number(name, int | float, lambda value: 0 < value <= 1, "a factor above 0 and up to 1")
        for name in (
            *("averaged_share", "augment_scale", "augment_shear", "augment_drop", "augment_mirror"),
            *("dropout", "weight_dropout", "recurrent_dropout", "input_dropout", "category_dropout"),
            "clarity_dropout",
        ):
            self._demand_number(name, int | float, lambda value: 0 <= value < 1, "a share of at least 0 and below 1")
        self._demand("compile_cells", isinstance(self.compile_cells, bool), "true or false")
        for name in ("seed", "warmup_steps", "patience", "most_of_a_category"):
            self._demand_number(name, int, lambda value: value >= 0, "a whole number of at least 0")
        for name, choices in (
            ("learning_rate_schedule", LEARNING_RATE_SCHEDULES),
            ("clipping", CLIPPINGS),
            ("precision", ("float32", "bfloat16")),
        ):
            self._demand(name, getattr(self, name) in choices, f"one of {', '.join(choices)}")

    def _demand_number(self, name: str, kind: Any, holds: Callable[[Any], bool], expected: str) -> None:
        value = getattr(self, name)
        self._demand(name, isinstance(value, kind) and holds(value), expected)

    def _demand(self, name: str, holds: bool, expected: str) -> None:
        if not holds:
            raise ConfigurationError(f"{name}: expected {expected}, found {getattr(self, name)!r}")

    def to_json(self) -> dict[str, Any]:
        """Return the fields as JSON values."""
        return asdict(self)

    @property
    def dropouts(self) -> Dropouts:
        """All probabilities of dropout together."""
        return Dropouts(
            self.dropout, self.weight_dropout, self.recurrent_dropout, self.input_dropout, self.category_dropout
        )


def learning_rate(step: int, configuration: TrainingConfiguration) -> float:
    """Return the learning rate of a step, counted from 0.

    >>> learning_rate(99, TrainingConfiguration())
    0.01
    """
    highest, lowest = configuration.learning_rate, configuration.min_learning_rate
    if step < configuration.warmup_steps:
        return highest * (step + 1) / configuration.warmup_steps
    if configuration.learning_rate_schedule == "exponential":
        return (highest - lowest) * configuration.learning_rate_decay**step + lowest
    span = max(1, configuration.max_steps - configuration.warmup_steps)
    progress = min(1.0, (step - configuration.warmup_steps) / span)
    return lowest + (highest - lowest) * 0.5 * (1.0 + math.cos(math.pi * progress))


def kl_weight(step: int, configuration: TrainingConfiguration) -> float:
    """Return the weight of the KL term at a step, counted from 0.

    >>> round(kl_weight(0, TrainingConfiguration()), 6)
    0.01
    """
    rise = configuration.kl_weight - configuration.kl_weight_start
    return configuration.kl_weight - rise * configuration.kl_decay**step

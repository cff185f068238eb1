"""Settings of training, and the schedules that they define."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

from sketchrnn.settings import MACHINE, TRAINING, Settings, setting

LEARNING_RATE_SCHEDULES = ("cosine", "exponential")
CLIPPINGS = ("norm", "value")
LARGEST_SEED = 2**32 - 1
MAGENTA = "Magenta's published code"


def _share(default: float, help: str, **description: Any) -> Any:
    return setting(default, help, minimum=0.0, below=1.0, panel=TRAINING, **description)


def _rate(default: float, help: str, **description: Any) -> Any:
    return setting(default, help, minimum=0.0, panel=TRAINING, **description)


def _count(default: int | None, help: str, minimum: int = 0, **description: Any) -> Any:
    return setting(default, help, **{"minimum": minimum, "panel": TRAINING, **description})


def _decay(default: float, help: str) -> Any:
    return setting(default, help, above=0.0, maximum=1.0, source=MAGENTA, panel=TRAINING)


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
class TrainingConfiguration(Settings):
    """Settings of a training run. Defaults are those of Magenta's code, except where the source is a benchmark."""

    max_steps: int = _count(
        10_000, "Steps of the whole run.", 1, details="The cosine schedule ends there.", common=True
    )
    batch_size: int = _count(100, "Drawings in a step.", 1, source=MAGENTA, common=True)
    learning_rate: float = setting(
        1e-2,
        "Highest learning rate.",
        above=0.0,
        details="It is ten times that of Magenta. No other setting improves the result of a short run as much.",
        source="benchmarks/RESULTS.md",
        panel=TRAINING,
    )
    min_learning_rate: float = _rate(1e-5, "Learning rate at the end of the schedule.", source=MAGENTA)
    learning_rate_schedule: str = setting(
        "cosine",
        "How the learning rate falls.",
        choices=LEARNING_RATE_SCHEDULES,
        source="cosine: Loshchilov and Hutter 2017, arXiv:1608.03983; exponential: Magenta's published code",
        panel=TRAINING,
    )
    learning_rate_decay: float = _decay(0.9999, "Factor per step of the exponential schedule.")
    warmup_steps: int = _count(100, "Steps in which the learning rate rises from 0.")
    weight_decay: float = _rate(
        0.0, "Decoupled weight decay; 0 = plain Adam.", source="AdamW, Loshchilov and Hutter 2019, arXiv:1711.05101"
    )
    clipping: str = setting(
        "norm",
        "Clip gradients by their global norm or by value.",
        choices=CLIPPINGS,
        source="norm: Pascanu et al. 2013, arXiv:1211.5063; value: Magenta's published code",
        panel=TRAINING,
    )
    clip: float = setting(
        0.25,
        "Largest norm or value of the gradients.",
        above=0.0,
        also=(math.inf,),
        source="benchmarks/RESULTS.md",
        panel=TRAINING,
    )
    averaged_share: float = _share(
        0.05,
        "Average the weights over this share of the steps so far; 0 = last weights.",
        details="The averaged model is evaluated and saved. Magenta uses the last weights.",
        source="Karras et al. 2024, arXiv:2312.02696",
    )
    dropout: float = _share(0.0, "Probability of dropping a decoder unit before the output layer.", source=MAGENTA)
    weight_dropout: float = _share(
        0.0,
        "Probability of dropping a recurrent weight, the same weights for the whole batch.",
        details="It keeps the fused recurrence, which is faster.",
        source="Merity et al. 2018, arXiv:1708.02182",
    )
    recurrent_dropout: float = _share(
        0.0,
        "Probability of dropping a cell input in encoder and decoder.",
        details="Magenta uses 0.1. The recurrence is then not fused, which is slower.",
        source="Semeniuta et al. 2016, arXiv:1603.05118",
    )
    input_dropout: float = _share(0.0, "Probability of dropping an input of the decoder at a step.", source=MAGENTA)
    category_dropout: float = _share(
        0.0,
        "Probability of dropping a number of the category embedding, for a whole drawing.",
        details="Categories with few drawings then share more with the others.",
        source="Srivastava et al. 2014, JMLR 15",
    )
    clarity_dropout: float = _share(
        0.5,
        "Share of drawings in a batch that are trained without their clarity rating.",
        details="The model then also learns what drawings are like on average.",
    )
    kl_weight: float = _rate(0.5, "Final weight of the KL term.", source=MAGENTA)
    kl_weight_start: float = _rate(0.01, "Weight of the KL term at the first step.", source=MAGENTA)
    kl_decay: float = _decay(0.99995, "Factor per step of the distance to the final KL weight.")
    kl_floor: float = _rate(
        0.2,
        "A KL below this value does not lower the loss.",
        unit="nats per latent dimension",
        source=MAGENTA,
    )
    free_bits: bool = setting(
        False,
        "Apply kl_floor to each latent dimension, not to their mean.",
        source="Kingma et al. 2016, arXiv:1606.04934",
        panel=TRAINING,
    )
    augment_scale: float = _share(0.15, "Scale each axis of a drawing by up to this share.", source=MAGENTA)
    augment_rotation: float = _rate(0.0, "Rotate a drawing by up to this angle, in degrees.", unit="degrees")
    augment_shear: float = _share(0.0, "Shear a drawing by up to this share of its height.")
    augment_drop: float = _share(0.10, "Probability of dropping a point inside a stroke.", source=MAGENTA)
    augment_mirror: float = _share(0.0, "Probability of mirroring a drawing, left to right.")
    most_of_a_category: int = _count(
        0, "Use at most this number of drawings per category in an epoch; 0 = all.",
        details="Each epoch uses other drawings.",
    )  # fmt: skip
    pen_over_padding: bool = setting(
        False,
        "Let the pen's loss count the padding after the end of a drawing, too.",
        details="Magenta's code does so.",
        panel=TRAINING,
    )
    seed: int = _count(
        0, "Seed of all random numbers; the same seed repeats the result.", maximum=LARGEST_SEED, panel=MACHINE
    )
    precision: str = setting(
        "float32",
        "Number format of matrix products; bfloat16 is faster where the processor supports it.",
        choices=("float32", "bfloat16"),
        panel=MACHINE,
    )
    compile_cells: bool = setting(
        False,
        "Compile the steps of layer_norm and hyper cells, which is faster on a GPU.",
        details="It uses torch.compile, which needs Triton on a GPU and a C++ compiler on a CPU.",
        panel=MACHINE,
    )
    evaluate_every: int = _count(500, "Steps between two evaluations on the validation drawings.", 1)
    checkpoint_every: int = _count(100, "Steps between two checkpoints of the last state.", 1)
    patience: int = _count(0, "Stop after this number of evaluations without a better model; 0 = never.")

    def to_json(self) -> dict[str, Any]:
        """Return the fields as JSON values."""
        return asdict(self)

    @property
    def dropouts(self) -> Dropouts:
        """All probabilities of dropout."""
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


@dataclass(frozen=True)
class RecognizerTraining(Settings):
    """Settings of the training of a recognizer."""

    steps: int | None = _count(
        None, "Steps of training.", 1, type=int, default_text="20 epochs, 200 to 10,000 steps", common=True
    )
    batch_size: int = _count(256, "Drawings in a step.", 1)
    learning_rate: float = setting(
        4e-3,
        "Highest rate of the one-cycle schedule.",
        above=0.0,
        source="Smith and Topin 2019, arXiv:1708.07120",
        panel=TRAINING,
    )
    weight_decay: float = _rate(0.05, "Decoupled weight decay of AdamW.", source="arXiv:1711.05101")
    label_smoothing: float = _share(
        0.1, "Share of the target that is spread over all categories.", source="Szegedy et al. 2016, arXiv:1512.00567"
    )
    dropout: float = _share(0.3, "Probability of dropping a unit before the output layer.")
    whole_share: float = setting(
        0.15,
        "Share of drawings that are seen whole.",
        minimum=0.0,
        maximum=1.0,
        details="Of each other drawing, the first 5 to 100 % of the points are seen.",
        panel=TRAINING,
    )
    shuffled_share: float = setting(
        0.25,
        "Share of the partial drawings whose strokes are shuffled.",
        minimum=0.0,
        maximum=1.0,
        panel=TRAINING,
    )
    reversed_share: float = setting(
        0.25,
        "Share of the partial drawings of which half of the strokes are drawn from their end.",
        minimum=0.0,
        maximum=1.0,
        panel=TRAINING,
    )
    averaged_share: float = _share(0.05, "Average the weights over this share of the steps; 0 = last weights.")
    seed: int = _count(
        0, "Seed of all random numbers; the same seed repeats the result.", maximum=LARGEST_SEED, panel=MACHINE
    )

"""What changes with the step: pure functions of it and the configuration."""

import math

from sketchrnn.training.configuration import TrainingConfiguration


def learning_rate(step: int, configuration: TrainingConfiguration) -> float:
    """Return the learning rate of a step, counted from 0.

    >>> learning_rate(99, TrainingConfiguration())
    0.01
    """
    top, bottom = configuration.learning_rate, configuration.min_learning_rate
    if step < configuration.warmup_steps:
        return top * (step + 1) / configuration.warmup_steps
    if configuration.learning_rate_schedule == "exponential":
        return (top - bottom) * configuration.learning_rate_decay**step + bottom
    span = max(1, configuration.max_steps - configuration.warmup_steps)
    progress = min(1.0, (step - configuration.warmup_steps) / span)
    return bottom + (top - bottom) * 0.5 * (1.0 + math.cos(math.pi * progress))


def kl_weight(step: int, configuration: TrainingConfiguration) -> float:
    """Return the weight of the KL term at a step, counted from 0.

    >>> round(kl_weight(0, TrainingConfiguration()), 6)
    0.01
    """
    rise = configuration.kl_weight - configuration.kl_weight_start
    return configuration.kl_weight - rise * configuration.kl_decay**step

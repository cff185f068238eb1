"""The batches of a run, in the order of its steps."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray

from sketchrnn.training.augmentation import Augmentation
from sketchrnn.training.batches import Batch, Collator, epoch_batches
from sketchrnn.training.configuration import TrainingConfiguration
from sketchrnn.training.distributed import ALONE, Workers


def batch_stream(
    lengths: NDArray[np.int32],
    collator: Collator,
    training: TrainingConfiguration,
    first_step: int,
    max_length: int,
    workers: Workers = ALONE,
) -> Iterator[Batch]:
    """Yield the batches of the steps from ``first_step`` on, without end; of each this process's part.

    The drawings of a batch are in the order of their depth in the store's files. So the part of the first process lies
    at the beginning of each file, and that of the last one at its end, and each reads little of what the others read.

    Each is made when it is asked for, which takes less than 1 % of a step: a second thread that did it at the same time
    would slow the processor's own threads by more, and a GPU goes on meanwhile.

    Args:
        lengths: rows of each of the collator's drawings.
        collator: makes them.
        training: size, augmentation and seed.
        first_step: counted from 0.
        max_length: Nmax, to which batches are padded where the pen counts over the padding.
        workers: the processes, which share every batch.
    """
    amounts = Augmentation(
        training.augment_scale, training.augment_rotation, training.augment_shear, training.augment_drop
    )

    def make(step: int, index: NDArray[np.int64]) -> Batch:
        generator = torch.Generator(collator.device).manual_seed(derived_seed(training.seed, 1, step))
        return collator.collate(
            collator.in_order_of_depth(index),
            part=workers.part_of(len(index)),
            generator=generator,
            augmentation=amounts,
            pad_to=max_length if training.pen_over_padding else 0,
        )

    def numbered() -> Iterator[tuple[int, NDArray[np.int64]]]:
        step = epoch = 0
        while True:
            for index in epoch_batches(lengths, training.batch_size, np.random.default_rng([training.seed, 0, epoch])):
                if step >= first_step:
                    yield step, index
                step += 1
            epoch += 1

    return (make(step, index) for step, index in numbered())


def derived_seed(*numbers: int) -> int:
    """Return a seed of its own for these numbers, which a torch generator takes."""
    return int(np.random.SeedSequence(numbers).generate_state(1, np.uint64)[0] >> 1)

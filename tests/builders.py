"""Tiny networks and drawings for tests."""

from typing import Any

import numpy as np
import torch

from sketchrnn.dataset.drawings import SPLITS, Drawings
from sketchrnn.model.checkpoint import Checkpoint
from sketchrnn.model.completion import Job, after_prefixes, conditionings_for, sample_jobs
from sketchrnn.model.configuration import ModelConfiguration
from sketchrnn.model.drawing import Drawing
from sketchrnn.model.network import NumpyNetwork
from sketchrnn.model.prefix import EncodedPrefix, PrefixSettings, encode_prefix
from sketchrnn.model.sampling import Request, Sampling
from sketchrnn.sketch import Sketch
from sketchrnn.training.network.sketch_rnn import SketchRNN

CATEGORIES = ("pig", "alarm clock", "The Eiffel Tower")

FUSED: dict[str, dict[str, Any]] = {
    "vae": {"latent_dropout": 0.0},
    "vae with tanh of z": {"latent_dropout": 0.0, "latent_tanh": True},
    "vae without z sometimes": {"latent_dropout": 0.5},
    "vae with categories": {"latent_dropout": 0.5, "categories": CATEGORIES},
    "decoder only": {"variational": False},
    "decoder only with categories": {"variational": False, "categories": CATEGORIES},
    "vae with pen positions": {"latent_dropout": 0.5, "categories": CATEGORIES, "position_inputs": True},
    "vae with clarity": {"latent_dropout": 0.5, "categories": CATEGORIES, "clarity": True},
}
"""Networks whose recurrences are torch's LSTM."""

CONFIGURATIONS = FUSED | {
    "layer-norm vae": {"latent_dropout": 0.5, "encoder_cell": "layer_norm", "decoder_cell": "layer_norm"},
    "hyper vae with categories": {"categories": CATEGORIES, "encoder_cell": "hyper", "decoder_cell": "hyper"},
    "hyper decoder only": {"variational": False, "decoder_cell": "hyper"},
}


def small_model(**changes) -> ModelConfiguration:
    sizes = {"encoder_units": 8, "decoder_units": 12, "latent_units": 4, "mixtures": 3, "category_units": 5}
    sizes |= {"hyper_units": 7, "hyper_embedding_units": 3}
    return ModelConfiguration(**{**sizes, **changes})


def network_of(configuration: ModelConfiguration, seed: int = 0, spread: float = 0.3) -> SketchRNN:
    """A network none of whose weights is near zero, so that every one shows in its output."""
    torch.manual_seed(seed)
    network = SketchRNN(configuration).eval()
    with torch.no_grad():
        for parameter in network.parameters():
            if parameter.requires_grad:
                parameter.add_(spread * torch.randn(parameter.shape))
    return network


def checkpoint_of(network: SketchRNN, **fields) -> Checkpoint:
    return Checkpoint(network.configuration, network.weights(), **{"offset_scale": 26.5, **fields})


def seen_by(network: NumpyNetwork, sketch: Sketch, category: int | None = None, **settings) -> EncodedPrefix:
    """A prefix as a model sees it."""
    return encode_prefix(network, sketch, PrefixSettings(category, **settings))


def sampled(
    network: NumpyNetwork,
    prefix: EncodedPrefix,
    category: str | None,
    count: int,
    sampling: Sampling,
    candidates: int = 1,
    conditionings: np.ndarray | None = None,
) -> list[Drawing]:
    """All candidates of some drawings."""
    request = Request(category=category, count=count, best_of=candidates, sampling=sampling)
    if conditionings is None:
        conditionings = conditionings_for(network, prefix, category, request.tries, sampling)
    jobs = [Job(prefix, category, request, conditionings)]
    wanted = [(0, number) for number in range(len(request.tries))]
    return sample_jobs(network, jobs, after_prefixes(network, jobs), wanted)


def random_rows(generator: np.random.Generator, length: int) -> np.ndarray:
    """Stroke-3 rows of a drawing that ends with a lift."""
    rows = np.column_stack([generator.normal(0, 20, (length, 2)).round(), generator.random(length) < 0.25])
    rows[0, :2] += 0.5  # so that something moves
    rows[-1, 2] = 1.0
    return rows


def drawings_of(rows, categories=("pig",), category=None, split=None, unit="box") -> Drawings:
    """Put stroke-3 arrays into a data set; all of them train unless told."""
    lengths = [len(array) for array in rows]
    stacked = np.concatenate([np.asarray(array, dtype=np.float64).reshape(-1, 3) for array in rows])
    return Drawings.in_memory(
        offsets=stacked[:, :2].astype(np.float32),
        lifts=stacked[:, 2] > 0.5,
        starts=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        category=np.asarray(category if category is not None else np.zeros(len(rows)), dtype=np.int64),
        split=np.asarray(split if split is not None else np.zeros(len(rows)), dtype=np.int64),
        categories=tuple(categories),
        unit=unit,
    )


def random_drawings(count: int, seed: int = 0, longest: int = 12, categories=("pig",)) -> Drawings:
    """Drawings of 2 to ``longest`` rows; every fourth one validates, the others train."""
    generator = np.random.default_rng(seed)
    rows = [random_rows(generator, int(length)) for length in generator.integers(2, longest + 1, count)]
    split = [SPLITS.index("valid" if place % 4 == 3 else "train") for place in range(count)]
    return drawings_of(rows, categories, generator.integers(0, len(categories), count), split)


def rows_of_drawing(drawings: Drawings, place: int) -> np.ndarray:
    """Stroke-3 rows (L, 3) of one drawing, cut out the plain way."""
    ends = np.cumsum([len(block) for block in drawings.blocks])
    number = int(drawings.index[place])
    which = int((ends <= number).sum())
    block, number = drawings.blocks[which], number - int(ends[which - 1] if which else 0)
    rows = slice(int(block.starts[number]), int(block.starts[number + 1]))
    offsets = block.offsets[rows] * block.scale(drawings.unit)[number]
    return np.column_stack([offsets, block.lifts[rows]]).astype(np.float64)


def random_stroke5(lengths, seed: int = 0, padding: int = 0) -> torch.Tensor:
    """START, rows, END and padding, (B, max length + 2 + padding, 5), offsets about 1."""
    generator = np.random.default_rng(seed)
    stroke5 = np.zeros((len(lengths), max(lengths) + 2 + padding, 5), np.float32)
    stroke5[:, 0, 2] = 1.0
    for place, length in enumerate(lengths):
        lifts = generator.random(length) < 0.3
        stroke5[place, 1 : length + 1, :2] = generator.normal(0, 1, (length, 2))
        stroke5[place, 1 : length + 1, 2] = ~lifts
        stroke5[place, 1 : length + 1, 3] = lifts
        stroke5[place, length + 1 :, 4] = 1.0
    return torch.from_numpy(stroke5)

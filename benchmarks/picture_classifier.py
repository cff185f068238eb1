"""A classifier of pictures that judges what a model draws. It is not part of the product and not its recognizer.

    python benchmarks/picture_classifier.py STORE --output out/classifier.pt

It differs from the recognizer in size, layers, data and training: pictures of 32 x 32 pixels with blurred lines,
max pooling, whole drawings only, no averaging and no label smoothing. It sees pictures, so the order and direction of
strokes do not count.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from sketchrnn.dataset.drawings import Drawings
from sketchrnn.dataset.load import load
from sketchrnn.sketch import Sketch
from sketchrnn.sketch.conversions import pictures
from sketchrnn.training.batches import few_of_each
from sketchrnn.training.distributed import choose_precision

SIZE = 32
FEATURES = 128
MOST_OF_A_CATEGORY = 800


class Classifier(nn.Module):
    """Three pairs of convolutions with max pooling, 128 features, and a linear layer."""

    def __init__(self, categories: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        inputs = 1
        for channels in (24, 48, 96):
            for _ in range(2):
                layers += [nn.Conv2d(inputs, channels, 3, padding=1), nn.BatchNorm2d(channels), nn.ELU()]
                inputs = channels
            layers += [nn.MaxPool2d(2)]
        self.convolutions = nn.Sequential(*layers, nn.Flatten(), nn.Dropout(0.4))
        self.features = nn.Sequential(nn.Linear(96 * (SIZE // 8) ** 2, FEATURES), nn.Tanh())
        self.output = nn.Linear(FEATURES, categories)

    def forward(self, picture: Tensor) -> tuple[Tensor, Tensor]:
        """Return features (B, FEATURES) and logits (B, categories) of pictures (B, SIZE, SIZE)."""
        blurred = nn.functional.avg_pool2d(picture[:, None], 3, stride=1, padding=1)
        features = self.features(self.convolutions(2.0 * blurred))
        return features, self.output(features)


def pictures_of(sketches: Sequence[Sketch]) -> Tensor:
    """Return the pictures of sketches, (B, SIZE, SIZE)."""
    return torch.from_numpy(pictures([sketch.strokes for sketch in sketches], SIZE))


def all_pictures(drawings: Drawings) -> NDArray[np.uint8]:
    """Return the pictures of all drawings, (drawings, SIZE, SIZE), 0 to 255."""
    parts = []
    for begin in range(0, len(drawings), 1000):
        sketches = [
            Sketch.from_stroke3(drawings.stroke3(index)) for index in range(begin, min(begin + 1000, len(drawings)))
        ]
        parts.append((255 * pictures_of(sketches)).round().to(torch.uint8).numpy())
    return np.concatenate(parts)


def changed(picture: Tensor) -> Tensor:
    """Turn, stretch, shift and mirror each picture by a random amount."""
    count = len(picture)
    angle, slant = torch.randn(2, count) * 0.1
    stretch = torch.exp(0.1 * torch.randn(count, 2))
    mirror = torch.where(torch.rand(count) < 0.3, -1.0, 1.0)
    matrix = torch.zeros(count, 2, 3)
    matrix[:, 0, 0], matrix[:, 0, 1] = mirror * stretch[:, 0] * angle.cos(), slant - angle.sin()
    matrix[:, 1, 0], matrix[:, 1, 1] = mirror * angle.sin(), stretch[:, 1] * angle.cos()
    matrix[:, :, 2] = 0.06 * torch.randn(count, 2)
    grid = nn.functional.affine_grid(matrix, [count, 1, SIZE, SIZE], align_corners=False)
    return nn.functional.grid_sample(picture[:, None], grid, align_corners=False)[:, 0]


def train(drawings: Drawings, epochs: int, batch_size: int = 200) -> Classifier:
    """Train a classifier of a data set's categories, and print how often it is right on the test drawings."""
    torch.manual_seed(1)
    generator = np.random.default_rng(1)
    train_set, test_set = drawings.of_split("train"), drawings.of_split("test")
    train_set = train_set.subset(few_of_each(train_set.category, MOST_OF_A_CATEGORY, generator))
    test_set = test_set.subset(few_of_each(test_set.category, 20, generator))
    shown, tested = all_pictures(train_set), all_pictures(test_set)
    labels = torch.from_numpy(train_set.category.astype(np.int64))
    network = Classifier(len(drawings.categories)).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    bfloat16 = choose_precision("auto", "cpu") == "bfloat16"
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9, nesterov=True, weight_decay=3e-4)
    steps = epochs * (len(shown) // batch_size)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    started = time.time()
    for epoch in range(epochs):
        network.train()
        total = 0.0
        order = generator.permutation(len(shown))
        for index in order[: len(order) // batch_size * batch_size].reshape(-1, batch_size):
            with torch.autocast("cpu", torch.bfloat16, enabled=bfloat16):
                _, logits = network(changed(torch.from_numpy(shown[index]).float() / 255.0))
            loss = nn.functional.cross_entropy(logits.float(), labels[index])
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(network.parameters(), 2.0)
            optimizer.step()
            schedule.step()
            total += float(loss.detach())
        rank = ranks(judged(network, torch.from_numpy(tested).float() / 255.0)[1], test_set.category)
        print(
            f"epoch {epoch + 1}: loss {total / (len(order) // batch_size):.3f}, test right at once "
            f"{np.mean(rank == 0):.3f}, among three {np.mean(rank < 3):.3f}; {time.time() - started:.0f} s",
            flush=True,
        )
    return network


@torch.no_grad()
def judged(network: Classifier, picture: Tensor) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return features and logits of pictures."""
    network.eval()
    parts = [network(part) for part in picture.split(500)]
    return (torch.cat([one for one, _ in parts]).numpy(), torch.cat([one for _, one in parts]).numpy())


def ranks(logits: NDArray[np.float32], category: NDArray[np.integer]) -> NDArray[np.int64]:
    """Return the rank of each drawing's own category among the classifier's answers; 0 is the first."""
    own = logits[np.arange(len(logits)), category]
    return (logits > own[:, None]).sum(axis=1)


def frechet_distance(features: NDArray[np.float32], others: NDArray[np.float32]) -> float:
    """Return the Frechet distance of two sets of features, each taken as normally distributed.

    Reference:
        Heusel et al. 2017, arXiv:1706.08500, equation 6.
    """
    mean, other_mean = features.mean(0), others.mean(0)
    covariance, other_covariance = (np.cov(one.astype(np.float64), rowvar=False) for one in (features, others))
    eigenvalues = np.linalg.eigvals(covariance @ other_covariance)
    root_trace = np.sqrt(np.clip(eigenvalues.real, 0.0, None)).sum()
    trace = np.trace(covariance) + np.trace(other_covariance) - 2.0 * root_trace
    return float(np.square(mean - other_mean).sum() + trace)


def save(network: Classifier, categories: Sequence[str], path: str) -> None:
    """Write a classifier."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    torch.save({"categories": list(categories), "weights": network.state_dict()}, path)


def load_classifier(path: str) -> tuple[Classifier, list[str]]:
    """Return a classifier that :func:`save` wrote, and its categories."""
    stored = torch.load(path, weights_only=True)
    network = Classifier(len(stored["categories"]))
    network.load_state_dict(stored["weights"])
    return network.eval(), stored["categories"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", help="a store, or files of drawings")
    parser.add_argument("--output", required=True)
    parser.add_argument("--epochs", type=int, default=8)
    arguments = parser.parse_args()
    drawings, report = load(arguments.files, max_length=400)
    print(report, flush=True)
    save(train(drawings, arguments.epochs), drawings.categories, arguments.output)


if __name__ == "__main__":
    main()

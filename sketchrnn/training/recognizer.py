"""Training of the recognizer, on whole and partial drawings."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from sketchrnn.dataset.drawings import Drawings
from sketchrnn.errors import ConfigurationError, DatasetError
from sketchrnn.model.checkpoint import RECOGNIZER_TENSORS, Checkpoint
from sketchrnn.model.recognizer import LOG_EXTENTS, PART_NUMBERS, Recognizer, RecognizerConfiguration
from sketchrnn.model.scale import BETWEEN, STEP, WHOLE
from sketchrnn.sketch import Sketch
from sketchrnn.sketch.conversions import MARGIN, SAMPLE_SPACING
from sketchrnn.training.batches import few_of_each
from sketchrnn.training.configuration import RecognizerTraining

MOST_OF_A_CATEGORY = 1500
"""Most drawings of one category in an epoch; each epoch uses other ones."""
RATED_TOGETHER = 128
"""Drawings whose pictures are rated together."""
CALIBRATION_SHARES = (0.25, 0.5, 1.0)
"""Visible shares of the drawings that the probabilities are calibrated on."""
UNKNOWN_SHARE = 0.1
"""Share of the drawings whose extent is estimated without their category."""
SMALLEST = 1e-6
"""A part is taken as at least this large, in the unit of the drawings."""
BIAS_PENALTY = 1e-4
"""Weight of the squared biases of the calibration, so that categories with few drawings have a small bias."""


class RecognizerNetwork(nn.Module):
    """The recognizer in torch; counterpart of :class:`sketchrnn.model.recognizer.Recognizer`."""

    def __init__(self, configuration: RecognizerConfiguration, categories: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.configuration = configuration
        layers: list[nn.Module] = []
        inputs = 1
        for channels, kernel, stride in zip(
            configuration.channels, configuration.kernels, configuration.strides, strict=True
        ):
            layers += [nn.Conv2d(inputs, channels, kernel, stride, kernel // 2, bias=False)]
            layers += [nn.BatchNorm2d(channels), nn.ReLU(inplace=True)]
            inputs = channels
        self.convolutions = nn.Sequential(*layers)
        self.dropout = nn.Dropout(dropout)
        self.hidden = nn.Linear(inputs * configuration.final_size**2, configuration.hidden_units)
        self.output = nn.Linear(configuration.hidden_units, categories)
        self.extent_hidden = nn.Linear(configuration.hidden_units + PART_NUMBERS, configuration.extent_units)
        self.extent_category = nn.Embedding(categories, configuration.extent_units)
        self.extent_output = nn.Linear(configuration.extent_units, len(LOG_EXTENTS) + 1)
        nn.init.normal_(self.extent_category.weight, std=0.1)

    def forward(self, picture: Tensor) -> Tensor:
        """Return logits (B, categories) of pictures (B, size, size)."""
        return self.logits(self.features(picture))

    def features(self, picture: Tensor) -> Tensor:
        """Return the values of the hidden layer, (B, hidden_units)."""
        values = self.convolutions(picture[:, None].contiguous(memory_format=torch.channels_last))
        return torch.relu(self.hidden(self.dropout(values.flatten(1))))

    def logits(self, features: Tensor) -> Tensor:
        """Return logits (B, categories)."""
        logits: Tensor = self.output(self.dropout(features))
        return logits

    def extent_outputs(self, features: Tensor, numbers: Tensor, category: Tensor, known: Tensor) -> Tensor:
        """Return the outputs for the extent, (B, len(LOG_EXTENTS) + 1).

        Args:
            features: (B, hidden_units).
            numbers: of :func:`sketchrnn.model.recognizer.part_numbers`, (B, 2).
            category: the index of each, (B,).
            known: whether the category is given, (B,).
        """
        values = self.extent_hidden(torch.cat([features, numbers.to(features.dtype)], dim=1))
        values = values + self.extent_category(category) * known[:, None]
        outputs: Tensor = self.extent_output(torch.relu(values))
        return outputs

    @torch.no_grad()
    def weights(self, temperature: float = 1.0, bias: Tensor | None = None) -> dict[str, NDArray[np.float32]]:
        """Return the tensors of a checkpoint: batch normalization is folded into the convolutions.

        Args:
            temperature: divisor of the logits, so that the probabilities are calibrated.
            bias: added to the logits after that, (categories,).
        """
        tensors: dict[str, Tensor] = {}
        modules = list(self.convolutions)
        for index, (convolution, norm) in enumerate(zip(modules[::3], modules[1::3], strict=True)):
            assert isinstance(convolution, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d)
            assert norm.running_mean is not None and norm.running_var is not None
            factor = norm.weight / torch.sqrt(norm.running_var + norm.eps)
            tensors[f"convolution{index}.weight"] = convolution.weight * factor[:, None, None, None]
            tensors[f"convolution{index}.bias"] = norm.bias - norm.running_mean * factor
        tensors |= {"hidden.weight": self.hidden.weight, "hidden.bias": self.hidden.bias}
        tensors |= {"output.weight": self.output.weight / temperature, "output.bias": self.output.bias / temperature}
        if bias is not None:
            tensors["output.bias"] = tensors["output.bias"] + bias
        tensors |= {"extent.hidden.weight": self.extent_hidden.weight, "extent.hidden.bias": self.extent_hidden.bias}
        tensors |= {"extent.category.weight": self.extent_category.weight}
        tensors |= {"extent.output.weight": self.extent_output.weight, "extent.output.bias": self.extent_output.bias}
        return {f"{RECOGNIZER_TENSORS}{name}": value.float().cpu().numpy().copy() for name, value in tensors.items()}


@dataclass(frozen=True)
class Segments:
    """Straight pieces of the drawings of a batch.

    Attributes:
        start: first point of each, (S, 2).
        end: last point of each, (S, 2).
        weight_of_dot: 1 for a stroke of a single point, else 0, (S,).
        drawing: index of the drawing of each segment, (S,).
        count: drawings in the batch.
    """

    start: Tensor
    end: Tensor
    weight_of_dot: Tensor
    drawing: Tensor
    count: int

    @cached_property
    def bounds(self) -> tuple[Tensor, Tensor]:
        """The least and the largest coordinates of each drawing, (B, 2) each; infinite for an empty one."""
        index = self.drawing[:, None].expand(-1, 2)
        least, most = torch.minimum(self.start, self.end), torch.maximum(self.start, self.end)  # of each segment
        low = torch.full((self.count, 2), math.inf, device=least.device).scatter_reduce(0, index, least, "amin")
        high = torch.full((self.count, 2), -math.inf, device=most.device).scatter_reduce(0, index, most, "amax")
        return low, high

    @cached_property
    def extents(self) -> Tensor:
        """The larger side of each drawing, (B,)."""
        low, high = self.bounds
        return (high - low).amax(1)


@dataclass(frozen=True)
class Parts:
    """First parts of drawings.

    Attributes:
        picture: (B, size, size).
        numbers: those of :func:`sketchrnn.model.recognizer.part_numbers`, (B, 2).
        log_extent: log(extent of the part / extent of the whole drawing), (B,).
    """

    picture: Tensor
    numbers: Tensor
    log_extent: Tensor


def segments_of(
    offsets: Tensor,
    lifts: Tensor,
    lengths: Tensor,
    *,
    share: Tensor | None = None,
    stroke_order: Tensor | None = None,
    backward: Tensor | None = None,
) -> Segments:
    """Return the straight pieces of drawings, or of their first parts.

    Args:
        offsets: padded, (B, N, 2).
        lifts: the pen rises after the row's point, padded, (B, N).
        lengths: rows of each drawing, (B,).
        share: visible share of each drawing, 0 to 1, (B,); None for whole drawings.
        stroke_order: a sort key for each stroke, (B, N); strokes are sorted before the share is taken. None keeps the
            order.
        backward: strokes that are drawn from their last point, (B, N); counts if there is a ``stroke_order``.
    """
    row = torch.arange(offsets.shape[1], device=offsets.device).expand_as(lifts)
    point = offsets.cumsum(1)
    begins = torch.roll(lifts, 1, dims=1)  # the row's point starts a stroke: the pen moves to it in the air
    begins[:, 0] = False
    dot = begins & lifts
    seen = row < lengths[:, None]
    if share is not None:
        rank = row
        if stroke_order is not None:
            stroke = begins.cumsum(1)
            within = row / offsets.shape[1]  # below 1
            if backward is not None:
                within = torch.where(backward.gather(1, stroke), -within, within)
            key = 2.0 * offsets.shape[1] * stroke_order.gather(1, stroke) + within
            rank = key.masked_fill(~seen, math.inf).argsort(1).argsort(1)
        seen = seen & (rank < (share * lengths).ceil()[:, None])
    chosen = seen & (dot | ~begins)
    drawing = torch.arange(len(offsets), device=offsets.device)[:, None].expand_as(lifts)[chosen]
    start = torch.where(begins[..., None], point, point - offsets)
    return Segments(start[chosen], point[chosen], dot[chosen].float(), drawing, len(offsets))


def draw_pictures(segments: Segments, size: int, fit: Tensor | None = None) -> Tensor:
    """Return the pictures that :func:`sketchrnn.sketch.conversions.pictures` draws, (B, size, size).

    Args:
        segments: in any unit.
        size: width and height, in pixels.
        fit: size of each drawing relative to the largest that fits, and its shift in pixels, (B, 3); for augmentation.
    """
    drawing, count = segments.drawing, segments.count
    ends = torch.stack([segments.start, segments.end])  # (2, S, 2)
    (low, high), extent = segments.bounds, segments.extents
    room = torch.full_like(extent, size - 1 - 2.0 * MARGIN)
    shift = torch.zeros(count, 2, device=ends.device)
    if fit is not None:
        room, shift = room * fit[:, 0], fit[:, 1:]
    scale = torch.where(extent > 0, room / extent.clamp_min(1e-12), 0.0)
    center = 0.5 * (low + high)
    start, end = (ends - center[drawing]) * scale[drawing, None] + (0.5 * (size - 1) + shift)[drawing]
    vector = end - start
    length = vector.norm(dim=1)
    samples = (length / SAMPLE_SPACING).ceil().clamp_min(1.0).long()
    of_sample = torch.repeat_interleave(torch.arange(len(samples), device=ends.device), samples)
    number = torch.arange(len(of_sample), device=ends.device) - (samples.cumsum(0) - samples)[of_sample]
    along = (number + 0.5) / samples[of_sample]
    place = start[of_sample] + along[:, None] * vector[of_sample]
    weight = (torch.maximum(length, segments.weight_of_dot) / samples)[of_sample]
    place = place.clamp(0.0, size - 1.001)
    corner = place.floor()
    right, below = (place - corner).unbind(1)
    x, y = corner.long().unbind(1)
    pixel = (drawing[of_sample] * size + y) * size + x
    ink = torch.zeros(count * size * size, device=ends.device)
    for offset, part in (
        (0, (1 - right) * (1 - below)),
        (1, right * (1 - below)),
        (size, (1 - right) * below),
        (size + 1, right * below),
    ):
        ink.index_add_(0, pixel + offset, weight * part)
    return ink.clamp_max(1.0).view(count, size, size)


def augmented(
    offsets: Tensor, lifts: Tensor, generator: torch.Generator, *, unit: float = 255.0
) -> tuple[Tensor, Tensor]:
    """Mirror, rotate, shear and scale drawings, and move their strokes and points a little.

    Args:
        offsets: padded, (B, N, 2).
        lifts: padded, (B, N).
        generator: source of the randomness.
        unit: larger side of a typical drawing.

    Returns:
        The new offsets and the lifts.
    """
    count, steps = lifts.shape

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator, device=offsets.device)

    angle, slant = 0.12 * normal(count, 1), 0.1 * normal(count, 1)
    stretch = torch.exp(0.12 * normal(count, 1, 2))
    mirror = torch.where(torch.rand(count, 1, generator=generator, device=offsets.device) < 0.4, -1.0, 1.0)
    x, y = (offsets * stretch).unbind(-1)
    x = mirror * (x + slant * y)
    turned = torch.stack([angle.cos() * x - angle.sin() * y, angle.sin() * x + angle.cos() * y], dim=-1)
    stroke = torch.roll(lifts, 1, dims=1).cumsum(1).clamp_max(steps - 1)  # of each row's point
    moved = (0.012 * unit * normal(count, steps, 2)).gather(1, stroke[..., None].expand(-1, -1, 2))
    moved = moved + 0.004 * unit * normal(count, steps, 2)  # of each point
    return turned + torch.diff(moved, dim=1, prepend=torch.zeros_like(moved[:, :1])), lifts


class PictureBatches:
    """Makes batches of pictures of drawings."""

    def __init__(self, drawings: Drawings, size: int, device: str = "cpu") -> None:
        self._drawings, self._size, self._device = drawings, size, device

    def _rows(self, index: NDArray[np.int64]) -> tuple[Tensor, Tensor, Tensor]:
        lengths = self._drawings.lengths[index]
        offsets, lifts = self._drawings.padded(index, int(lengths.max(initial=1)))
        return tuple(  # type: ignore[return-value]
            torch.from_numpy(array).to(self._device) for array in (offsets, lifts, lengths.astype(np.int64))
        )

    def plain(self, index: NDArray[np.int64], share: float = 1.0) -> Tensor:
        """Return the pictures of the first part of some drawings, (B, size, size)."""
        offsets, lifts, lengths = self._rows(index)
        shares = torch.full((len(index),), share, device=self._device)
        return draw_pictures(segments_of(offsets, lifts, lengths, share=shares), self._size)

    def random(self, index: NDArray[np.int64], generator: torch.Generator, training: RecognizerTraining) -> Parts:
        """Return random parts of augmented drawings."""
        offsets, lifts, lengths = self._rows(index)
        count, steps = lifts.shape
        offsets, lifts = augmented(offsets, lifts, generator)
        whole, shuffled, turned, share = torch.rand(4, count, generator=generator, device=self._device)
        share = torch.where(whole < training.whole_share, 1.0, 0.05 + 0.95 * share)
        order = torch.rand(count, steps, generator=generator, device=self._device)
        in_order = torch.arange(steps, device=self._device) / steps
        order = torch.where((shuffled < training.shuffled_share)[:, None], order, in_order)
        backward = torch.rand(count, steps, generator=generator, device=self._device) < 0.5
        backward &= (turned < training.reversed_share)[:, None]
        fit = torch.rand(count, 3, generator=generator, device=self._device)
        fit = torch.cat([0.85 + 0.15 * fit[:, :1], 3.0 * fit[:, 1:] - 1.5], dim=1)
        segments = segments_of(offsets, lifts, lengths, share=share, stroke_order=order, backward=backward)
        extent, whole = segments.extents, segments_of(offsets, lifts, lengths).extents
        length = torch.zeros_like(extent).index_add_(0, segments.drawing, (segments.end - segments.start).norm(dim=1))
        points = (share * lengths).ceil() + 1
        numbers = torch.stack([points.log(), torch.log1p(length / extent.clamp_min(SMALLEST))], dim=1)
        log_extent = (extent.clamp_min(SMALLEST) / whole.clamp_min(SMALLEST)).log()
        return Parts(draw_pictures(segments, self._size, fit), numbers, log_extent)


def train_recognizer(
    drawings: Drawings,
    configuration: RecognizerConfiguration,
    training: RecognizerTraining,
    *,
    device: str = "cpu",
    bfloat16: bool = False,
    on_step: Callable[[int, float], None] | None = None,
) -> dict[str, NDArray[np.float32]]:
    """Train a recognizer and return its tensors, calibrated on the validation drawings.

    Args:
        drawings: all splits.
        configuration: its sizes.
        training: how it is trained.
        device: "cpu" or "cuda".
        bfloat16: compute in bfloat16 where it is safe.
        on_step: called after each step with its number and the loss.

    Raises:
        DatasetError: there is no training drawing.
    """
    steps = training.steps or default_steps(drawings)
    train_set, valid_set = drawings.of_split("train"), drawings.of_split("valid")
    if not len(train_set):
        raise DatasetError("recognizer: expected training drawings, found none. Add more drawings")
    torch.manual_seed(training.seed)
    generator = torch.Generator(device).manual_seed(training.seed)
    order_generator = np.random.default_rng(training.seed)
    network = RecognizerNetwork(configuration, len(drawings.categories), training.dropout).to(device)
    averaged = copy.deepcopy(network).eval()
    latest, average = (
        [value for value in one.state_dict().values() if value.is_floating_point()] for one in (network, averaged)
    )
    decayed = [parameter for parameter in network.parameters() if parameter.ndim > 1]
    others = [parameter for parameter in network.parameters() if parameter.ndim <= 1]
    optimizer = torch.optim.AdamW(
        [{"params": decayed, "weight_decay": training.weight_decay}, {"params": others, "weight_decay": 0.0}],
        lr=training.learning_rate,
        fused=True,
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, training.learning_rate, total_steps=steps, pct_start=0.1, cycle_momentum=False
    )
    batches = PictureBatches(train_set, configuration.picture_size, device)
    order: NDArray[np.int64] = np.zeros(0, np.int64)
    for step in range(steps):
        while len(order) < min(training.batch_size, len(train_set)):
            order = np.concatenate([order, few_of_each(train_set.category, MOST_OF_A_CATEGORY, order_generator)])
        index, order = order[: training.batch_size], order[training.batch_size :]
        parts = batches.random(index, generator, training)
        target = torch.from_numpy(train_set.category[index].astype(np.int64)).to(device)
        known = torch.rand(len(index), generator=generator, device=device) >= UNKNOWN_SHARE
        with torch.autocast(torch.device(device).type, torch.bfloat16, enabled=bfloat16):
            features = network.features(parts.picture)
            logits = network.logits(features)
            outputs = network.extent_outputs(features.detach(), parts.numbers, target, known)
        loss = nn.functional.cross_entropy(logits.float(), target, label_smoothing=training.label_smoothing)
        loss = loss + extent_loss(outputs.float(), parts.log_extent)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        torch._foreach_lerp_(average, latest, 1.0 / (1.0 + training.averaged_share * step))
        if on_step is not None:
            on_step(step + 1, float(loss.detach()))
    return averaged.weights(*fit_calibration(averaged, valid_set if len(valid_set) else train_set, device))


def extent_loss(outputs: Tensor, log_extent: Tensor) -> Tensor:
    """Return the mean negative log probability of the extents; parts smaller than all of LOG_EXTENTS do not count.

    Args:
        outputs: of the network, (B, len(LOG_EXTENTS) + 1).
        log_extent: (B,).
    """
    between = torch.from_numpy(BETWEEN).to(outputs)
    density = torch.log_softmax(outputs[:, :-1] @ between, dim=1) + nn.functional.logsigmoid(-outputs[:, -1:])
    whole = torch.logaddexp(density[:, -1], nn.functional.logsigmoid(outputs[:, -1]))
    cells = len(BETWEEN.T)
    cell = (log_extent / STEP).round().long() + cells - 1
    cell = torch.where(log_extent >= -WHOLE, cells - 1, cell.clamp_max(cells - 2))
    chosen = density.gather(1, cell.clamp_min(0)[:, None])[:, 0]
    log_probability = torch.where(cell == cells - 1, whole, chosen)
    counted = cell >= 0
    return -(log_probability * counted).sum() / counted.sum().clamp_min(1)


def default_steps(drawings: Drawings) -> int:
    """Return the number of steps of 20 epochs, from 200 to 10,000."""
    counts = np.bincount(drawings.of_split("train").category)
    epoch = int(np.minimum(counts, MOST_OF_A_CATEGORY).sum()) / RecognizerTraining().batch_size
    return int(np.clip(20 * epoch, 200, 10_000))


def with_recognizer(
    checkpoint: Checkpoint,
    drawings: Drawings,
    training: RecognizerTraining,
    configuration: RecognizerConfiguration | None = None,
    *,
    device: str = "cpu",
    bfloat16: bool = False,
    on_step: Callable[[int, float], None] | None = None,
) -> tuple[Checkpoint, str]:
    """Train a recognizer and add it to a model.

    Args:
        checkpoint: the model.
        drawings: all splits, with the categories of the model.
        training: how the recognizer is trained.
        configuration: its sizes; None for the defaults.
        device: "cpu" or "cuda".
        bfloat16: compute in bfloat16 where it is safe.
        on_step: called after each step with its number and the loss.

    Returns:
        The model with its recognizer, and a text: the share of right answers on the validation drawings.

    Raises:
        ConfigurationError: the model has a single category.
        DatasetError: there is no training drawing.
    """
    if not checkpoint.configuration.conditional:
        raise ConfigurationError(f"{checkpoint.source}: expected a model with at least two categories, found one")
    configuration = configuration or RecognizerConfiguration()
    weights = train_recognizer(drawings, configuration, training, device=device, bfloat16=bfloat16, on_step=on_step)
    kept = {name: value for name, value in checkpoint.weights.items() if not name.startswith(RECOGNIZER_TENSORS)}
    trained = replace(checkpoint, weights=kept | dict(weights), recognizer=configuration.to_json())
    return trained, _measures(Recognizer(trained), drawings.of_split("valid"))


def _measures(recognizer: Recognizer, drawings: Drawings) -> str:
    """Return a text: the share of right answers for halves of drawings and for whole drawings."""
    if not len(drawings):
        return "the recognizer was not measured: there are no validation drawings"
    shares = []
    for share in (0.5, 1.0):
        best = [answers.argmax(axis=1) for _, answers in _answers(recognizer, drawings, share)]
        shares.append(float(np.mean(np.concatenate(best) == drawings.category)))
    return (
        f"of {len(drawings):,} validation drawings, the recognizer names {shares[0]:.0%} correctly from their first "
        f"half and {shares[1]:.0%} from the whole drawing"
    )


def rated(drawings: Drawings, recognizer: Recognizer) -> NDArray[np.float32]:
    """Return how clearly each drawing shows its category: 2 p - 1 of the recognizer's probability p, (drawings,).

    The rating is 0, for unknown, if the recognizer does not have the category.
    """
    column = {name: number for number, name in enumerate(recognizer.categories)}
    columns = np.array([column.get(name, -1) for name in drawings.categories])
    clarity = np.zeros(len(drawings), np.float32)
    for index, answers in _answers(recognizer, drawings):
        own = columns[drawings.category[index]]
        log_probability = answers[np.arange(len(index)), own]
        clarity[index] = np.where(own < 0, 0.0, 2.0 * np.exp(log_probability) - 1.0)
    return clarity


def _answers(
    recognizer: Recognizer, drawings: Drawings, share: float = 1.0
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float32]]]:
    """Yield batches: indices (B,), and log probabilities (B, categories) for the first part of these drawings."""
    for first in range(0, len(drawings), RATED_TOGETHER):
        index = np.arange(first, min(first + RATED_TOGETHER, len(drawings)))
        rows = [drawings.stroke3(number) for number in index.tolist()]
        parts = [Sketch.from_stroke3(each[: math.ceil(share * len(each))]).strokes for each in rows]
        yield index, recognizer.log_probabilities(parts)


@torch.no_grad()
def logits_of(network: RecognizerNetwork, drawings: Drawings, share: float, device: str = "cpu") -> Tensor:
    """Return the logits (drawings, categories) of the first part of each drawing."""
    batches = PictureBatches(drawings, network.configuration.picture_size, device)
    parts = np.array_split(np.arange(len(drawings)), max(1, -(-len(drawings) // 512)))
    return torch.cat([network(batches.plain(index, share)) for index in parts if len(index)])


def fit_calibration(network: RecognizerNetwork, drawings: Drawings, device: str = "cpu") -> tuple[float, Tensor]:
    """Return a temperature and biases that calibrate the probabilities of parts and wholes.

    Each category has the same weight, independent of its number of drawings.

    Returns:
        The divisor of the logits, and the bias that is added after that, (categories,).

    Reference:
        Guo et al. 2017, arXiv:1706.04599, section 4.2 (a scale and a bias for each category).
    """
    with torch.no_grad():
        logits = torch.cat([logits_of(network, drawings, share, device) for share in CALIBRATION_SHARES])
    target = torch.from_numpy(drawings.category.astype(np.int64)).to(device).repeat(len(CALIBRATION_SHARES))
    weight = 1.0 / torch.bincount(target, minlength=logits.shape[1]).clamp_min(1)[target]
    weight = weight / weight.sum()
    bias = torch.zeros(logits.shape[1], device=device, requires_grad=True)
    log_scale = torch.zeros(1, device=device, requires_grad=True)
    optimizer = torch.optim.LBFGS([bias, log_scale], max_iter=60, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        optimizer.zero_grad()
        by_drawing = nn.functional.cross_entropy(logits * log_scale.exp() + bias, target, reduction="none")
        total = (weight * by_drawing).sum() + BIAS_PENALTY * bias.square().sum()
        total.backward()
        return total

    optimizer.step(loss)  # type: ignore[no-untyped-call,unused-ignore]
    return float(torch.exp(-log_scale.detach())), bias.detach()

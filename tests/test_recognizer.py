import dataclasses

import numpy as np
import pytest
import torch
from builders import drawings_of
from hypothesis import given
from hypothesis import strategies as st

from sketchrnn.errors import CheckpointError, ConfigurationError
from sketchrnn.model.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from sketchrnn.model.configuration import ModelConfiguration
from sketchrnn.model.recognizer import LOG_EXTENTS, Recognizer, RecognizerConfiguration, part_numbers
from sketchrnn.model.scale import GRID, log_extent_probabilities
from sketchrnn.sketch import Sketch
from sketchrnn.sketch.conversions import pictures
from sketchrnn.training.recognizer import (
    PictureBatches,
    RecognizerNetwork,
    RecognizerTraining,
    draw_pictures,
    extent_loss,
    fit_calibration,
    logits_of,
    rated,
    segments_of,
    train_recognizer,
)

TINY = RecognizerConfiguration(16, (4, 6), (5, 3), (2, 2), 8)
NAMES = ("circle", "line", "zigzag")
SIZE = 24

coordinates = st.floats(-500, 500, allow_nan=False, width=32)
strokes = st.lists(st.tuples(coordinates, coordinates), min_size=1, max_size=6).map(np.array)
drawings = st.lists(strokes, min_size=1, max_size=4)


def checkpoint_with(network: RecognizerNetwork, temperature: float = 1.0) -> Checkpoint:
    return Checkpoint(
        ModelConfiguration(categories=NAMES),
        dict(network.weights(temperature)),
        26.5,
        recognizer=network.configuration.to_json(),
    )


@pytest.fixture
def network() -> RecognizerNetwork:
    """A recognizer whose normalization has statistics of its own, as after training."""
    torch.manual_seed(0)
    network = RecognizerNetwork(TINY, len(NAMES)).eval()
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(0.0, 0.1)
            module.running_var.uniform_(0.5, 2.0)
            module.weight.data.uniform_(0.5, 2.0)
            module.bias.data.normal_(0.0, 0.1)
    return network


@given(drawings, st.randoms(use_true_random=False))
def test_order_and_direction_do_not_change_the_picture(drawing, random):
    other = [stroke[::-1] if random.random() < 0.5 else stroke for stroke in drawing]
    random.shuffle(other)
    np.testing.assert_allclose(pictures([other], SIZE), pictures([drawing], SIZE), atol=1e-6)


def test_where_a_closed_stroke_begins_does_not_change_the_picture():
    angle = np.linspace(0, 2 * np.pi, 20, endpoint=False)
    ring = np.column_stack([np.cos(angle), np.sin(angle)])
    closed = [np.concatenate([part, part[:1]]) for part in (ring, np.roll(ring, 7, axis=0))]
    np.testing.assert_allclose(pictures([closed[:1]], SIZE), pictures([closed[1:]], SIZE), atol=1e-6)


@given(drawings, st.floats(0.01, 100), coordinates, coordinates)
def test_unit_and_place_do_not_change_the_picture(drawing, scale, x, y):
    extent = max(np.ptp(np.concatenate(drawing), axis=0))
    if 0 < extent < 1e-3:
        return  # lost to rounding when shifted
    moved = [stroke * scale + scale * np.array([x, y]) for stroke in drawing]
    np.testing.assert_allclose(pictures([moved], SIZE), pictures([drawing], SIZE), atol=1e-4)


@given(st.lists(drawings, min_size=2, max_size=4))
def test_a_batch_is_its_drawings(batch):
    alone = np.concatenate([pictures([drawing], SIZE) for drawing in batch])
    np.testing.assert_array_equal(pictures(batch, SIZE), alone)


def test_ink_is_the_length_of_the_lines():
    picture = pictures([[np.array([(0.0, 0.0), (10.0, 0.0)]), np.array([(0.0, 5.0)])]], SIZE)[0]
    length = SIZE - 1 - 2 * 3.0
    assert picture.sum() == pytest.approx(length + 1)  # the line, and 1 for the dot
    assert picture[:3].sum() == picture[:, :2].sum() == 0.0


def test_nothing_drawn_is_an_empty_picture():
    assert pictures([], SIZE).shape == (0, SIZE, SIZE)
    assert not pictures([[], [np.zeros((0, 2))]], SIZE).any()
    assert pictures([[], [np.array([(1.0, 1.0)] * 3)]], SIZE).sum((1, 2)).tolist() == [0.0, 1.0]


def padded(sketches: list[Sketch]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    rows = [sketch.to_stroke3() for sketch in sketches]
    lengths = torch.tensor([len(one) for one in rows])
    offsets = torch.zeros(len(rows), int(lengths.max()), 2)
    lifts = torch.zeros(offsets.shape[:2], dtype=torch.bool)
    for index, one in enumerate(rows):
        offsets[index, : len(one)] = torch.from_numpy(one[:, :2])
        lifts[index, : len(one)] = torch.from_numpy(one[:, 2] > 0)
    return offsets, lifts, lengths


SKETCHES = [
    Sketch.from_polylines([[(0, 0), (30, 4), (9, 50)], [(5, 5)], [(80, 3), (7, 90)]]),
    Sketch.from_polylines([[(0, 0), (3, 0)]]),
    Sketch.from_polylines([[(0, 0), (200, 100), (100, 200), (0, 0)], [(50, 50), (60, 60)]]),
]


def test_training_sees_the_same_pictures():
    drawn = draw_pictures(segments_of(*padded(SKETCHES)), SIZE)
    np.testing.assert_allclose(drawn.numpy(), pictures([sketch.strokes for sketch in SKETCHES], SIZE), atol=1e-4)


def test_a_part_is_the_first_rows_or_the_first_strokes_of_another_order():
    sketch = SKETCHES[0]
    offsets, lifts, lengths = padded([sketch])  # 2 + 1 + 2 rows: 2 of the first stroke, the dot, 2 of the last
    half = draw_pictures(segments_of(offsets, lifts, lengths, share=torch.tensor([0.6])), SIZE)
    np.testing.assert_allclose(half.numpy(), pictures([sketch.strokes[:2]], SIZE), atol=1e-4)
    last_first = torch.tensor([[2.0, 1.0, 0.0, 9.0, 9.0]])
    part = segments_of(offsets, lifts, lengths, share=torch.tensor([0.6]), stroke_order=last_first)
    np.testing.assert_allclose(
        draw_pictures(part, SIZE).numpy(), pictures([[sketch.strokes[2], sketch.strokes[1]]], SIZE), atol=1e-4
    )


def test_a_part_of_a_backward_stroke_is_its_end():
    sketch = SKETCHES[2]
    offsets, lifts, lengths = padded([sketch])  # 3 rows of the first stroke, 2 of the second
    in_order, everything = torch.arange(5.0)[None], torch.ones(1, 5, dtype=torch.bool)
    part = segments_of(offsets, lifts, lengths, share=torch.tensor([0.4]), stroke_order=in_order, backward=everything)
    np.testing.assert_allclose(draw_pictures(part, SIZE).numpy(), pictures([[sketch.strokes[0][1:]]], SIZE), atol=1e-4)
    whole = segments_of(offsets, lifts, lengths, share=torch.ones(1), stroke_order=in_order, backward=everything)
    np.testing.assert_allclose(draw_pictures(whole, SIZE).numpy(), pictures([sketch.strokes], SIZE), atol=1e-4)


@torch.no_grad()
@pytest.mark.parametrize("temperature", [1.0, 2.5])
def test_numpy_agrees_with_torch(network, temperature, tmp_path):
    path = tmp_path / "model.safetensors"
    save_checkpoint(checkpoint_with(network, temperature), path)
    recognizer = Recognizer.from_checkpoint(load_checkpoint(path))
    strokes_of = [sketch.strokes for sketch in SKETCHES]
    found = recognizer.log_probabilities(strokes_of)
    logits = network(torch.from_numpy(pictures(strokes_of, TINY.picture_size)))
    np.testing.assert_allclose(found, torch.log_softmax(logits / temperature, -1).numpy(), atol=1e-5)
    np.testing.assert_allclose(np.exp(found).sum(-1), 1.0, atol=1e-6)
    assert recognizer.categories == NAMES
    assert recognizer.log_probabilities([]).shape == (0, 3)


@torch.no_grad()
def test_the_extent_agrees_with_torch(network):
    recognizer = Recognizer(checkpoint_with(network))
    strokes_of = [sketch.strokes for sketch in SKETCHES]
    categories, known = torch.tensor([2, 0, 1]), torch.tensor([True, False, True])
    features = network.features(torch.from_numpy(pictures(strokes_of, TINY.picture_size)))
    numbers = torch.from_numpy(part_numbers(strokes_of))
    expected = network.extent_outputs(features, numbers, categories, known)
    found = recognizer.extent_outputs(strokes_of, [2, None, 1])
    np.testing.assert_allclose(found, expected.numpy(), atol=1e-5)
    assert np.abs(found - recognizer.extent_outputs(strokes_of, [1, 0, 2])).min(axis=1).max() > 1e-4


def test_the_numbers_of_a_part_do_not_depend_on_its_unit():
    square = [np.array([(0.0, 0.0), (2.0, 0.0), (2.0, 2.0), (0.0, 2.0), (0.0, 0.0)]), np.array([(1.0, 1.0)])]
    for factor in (1.0, 1e-6, 1e6):
        (numbers,) = part_numbers([[factor * stroke for stroke in square]])
        np.testing.assert_allclose(numbers, np.log([6, 1 + 8 / 2]), rtol=1e-6)


def test_the_loss_is_that_of_the_probabilities_in_use():
    outputs = torch.randn(40, len(LOG_EXTENTS) + 1, generator=torch.Generator().manual_seed(0))
    log_extent = torch.linspace(-4.3, 0.0, 40)
    log_probability = log_extent_probabilities(outputs.numpy())
    cell = np.abs(GRID - log_extent.numpy()[:, None]).argmin(axis=1)
    cell = np.where(log_extent.numpy() < -0.02, np.minimum(cell, len(GRID) - 2), len(GRID) - 1)
    expected = -log_probability[np.arange(40), cell].mean()
    assert float(extent_loss(outputs, log_extent)) == pytest.approx(expected, rel=1e-5)
    smaller = torch.cat([log_extent, torch.tensor([-9.0, -14.0])])  # does not count
    assert float(extent_loss(torch.cat([outputs, outputs[:2]]), smaller)) == pytest.approx(expected, rel=1e-5)


def test_only_the_recognizer_can_be_loaded(network, tmp_path):
    path = tmp_path / "model.safetensors"
    checkpoint = checkpoint_with(network)
    other = {"decoder.output.bias": np.zeros(3, np.float32)}
    save_checkpoint(dataclasses.replace(checkpoint, weights=checkpoint.weights | other), path)
    loaded = load_checkpoint(path, prefixes=("recognizer.",))
    assert loaded.weights.keys() == checkpoint.weights.keys()
    assert Recognizer.from_checkpoint(loaded) is not None


def test_a_model_without_a_recognizer_has_none():
    assert Recognizer.from_checkpoint(Checkpoint(ModelConfiguration(categories=NAMES), {}, 1.0)) is None


def test_damaged_recognizers_are_refused(network):
    whole = checkpoint_with(network)
    missing = {name: value for name, value in whole.weights.items() if name != "recognizer.hidden.bias"}
    with pytest.raises(CheckpointError, match=r"recognizer.hidden.bias is missing; expected shape \(8,\)"):
        Recognizer(dataclasses.replace(whole, weights=missing))
    with pytest.raises(CheckpointError, match="has shape"):
        Recognizer(dataclasses.replace(whole, recognizer=TINY.to_json() | {"hidden_units": 9}))
    with pytest.raises(CheckpointError, match="depth"):
        Recognizer(dataclasses.replace(whole, recognizer={"depth": 3}))
    with pytest.raises(CheckpointError, match="expected a record"):
        dataclasses.replace(whole, recognizer=[])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "changes",
    [{"kernels": (4, 3)}, {"strides": (2,)}, {"picture_size": 5}, {"channels": (0, 6)}, {"hidden_units": 0.5}],
)
def test_sizes_are_checked(changes):
    with pytest.raises(ConfigurationError, match=r"^(kernels|channels|picture_size|hidden_units): expected "):
        RecognizerConfiguration(**({"channels": (4, 6), "kernels": (3, 3), "strides": (2, 2)} | changes))


def simple_drawings():
    """Upright lines, level lines and rings, each of another size."""
    random = np.random.default_rng(0)
    angle = np.linspace(0, 2 * np.pi, 12)
    ring = np.column_stack([np.cos(angle), np.sin(angle)])
    shapes = [ring, np.array([(0.0, 0.0), (0.02, 1.0)]), np.array([(0.0, 0.0), (0.3, 1.0), (0.6, 0.0), (0.9, 1.0)])]
    category = random.integers(0, 3, 90)
    rows = [
        Sketch.from_polylines([shapes[one] * random.uniform(20, 200, 1) + random.normal(0, 1, shapes[one].shape)])
        for one in category
    ]
    return drawings_of([sketch.to_stroke3() for sketch in rows], NAMES, category, [0, 1, 2] * 30)


def test_training_learns_and_repeats():
    drawings = simple_drawings()
    training = RecognizerTraining(steps=40, batch_size=32, whole_share=1.0)
    losses: list[float] = []
    weights = train_recognizer(drawings, TINY, training, on_step=lambda _, loss: losses.append(loss))
    again = train_recognizer(drawings, TINY, training)
    assert all(np.array_equal(weights[name], again[name]) for name in weights)
    assert len(losses) == 40 and losses[-1] < losses[0]
    checkpoint = Checkpoint(ModelConfiguration(categories=NAMES), dict(weights), 1.0, recognizer=TINY.to_json())
    test = drawings.of_split("test")
    shown = [Sketch.from_stroke3(test.stroke3(index)).strokes for index in range(len(test))]
    recognizer = Recognizer(checkpoint)
    assert np.mean(recognizer.log_probabilities(shown).argmax(-1) == test.category) > 0.9
    extents = log_extent_probabilities(recognizer.extent_outputs(shown, test.category.tolist()))
    assert np.exp(extents[:, -1]).min() > 0.8  # it saw whole drawings only


def test_clear_drawings_are_rated_higher():
    drawings = simple_drawings()
    weights = train_recognizer(drawings, TINY, RecognizerTraining(steps=40, batch_size=32, whole_share=1.0))
    names = ("circle", "line", "triangle")  # of which the last one is not known by its name
    checkpoint = Checkpoint(ModelConfiguration(categories=NAMES), dict(weights), 1.0, recognizer=TINY.to_json())
    recognizer = Recognizer(checkpoint)
    own = rated(drawings, recognizer)
    assert own.shape == (len(drawings),) and own.mean() > 0.2 and np.abs(own).max() <= 1.0
    mistaken = dataclasses.replace(drawings, category=(drawings.category + 1) % 3)
    assert rated(mistaken, recognizer).mean() < -0.2
    renamed = rated(dataclasses.replace(drawings, categories=names), recognizer)
    np.testing.assert_array_equal(renamed, np.where(drawings.category == 2, 0.0, own))


def test_random_pictures_are_parts_of_changed_drawings():
    batches = PictureBatches(simple_drawings(), TINY.picture_size)
    generator = torch.Generator().manual_seed(0)
    index = np.arange(20)
    plain = batches.plain(index)
    parts = batches.random(index, generator, RecognizerTraining())
    random = parts.picture
    assert random.shape == plain.shape == (20, 16, 16)
    assert parts.numbers.shape == (20, 2) and torch.isfinite(parts.numbers).all()
    assert -3.0 < float(parts.log_extent.min()) < -0.1 and float(parts.log_extent.max()) == 0.0
    assert torch.isfinite(random).all() and float(random.min()) >= 0.0 and float(random.max()) <= 1.0
    assert not torch.allclose(random, plain)


def test_the_numbers_of_random_parts_are_those_of_the_recognizer(monkeypatch):
    monkeypatch.setattr("sketchrnn.training.recognizer.augmented", lambda offsets, lifts, generator: (offsets, lifts))
    rows = [sketch.to_stroke3() for sketch in SKETCHES] * 8
    drawings = drawings_of(rows, NAMES, [0] * len(rows), [0] * len(rows))
    generator = torch.Generator().manual_seed(0)
    training = RecognizerTraining(whole_share=0.2, shuffled_share=0.0, reversed_share=0.0)
    parts = PictureBatches(drawings, SIZE).random(np.arange(len(rows)), generator, training)
    points = np.exp(parts.numbers[:, 0].numpy()).round().astype(int)
    assert {*points} == {2, 3, 4, 5, 6}
    compared = 0
    for each, count, numbers, log_extent in zip(rows, points, parts.numbers, parts.log_extent, strict=True):
        shown = Sketch.from_stroke3(each[: count - 1])
        if len(shown.strokes[-1]) == 1 and not each[count - 2, 2]:
            continue  # the pen has only moved to where a stroke begins; training does not draw that point
        compared += 1
        np.testing.assert_allclose(numbers.numpy(), part_numbers([shown.strokes])[0], rtol=1e-5)
        share = shown.extent / Sketch.from_stroke3(each).extent
        assert float(log_extent) == pytest.approx(np.log(share), abs=1e-5)
    assert compared > 16


def test_calibration_counts_each_category_the_same():
    torch.manual_seed(0)
    category = np.repeat([0, 1, 2], [60, 10, 10])
    rng = np.random.default_rng(0)
    some = [Sketch.from_polylines([rng.normal(size=(4, 2)) * 50]).to_stroke3() for _ in category]
    drawings = drawings_of(some, NAMES, category.tolist(), [1] * len(some))
    network = RecognizerNetwork(TINY, len(NAMES)).eval()
    temperature, bias = fit_calibration(network, drawings)
    shares = (0.25, 0.5, 1.0)
    logits = torch.cat([logits_of(network, drawings, share) for share in shares])
    probability = torch.softmax(logits / temperature + bias, dim=-1).numpy()
    seen = np.tile(category, len(shares))
    each = np.array([probability[seen == number].mean(0) for number in range(3)])
    np.testing.assert_allclose(each.mean(0), 1 / 3, atol=0.01)  # not 6/8, as frequent as the first one is
    weights = network.weights(temperature, bias)
    np.testing.assert_allclose(
        weights["recognizer.output.bias"], (network.output.bias / temperature + bias).detach().numpy(), rtol=1e-5
    )

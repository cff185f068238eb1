"""Training that begins with the weights of another model."""

import dataclasses

import numpy as np
import pytest
from builders import checkpoint_of, network_of, random_drawings, small_model
from test_training import DRAWINGS, MAX_LENGTH, TRAINING, Watcher, interrupt, run_training, stored

from sketchrnn.errors import CheckpointError, ConfigurationError
from sketchrnn.model.checkpoint import CATEGORY_COUNTS, load_checkpoint
from sketchrnn.model.recognizer import Recognizer, RecognizerConfiguration
from sketchrnn.training.evaluation import evaluate
from sketchrnn.training.files import last_path
from sketchrnn.training.network.sketch_rnn import SketchRNN
from sketchrnn.training.state import extend_categories

KNOWN = random_drawings(40, 5, categories=("cat", "pig"))
STILL = dataclasses.replace(TRAINING, max_steps=1, learning_rate=1e-30, min_learning_rate=0.0, weight_decay=0.0)


@pytest.fixture
def start(tmp_path):
    run_training(tmp_path / "start.safetensors", drawings=KNOWN)
    return load_checkpoint(tmp_path / "start.safetensors")


def begun(path, start, drawings=DRAWINGS, training=TRAINING, **settings):
    return run_training(path, start.configuration, training, drawings, start=start, **settings)


def test_the_first_weights_are_those_of_the_other_model(tmp_path, start):
    begun(tmp_path / "a", start, training=STILL)
    ours = load_checkpoint(tmp_path / "a")
    assert ours.configuration.categories == ("cat", "pig", "face")
    assert ours.offset_scale == start.offset_scale
    assert ours.weights.keys() == start.weights.keys()
    for name, value in ours.weights.items():
        if name != "category.weight":
            assert np.array_equal(value, start.weights[name]), name
    embedding = start.weights["category.weight"]
    np.testing.assert_array_equal(ours.weights["category.weight"], [*embedding, embedding.mean(axis=0)])


def test_it_learns_from_there_and_is_never_worse_than_its_start(tmp_path, start):
    watcher = Watcher()
    begun(tmp_path / "a", start, observer=watcher)
    assert [report.step for report in watcher.evaluations] == [0, 4, 8, 12]
    wide = extend_categories(start, DRAWINGS)
    valid = DRAWINGS.of_split("valid").with_categories(wide.configuration.categories)
    before = evaluate(SketchRNN.from_checkpoint(wide), valid, start.offset_scale, MAX_LENGTH)
    assert watcher.evaluations[0].nats_per_point == pytest.approx(before.nats_per_point)
    assert watcher.evaluations[-1].score < watcher.evaluations[0].score
    far = dataclasses.replace(TRAINING, learning_rate=3.0)
    assert begun(tmp_path / "b", start, training=far).best_step == 0
    assert np.array_equal(load_checkpoint(tmp_path / "b").weights["category.weight"], wide.weights["category.weight"])


def test_a_model_learns_what_a_clear_drawing_is(tmp_path, start):
    names = start.configuration.categories
    sizes = RecognizerConfiguration(16, (4,), (3,), (2,), 8)
    shapes = sizes.tensor_shapes(len(names))
    weights = {name: np.random.default_rng(1).normal(0.0, 0.3, shape) for name, shape in shapes.items()}
    recognizer = Recognizer(dataclasses.replace(start, weights=start.weights | weights, recognizer=sizes.to_json()))
    model = dataclasses.replace(start.configuration, clarity=True)
    training = dataclasses.replace(TRAINING, clarity_dropout=0.2)
    for name in ("a", "b"):
        run_training(tmp_path / name, model, training, KNOWN, start=start, rated_by=recognizer)
    run_training(tmp_path / "c", model, training, KNOWN, start=start)
    learned, again, unrated = (load_checkpoint(last_path(tmp_path / name)) for name in ("a", "b", "c"))
    assert np.abs(learned.weights["clarity"]).min() > 0.0 and not unrated.weights["clarity"].any()
    assert all(np.array_equal(value, again.weights[name]) for name, value in learned.weights.items())
    with pytest.raises(CheckpointError, match="expected a model with a recognizer"):
        Recognizer(start)


def test_a_model_tells_what_it_began_with_and_what_it_has_seen(tmp_path, start):
    begun(tmp_path / "a", start)
    record = load_checkpoint(tmp_path / "a").training
    assert record["started_from"]["model"] == "start.safetensors"
    assert record["started_from"]["training"]["drawings"] == start.training["drawings"]
    train = DRAWINGS.of_split("train")
    pigs, faces = (int((train.category == DRAWINGS.categories.index(name)).sum()) for name in ("pig", "face"))
    cats, earlier_pigs = start.training[CATEGORY_COUNTS]
    assert earlier_pigs != pigs
    assert record[CATEGORY_COUNTS] == [cats, max(earlier_pigs, pigs), faces]


def test_an_interrupted_run_goes_on_to_the_last_bit(tmp_path, start):
    begun(tmp_path / "whole", start)
    begun(tmp_path / "parts", start, observer=Watcher(5, interrupt))
    with pytest.raises(
        ConfigurationError, match=r"the run was started with those of start.safetensors, not random weights"
    ):
        run_training(tmp_path / "parts", start.configuration, drawings=DRAWINGS, resume=True)
    begun(tmp_path / "parts", start, resume=True)
    for path in (lambda path: path, last_path):
        (weights, record), (expected, expected_record) = (stored(path(tmp_path / name)) for name in ("parts", "whole"))
        assert record == expected_record
        assert all(np.array_equal(weights[name], value) for name, value in expected.items())


def test_a_run_that_began_by_chance_does_not_go_on_from_a_model(tmp_path, start):
    run_training(tmp_path / "a", drawings=KNOWN, observer=Watcher(4, interrupt))
    with pytest.raises(ConfigurationError, match=r"was started with random weights, not those of start.safetensors"):
        begun(tmp_path / "a", start, KNOWN, resume=True)


def test_a_model_of_one_category_takes_that_of_the_drawings(tmp_path):
    start = checkpoint_of(network_of(small_model(categories=("cat",))))
    pigs = random_drawings(40, categories=("pig",))
    begun(tmp_path / "a", start, pigs)
    assert load_checkpoint(tmp_path / "a").configuration.categories == ("pig",)
    with pytest.raises(ConfigurationError, match="expected drawings of one category, as the model has, found 2"):
        begun(tmp_path / "a", start)


def test_another_architecture_and_another_unit_are_refused(tmp_path, start):
    with pytest.raises(CheckpointError, match=r"tensor .* has shape"):
        run_training(tmp_path / "a", small_model(decoder_units=13), start=start)
    with pytest.raises(ConfigurationError, match="in the unit 'box', found 'source'"):
        begun(tmp_path / "a", start, dataclasses.replace(DRAWINGS, unit="source"))
    assert not (tmp_path / "a").exists()

import dataclasses
import json
import re
from typing import Any

import pytest
from builders import CATEGORIES, CONFIGURATIONS, small_model

import sketchrnn
from sketchrnn.errors import CategoryError, ConfigurationError
from sketchrnn.model.categories import index_of_name, synonyms
from sketchrnn.model.configuration import ModelConfiguration
from sketchrnn.training.configuration import TrainingConfiguration

MODEL = small_model(categories=CATEGORIES)


@pytest.mark.parametrize(
    ("name", "index"),
    [
        ("pig", 0),
        ("PIG", 0),
        ("alarm clock", 1),
        ("alarm_clock", 1),
        ("Alarm_Clock", 1),
        ("The Eiffel Tower", 2),
        ("the_eiffel_tower", 2),
        ("Eiffel-Tower ", 2),
        ("alarmclocks", 1),
    ],
)
def test_categories_are_found_by_their_spellings(name, index):
    assert MODEL.category_index(name) == index


def test_categories_are_found_by_plurals_and_synonyms(caplog):
    caplog.set_level("INFO")
    categories = sketchrnn.load().categories
    found = {name: categories[index_of_name(name, categories)] for name in ("kitten", "Bikes", "grape", "teddy bears")}
    assert found == {"kitten": "cat", "Bikes": "bicycle", "grape": "grapes", "teddy bears": "teddy-bear"}
    assert caplog.messages == ["kitten: taken as cat", "Bikes: taken as bicycle"]


def test_synonyms_are_of_categories_and_are_none():
    categories = sketchrnn.load().categories
    assert set(synonyms().values()) <= set(categories)
    names = {re.sub(r"[ '-]", "", name.lower().removeprefix("the ")) for name in categories}
    assert len(names) == len(categories)
    assert not names & set(synonyms())
    assert all(word.isalpha() and word == word.lower() for word in synonyms())


def test_a_synonym_of_a_category_that_the_model_lacks_is_unknown():
    with pytest.raises(CategoryError, match=r"unknown category 'kitten'"):
        MODEL.category_index("kitten")


def test_the_exact_spelling_comes_first():
    model = small_model(categories=("Pig", "pig", "a_b", "a b"))
    assert [model.category_index(name) for name in model.categories] == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("name", "hint"),
    [("alarm clok", "; did you mean 'alarm clock'?"), ("eifel towr", "'The Eiffel Tower'"), ("zzz", "'zzz' (")],
)
def test_unknown_categories_come_with_what_may_be_meant(name, hint):
    with pytest.raises(CategoryError) as caught:
        MODEL.category_index(name)
    assert f"unknown category {name!r}" in str(caught.value)
    assert hint in str(caught.value)


def test_several_categories_ask_for_one():
    with pytest.raises(CategoryError, match="one of 3 categories"):
        MODEL.category_index(None)


def test_one_category_or_none_asks_for_nothing():
    assert small_model().category_index(None) == 0
    assert small_model().category_index("anything") == 0
    assert small_model(categories=("pig",)).category_index(None) == 0
    assert small_model(categories=("pig",)).category_index("Pig") == 0
    with pytest.raises(CategoryError, match="unknown category 'cat'"):
        small_model(categories=("pig",)).category_index("cat")


SIZES = ("encoder_units", "decoder_units", "latent_units", "mixtures", "category_units", "hyper_units")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *[(name, value) for name in SIZES for value in (0, -1, 1.5, 1 << 17, "8", None)],
        *[("latent_dropout", value) for value in (-0.1, 1.1, float("nan"), "half", None)],
        *[("categories", value) for value in (("pig", "pig"), "pig", (1, 2), None)],
        *[("variational", value) for value in (3, "yes", None)],
    ],
)
def test_refused_architectures(name, value):
    with pytest.raises(ConfigurationError, match=f"^{name}: ") as caught:
        ModelConfiguration(**{name: value})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *[
            (name, value)
            for name in ("max_steps", "batch_size", "evaluate_every", "checkpoint_every")
            for value in (0, -1, 1.5, "10", None)
        ],
        *[(name, value) for name in ("warmup_steps", "seed") for value in (-1, 0.5, None)],
        *[(name, value) for name in ("learning_rate", "clip") for value in (0, -1.0, float("nan"), "fast", None)],
        *[
            (name, value)
            for name in ("min_learning_rate", "weight_decay", "kl_weight", "kl_weight_start", "kl_floor")
            for value in (-0.1, float("nan"), None)
        ],
        *[(name, value) for name in ("learning_rate_decay", "kl_decay") for value in (0.0, 1.1, float("nan"))],
        *[
            (name, value)
            for name in ("dropout", "augment_scale", "augment_drop")
            for value in (-0.1, 1.0, float("nan"))
        ],
        ("learning_rate_schedule", "linear"),
        ("clipping", "none"),
        ("precision", "float16"),
    ],
)
def test_refused_training_settings(name, value):
    with pytest.raises(ConfigurationError, match=f"^{name}: expected .*, found ") as caught:
        TrainingConfiguration(**{name: value})
    assert repr(value) in str(caught.value)


def test_edges_that_are_allowed():
    ModelConfiguration(encoder_units=1, decoder_units=1 << 16, latent_dropout=0)
    ModelConfiguration(latent_dropout=1.0)
    TrainingConfiguration(
        max_steps=1, batch_size=1, dropout=0, augment_scale=0, kl_decay=1, learning_rate_decay=1, clip=float("inf")
    )


@pytest.mark.parametrize("changes", CONFIGURATIONS.values(), ids=CONFIGURATIONS)
def test_json_round_trip(changes):
    model = small_model(**changes)
    assert ModelConfiguration.from_json(json.loads(json.dumps(model.to_json()))) == model


def test_training_settings_as_json():
    training = TrainingConfiguration(max_steps=7, clipping="norm")
    assert TrainingConfiguration(**json.loads(json.dumps(training.to_json()))) == training


@pytest.mark.parametrize("values", [{}, [], None, 3, {**small_model().to_json(), "depth": 3}])
def test_other_json_is_refused(values):
    with pytest.raises(ConfigurationError, match="expected the model's fields"):
        ModelConfiguration.from_json(values)


def test_configurations_cannot_change():
    configuration: Any
    for configuration in (MODEL, TrainingConfiguration()):
        with pytest.raises(dataclasses.FrozenInstanceError):
            configuration.seed = 1


def test_units_of_the_conditioning():
    units = {name: small_model(**changes).conditioning_units for name, changes in CONFIGURATIONS.items()}
    assert list(units.values()) == [4, 4, 4, 9, 0, 5, 9, 9, 4, 9, 0]
    able = {name: small_model(**changes).can_draw_without_latent for name, changes in CONFIGURATIONS.items()}
    assert list(able.values()) == [False, False] + 9 * [True]
    assert small_model().output_units == 3 + 6 * 3

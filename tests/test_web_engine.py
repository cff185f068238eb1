"""The engine in JavaScript against its twin in NumPy, in Node and in Chromium, on the same model file."""

import dataclasses
import json
import re
from pathlib import Path

import numpy as np
import pytest
from builders import CATEGORIES, CONFIGURATIONS, checkpoint_of, network_of, small_model
from web import engine_in_chromium, engine_in_node

import sketchrnn
from sketchrnn import __version__
from sketchrnn.errors import CategoryError
from sketchrnn.formats import read_records
from sketchrnn.model.categories import index_of_name, synonyms
from sketchrnn.model.checkpoint import CATEGORY_COUNTS, checkpoint_bytes, load_checkpoint, load_shipped
from sketchrnn.model.model import Model
from sketchrnn.model.network import NumpyNetwork
from sketchrnn.model.prefix import PrefixSettings, encode_prefix
from sketchrnn.model.recognizer import Recognizer, RecognizerConfiguration, pictures
from sketchrnn.model.sampling import Request, Sampling
from sketchrnn.settings import settings_of
from sketchrnn.sketch import Sketch
from sketchrnn.sketch.simplify import ramer_douglas_peucker
from sketchrnn.web.model_file import page_model

SAMPLES = Path(__file__).parent.parent / "samples"
PREFIXES = {
    "pen up": Sketch.from_polylines([[(10, 10), (90, 20.5), (20, 100)], [(40, 40)], [(3, 4), (90, -100)]]),
    "pen down": Sketch.from_polylines([[(10, 10), (90, 20.5), (30, 31)]], pen_down=True),
    "a dot": Sketch.from_polylines([[(10, 10)], [(90, 20.5), (30, 31)]]),
    "empty": Sketch(()),
}
KNOWN = {"latent_dropout": 0.5, "categories": CATEGORIES}
TINY = RecognizerConfiguration(16, (4, 6), (5, 3), (2, 1), 8)


@pytest.fixture(scope="module", params=[engine_in_node, engine_in_chromium], ids=["node", "chromium"])
def engine(request):
    with request.param() as engine:
        yield engine


NAMES = ["CAT", "Kitten", "kittens", "eiffel tower", "THE_MONA LISA", "hotdog", "teddy bear", "houses", "pea", "Bikes"]
NAMES += ["t shirt", "T-SHIRT", "see-saw", "Killer", "", "s", "the", "constructor", "glasses", " cat ", "it’s", "ÄÖ"]


def test_names_mean_the_same_categories(engine):
    categories = sketchrnn.load().categories

    def ours(name):
        try:
            return index_of_name(name, categories)
        except CategoryError:
            return -1

    names = [*NAMES, *synonyms(), *categories]
    found = [ours(name) for name in names]
    assert engine("categories", names, list(categories)) == found
    assert found[-len(categories) :] == list(range(len(categories)))


def sent(sketch):
    return {"strokes": sketch.polylines(), "pen_down": sketch.pen_down}


def in_halves(checkpoint):
    """The weights as a page's file has them, so that only the arithmetic differs."""
    halves = {name: value.astype(np.float16) for name, value in checkpoint.weights.items()}
    return dataclasses.replace(checkpoint, weights=halves)


def model_of(**changes):
    training = {CATEGORY_COUNTS: [3, 4, 5]} if "categories" in changes else {}
    return in_halves(checkpoint_of(network_of(small_model(**changes)), training=training))


def with_recognizer(checkpoint, configuration=TINY):
    generator = np.random.default_rng(1)
    shapes = configuration.tensor_shapes(len(checkpoint.configuration.categories))
    weights = {name: generator.normal(0, 0.3, shape).astype(np.float16) for name, shape in shapes.items()}
    return dataclasses.replace(
        checkpoint, weights={**checkpoint.weights, **weights}, recognizer=configuration.to_json()
    )


def compare_mixtures(engine, network, prefix, tolerance=1e-4, guidance=1.4, clarity=0.7):
    categories = np.arange(max(1, len(network.configuration.categories)))
    theirs = engine("mixtures", sent(prefix), categories.tolist(), guidance, clarity)
    state = network.start(network.conditioning(categories, guidance=guidance, clarity=clarity))
    for row in encode_prefix(network, prefix, PrefixSettings(scale=1.0)).rows:
        state = network.step(state, np.broadcast_to(row, (len(categories), 5)))
    ours = network.mixture(state)
    for name, value in {
        "logPi": ours.log_pi,
        "muX": ours.mu[..., 0],
        "muY": ours.mu[..., 1],
        "logSigmaX": ours.log_sigma[..., 0],
        "logSigmaY": ours.log_sigma[..., 1],
        "rho": ours.rho,
        "logQ": ours.log_q,
    }.items():
        np.testing.assert_allclose([mixture[name] for mixture in theirs], value, rtol=0, atol=tolerance, err_msg=name)


# the network


@pytest.mark.parametrize("plain", [False, True], ids=["wasm", "plain"])
@pytest.mark.parametrize("kind", [*CONFIGURATIONS, "odd sizes"])
def test_every_kind_of_decoder_agrees_with_numpy(engine, kind, plain):
    changes = CONFIGURATIONS.get(kind, {**KNOWN, "decoder_units": 13, "mixtures": 1})
    checkpoint = model_of(**changes)
    description = engine.load(page_model(checkpoint, "float16"), plain=plain)
    assert description["kernel"] == ("plain" if plain else "wasm")
    assert tuple(description["categories"]) == checkpoint.configuration.categories
    network = NumpyNetwork(checkpoint)
    if checkpoint.configuration.can_draw_without_latent:
        for prefix in PREFIXES.values():
            compare_mixtures(engine, network, prefix)
    if checkpoint.configuration.variational:
        engine.load(checkpoint_bytes(checkpoint), plain=plain)  # with its encoder
        rows = encode_prefix(network, PREFIXES["pen up"], PrefixSettings(scale=1.0)).rows
        np.testing.assert_allclose(
            engine("encode", sent(PREFIXES["pen up"]), 0), network.encode(rows[1:], 0), atol=1e-4
        )


def test_the_shipped_model_agrees_with_numpy_in_all_categories(engine):
    checkpoint = load_shipped()
    engine.load(page_model(checkpoint, "float16"))
    compare_mixtures(engine, NumpyNetwork(checkpoint), next(iter(read_records(SAMPLES / "pig.ndjson"))).sketch, 1e-3)


def test_the_comparison_notices_another_model(engine):
    engine.load(page_model(model_of(variational=False), "float16"))
    other = dataclasses.replace(model_of(variational=False), offset_scale=26.6)
    with pytest.raises(AssertionError):
        compare_mixtures(engine, NumpyNetwork(other), PREFIXES["pen up"])


@pytest.mark.parametrize("kind", CONFIGURATIONS)
def test_weights_in_int8_are_what_python_reads_in_the_same_file(engine, kind, tmp_path):
    checkpoint = with_recognizer(model_of(**{**CONFIGURATIONS[kind], **KNOWN}))
    content = page_model(checkpoint, "int8")
    (tmp_path / "model.safetensors").write_bytes(content)
    loaded = load_checkpoint(tmp_path / "model.safetensors")
    for name, value in loaded.weights.items():
        if value.ndim == 2:
            error = np.abs(value - checkpoint.weights[name].astype(np.float32)).max(axis=1)
            assert (error <= np.abs(checkpoint.weights[name]).max(axis=1) / 253).all(), name
    engine.load(content)
    compare_mixtures(engine, NumpyNetwork(loaded), PREFIXES["pen up"])
    strokes = PREFIXES["pen up"].polylines()
    ours = Recognizer(loaded).log_probabilities([PREFIXES["pen up"].strokes])[0]
    np.testing.assert_allclose(engine("recognize", strokes), ours, atol=1e-4)


# what it sees


@pytest.mark.parametrize("recognizes", [False, True], ids=["by likelihood", "by picture"])
def test_prefixes_are_seen_as_python_sees_them(engine, recognizes):
    checkpoint = with_recognizer(model_of(**KNOWN)) if recognizes else model_of(**KNOWN)
    network, recognizer = NumpyNetwork(checkpoint), Recognizer.from_checkpoint(checkpoint)
    engine.load(page_model(checkpoint, "float16"))
    generator = np.random.default_rng(4)
    sketches = [*PREFIXES.values(), Sketch.from_polylines([[(1, 2), (1, 2)], [(5, 5), (9, 1)]])]
    for _ in range(20):
        shape = [int(size) for size in generator.integers(1, 120, generator.integers(1, 4))]
        walks = [np.cumsum(generator.normal(0, generator.choice([0.3, 3, 20]), (size, 2)), axis=0) for size in shape]
        sketches.append(Sketch.from_polylines(walks, pen_down=bool(generator.random() < 0.5)))
    for number, sketch in enumerate(sketches):
        category = (0, 1, None)[number % 3]
        for options in ({}, {"scale": 2.5}, {"scale": 0.5, "pen": "auto"}, {"scale": 1, "arrange": True}):
            ours = encode_prefix(network, sketch, PrefixSettings(category, **options), recognizer)
            theirs = engine("prefix", sent(sketch), category, options)
            assert theirs["scale"] == pytest.approx(ours.scale, rel=1e-6)
            assert theirs["penDown"] == ours.sketch.pen_down
            np.testing.assert_allclose(theirs["lastPoint"], ours.last_point, rtol=1e-4)
            np.testing.assert_allclose(theirs["rows"], ours.rows, atol=1e-4)


@pytest.mark.parametrize("strokes", [1, 3000])
def test_a_large_prefix_is_shortened_as_in_python(engine, strokes):
    """Also one that has too many points even after simplification."""
    checkpoint = model_of(**KNOWN)
    network = NumpyNetwork(checkpoint)
    engine.load(page_model(checkpoint, "float16"))
    angle = np.linspace(0, 60, 12_000)
    points = np.column_stack([angle * np.cos(angle), angle * np.sin(angle)]) * 3 + 500
    sketch = Sketch.from_polylines(np.split(points, strokes))
    for scale in (None, 1.0):
        ours = encode_prefix(network, sketch, PrefixSettings(1, scale))
        theirs = engine("prefix", sent(sketch), 1, {} if scale is None else {"scale": scale})
        assert theirs["scale"] == pytest.approx(ours.scale, rel=1e-6)
        np.testing.assert_allclose(theirs["lastPoint"], ours.last_point, rtol=1e-6)
        np.testing.assert_allclose(theirs["rows"], ours.rows, atol=1e-4)


def test_simplification_is_the_packages(engine):
    generator = np.random.default_rng(4)
    for size in (1, 2, 3, 10, 200):
        for stroke in (np.cumsum(generator.normal(0, 3, (size, 2)), axis=0), generator.integers(0, 9, (size, 2))):
            np.testing.assert_allclose(
                engine("simplified", stroke.tolist(), 2), ramer_douglas_peucker([stroke.astype(float)], 2.0)[0]
            )


def test_guesses_agree_with_numpy(engine):
    checkpoint = model_of(**KNOWN)
    engine.load(page_model(checkpoint, "float16"))
    for prefix in PREFIXES.values():
        theirs = engine("guess", sent(prefix), {})
        ours = Model(checkpoint).guess(prefix)
        assert [one["category"] for one in theirs] == [one.category for one in ours]
        assert [one["probability"] for one in theirs] == pytest.approx([one.probability for one in ours], abs=1e-4)


def test_pictures_and_recognizers_agree_with_numpy(engine):
    configuration = RecognizerConfiguration(20, (3, 8, 5), (5, 3, 3), (2, 1, 2), 9)
    checkpoint = with_recognizer(model_of(**KNOWN), configuration)
    engine.load(page_model(checkpoint, "float16"))
    recognizer = Recognizer(checkpoint)
    generator = np.random.default_rng(2)
    drawings = [sketch.strokes for sketch in PREFIXES.values()] + [
        [generator.normal(0, 100, (int(size), 2)) for size in generator.integers(1, 9, 3)] for _ in range(10)
    ]
    for strokes in drawings:
        points = [stroke.tolist() for stroke in strokes]
        np.testing.assert_allclose(engine("picture", points, 20), pictures([strokes], 20).ravel(), atol=1e-5)
        ours = recognizer.log_probabilities([strokes])[0]
        np.testing.assert_allclose(engine("recognize", points), ours, atol=1e-4)
        if points:
            best = engine("guess", {"strokes": points, "pen_down": False}, {"scale": 1})[0]
            assert best["category"] == CATEGORIES[int(np.argmax(ours))]
            assert best["probability"] == pytest.approx(float(np.exp(ours.max())), abs=1e-4)


# what it draws


def camel(name):
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)


def compare_drawings(engine, model, prefix, category, tolerance=0.011, **settings):
    """The same candidates are chosen, with the same points, which are rounded to 0.01."""
    ours = model.complete(prefix, category, **settings)
    options = {camel(name): value for name, value in settings.items()}
    theirs = engine("draw", sent(prefix), {**options, "category": category})["completions"]
    assert len(theirs) == len(ours)
    for one, other in zip(ours, theirs, strict=True):
        completion = one.completion
        assert (other["category"], other["seed"], other["candidate"]) == (one.category, one.seed, one.candidate)
        assert (other["ended"], other["penDown"]) == (one.ended, completion.pen_down)
        assert [len(stroke) for stroke in other["strokes"]] == [len(stroke) for stroke in completion.strokes]
        # both look at the drawing before its points are rounded, which float32 has already moved a little
        assert other["score"] == pytest.approx(one.score, abs=max(1e-4, 0.02 * tolerance))
        for stroke, drawn in zip(completion.strokes, other["strokes"], strict=True):
            np.testing.assert_allclose(drawn, stroke, rtol=1e-4, atol=tolerance)


@pytest.mark.parametrize("kind", CONFIGURATIONS)
def test_the_same_seed_draws_the_same_as_in_python(engine, kind):
    checkpoint = model_of(**CONFIGURATIONS[kind])
    engine.load(page_model(checkpoint, "float16"))
    model = Model(checkpoint)
    category = next(iter(checkpoint.configuration.categories), None)
    for number, prefix in enumerate(PREFIXES.values()):
        seed = 5 + 2**31 * (number % 2)
        compare_drawings(engine, model, prefix, category, count=3, best_of=2, seed=seed, max_points=40)


@pytest.mark.parametrize(
    "settings",
    [
        {"temperature": 0.0, "pen_temperature": 0.0},
        {"temperature": 1.3, "top_p": 0.6, "guidance": 3.0},
        {"best_of": 6, "diverse": True},
        {"best_of": 5, "pen": "auto", "arrange": False},
        {"pen": "down", "scale": 3.0},
        {"max_points": 1, "best_of": 1},
    ],
    ids=str,
)
def test_every_setting_does_the_same_as_in_python(engine, settings):
    checkpoint = with_recognizer(model_of(**KNOWN))
    engine.load(page_model(checkpoint, "float16"))
    for prefix in PREFIXES.values():
        compare_drawings(engine, Model(checkpoint), prefix, "pig", **{"count": 3, "max_points": 60, **settings})


def ending_at_once(checkpoint, categories):
    """A model that adds nothing to drawings of some categories, and never ends those of others."""
    weights = {name: value.copy() for name, value in checkpoint.weights.items()}
    units = checkpoint.configuration.decoder_units
    weights["category.weight"][:, 0] = [1 if name in categories else -1 for name in CATEGORIES]
    gates = slice(0, None, units)  # of the first unit, which alone decides
    for name in ("weight_ih_l0", "weight_hh_l0"):
        weights[f"decoder.lstm.{name}"][gates] = 0
    category = weights["decoder.lstm.weight_ih_l0"].shape[1] - checkpoint.configuration.category_units
    weights["decoder.lstm.weight_ih_l0"][2 * units, category] = 10
    weights["decoder.lstm.bias_ih_l0"][gates] = (10, -10, 0, 10)  # it forgets, and lets the category in and out
    weights["decoder.output.weight"][2, 0] = 50  # the pen's third state: the end
    return dataclasses.replace(checkpoint, weights=weights)


@pytest.mark.parametrize("finished", [0, 1, 2, 3])
def test_what_is_finished_is_drawn_as_the_next_category(engine, finished):
    """Without a category, those that add nothing are passed over, in Python as in JavaScript."""
    checkpoint = with_recognizer(model_of(**KNOWN))
    prefixes = [prefix for prefix in PREFIXES.values() if prefix.strokes]
    for prefix in prefixes:
        guessed = [guess.category for guess in Model(checkpoint).guess(prefix)]
        ending = ending_at_once(checkpoint, guessed[:finished])
        engine.load(page_model(ending, "float16"))
        model = Model(ending)
        drawings = model.complete(prefix, count=2, max_points=20)
        expected = guessed[finished] if finished < len(guessed) else guessed[0]
        assert {drawing.category for drawing in drawings} == {expected}
        assert {bool(drawing.completion.strokes) for drawing in drawings} == {finished < len(guessed)}
        assert [guess.category for guess in drawings[0].guesses] == guessed
        compare_drawings(engine, model, prefix, None, count=2, max_points=20)
        named = model.complete(prefix, guessed[0], max_points=20)  # a category that is named is kept
        assert [drawing.category for drawing in named] == guessed[:1]
        listed = model.complete(prefix, "auto:2", max_points=20)
        assert [drawing.category for drawing in listed] == guessed[:2]
        events = engine("events", sent(prefix), {"maxPoints": 20})
        starts = [event["category"] for event in events if event["event"] == "start"]
        assert starts == guessed[: finished + 1]
        assert any(event["event"] == "points" for event in events) == (finished < len(guessed))


@pytest.mark.parametrize("latent", ["prefix", "prior"])
def test_latent_vectors_are_sampled_as_in_python(engine, latent):
    checkpoint = model_of(latent_dropout=0.0, categories=CATEGORIES)
    engine.load(page_model(checkpoint, "float16"))
    compare_drawings(engine, Model(checkpoint), PREFIXES["pen up"], "pig", count=4, latent=latent, max_points=40)


@pytest.mark.parametrize("sample", ["pig", "squiggle", "face"])
def test_the_shipped_model_draws_the_same_as_in_python(engine, sample):
    (path,) = SAMPLES.glob(f"{sample}.*")
    engine.load(page_model(load_shipped(), "float16"))
    prefix = next(iter(read_records(path))).sketch
    compare_drawings(engine, Model(load_shipped()), prefix, "pig", 0.05, count=2, best_of=2, seed=7)


def test_settings_have_the_defaults_and_ranges_of_python(engine):
    engine.load(page_model(model_of(**KNOWN), "float16"))
    described = [each for owner in (Request, Sampling) for each in settings_of(owner) if each[0] != "continue_from"]
    theirs = engine("settings")
    del theirs["penDown"]  # which a Sketch holds
    assert theirs == {camel(name): default for name, default, _ in described}
    for name, default, setting in described:
        step = 1 if isinstance(default, int) else 1e-4
        outside = [setting.minimum is not None and setting.minimum - step, setting.maximum and setting.maximum + step]
        for value in outside:
            if value and name != "count":  # of which a page draws fewer
                with pytest.raises(RuntimeError, match=f"RangeError: {camel(name)}"):
                    engine("draw", sent(PREFIXES["empty"]), {"category": "pig", camel(name): value})


# random numbers


@pytest.mark.parametrize(
    ("counter", "key", "expected"),
    [  # Random123, kat_vectors
        ([0, 0, 0, 0], [0, 0], "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
        ([0xFFFFFFFF] * 4, [0xFFFFFFFF] * 2, "408f276d 41c83b0e a20bc7c6 6d5451fd"),
        (
            [0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344],
            [0xA4093822, 0x299F31D0],
            "d16cfe09 94fdcceb 5001e420 24126ea1",
        ),
    ],
)
def test_random_numbers_are_philox(engine, counter, key, expected):
    assert [f"{word:08x}" for word in engine("philox", counter, key)] == expected.split()


# what it refuses


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda content: content[:100], "cut short"),
        (lambda content: content[:-100], "cut short"),
        (lambda content: b"", "cut short"),
        (lambda content: b"[1, 2, 3] is JSON", "cut short"),
        (lambda content: content.replace(b'"format":"sketchrnn"', b'"format":"sketchxxx"'), "another safetensors file"),
        (lambda content: content.replace(b'"format_version":"1"', b'"format_version":"9"'), "found 9"),
        (lambda content: content.replace(b"decoder.output.bias", b"decoder.output.bixs"), "is missing"),
    ],
)
def test_damaged_files_are_refused(engine, change, words):
    content = change(page_model(model_of(**KNOWN), "float16"))
    with pytest.raises(RuntimeError, match=words):
        engine.load(content)


@pytest.mark.parametrize("precision", ["float16", "int8"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("name", ["decoder.output.bias", "decoder.output.weight"])
@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")  # int8 from weights that are not finite
def test_a_model_with_numbers_that_are_not_finite_is_refused(engine, precision, value, name):
    model = model_of(**KNOWN)
    weights = np.array(model.weights[name])
    weights[3] = value
    content = page_model(dataclasses.replace(model, weights={**model.weights, name: weights}), precision)
    with pytest.raises(RuntimeError, match=re.escape(f"tensor {name}: expected finite numbers")):
        engine.load(content)


@pytest.mark.parametrize(
    ("strokes", "options", "words"),
    [
        ([[[0, 1], [2, None]]], {}, "stroke 0, point 1"),
        ("cat", {}, "list of strokes"),
        ([], {"category": "pgi"}, "found pgi"),
        ([], {}, "found null"),
        ([], {"category": "pig", "temperature": -1}, "temperature"),
        ([], {"category": "pig", "temprature": 1}, "unknown option temprature"),
        ([], {"category": "pig", "seed": 0.5}, "seed"),
        ([], {"category": "pig", "latent": "prior"}, "without an encoder"),
        ([[[0, 0], [1e31, 0]]], {"category": "pig"}, "units across"),
    ],
)
def test_bad_input_is_refused(engine, strokes, options, words):
    engine.load(page_model(model_of(variational=False, categories=CATEGORIES), "float16"))
    with pytest.raises(RuntimeError, match=words):
        engine("draw", {"strokes": strokes, "pen_down": False}, options)


# the package


def test_the_npm_package_has_this_version():
    package = json.loads((SAMPLES.parent / "js/package.json").read_text())
    assert package["version"] == __version__

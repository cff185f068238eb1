"""The decoder in JavaScript against its twin in NumPy, in a real browser."""

import base64
import dataclasses
from pathlib import Path

import numpy as np
import pytest
from builders import CATEGORIES, checkpoint_of, network_of, small_model
from web import browsing

pytest.importorskip("playwright")

from sketchrnn.errors import ConfigurationError
from sketchrnn.formats import read_records
from sketchrnn.model.checkpoint import CATEGORY_COUNTS, load_shipped
from sketchrnn.model.guess import guess
from sketchrnn.model.network import NumpyMixture, NumpyNetwork
from sketchrnn.model.prefix import see_prefix
from sketchrnn.model.sampling import SamplingConfiguration
from sketchrnn.sketch import Sketch
from sketchrnn.sketch.simplify import without_needless_points
from sketchrnn.web.assets import page_text
from sketchrnn.web.export import decoder_tensors, packed_model

SAMPLE = Path(__file__).parent.parent / "samples" / "pig.ndjson"
PREFIXES = {
    "pen up": Sketch.from_polylines([[(10, 10), (90, 20.5), (20, 100)], [(40, 40)], [(3, 4), (90, -100)]]),
    "pen down": Sketch.from_polylines([[(10, 10), (90, 20.5), (30, 31)]], pen_down=True),
    "a dot": Sketch.from_polylines([[(10, 10)], [(90, 20.5), (30, 31)]]),
    "empty": Sketch(()),
}
KINDS = {
    "vae": {"latent_dropout": 0.5},
    "vae with categories": {"latent_dropout": 0.5, "categories": CATEGORIES},
    "decoder only": {"variational": False},
    "decoder only with categories": {"variational": False, "categories": CATEGORIES},
    "odd sizes": {"variational": False, "categories": CATEGORIES, "decoder_units": 13, "mixtures": 1},
}

HELPERS = """
  const halves = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)).buffer;
  const finished = (steps) => { for (;;) { const step = steps.next(); if (step.done) return step.value; } };
  window.load = (model, content, fast) =>
    js.decoderFrom(model, halves(content), fast ? kernel.fastestProduct() : js.product);
  window.parametersAfter = (decoder, strokes, penDown, categories) => {
    const state = decoder.start(categories);
    for (const row of [Float32Array.of(0, 0, 1, 0, 0), ...js.rowsOf(strokes, decoder.model.offsetScale, penDown)])
      decoder.step(state, row);
    return decoder.mixturesOf(state).map((mixture) => Object.fromEntries(
      Object.entries(mixture).map(([name, values]) => [name, [...values]])));
  };
  window.guessOf = (decoder, prefix, count) => finished(new js.Guesser(decoder).guess(prefix, count));
"""


@pytest.fixture(scope="module")
def page():
    """A blank page with the decoder's modules in it."""

    def address(text):
        return f"data:text/javascript;base64,{base64.b64encode(text.encode()).decode()}"

    decoder = address(page_text("decoder.js"))
    kernel = address(page_text("kernel.js").replace("./decoder.js", decoder))
    with browsing() as browser:
        page = browser.new_page()
        page.evaluate(
            f"async ([decoder, kernel_]) => {{ const js = window.js = await import(decoder);"
            f"const kernel = window.kernel = await import(kernel_); {HELPERS} }}",
            [decoder, kernel],
        )
        yield page


def load(page, checkpoint, precision="float16", fast=True):
    model, content = packed_model(checkpoint, name="test", precision=precision)
    page.evaluate(
        "([model, content, fast]) => { window.decoder = load(model, content, fast) }",
        [model, base64.b64encode(content).decode(), fast],
    )


def in_halves(checkpoint):
    halves = {name: value.astype(np.float16) for name, value in checkpoint.weights.items()}
    return dataclasses.replace(checkpoint, weights=halves)


def mixture_after(network, prefix, categories, guidance=1.0):
    state = network.start(network.condition(categories, guidance=guidance))
    for row in see_prefix(network, prefix, scale=1.0).rows:
        state = network.step(state, np.broadcast_to(row, (len(categories), 5)))
    return network.mixture(state)


def compare(page, network, prefix, tolerance):
    categories = np.arange(max(1, len(network.configuration.categories)))
    theirs = page.evaluate(
        "([strokes, down, categories]) => parametersAfter(decoder, strokes, down, categories)",
        [prefix.polylines(), prefix.pen_down, categories.tolist()],
    )
    ours = mixture_after(network, prefix, categories)
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


@pytest.mark.parametrize("fast", [True, False], ids=["kernel", "plain"])
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_decoder_agrees_with_numpy(page, kind, fast):
    checkpoint = in_halves(checkpoint_of(network_of(small_model(**KINDS[kind]))))
    load(page, checkpoint, fast=fast)
    assert page.evaluate("() => decoder.multiply !== js.product") is fast
    for prefix in PREFIXES.values():
        compare(page, NumpyNetwork(checkpoint), prefix, 1e-4)


def test_the_shipped_model_agrees_with_numpy_in_all_categories(page):
    checkpoint = load_shipped()
    load(page, checkpoint)
    compare(page, NumpyNetwork(checkpoint), next(iter(read_records(SAMPLE))).sketch, 1e-3)


def test_the_comparison_notices_another_prefix(page):
    checkpoint = in_halves(checkpoint_of(network_of(small_model(variational=False))))
    load(page, checkpoint)
    with pytest.raises(AssertionError):
        prefix = PREFIXES["pen up"]
        page.evaluate("() => { decoder.model.offsetScale *= 1.01 }")
        compare(page, NumpyNetwork(checkpoint), prefix, 1e-4)


def test_int8_weights_are_what_numpy_computes_with_the_same(page):
    checkpoint = in_halves(checkpoint_of(network_of(small_model(**KINDS["decoder only with categories"]))))
    rounded = {}
    for name, value in checkpoint.weights.items():
        if value.ndim == 2 and not name.startswith("encoder."):
            parts = [value[:, :5], value[:, 5:]] if name == "decoder.lstm.weight_ih_l0" else [value]
            value = np.concatenate([rounded_to_int8(part.astype(np.float32)) for part in parts], axis=1)
        rounded[name] = value
    load(page, checkpoint, "int8")
    compare(page, NumpyNetwork(dataclasses.replace(checkpoint, weights=rounded)), PREFIXES["pen up"], 1e-4)


def rounded_to_int8(matrix):
    scale = np.abs(matrix).max(axis=1, keepdims=True) / 127
    return np.rint(matrix / scale) * scale


def test_guesses_agree_with_numpy(page):
    network = network_of(small_model(**KINDS["decoder only with categories"]))
    checkpoint = in_halves(checkpoint_of(network, training={CATEGORY_COUNTS: [3, 4, 5]}))
    load(page, checkpoint)
    for name in ("pen up", "pen down", "a dot"):
        prefix = PREFIXES[name]
        theirs = page.evaluate(
            "([strokes, pen_down]) => guessOf(decoder, { strokes, pen_down }, 3)", [prefix.polylines(), prefix.pen_down]
        )
        ours = guess(NumpyNetwork(checkpoint), see_prefix(NumpyNetwork(checkpoint), prefix, scale=1.0))
        assert [one["category"] for one in theirs] == [one.category for one in ours]
        assert [one["probability"] for one in theirs] == pytest.approx([one.probability for one in ours], abs=1e-4)


def test_a_guess_that_goes_on_from_an_earlier_one_is_the_same(page):
    load(page, in_halves(checkpoint_of(network_of(small_model(**KINDS["decoder only with categories"])))))
    strokes = PREFIXES["pen up"].polylines()
    whole, continued = page.evaluate(
        """(strokes) => {
          const guesser = new js.Guesser(decoder);
          const run = (own, some) => { for (const steps = own.guess(some, 3);;) {
            const step = steps.next(); if (step.done) return step.value; } };
          for (let count = 1; count < strokes.length; count++) {
            run(guesser, { strokes: strokes.slice(0, count) });
            run(guesser, { strokes: strokes.slice(0, count + 1), pen_down: true });
          }
          run(guesser, { strokes: [[[1, 2], [3, 4]]] });
          run(guesser, { strokes: strokes.slice(0, 2) });
          return [run(new js.Guesser(decoder), { strokes }), run(guesser, { strokes })];
        }""",
        strokes,
    )
    assert [one["category"] for one in whole] == [one["category"] for one in continued]
    assert [one["probability"] for one in whole] == pytest.approx([one["probability"] for one in continued], rel=1e-5)


def test_samples_have_the_mixtures_moments(page):
    """Many single steps from one state: means, spreads and pens as the mixture says."""
    network = network_of(small_model(**KINDS["decoder only with categories"]))
    network.category.weight.data *= 20.0  # so that a category, and how clearly it is told, makes a difference
    checkpoint = in_halves(checkpoint_of(network))
    load(page, checkpoint)
    prefix = PREFIXES["pen up"]
    drawn = page.evaluate(
        """(strokes) => {
          const points = [], ends = [];
          const request = { strokes, category: 0, count: 20000, temperature: 0.8, seed: 3, maxPoints: 1 };
          for (const event of js.completions(decoder, request)) {
            if (event?.event === "points") points.push([...event.points[0], Number(event.lift)]);
            if (event?.event === "end" && event.ended) ends.push(event.drawing);
          }
          return [points, ends.length];
        }""",
        prefix.polylines(),
    )
    points, ended = np.array(drawn[0]), drawn[1]
    defaults = SamplingConfiguration()
    mixture = mixture_after(NumpyNetwork(checkpoint), prefix, np.zeros(1, np.int64), defaults.guidance)
    mixture = mixture.at_temperature(0.8, defaults.pen_temperature)
    generator = np.random.default_rng(0)
    many = NumpyMixture(*(np.repeat(value, 20_000, axis=0) for value in vars(mixture).values()))
    offsets, pen = many.sample(generator.random((20_000, 2)), generator.standard_normal((20_000, 2)))
    expected = prefix.last_point + offsets[pen != 2] * checkpoint.offset_scale
    spread = expected.std(axis=0)
    assert (np.abs(points[:, :2].mean(axis=0) - expected.mean(axis=0)) < 0.05 * spread).all()
    np.testing.assert_allclose(points[:, :2].std(axis=0), spread, rtol=0.05)
    np.testing.assert_allclose(np.corrcoef(points[:, :2].T)[0, 1], np.corrcoef(expected.T)[0, 1], atol=0.04)
    assert ended / 20_000 == pytest.approx((pen == 2).mean(), abs=0.015)
    assert points[:, 2].mean() == pytest.approx((pen[pen != 2] == 1).mean(), abs=0.02)


def test_simplification_is_the_packages(page):
    source = f"data:text/javascript;base64,{base64.b64encode(page_text('geometry.js').encode()).decode()}"
    generator = np.random.default_rng(4)
    for size in (1, 2, 3, 10, 200):
        stroke = np.cumsum(generator.normal(0, 3, (size, 2)), axis=0)
        theirs = page.evaluate(
            "async ([source, stroke]) => (await import(source)).simplified(stroke, 2)", [source, stroke.tolist()]
        )
        np.testing.assert_allclose(theirs, without_needless_points([stroke], 2.0)[0])


def test_a_model_that_needs_z_is_refused():
    checkpoint = checkpoint_of(network_of(small_model(latent_dropout=0.0)))
    with pytest.raises(ConfigurationError, match="trained with z only"):
        packed_model(checkpoint, name="test", precision="float16")


@pytest.mark.parametrize("change", [{"decoder_cell": "layer_norm"}, {"latent_tanh": True}])
def test_decoders_that_the_page_does_not_have_are_refused(change):
    checkpoint = checkpoint_of(network_of(small_model(**change)))
    with pytest.raises(ConfigurationError, match="plain LSTM"):
        packed_model(checkpoint, name="test", precision="float16")


def test_the_tensors_are_those_of_the_network():
    checkpoint = checkpoint_of(network_of(small_model(**KINDS["vae with categories"])))
    tensors = decoder_tensors(checkpoint)
    condition = NumpyNetwork(checkpoint).condition(np.arange(3))  # "no z" and the category
    weights, embedded = checkpoint.weights, tensors["embedding"]
    constant = weights["decoder.lstm.bias_ih_l0"] + condition @ weights["decoder.lstm.weight_ih_l0"][:, 5:].T
    np.testing.assert_allclose(tensors["bias"] + embedded @ tensors["category"].T, constant, atol=1e-5)

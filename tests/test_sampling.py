"""Sampling, alone and in batches."""

from typing import Any

import numpy as np
import pytest
import torch
from builders import CATEGORIES, CONFIGURATIONS, checkpoint_of, network_of, sampled, seen_by, small_model

from sketchrnn.errors import CategoryError, ConfigurationError, FormatError, SketchRNNError
from sketchrnn.model import batches, cells
from sketchrnn.model.completion import Job, after_prefixes, conditionings_for, sample_jobs
from sketchrnn.model.model import Model
from sketchrnn.model.network import NumpyNetwork
from sketchrnn.model.noise import point_noise
from sketchrnn.model.sampling import Request, Sampling
from sketchrnn.sketch import Sketch

SAMPLING = Sampling(1.0, pen_temperature=1.0, max_points=30, seed=3)
KINDS = ("decoder only with categories", "vae with categories", "vae with pen positions", "hyper vae with categories")


def checkpoint_with(kind):
    """A model whose drawings have some length."""
    network = network_of(small_model(**CONFIGURATIONS[kind]))
    with torch.no_grad():
        network.decoder.output.bias[2] -= 4.0
    return checkpoint_of(network)


@pytest.fixture
def exact_products(monkeypatch):
    """Products that round alike in any batch, on any machine: BLAS does on most, for blocks of one size."""

    def product(rows, weights):
        columns = np.stack([(row[None] * weights).sum(1) for row in np.ascontiguousarray(rows)], axis=1)
        return columns.T

    monkeypatch.setattr(cells, "product", product)
    monkeypatch.setattr("sketchrnn.model.network.product", product)


def prefixes(count):
    generator = np.random.default_rng(0)
    return [
        Sketch.from_polylines([generator.normal(0, 30, (int(size), 2)).cumsum(0).round(1) for size in sizes])
        for sizes in (generator.integers(1, 9, generator.integers(1, 4)) for _ in range(count))
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_a_drawing_is_the_plain_loop_over_its_noise(kind):
    network = NumpyNetwork(checkpoint_with(kind))
    prefix = seen_by(network, prefixes(3)[2], 1, scale=1.0)
    drawn = sampled(network, prefix, CATEGORIES[1], 3, SAMPLING, candidates=2)
    assert [(one.seed, one.candidate) for one in drawn] == [(3, 0), (3, 1), (4, 0), (4, 1), (5, 0), (5, 1)]
    assert any(one.ended for one in drawn) or all(one.completion.point_count >= 30 for one in drawn)
    for one in drawn:
        state = network.start(network.conditioning(np.array([1]), guidance=SAMPLING.guidance))
        for row in prefix.rows:
            state = network.step(state, row[None])
        uniform, normal = point_noise(np.array([one.seed]), np.array([one.candidate]), 0, 30)
        point, points, ended = prefix.last_point, [], False
        for step in range(30):
            mixture = network.mixture(state).at_temperature(1.0)
            offset, pen = mixture.sample(uniform[step], normal[step])
            if ended := bool(pen[0] == 2):
                break
            point = point + offset[0] * network.offset_scale
            points.append(point)
            state = network.step(state, np.concatenate([offset, np.eye(3, dtype=np.float32)[pen]], axis=1))
        assert one.ended is ended
        new = np.concatenate(one.completion.strokes) if points else np.zeros((0, 2))
        np.testing.assert_allclose(new, np.array(points).reshape(-1, 2), atol=0.02)


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_seed_gives_the_same_drawing_alone_and_in_a_batch(kind, exact_products):
    model = Model(checkpoint_with(kind))
    requests = [
        Request(
            sketch,
            CATEGORIES[number % 3],
            count=1 + number % 2,
            best_of=2,
            sampling=Sampling(seed=number, max_points=20),
        )
        for number, sketch in enumerate(prefixes(8))
    ]
    together: Any
    alone: Any
    for request, together in zip(requests, model.complete_many(requests), strict=True):
        (alone,) = model.complete_many([request])
        assert [one.sketch for one in together] == [one.sketch for one in alone]
        assert [one.scale for one in together] == [one.scale for one in alone]


def test_products_of_any_number_of_rows_agree():
    generator = np.random.default_rng(0)
    rows, weights = (generator.normal(size=shape).astype(np.float32) for shape in ((70, 33), (50, 33)))
    expected = rows.astype(np.float64) @ weights.T.astype(np.float64)
    for count in (0, 1, 2, 15, 16, 17, 64, 70):
        result = cells.product(rows[:count], weights)
        assert result.shape == (count, 50)
        np.testing.assert_allclose(result, expected[:count], atol=1e-4)


def test_finished_drawings_leave_the_batch():
    network = NumpyNetwork(checkpoint_with("decoder only with categories"))
    sizes = []
    step = network.step

    def counted(state, rows):
        sizes.append(len(rows))
        return step(state, rows)

    network.step = counted
    drawn = sampled(network, seen_by(network, Sketch(())), CATEGORIES[0], 100, Sampling(1.0, pen_temperature=1.0))
    assert len({one.sketch.point_count for one in drawn}) > 5
    assert 90 < sizes[1] <= 100
    assert sizes[-1] <= cells.BLOCK


def test_several_threads_draw_the_same(exact_products):
    network = NumpyNetwork(checkpoint_with("vae with categories"))
    prefix = seen_by(network, prefixes(1)[0], 0)
    request = Request(count=70, best_of=1, sampling=SAMPLING)
    conditionings = conditionings_for(network, prefix, CATEGORIES[0], request.tries, SAMPLING)
    job = Job(prefix, CATEGORIES[0], request, conditionings)
    state, wanted = after_prefixes(network, [job]), [(0, number) for number in range(70)]
    one, four = (sample_jobs(network, [job], state, wanted, threads) for threads in (1, 4))
    assert [each.sketch for each in one] == [each.sketch for each in four]


@pytest.mark.parametrize("latent", ["prefix", "prior"])
def test_z_is_that_of_the_seed(latent):
    network = NumpyNetwork(checkpoint_with("vae with categories"))
    prefix = seen_by(network, prefixes(1)[0], 0, scale=1.0)
    sampling = Sampling(0.0, pen_temperature=0.0, latent=latent, max_points=10)
    tries = ((0, 0), (1, 0), (0, 1), (0, 0))
    told = conditionings_for(network, prefix, CATEGORIES[0], tries, sampling)
    assert np.array_equal(told[0], told[3])
    assert len({row.tobytes() for row in told}) == 3


def test_a_latent_that_does_not_fit_is_refused():
    for kind, latent in (("decoder only", "prior"), ("vae", "none")):
        model = Model(checkpoint_of(network_of(small_model(**CONFIGURATIONS[kind]))))
        with pytest.raises(ConfigurationError, match=r"^latent: expected "):
            model.complete(prefixes(1)[0], latent=latent)


# many records


def test_results_come_in_order_and_errors_in_their_places(monkeypatch):
    monkeypatch.setattr(batches, "BATCH_VALUES", 3)
    model = Model(checkpoint_with("decoder only with categories"))
    good = [Request(sketch, "pig", best_of=1, sampling=Sampling(seed=9, max_points=5)) for sketch in prefixes(11)]
    broken = FormatError("line 7: expected JSON")
    requests: list[Any] = [*good[:4], Request(prefixes(1)[0], "cow"), *good[4:7], broken, Request(None), *good[7:]]
    results = list(model.complete_many(iter(requests)))
    assert [type(each) for each in results if isinstance(each, SketchRNNError)] == [
        CategoryError,
        FormatError,
        CategoryError,
    ]
    assert isinstance(results[4], CategoryError)
    assert results[8] is broken
    drawn = [each for each in results if isinstance(each, list)]
    assert [one.prefix for (one,) in drawn] == [request.prefix for request in good]


def test_requests_are_read_as_they_are_needed(monkeypatch):
    monkeypatch.setattr(batches, "BATCH_VALUES", 2)
    model = Model(checkpoint_with("decoder only with categories"))
    taken = []

    def requests():
        for number in range(1000):
            taken.append(number)
            yield Request(None, "pig", best_of=1, sampling=Sampling(max_points=2))

    results: Any = model.complete_many(requests())
    next(results)
    assert len(taken) < 100
    results.close()


def test_an_error_of_the_source_keeps_the_results_before_it():
    model = Model(checkpoint_with("decoder only with categories"))

    def requests():
        yield Request(None, "pig", best_of=1, sampling=Sampling(max_points=2))
        raise FormatError("the file ends here")

    first: Any
    first, last = model.complete_many(requests())
    assert len(first) == 1
    assert str(last) == "the file ends here"


def test_unknown_settings_are_refused():
    model = Model(checkpoint_with("decoder only with categories"))
    with pytest.raises(ConfigurationError, match="unknown setting 'temprature'"):
        model.generate("pig", temprature=1.0)
    with pytest.raises(ConfigurationError, match="best_of: expected a whole number from 1 to 1000, found 0"):
        model.generate("pig", best_of=0)

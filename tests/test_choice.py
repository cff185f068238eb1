"""Choosing among many completions."""

import dataclasses
import itertools

import numpy as np
import pytest
import torch
from builders import CONFIGURATIONS, checkpoint_of, network_of, small_model
from hypothesis import given
from hypothesis import strategies as st

from sketchrnn.model import choice
from sketchrnn.model.choice import draw_best, flaws, scribbles
from sketchrnn.model.completion import Completion, Session, complete
from sketchrnn.model.network import NumpyNetwork
from sketchrnn.model.prefix import see_prefix
from sketchrnn.model.sampling import SamplingConfiguration
from sketchrnn.sketch import Sketch
from sketchrnn.sketch.stroke5 import stroke5_from_stroke3

NETWORK = NumpyNetwork(checkpoint_of(network_of(small_model(**CONFIGURATIONS["decoder only"]))))
EMPTY = see_prefix(NETWORK, Sketch(()))
SAMPLING = SamplingConfiguration(1.0, max_points=30, pen_temperature=1.0)
LINE = Sketch.from_polylines([[(0, 0), (100, 0), (100, 100)]])


def network_that_draws_on(kind):
    """A network whose drawings have some length."""
    torch_network = network_of(small_model(**CONFIGURATIONS[kind]))
    with torch.no_grad():
        torch_network.decoder.output.bias[2] -= 4.0
    return NumpyNetwork(checkpoint_of(torch_network))


def one(seed, nats=5.0, sketch=LINE, ended=True):
    return Completion(sketch, ended, seed, nats)


def plain_order(session, attempts):
    """The attempts of one seed, the most promising first."""
    cuts = {2: [24], 3: [12, 24], 4: [12, 24], 8: [6, 12, 24]}[attempts]
    left, given_up = list(range(attempts)), []
    for points in cuts:
        session.run(points)
        left.sort(key=lambda place: (-session.category_gain[place], session.nats_per_point[place]))
        keep = -(-len(left) // 2)
        left, given_up = left[:keep], left[keep:] + given_up
    return left + given_up


@pytest.mark.parametrize("attempts", [2, 3, 4, 8])
@pytest.mark.parametrize("kind", ["decoder only with categories", "decoder only", "vae with categories"])
@pytest.mark.parametrize("often_flawed", [False, True])
def test_the_best_of_each_seed_is_kept(monkeypatch, kind, attempts, often_flawed):
    network = network_that_draws_on(kind)
    category = "pig" if network.configuration.conditional else None

    def number_of_flaws(network, prefix, one):
        return int(10 * one.nats_per_point) % 3 if often_flawed else 0

    monkeypatch.setattr(choice, "flaws", number_of_flaws)
    best = draw_best(network, EMPTY, category, 5, SAMPLING, attempts)
    for seed, ours in enumerate(best):
        tries = [(seed, attempt) for attempt in range(attempts)]
        session = Session(network, EMPTY, category, tries, SAMPLING, weighed=24)
        order = plain_order(session, attempts)  # here none is given up
        session.run()
        theirs = min(session.completions(order), key=lambda one: number_of_flaws(network, EMPTY, one))
        assert ours.seed == seed
        assert ours.nats_per_point == pytest.approx(theirs.nats_per_point, abs=1e-4)
        if not often_flawed:  # else it may have been given up early, and its gain is of fewer points
            assert ours.category_gain == pytest.approx(theirs.category_gain, abs=1e-4)
        assert (ours.category_gain != 0.0) == network.configuration.conditional


def test_each_seed_is_told_its_own_condition(monkeypatch):
    network = network_that_draws_on("vae with categories")
    monkeypatch.setattr(choice, "flaws", lambda network, prefix, one: int(10 * one.nats_per_point) % 3)
    z = np.random.default_rng(0).normal(size=(6, network.configuration.latent_units)).astype(np.float32)
    told = network.condition(np.arange(6) % 3, 2 * z)
    together = draw_best(network, EMPTY, "pig", 6, SAMPLING, 3, condition=told)
    for seed, one in enumerate(together):
        sampling = dataclasses.replace(SAMPLING, seed=seed)
        (alone,) = draw_best(network, EMPTY, "pig", 1, sampling, 3, condition=told[seed : seed + 1])
        assert one.nats_per_point == pytest.approx(alone.nats_per_point, abs=1e-4)


def log_likelihood_of(network, told, rows):
    """Of stroke-5 rows after START, the end among them."""
    state, total = network.start(network.condition(told, guidance=SAMPLING.guidance)), 0.0
    for before, row in itertools.pairwise(rows[:, None]):
        state = network.step(state, before)
        mixture = network.mixture(state)
        total += (mixture.log_q[:, 2] if row[0, 4] else mixture.log_prob(row)).item()
    return total


@pytest.mark.parametrize("weighed", [3, 40])
def test_the_gain_is_that_over_the_mean_of_all_categories(weighed):
    network = network_that_draws_on("decoder only with categories")
    drawn = complete(network, EMPTY, "pig", 6, SAMPLING, weighed=weighed)
    assert 0 < sum(one.ended for one in drawn) < 6
    for one in drawn:
        rows = stroke5_from_stroke3(one.sketch.to_stroke3()).astype(np.float32)
        rows[:, :2] /= network.offset_scale
        rows = (rows if one.ended else rows[:-1])[: weighed + 1]
        gain = log_likelihood_of(network, np.array([0]), rows) - log_likelihood_of(network, None, rows)
        assert one.category_gain == pytest.approx(gain / (len(rows) - 1), abs=2e-3)  # the coordinates are rounded


def test_flaws():
    spot = Sketch.from_polylines([[(0, 0), (100, 0), (50, 50), (51, 51), (50, 52), (51, 50), (50, 51)]])
    drawn = [one(0), one(0, ended=False), one(0, sketch=LINE.transformed(1000.0), ended=False), one(0, sketch=spot)]
    assert [flaws(NETWORK, EMPTY, each) for each in drawn] == [0, 1, 2, 1]


def test_of_many_attempts_only_the_promising_are_drawn_to_their_end(monkeypatch):
    network = network_that_draws_on("decoder only with categories")
    monkeypatch.setattr(choice, "flaws", lambda *arguments: 0)
    taken = []
    step = network.step

    def counted(state, rows):
        taken.append(len(rows))
        return step(state, rows)

    network.step = counted
    sampling = dataclasses.replace(SAMPLING, max_points=100)
    draw_best(network, EMPTY, "pig", 3, sampling, 8)
    halved = sum(taken)
    taken.clear()
    complete(network, EMPTY, "pig", 3, sampling, 8, weighed=100)
    assert halved < sum(taken) / 3


def test_diverse_ones_differ_most_and_flawed_ones_come_last(monkeypatch):
    up = Sketch.from_polylines([[(0, 100), (0, 0), (100, 0)]])
    nearly = Sketch.from_polylines([[(0, 0), (100, 1), (100, 100)]])
    drawn = [one(0, 1.0), one(0, 2.0, nearly), one(1, 9.0, up), one(1, 0.5, up, ended=False)]
    monkeypatch.setattr(choice, "complete", lambda *arguments, **named: drawn)
    for count, places in ((2, [0, 2]), (4, [0, 2, 1, 3])):
        chosen = draw_best(NETWORK, EMPTY, None, count, SAMPLING, 2, diverse=True)
        assert [drawn.index(best) for best in chosen] == places


def test_a_seeds_best_does_not_depend_on_the_others():
    together = draw_best(NETWORK, EMPTY, None, 3, SAMPLING, 4)
    assert [drawing.seed for drawing in together] == [0, 1, 2]
    alone = draw_best(NETWORK, EMPTY, None, 1, dataclasses.replace(SAMPLING, seed=2), 4)[0]
    assert alone.nats_per_point == pytest.approx(together[2].nats_per_point, abs=1e-3)
    several = complete(NETWORK, EMPTY, None, 2, SAMPLING, 3)
    assert [drawing.seed for drawing in several] == [0, 0, 0, 1, 1, 1]
    assert len({drawing.nats_per_point for drawing in several}) > 2


def test_scribbling_in_place():
    generator = np.random.default_rng(0)
    spread = Sketch.from_polylines([generator.uniform(0, 100, (40, 2))])
    assert not scribbles(spread)
    spot = generator.uniform(50, 54, (30, 2))
    assert scribbles(Sketch((*spread.strokes, spot)))
    assert not scribbles(Sketch((*spread.strokes, spot[:15])))
    assert not scribbles(Sketch(()))


@given(st.integers(0, 100), st.floats(0.01, 100.0))
def test_scribbling_does_not_depend_on_the_unit(seed, scale):
    generator = np.random.default_rng(seed)
    sketch = Sketch.from_polylines([generator.normal(size=(12, 2)).round(2)])
    assert scribbles(sketch) == scribbles(sketch.transformed(scale, (3.0, -2.0)))

"""Choosing among many completions."""

import dataclasses

import numpy as np
import pytest
from builders import CONFIGURATIONS, checkpoint_of, network_of, small_model
from hypothesis import given
from hypothesis import strategies as st

from sketchrnn.drawing import choice
from sketchrnn.drawing.choice import draw_best, scribbles
from sketchrnn.drawing.completion import Completion, complete
from sketchrnn.drawing.configuration import SamplingConfiguration
from sketchrnn.drawing.prefix import see_prefix
from sketchrnn.model.numpy_network import NumpyNetwork
from sketchrnn.sketch import Sketch

NETWORK = NumpyNetwork(checkpoint_of(network_of(small_model(**CONFIGURATIONS["decoder only"]))))
EMPTY = see_prefix(NETWORK, Sketch(()))
SAMPLING = SamplingConfiguration(1.0, max_points=30, pen_temperature=1.0)
LINE = Sketch.from_polylines([[(0, 0), (100, 0), (100, 100)]])


def made(monkeypatch, completions):
    monkeypatch.setattr(choice, "complete", lambda *arguments, **named: completions)


def one(seed, nats=5.0, sketch=LINE, ended=True):
    return Completion(sketch, ended, seed, nats)


def test_the_best_of_each_seed_is_kept(monkeypatch):
    off_page = LINE.transformed(1000.0)
    spot = Sketch.from_polylines([[(0, 0), (100, 0), (50, 50), (51, 51), (50, 52), (51, 50), (50, 51)]])
    drawn = [
        one(0, 6.0), one(0, 4.0), one(0, 5.0),
        one(1, 6.0), one(1, 1.0, ended=False), one(1, 1.0, off_page),
        one(2, 1.0, spot), one(2, 8.0), one(2, 9.0),
        one(3, 3.0, spot, ended=False), one(3, 4.0, ended=False), one(3, 5.0, ended=False),
    ]  # fmt: skip
    made(monkeypatch, drawn)
    chosen = draw_best(NETWORK, EMPTY, None, 4, SAMPLING, 3)
    assert [drawn.index(best) for best in chosen] == [1, 3, 7, 10]


def test_diverse_ones_differ_most_and_flawed_ones_come_last(monkeypatch):
    up = Sketch.from_polylines([[(0, 100), (0, 0), (100, 0)]])
    nearly = Sketch.from_polylines([[(0, 0), (100, 1), (100, 100)]])
    drawn = [one(0, 1.0), one(0, 2.0, nearly), one(1, 9.0, up), one(1, 0.5, up, ended=False)]
    made(monkeypatch, drawn)
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

"""Choosing among several candidates."""

import numpy as np
import pytest
from builders import CATEGORIES, CONFIGURATIONS, checkpoint_of, network_of, seen_by, small_model
from hypothesis import given
from hypothesis import strategies as st

from sketchrnn.model.cells import BLOCK
from sketchrnn.model.choice import GOOD_SCORE, Candidate, best_of, flaws, most_diverse, scribbles
from sketchrnn.model.completion import sample_jobs
from sketchrnn.model.drawing import Drawing
from sketchrnn.model.model import Model
from sketchrnn.model.network import NumpyNetwork
from sketchrnn.sketch import Sketch

CHECKPOINT = checkpoint_of(network_of(small_model(**CONFIGURATIONS["decoder only with categories"])))
NETWORK = NumpyNetwork(CHECKPOINT)
SCALE = NETWORK.offset_scale
EMPTY = seen_by(NETWORK, Sketch(()))
LINE = Sketch.from_polylines([[(0, 0), (100, 0), (100, 100)]])
SETTINGS = {"max_points": 30, "temperature": 1.0, "pen_temperature": 1.0}


def one(score=0.0, sketch=LINE, ended=True, seed=0, candidate=0):
    return Drawing(Sketch(()), sketch, ended, seed, None, candidate, score)


def test_flaws():
    spot = Sketch.from_polylines([[(0, 0), (100, 0), (50, 50), (51, 51), (50, 52), (51, 50), (50, 51)]])
    drawn = [one(), one(ended=False), one(sketch=LINE.transformed(1000.0), ended=False), one(sketch=spot)]
    assert [flaws(EMPTY, each, SCALE) for each in drawn] == [0, 1, 2, 1]


def test_flaws_do_not_depend_on_the_prefixs_unit_or_its_number_of_points():
    """The prefix is judged by the points that the decoder sees."""
    line = np.column_stack([np.linspace(0, 200, 2000), np.zeros(2000)])
    for scale in (0.1, 1.0, 40.0):
        prefix = seen_by(NETWORK, Sketch.from_polylines([line * scale]), scale=1 / scale)
        added = Sketch.from_polylines([[(200 * scale, 0), (200 * scale, 100 * scale), (0, 100 * scale)]])
        assert flaws(prefix, one(sketch=added), SCALE) == 0
        far = Sketch.from_polylines([[(200 * scale, 0), (200 * scale, 400 * scale)]])
        assert flaws(prefix, one(sketch=far), SCALE) == 1


def candidates_of(drawn):
    return [Candidate.of(EMPTY, each, SCALE) for each in drawn]


def test_the_first_good_one_else_fewest_flaws_then_the_highest_score_then_the_first():
    good, better = GOOD_SCORE + 0.01, GOOD_SCORE + 0.1
    cases = [
        ([one(-3.0), one(good), one(better)], 1),
        ([one(-3.0), one(better, ended=False), one(-2.0), one(good)], 3),
        ([one(-3.0), one(better, ended=False), one(-2.0)], 2),
        ([one(-3.0), one(-1.0), one(-2.0)], 1),
        ([one(-3.0), one(-1.0, ended=False), one(-2.0)], 2),
        ([one(), one(), one()], 0),
        ([one(ended=False), one(), one()], 1),
        ([one(-5.0, ended=False), one(-1.0, ended=False)], 1),
    ]
    for drawn, expected in cases:
        assert best_of(candidates_of(drawn)) is drawn[expected]


def test_diverse_ones_differ_most_and_flawed_ones_come_last():
    up = Sketch.from_polylines([[(0, 100), (0, 0), (100, 0)]])
    nearly = Sketch.from_polylines([[(0, 0), (100, 1), (100, 100)]])
    drawn = [one(-1.0), one(-2.0, nearly), one(-9.0, up), one(-0.5, up, ended=False)]
    for count, expected in ((2, [0, 2]), (4, [0, 2, 1, 3])):
        chosen = most_diverse(candidates_of(drawn), count)
        assert [drawn.index(best) for best in chosen] == expected


class FakeRecognizer:
    """Prefers drawings with many points, of some categories."""

    categories = CATEGORIES[:2]

    def log_probabilities(self, drawings):
        points = np.array([sum(len(stroke) for stroke in strokes) for strokes in drawings], np.float32)
        return np.stack([-1.0 / np.maximum(points, 1.0), -points], axis=1)


def recognized(monkeypatch, recognizer=None):
    model = Model(CHECKPOINT)
    monkeypatch.setattr(Model, "recognizer", recognizer or FakeRecognizer())
    monkeypatch.setattr("sketchrnn.model.choice.flaws", lambda *arguments: 0)
    return model


def test_the_recognizer_chooses_the_category_that_was_asked_for(monkeypatch):
    model = recognized(monkeypatch)
    for name, choose in ((CATEGORIES[0], max), (CATEGORIES[1], min)):
        for drawing in model.generate(name, count=4, best_of=6, **SETTINGS):
            points = drawing.sketch.point_count
            assert drawing.score == pytest.approx(-1.0 / max(points, 1) if choose is max else -points)
        means = [
            np.mean([one.sketch.point_count for one in model.generate(name, count=20, best_of=count, **SETTINGS)])
            for count in (1, 6)
        ]
        assert choose(means) == means[1]
        assert means[0] != means[1]


def test_without_a_score_the_first_one_without_flaws_is_kept(monkeypatch):
    model = recognized(monkeypatch)
    unknown = model.generate(CATEGORIES[2], count=5, best_of=6, **SETTINGS)  # the recognizer does not know it
    assert [(one.candidate, one.score) for one in unknown] == [(0, 0.0)] * 5
    single = model.generate(CATEGORIES[0], count=5, best_of=1, **SETTINGS)
    assert [one.score for one in single] == [0.0] * 5
    monkeypatch.setattr("sketchrnn.model.choice.flaws", lambda prefix, drawing, scale: int(drawing.candidate != 3))
    assert [one.candidate for one in model.generate(CATEGORIES[2], count=3, best_of=6, **SETTINGS)] == [3] * 3


def test_the_best_of_a_drawing_does_not_depend_on_the_others(monkeypatch):
    model = recognized(monkeypatch)
    together = model.generate(CATEGORIES[0], count=5, best_of=4, **SETTINGS)
    for drawing in together:
        (alone,) = model.generate(CATEGORIES[0], seed=drawing.seed, best_of=4, **SETTINGS)
        assert alone.candidate == drawing.candidate
        assert alone.sketch == drawing.sketch


def test_after_a_good_candidate_no_other_one_is_sampled(monkeypatch):
    model = recognized(monkeypatch)
    sampled = []

    def counted(network, jobs, state, wanted, threads):
        sampled.extend(wanted)
        return sample_jobs(network, jobs, state, wanted, threads)

    monkeypatch.setattr("sketchrnn.model.model.sample_jobs", counted)
    model.generate(CATEGORIES[2], count=BLOCK, best_of=6, **SETTINGS)  # without flaws and scores, the first is good
    assert [number % 6 for _, number in sampled] == [0] * BLOCK
    sampled.clear()
    monkeypatch.setattr(FakeRecognizer, "log_probabilities", lambda self, drawings: np.full((len(drawings), 2), -9.0))
    model.generate(CATEGORIES[1], count=BLOCK, best_of=6, **SETTINGS)  # no score is good
    assert sorted(sampled) == [(0, number) for number in range(6 * BLOCK)]
    sampled.clear()
    model.generate(CATEGORIES[2], count=2, best_of=6, **SETTINGS)  # fewer than a block take the same time
    assert sorted(sampled) == [(0, number) for number in range(12)]


def test_diverse_keeps_the_best_of_all(monkeypatch):
    model = recognized(monkeypatch)
    kept = model.generate(CATEGORIES[0], count=3, best_of=5, diverse=True, **SETTINGS)
    everything = model.generate(CATEGORIES[0], count=3, best_of=5, **SETTINGS)
    assert len(kept) == 3
    assert kept[0].score == max(each.score for each in everything)


def test_scribbling_in_place():
    generator = np.random.default_rng(0)
    spread = generator.uniform(0, 100, (40, 2))
    assert not scribbles(spread)
    spot = generator.uniform(50, 54, (30, 2))
    assert scribbles(np.concatenate([spread, spot]))
    assert not scribbles(np.concatenate([spread, spot[:15]]))
    assert not scribbles(np.zeros((0, 2)))
    many = generator.uniform(0, 100, (3000, 2))
    assert not scribbles(many)
    assert scribbles(np.concatenate([many, generator.uniform(50, 54, (2000, 2))]))


@given(st.integers(0, 500), st.integers(0, 60), st.floats(0.0, 0.8))
def test_scribbling_is_what_the_plain_definition_says(seed, count, share):
    generator = np.random.default_rng(seed)
    points = generator.uniform(0, 100, (count, 2)).round()
    near = generator.random(count) < share
    points[near] = 50 + generator.uniform(-6, 6, (int(near.sum()), 2)).round()
    half = 0.05 * np.ptp(points, axis=0).max() + 1e-12 if count else 0.0
    most = max((int((np.abs(points - each).max(axis=1) <= half).sum()) for each in points), default=0)
    assert scribbles(points) == (most > count / 3 and most >= 4)


@given(st.integers(0, 100), st.floats(0.01, 100.0))
def test_scribbling_does_not_depend_on_the_unit(seed, scale):
    points = np.random.default_rng(seed).normal(size=(12, 2)).round(2)
    assert scribbles(points) == scribbles(points * scale + (3.0, -2.0))

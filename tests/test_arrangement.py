"""The order, direction and start of a prefix's strokes that the decoder finds likeliest."""

import itertools

import numpy as np
import pytest
from builders import CONFIGURATIONS, checkpoint_of, network_of, seen_by, small_model
from hypothesis import given, settings
from hypothesis import strategies as st

from sketchrnn.model import arrangement
from sketchrnn.model.arrangement import arrange
from sketchrnn.model.checkpoint import load_shipped
from sketchrnn.model.likelihood import after_start, follow, log_likelihood
from sketchrnn.model.model import Model
from sketchrnn.model.network import DECODER_TENSORS, NumpyNetwork
from sketchrnn.model.prefix import conditionings_of, rows_of
from sketchrnn.sketch import Sketch

NETWORKS = {
    kind: NumpyNetwork(checkpoint_of(network_of(small_model(**CONFIGURATIONS[kind]), spread=0.8)))
    for kind in ("decoder only with categories", "vae with pen positions")
}
SQUARE = np.array([(0, 0), (40, 0), (40, 40), (0, 40), (0, 20), (0, 0)], float)


def sketches(seed, count=3):
    """Drawings of open strokes."""
    generator = np.random.default_rng(seed)
    return [
        Sketch.from_polylines(
            [
                generator.normal(0, 25, (int(size), 2)).round()
                for size in generator.integers(2, 5, generator.integers(1, 4))
            ],
            pen_down=bool(generator.random() < 0.3),
        )
        for _ in range(count)
    ]


def density(network, sketch, category=0):
    state = network.start(conditionings_of(network, [category]))
    return float(log_likelihood(network, state, rows_of(network, sketch)[None])[0])


def arranged(network, given, category=0):
    return arrange(network, given, conditionings_of(network, [category] * len(given)))


@pytest.mark.parametrize("kind", NETWORKS)
@given(seed=st.integers(0, 300))
@settings(max_examples=25, deadline=None)
def test_another_arrangement_is_taken_only_if_it_is_likelier(kind, seed):
    network = NETWORKS[kind]
    for before, after in zip(given := sketches(seed), arranged(network, given), strict=True):
        if after is not before:
            assert density(network, after) > density(network, before) + arrangement.KEPT - 1e-3
        points = sorted(map(tuple, np.concatenate(before.strokes).tolist()))
        assert sorted(map(tuple, np.concatenate(after.strokes).tolist())) == points  # none of them is closed
        assert (after.pen_down, len(after.strokes)) == (before.pen_down, len(before.strokes))
        if before.pen_down:
            np.testing.assert_array_equal(after.strokes[-1], before.strokes[-1])


@given(seed=st.integers(0, 300))
@settings(max_examples=25, deadline=None)
def test_of_one_stroke_the_likeliest_of_all_variants_is_found(seed):
    network = NETWORKS["decoder only with categories"]
    line = np.random.default_rng(seed).normal(0, 30, (5, 2)).round()
    turned = [np.concatenate([SQUARE[start:-1], SQUARE[: start + 1]]) for start in (0, 1, 2, 3)]
    for stroke, variants in ((line, [line]), (SQUARE, turned)):
        every = [Sketch((each[::step],)) for each in variants for step in (1, -1)]
        (found,) = arranged(network, [Sketch((stroke,))])
        best = max(density(network, each) for each in every)
        if best > density(network, Sketch((stroke,))) + arrangement.KEPT:
            assert density(network, found) == pytest.approx(best, abs=1e-3)
        else:
            assert found == Sketch((stroke,))


def test_each_sketch_is_arranged_as_alone():
    network = NETWORKS["vae with pen positions"]
    given = [one for seed in range(6) for one in sketches(seed)]
    alone = [arranged(network, [one])[0] for one in given]
    assert arranged(network, given) == alone
    assert any(one is not before for one, before in zip(alone, given, strict=True))


def test_rows_of_different_lengths_are_followed_as_alone():
    network = NETWORKS["vae with pen positions"]
    rows = [rows_of(network, one)[1:] for one in sketches(5, 6)]
    start = after_start(network, conditionings_of(network, [0, 1, 2, 0, 1, 2]))
    totals, states = follow(network, start, rows)
    for number, each in enumerate(rows):
        index = np.array([number])
        (total,), state = follow(network, start.take(index), [each])
        assert totals[number] == pytest.approx(total, abs=1e-4)
        for one, other in ((state.hidden, states.hidden), (state.cell, states.cell)):
            np.testing.assert_allclose(one[0], other[number], atol=1e-5)
        np.testing.assert_allclose(state.pen.point, states.pen.point[index], atol=1e-5)


@pytest.mark.parametrize("pen", ["up", "down"])
def test_what_was_given_comes_out_as_it_was_and_the_pen_is_where_the_decoder_left_it(pen):
    network = NETWORKS["vae with pen positions"]
    changed = 0
    for seed, scale in itertools.product(range(8), (0.01, 3.0)):
        given = sketches(seed, 1)[0].transformed(1 / scale, (5.0, -7.0))
        prefix = seen_by(network, given, 0, scale=scale, pen=pen, arrange=True)
        plain = seen_by(network, given, 0, scale=scale, pen=pen)
        changed += not np.array_equal(prefix.rows, plain.rows)
        assert prefix.sketch.strokes is given.strokes or prefix.sketch.polylines() == given.polylines()
        ends = np.concatenate([[stroke[0], stroke[-1]] for stroke in given.strokes])
        assert np.abs(ends - prefix.last_point).max(axis=1).min() < 0.01 / scale
        if pen == "down":
            np.testing.assert_array_equal(prefix.last_point, given.last_point)
        start = prefix.last_point - prefix.rows[1:, :2].sum(0) * network.offset_scale / scale
        assert np.abs(ends - start).max(axis=1).min() < 0.02 / scale
    assert changed


def test_long_prefixes_and_models_that_need_z_are_left_alone(monkeypatch):
    network = NETWORKS["decoder only with categories"]
    given = [Sketch((np.random.default_rng(1).normal(0, 30, (arrangement.MAX_ARRANGED_POINTS + 1, 2)),)), Sketch(())]
    assert arranged(network, given) == given
    needs_z = NumpyNetwork(checkpoint_of(network_of(small_model(**CONFIGURATIONS["vae"]), spread=0.8)))
    given = sketches(2)
    assert all(one is other for one, other in zip(arranged(needs_z, given), given, strict=True))


def test_the_setting_turns_it_off():
    model = Model(load_shipped())
    turn = np.linspace(2.0, 2.0 + 2 * np.pi, 12)
    head = np.column_stack([100 - 80 * np.cos(turn), 100 + 80 * np.sin(turn)]).round()
    head[-1] = head[0]
    ear = np.array([(60.0, 40.0), (50.0, 5.0), (85.0, 25.0)])
    drawn = [
        model.complete(Sketch((ear[::-1], head)), "cat", arrange=arrange, scale=1.0, best_of=1)[0]
        for arrange in (True, False)
    ]
    assert drawn[0].sketch != drawn[1].sketch
    for one in drawn:
        np.testing.assert_array_equal(one.sketch.strokes[0], ear[::-1])
        np.testing.assert_array_equal(one.sketch.strokes[1], head)


def test_the_shipped_model_turns_a_backward_prefix_round():
    """Strokes of the model's own drawings, reversed: most are turned to their first direction again."""
    network = NumpyNetwork(load_shipped(prefixes=DECODER_TENSORS))
    model = Model(load_shipped())
    found = total = 0
    for name in ("cat", "house", "fish"):
        category = network.configuration.category_index(name)
        for drawing in model.generate(name, count=3, best_of=1, seed=5):
            strokes = drawing.sketch.strokes[:2]
            given = Sketch(tuple(stroke[::-1] for stroke in strokes))
            (after,) = arrange(network, [given], conditionings_of(network, [category]))
            for stroke in strokes:
                total += len(stroke) > 2
                found += len(stroke) > 2 and any(np.array_equal(stroke, each) for each in after.strokes)
    assert total >= 9
    assert found > total / 2

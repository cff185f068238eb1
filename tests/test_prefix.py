"""What a model sees of a prefix: its scale, its pen and how many points it has."""

import json
import re

import numpy as np
import pytest
from builders import CONFIGURATIONS, checkpoint_of, network_of, sampled, seen_by, small_model
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from sketchrnn.cli import main
from sketchrnn.errors import ConfigurationError, FormatError
from sketchrnn.model.checkpoint import RECOGNIZER_TENSORS, load_shipped
from sketchrnn.model.likelihood import log_likelihood
from sketchrnn.model.network import DECODER_TENSORS, NumpyNetwork
from sketchrnn.model.prefix import MAX_PREFIX_POINTS, conditionings_of, rows_of
from sketchrnn.model.recognizer import LOG_EXTENTS, Recognizer
from sketchrnn.model.sampling import Sampling
from sketchrnn.model.scale import GRID, find_scales, log_extent_probabilities
from sketchrnn.sketch import Sketch
from sketchrnn.sketch.simplify import as_trained

PIG = Sketch.from_polylines(
    [[(142, 22), (112, 20), (74, 33), (51, 59), (46, 103), (68, 140), (106, 152), (150, 138), (168, 100), (142, 22)],
     [(100, 80), (90, 100), (115, 110), (120, 85), (100, 80)], [(98, 95), (99, 96)]]
)  # fmt: skip


def scale_of(network, sketch, category=None, recognizer=None):
    return find_scales(network, recognizer, [sketch], [category], conditionings_of(network, [category]))[0]


@pytest.fixture(scope="module")
def shipped():
    return NumpyNetwork(load_shipped(prefixes=DECODER_TENSORS))


@pytest.fixture(scope="module")
def shipped_recognizer():
    return Recognizer(load_shipped(prefixes=(RECOGNIZER_TENSORS,)))


@pytest.fixture(scope="module")
def small():
    return NumpyNetwork(checkpoint_of(network_of(small_model(**CONFIGURATIONS["vae with categories"]))))


@pytest.mark.parametrize(
    ("scale", "shift"), [(1 / 255, (0, 0)), (0.35, (10, -3)), (1000 / 255, (0, 500)), (2.0**20, 0)]
)
def test_a_drawing_in_another_unit_is_completed_alike(shipped, scale, shift):
    pig = shipped.configuration.category_index("pig")
    sampling = Sampling(seed=3)
    seen = [seen_by(shipped, one, pig) for one in (PIG, PIG.transformed(scale, shift))]
    assert seen[1].scale * scale == pytest.approx(seen[0].scale, rel=1e-9)
    np.testing.assert_allclose(seen[0].rows, seen[1].rows, atol=1e-6)
    ours, other = (sampled(shipped, one, "pig", 1, sampling)[0].completion for one in seen)
    assert ours.point_count > 5
    for stroke, expected in zip(other.strokes, ours.transformed(scale, shift).strokes, strict=True):
        np.testing.assert_allclose(stroke, expected, atol=0.1 * scale)


@pytest.mark.parametrize("extent", [5e-324, 1e-31, 1e31, 1e308])
def test_what_is_too_small_or_too_large_to_compute_with_is_refused(small, extent):
    with pytest.raises(
        FormatError, match=re.escape(f"expected a prefix 1e-30 to 1e+30 units across, found {extent:g}")
    ):
        seen_by(small, Sketch.from_polylines([[(0, 0), (extent, 0)]]))


@pytest.mark.parametrize(("extent", "scale"), [(1.0, 1e30), (1e20, 1e10), (1.0, -1.0), (1.0, float("nan"))])
def test_a_scale_that_cannot_be_computed_with_is_refused(small, extent, scale):
    with pytest.raises(ConfigurationError, match=r"^scale: expected a number above 0 and below 1e"):
        seen_by(small, Sketch.from_polylines([[(0, 0), (extent, 0)]]), scale=scale)


@pytest.mark.parametrize("extent", [2e-30, 1.0, 9e29])
def test_all_between_is_completed(small, extent):
    seen = seen_by(small, Sketch.from_polylines([[(0, 0), (extent, 0), (0, extent)]]))
    drawn = sampled(small, seen, "pig", 1, Sampling(max_points=5))[0]
    assert np.isfinite(np.concatenate(drawn.completion.strokes)).all()


@pytest.mark.parametrize("by", ["picture", "likelihood"])
def test_the_scale_of_drawings_in_another_unit_is_found(shipped, shipped_recognizer, by):
    """Within a factor of 1.7, of drawings that the model made."""
    recognizer = shipped_recognizer if by == "picture" else None
    for category in ("pig", "face", "butterfly"):
        index = shipped.configuration.category_index(category)
        empty = seen_by(shipped, Sketch(()))
        for drawing in sampled(shipped, empty, category, 3, Sampling(0.4, seed=1)):
            assert 1 / 1.7 < scale_of(shipped, drawing.sketch.transformed(7.0), index, recognizer) * 7.0 < 1.7


def test_the_outline_of_a_head_is_not_taken_for_a_part_of_it(shipped, shipped_recognizer):
    """A head that is 0.9 of the box large, with an eye in it, needs no second head around it."""
    turn = np.linspace(0, 2 * np.pi, 18)
    head = np.column_stack([120 + 110 * np.sin(turn), 125 - 115 * np.cos(turn)])
    eye = [(78, 92), (70, 100), (74, 112), (86, 112), (90, 100), (80, 92)]
    sketch = Sketch.from_polylines([head.tolist(), eye])
    index = shipped.configuration.category_index("face")
    assert 0.8 < scale_of(shipped, sketch, index, shipped_recognizer) <= 255 / sketch.extent


def test_a_circle_is_a_whole_clock_but_a_part_of_a_bicycle(shipped, shipped_recognizer):
    turn = np.linspace(0, 2 * np.pi, 17)
    circle = Sketch.from_polylines([np.column_stack([80 * np.sin(turn), 80 * np.cos(turn)])])
    clock, bicycle = (
        160 / 255 * scale_of(shipped, circle, shipped.configuration.category_index(name), shipped_recognizer)
        for name in ("clock", "bicycle")
    )
    assert bicycle < 0.6 < 0.9 < clock <= 1.0


def test_the_extents_probabilities_are_a_density_and_the_probability_of_the_whole():
    outputs = np.zeros((3, len(LOG_EXTENTS) + 1), np.float32)
    outputs[:, :-1] = LOG_EXTENTS * np.array([[0.0], [4.0], [-400.0]])
    outputs[:, -1] = -200.0, 0.0, 200.0
    probability = np.exp(log_extent_probabilities(outputs))
    assert probability.shape == (3, len(GRID))
    np.testing.assert_allclose(probability.sum(axis=1), 1.0)
    np.testing.assert_allclose(probability[0], 1 / len(GRID))  # level, and never as large as the whole
    np.testing.assert_allclose(np.diff(np.log(probability[1, 1:-1])), 4.0 * (GRID[1] - GRID[0]), rtol=1e-5)
    assert probability[1, -1] > 0.5 and probability[2, -1] == pytest.approx(1.0)


@pytest.mark.parametrize("factor", [0.2, 1.0, 5.0])
def test_the_likelihood_is_a_density_of_the_sketchs_own_coordinates(small, factor):
    """Finding the scale compares densities of the same coordinates: its integral over them is 1 at every scale."""
    state = small.start(small.conditioning(np.array([0])))
    side = np.linspace(-8, 8, 160) / factor
    x, y = (value.ravel() for value in np.meshgrid(side, side))
    keep = (x != 0) & (y != 0)
    rows = np.zeros((keep.sum(), 2, 5), np.float32)
    rows[:, 0, 2] = 1.0
    rows[:, 1, 0], rows[:, 1, 1] = factor * x[keep], factor * y[keep]
    total = 0.0
    for pen in (2, 3, 4):
        rows[:, 1, 2:] = np.eye(3)[pen - 2]
        states = state.take(np.zeros(len(rows), np.int64))
        density = np.exp(log_likelihood(small, states, rows, log_unit=np.full(len(rows), np.log(factor))))
        total += density.sum() * (side[1] - side[0]) ** 2
    assert total == pytest.approx(1.0, abs=0.05)


@pytest.mark.parametrize("extent", [0.0, 1e-12, 1e12])
def test_the_scale_is_always_a_positive_number(small, extent):
    sketch = Sketch.from_polylines([[(0, 0), (extent, 0)]])
    scale = scale_of(small, sketch)
    assert 0 < scale < np.inf
    if extent:
        low, high = np.exp(LOG_EXTENTS[[0, -1]] + [-0.1, 0.0]) * small.whole_extent / extent
        assert low < scale <= high * (1 + 1e-9)
    else:
        assert scale == 1.0


def test_the_pen_is_as_told_or_as_the_model_holds_likelier(small):
    for pen, down in (("up", False), ("down", True)):
        seen = seen_by(small, PIG, scale=1.0, pen=pen)
        assert seen.sketch.pen_down is down
        assert seen.rows[-1, 2:].tolist() == [1.0 * down, 1.0 - down, 0.0]
    assert seen_by(small, PIG, scale=1.0).sketch.pen_down is False
    decided = seen_by(small, PIG, 0, scale=1.0, pen="auto")
    up, lowered = (seen_by(small, PIG, 0, scale=1.0, pen=pen) for pen in ("up", "down"))
    state = small.start(small.conditioning(np.array([0])))
    likelihood = [log_likelihood(small, state, one.rows[None])[0] for one in (up, lowered)]
    assert decided.sketch.pen_down is bool(likelihood[1] > likelihood[0])
    np.testing.assert_array_equal(decided.rows, (up, lowered)[decided.sketch.pen_down].rows)
    assert not seen_by(small, Sketch(()), pen="down").sketch.pen_down


def test_the_shipped_model_knows_whether_a_pen_is_down(shipped):
    face = shipped.configuration.category_index("face")
    right = []
    for drawing in sampled(shipped, seen_by(shipped, Sketch(())), "face", 2, Sampling(0.4)):
        rows = drawing.sketch.to_stroke3()
        for end in range(2, min(40, len(rows)), 2):
            seen = seen_by(shipped, Sketch.from_stroke3(rows[:end]), face, scale=1.0, pen="auto")
            right.append(seen.sketch.pen_down == (rows[end - 1, 2] == 0))
    assert len(right) > 20
    assert np.mean(right) > 0.75


def test_many_points_are_simplified_for_the_model_only(shipped):
    turn = np.linspace(0, 2 * np.pi, 300)
    circle = Sketch.from_polylines([np.column_stack([100 + 90 * np.cos(turn), 100 + 90 * np.sin(turn)])])
    seen = seen_by(shipped, circle, scale=1.0)
    assert seen.sketch == circle
    assert 8 < len(seen.rows) < 40
    ends = seen.rows[1:, :2].sum(0) * shipped.offset_scale
    np.testing.assert_allclose(ends, circle.last_point - circle.first_point, atol=1.5)


@pytest.mark.parametrize("strokes", [1, 3000])
@pytest.mark.parametrize("arrange", [False, True])
def test_a_large_prefix_is_seen_simplified_or_from_its_last_points_on(small, strokes, arrange):
    angle = np.linspace(0, 60, 12_000)
    points = np.column_stack([angle * np.cos(angle), angle * np.sin(angle)]) * 3 + 500
    sketch = Sketch.from_polylines(np.split(points, strokes))
    seen = seen_by(small, sketch, scale=1.0, arrange=arrange)
    assert seen.sketch is sketch
    assert 60 < len(seen.rows) <= MAX_PREFIX_POINTS + 1
    shown = np.cumsum(seen.rows[::-1, :2] * small.offset_scale, axis=0)  # back from the last point
    first = seen.last_point - shown[len(shown) - 2]
    assert np.hypot(*(points - first).T).min() < 4
    assert np.hypot(*(points - seen.last_point).T).min() < 4


@given(st.lists(st.tuples(st.integers(0, 255), st.integers(0, 255)), min_size=2, max_size=12, unique=True))
def test_what_has_few_points_stays_as_it_is(points):
    sketch = Sketch.from_polylines([points])
    simplified = as_trained(sketch)
    assert simplified == sketch or simplified.point_count <= 0.7 * sketch.point_count


def test_the_rows_are_the_sketchs_in_offset_scales(small):
    rows = rows_of(small, PIG)
    assert rows[0].tolist() == [0, 0, 1, 0, 0]
    np.testing.assert_allclose(rows[1:, :2] * small.offset_scale, PIG.to_stroke3()[:, :2], rtol=1e-5)


def test_what_cannot_be_seen_is_refused(small):
    for scale in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(ConfigurationError, match="scale"):
            seen_by(small, PIG, scale=scale)


def test_the_command_says_the_scale_and_takes_another(tmp_path):
    path = tmp_path / "pig.json"
    path.write_text(json.dumps({"word": "pig", "strokes": [stroke.tolist() for stroke in PIG.strokes]}))
    found = CliRunner().invoke(main, ["complete", str(path), "--max-points", "5"])
    assert "scale " in found.stderr
    given_scale = CliRunner().invoke(main, ["complete", str(path), "--max-points", "5", "--scale", "1"])
    assert "scale " not in given_scale.stderr
    assert given_scale.stdout != found.stdout
    refused = CliRunner().invoke(main, ["complete", str(path), "--scale", "0"])
    assert (refused.exit_code, "above 0" in refused.stderr) == (2, True)

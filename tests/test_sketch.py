import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from strategies import whole_sketches

from sketchrnn.errors import FormatError
from sketchrnn.sketch import Sketch


@given(whole_sketches)
def test_stroke3_round_trip_of_a_sketch(sketch):
    assert Sketch.from_stroke3(sketch.to_stroke3(), sketch.first_point) == sketch


@given(arrays(np.int64, st.tuples(st.integers(0, 12), st.just(2)), elements=st.integers(-3, 3)), st.data())
def test_stroke3_round_trip_of_rows(offsets, data):
    lifts = data.draw(arrays(np.int64, len(offsets), elements=st.integers(0, 1)))
    rows = np.column_stack([offsets, lifts])
    assert np.array_equal(Sketch.from_stroke3(rows, (7, -5)).to_stroke3(), rows)


@pytest.mark.parametrize(
    "polylines",
    [
        [],
        [[(5, 6)]],
        [[(5, 6)], [(5, 6)]],
        [[(5, 6)], [(1, 2), (3, 4)]],
        [[(5, 6), (5, 6)], [(1, 2)]],
        [[(5, 6), (5, 6), (7, 8)]],
        [[(5, 6), (5, 6), (5, 6)]],
    ],
)
@pytest.mark.parametrize("pen_down", [False, True])
def test_stroke3_round_trip_of_degenerate_sketches(polylines, pen_down):
    sketch = Sketch.from_polylines(polylines, pen_down=pen_down)
    rows = sketch.to_stroke3()
    assert Sketch.from_stroke3(rows, sketch.first_point) == sketch
    lifts_expected = max(0, len(polylines) - sketch.pen_down)
    assert rows[:, 2].sum() == lifts_expected


def test_origin_is_a_real_point():
    sketch = Sketch.from_stroke3([(3, 4, 1)], origin=(10, 20))
    assert sketch.polylines() == [[(10, 20), (13, 24)]]


def test_lift_comes_after_its_point():
    sketch = Sketch.from_stroke3([(1, 0, 1), (0, 5, 0), (2, 0, 0)])
    assert sketch.polylines() == [[(0, 0), (1, 0)], [(1, 5), (3, 5)]]
    assert sketch.pen_down


def test_strokes_without_points_are_left_out():
    assert Sketch.from_polylines([[], [(1, 2)], []]) == Sketch.from_polylines([[(1, 2)]])
    assert not Sketch.from_polylines([[]], pen_down=True).pen_down


@pytest.mark.parametrize(
    ("polylines", "message"),
    [
        ([[(1, 2)], [(1, 2, 3)]], "stroke 1"),
        ([[(1, 2), (3, float("nan"))]], "stroke 0, point 1"),
        ([[(1, 2), (3, float("inf"))]], "stroke 0, point 1"),
        ([[(1, 2), (3,)]], "stroke 0"),
        ([[("a", "b")]], "stroke 0"),
        ([[(10**400, 0)]], "stroke 0"),
        ([[1, 2, 3]], "stroke 0"),
    ],
)
def test_polylines_that_are_none(polylines, message):
    with pytest.raises(FormatError, match=message):
        Sketch.from_polylines(polylines)


@pytest.mark.parametrize("rows", [[(1, 2)], [1, 2, 3], [(0, 0, 0), (1, float("nan"), 0)], [(float("inf"), 0, 0)]])
def test_rows_that_are_no_stroke3(rows):
    with pytest.raises(FormatError, match="expected"):
        Sketch.from_stroke3(rows)


@given(whole_sketches)
def test_bounds_hold_every_point(sketch):
    x_min, y_min, x_max, y_max = sketch.bounds()
    points = [point for stroke in sketch.polylines() for point in stroke] or [(0.0, 0.0)]
    assert (x_min, x_max) == (min(x for x, _ in points), max(x for x, _ in points))
    assert (y_min, y_max) == (min(y for _, y in points), max(y for _, y in points))
    assert sketch.point_count == sum(map(len, sketch.polylines()))


@given(whole_sketches, st.integers(-100, 100), st.integers(-100, 100))
def test_moving_a_sketch_keeps_its_rows(sketch, x, y):
    moved = sketch.transformed(shift=(x, y))
    assert np.array_equal(moved.to_stroke3(), sketch.to_stroke3())
    assert moved.transformed(shift=(-x, -y)) == sketch


def test_equality_sees_every_part():
    sketch = Sketch.from_polylines([[(0, 0), (1, 1)], [(2, 2)]])
    assert sketch != Sketch.from_polylines([[(0, 0), (1, 1)], [(2, 2)]], pen_down=True)
    assert sketch != Sketch.from_polylines([[(0, 0)], [(1, 1), (2, 2)]])
    assert sketch != Sketch.from_polylines([[(0, 0), (1, 1)], [(2, 3)]])
    assert sketch != "a sketch"

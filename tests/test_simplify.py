import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import drawable_floats, sketches

from sketchrnn.formats import read_records
from sketchrnn.sketch import Sketch
from sketchrnn.sketch.simplify import fit_to_box, ramer_douglas_peucker, resample, simplify


@given(sketches(drawable_floats))
def test_fit_to_box_fills_the_box(sketch):
    x_min, y_min, x_max, y_max = sketch.bounds()
    extent = max(x_max - x_min, y_max - y_min)
    box = fit_to_box(sketch).bounds()
    if extent > 1e-3 * max(map(abs, sketch.bounds())):  # else the sketch is lost in the digits of its place
        assert np.allclose(box[:2], 0, atol=1e-6)
        assert max(box[2:]) == pytest.approx(255)


def test_fit_to_box_keeps_proportions():
    box = fit_to_box(Sketch.from_polylines([[(10, 10), (20, 15)]]))
    assert box.polylines() == [[(0, 0), (255, 127.5)]]


@pytest.mark.parametrize("polylines", [[], [[(3, 4)]], [[(3, 4)], [(3, 4), (3, 4)]]])
def test_sketches_without_a_size(polylines):
    simple = simplify(Sketch.from_polylines(polylines))
    assert len(simple.strokes) == len(polylines)
    assert all((stroke == 0).all() for stroke in simple.strokes)


def test_resample_spaces_points_evenly_along_the_line():
    corner = np.array([(0.0, 0.0), (3.0, 0.0), (3.0, 4.5)])
    points = resample(corner)
    steps = np.hypot(*np.diff(points, axis=0).T)
    assert np.array_equal(points[[0, -1]], corner[[0, -1]])
    assert np.allclose(steps[:-1], 1)
    assert steps[-1] <= 1


def test_points_on_a_straight_line_go():
    line = Sketch.from_polylines([[(x, 2 * x) for x in range(100)]])
    assert simplify(line).polylines() == [[(0, 0), (128, 255)]]


def test_pen_stays_down():
    assert simplify(Sketch.from_polylines([[(0, 0), (1, 1)]], pen_down=True)).pen_down


def plain_rdp(points, epsilon):
    """Ramer-Douglas-Peucker as it is written in books, with the distance from the line through the ends."""
    if len(points) < 3:
        return list(points)
    (x0, y0), (x1, y1) = points[0], points[-1]
    length = np.hypot(x1 - x0, y1 - y0)
    distance = [
        abs((x1 - x0) * (y - y0) - (y1 - y0) * (x - x0)) / length if length else np.hypot(x - x0, y - y0)
        for x, y in points[1:-1]
    ]
    farthest = int(np.argmax(distance)) + 1
    if distance[farthest - 1] <= epsilon:
        return [points[0], points[-1]]
    return plain_rdp(points[: farthest + 1], epsilon)[:-1] + plain_rdp(points[farthest:], epsilon)


coordinates = st.integers(-20, 20).map(float)
point_lists = st.lists(st.tuples(coordinates, coordinates), min_size=1, max_size=40)


@given(st.lists(point_lists, max_size=4), st.sampled_from([0.0, 0.5, 2.0, 7.0]))
def test_needless_points_are_those_of_the_books(strokes, epsilon):
    found = ramer_douglas_peucker([np.array(stroke) for stroke in strokes], epsilon)
    assert [stroke.tolist() for stroke in found] == [
        [list(point) for point in plain_rdp(stroke, epsilon)] for stroke in strokes
    ]


def test_a_dot_has_two_points_as_googles_have():
    dot = simplify(Sketch.from_polylines([[(0, 0), (255, 0)], [(10, 10)]]))
    assert dot.polylines() == [[(0, 0), (255, 0)], [(10, 10), (10, 10)]]


def test_agrees_with_google(shared):
    """Of the raw drawings whose simplified record is known, all but a few come out equal, to the last point.

    Nearly all of the others differ in which of several equally far points is kept; see benchmarks/simplification.py.
    """
    quickdraw = shared / "data" / "quickdraw"
    equal = []
    for raw in sorted((quickdraw / "raw").glob("[a-c]*.ndjson")):
        published = {record.key_id: record.sketch for record in read_records(quickdraw / "simplified" / raw.name)}
        known = (record for record in read_records(raw) if record.key_id in published)
        equal += [simplify(record.sketch) == published[record.key_id] for record in known]
    assert len(equal) > 200
    assert np.mean(equal) > 0.9

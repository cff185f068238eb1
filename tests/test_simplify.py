import numpy as np
import pytest
from hypothesis import given
from strategies import drawable_floats, sketches

from sketchrnn.formats import read_records
from sketchrnn.sketch import Sketch
from sketchrnn.sketch.simplify import fit_to_box, resample, simplify


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


def test_agrees_with_google(shared):
    quickdraw = shared / "data" / "quickdraw"
    ours, theirs, close = 0, 0, []
    for raw in sorted((quickdraw / "raw").glob("*.ndjson")):
        published = {record.key_id: record.sketch for record in read_records(quickdraw / "simplified" / raw.name)}
        for record in read_records(raw):
            if record.key_id in published:
                expected, sketch = published[record.key_id], simplify(record.sketch)
                assert len(sketch.strokes) == len(expected.strokes)
                ours += sketch.point_count
                theirs += expected.point_count
                close.append(np.abs(sketch.strokes[0][[0, -1]] - expected.strokes[0][[0, -1]]).max() <= 2)
    assert len(close) > 50
    assert ours == pytest.approx(theirs, rel=0.05)
    assert np.mean(close) > 0.95

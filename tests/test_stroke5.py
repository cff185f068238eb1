import numpy as np
import pytest
from hypothesis import given
from strategies import whole_sketches

from sketchrnn.errors import FormatError
from sketchrnn.sketch.sketch import END, START, stroke3_from_stroke5, stroke5_from_stroke3


@given(whole_sketches)
def test_round_trip(sketch):
    rows = sketch.to_stroke3()
    assert np.array_equal(stroke3_from_stroke5(stroke5_from_stroke3(rows)), rows)


@given(whole_sketches)
def test_every_row_has_one_pen_state(sketch):
    stroke5 = stroke5_from_stroke3(sketch.to_stroke3())
    assert tuple(stroke5[0]) == START
    assert tuple(stroke5[-1]) == END
    assert np.array_equal(stroke5[:, 2:].sum(axis=1), np.ones(len(stroke5)))
    assert stroke5[:, 4].sum() == 1


def test_padding_after_the_end_is_ignored():
    rows = np.array([(3.0, 4.0, 0.0), (1.0, 0.0, 1.0)])
    padded = np.concatenate([stroke5_from_stroke3(rows), np.tile(END, (3, 1))])
    assert np.array_equal(stroke3_from_stroke5(padded), rows)


def test_without_an_end_all_rows_count():
    rows = np.array([(3.0, 4.0, 0.0), (1.0, 0.0, 1.0)])
    assert np.array_equal(stroke3_from_stroke5(stroke5_from_stroke3(rows)[:-1]), rows)


def test_rows_without_a_start_as_in_magentas_files():
    rows = np.array([(3.0, 4.0, 0.0), (1.0, 0.0, 1.0)])
    assert np.array_equal(stroke3_from_stroke5(stroke5_from_stroke3(rows)[1:]), rows)


@pytest.mark.parametrize("rows", [[], [(1, 2, 3)], [(1, 2, 1, 1, 0)], [(1, 2, 0.5, 0.5, 0)], [(1, 2, 0, 0, 0)]])
def test_what_is_no_stroke5(rows):
    with pytest.raises(FormatError, match="stroke-5"):
        stroke3_from_stroke5(rows)

"""Sketches for hypothesis: whole-number and float ones, with one-point strokes and repeated points."""

from hypothesis import strategies as st

from sketchrnn.sketch import Sketch

whole_numbers = st.integers(-(2**20), 2**20)
small_numbers = st.integers(0, 2)  # so that points repeat
finite_floats = st.floats(allow_nan=False, allow_infinity=False)
drawable_floats = st.floats(-1e12, 1e12, allow_nan=False)


def sketches(coordinates: st.SearchStrategy) -> st.SearchStrategy[Sketch]:
    """Sketches, the empty one too, with the pen up or down."""
    points = st.tuples(coordinates, coordinates)
    strokes = st.lists(st.lists(points, min_size=1, max_size=6), max_size=5)
    return st.builds(lambda polylines, down: Sketch.from_polylines(polylines, pen_down=down), strokes, st.booleans())


whole_sketches = sketches(whole_numbers) | sketches(small_numbers)

"""What a drawing looks like, as a vector: to tell whether two are alike."""

import numpy as np
from numpy.typing import NDArray

from sketchrnn.sketch.simplify import BOX, fit_to_box
from sketchrnn.sketch.sketch import Sketch

SIGNATURE_POINTS = 64


def signature(sketch: Sketch) -> NDArray[np.float32]:
    """Return the way of the pen, travel included, as 64 points at equal distances in the 255 box: (128,)."""
    points = np.concatenate(fit_to_box(sketch, BOX).strokes)
    distance = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(points, axis=0).T))])
    wanted = np.linspace(0.0, distance[-1], SIGNATURE_POINTS)
    way = np.column_stack([np.interp(wanted, distance, points[:, axis]) for axis in (0, 1)])
    return way.ravel().astype(np.float32)

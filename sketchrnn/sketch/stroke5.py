"""stroke-5: the input of the network, one row per step."""

import numpy as np
from numpy.typing import ArrayLike

from sketchrnn.errors import FormatError
from sketchrnn.sketch.sketch import FloatArray

START = (0.0, 0.0, 1.0, 0.0, 0.0)
END = (0.0, 0.0, 0.0, 0.0, 1.0)


def stroke5_from_stroke3(rows: ArrayLike) -> FloatArray:
    """Convert stroke-3 rows to stroke-5: START, the rows, END.

    Args:
        rows: (L, 3), each (dx, dy, lift).

    Returns:
        (L + 2, 5) float64, each (dx, dy, p1, p2, p3).

    Reference:
        Ha and Eck 2017, arXiv:1704.03477, section 3.1.

    >>> stroke5_from_stroke3([(3, 4, 1)]).tolist()[1]
    [3.0, 4.0, 0.0, 1.0, 0.0]
    """
    stroke3 = np.asarray(rows, dtype=np.float64).reshape(-1, 3)
    stroke5 = np.zeros((len(stroke3) + 2, 5))
    stroke5[0] = START
    stroke5[-1] = END
    stroke5[1:-1, :2] = stroke3[:, :2]
    stroke5[1:-1, 2] = 1.0 - stroke3[:, 2]
    stroke5[1:-1, 3] = stroke3[:, 2]
    return stroke5


def stroke3_from_stroke5(rows: ArrayLike) -> FloatArray:
    """Convert stroke-5 rows to stroke-3: the rows before the first END, or all; without START.

    Args:
        rows: (N, 5); padding after the first END is ignored. The first row START is optional: Magenta's files have
            none.

    Raises:
        FormatError: the rows are not an (N, 5) array, or a row does not have one pen state.
    """
    stroke5 = np.asarray(rows, dtype=np.float64)
    if stroke5.ndim != 2 or stroke5.shape[1] != 5:
        raise FormatError(f"expected stroke-5 rows (dx, dy, p1, p2, p3), found an array of shape {stroke5.shape}")
    ends = np.flatnonzero(stroke5[:, 4] == 1.0)
    body = stroke5[int(len(stroke5) > 0 and tuple(stroke5[0]) == START) : ends[0] if ends.size else len(stroke5)]
    wrong = np.flatnonzero(np.sort(body[:, 2:], axis=1) @ (1, 2, 4) != 4)
    if len(wrong):
        raise FormatError(f"expected stroke-5 rows with one pen state of 1, found {body[wrong[0]].tolist()}")
    return np.column_stack([body[:, :2], body[:, 3]])

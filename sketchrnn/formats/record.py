"""What every reader of drawings gives: a sketch, and what its file says about it."""

from dataclasses import dataclass
from typing import Literal

from sketchrnn.formats.svg.reading import SvgDrawing
from sketchrnn.sketch import Sketch

Kind = Literal["simplified", "raw", "binary", "npz", "polylines", "svg"]


@dataclass(frozen=True)
class SvgSource:
    """The SVG document that a record is read from.

    Attributes:
        content: its bytes.
        drawing: its lines, with their styles.
    """

    content: bytes
    drawing: SvgDrawing


@dataclass(frozen=True)
class Record:
    """One drawing of a file.

    Attributes:
        sketch: the drawing, in the file's own units.
        word: the category, spelled as in the file.
        key_id: Quick, Draw!'s name of the drawing.
        recognized: whether the game guessed the drawing.
        countrycode: two letters: where it was drawn.
        timestamp: when it was drawn, as in the file.
        kind: the format that it was read from.
        split: ``train``, ``valid`` or ``test``: the part of an npz file that holds it; None in other formats.
        empty_strokes: how many strokes without a point the file has; the sketch leaves them out.
        source: the document, of a record of kind ``svg``.
    """

    sketch: Sketch
    word: str | None = None
    key_id: str | None = None
    recognized: bool | None = None
    countrycode: str | None = None
    timestamp: str | None = None
    kind: Kind = "polylines"
    split: str | None = None
    empty_strokes: int = 0
    source: SvgSource | None = None

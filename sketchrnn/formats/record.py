"""A drawing from a file, and the description of a file format."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO, Literal

from sketchrnn.sketch import Sketch

if TYPE_CHECKING:
    from sketchrnn.formats.svg.reading import SvgDrawing
    from sketchrnn.formats.svg.writing import Layer

Kind = Literal["simplified", "raw", "binary", "npz", "polylines", "svg"]


@dataclass(frozen=True)
class Record:
    """One drawing of a file, or for a file.

    Attributes:
        sketch: the drawing, in the file's own units.
        word: the category, spelled as in the file; None if the file does not name it.
        key_id: the drawing's identifier in Quick, Draw!.
        recognized: whether the game recognized the drawing; None if it is unknown.
        countrycode: country of the player, two letters.
        timestamp: time of drawing, as in the file.
        kind: the kind of file that it was read from; "polylines" for all formats of other programs.
        split: ``train``, ``valid`` or ``test``: the part of an npz file that holds it; None in other formats.
        empty_strokes: number of strokes without a point in the file; the sketch does not contain them.
        ignored: number of elements that are not lines, by type: text, rectangles, ...
        source: the SVG document that it was read from.
        label: text under its picture on a sheet; by default the category.
        layers: of its picture, in drawing order; the last one is from the model, and continues the source. By default
            the sketch.
        description: for the metadata of its picture.
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
    ignored: Mapping[str, int] = field(default_factory=dict)
    source: SvgDrawing | None = None
    label: str = ""
    layers: tuple[Layer, ...] = ()
    description: str = ""


@dataclass(frozen=True)
class Format:
    """A file format.

    Attributes:
        name: the name in messages and lists.
        suffixes: suffixes of file names, the usual one first.
        matches: returns whether a file has this format, from its first lines (uncompressed; text as UTF-8).
        read: yields the drawings of an open file. Its arguments are the file, the name of the file for messages, and
            the category in the file's name.
        write: returns drawings as text; None for a format that is only read.
        one_drawing: a file of this format usually holds a single drawing, so that a category is a folder of files.
    """

    name: str
    suffixes: tuple[str, ...]
    matches: Callable[[bytes], bool]
    read: Callable[[BinaryIO, str, str | None], Iterator[Record]]
    write: Callable[[Iterable[Record]], str] | None = None
    one_drawing: bool = False

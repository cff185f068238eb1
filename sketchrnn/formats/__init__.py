"""Reading and writing drawings: one module for each file format, and the table of all formats."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO
from urllib.parse import unquote

from sketchrnn.errors import FormatError
from sketchrnn.files import STANDARD_STREAM, open_source, source_name
from sketchrnn.formats import (
    ink,
    json_drawings,
    numpy_arrays,
    quickdraw,
)
from sketchrnn.formats.record import Format, Kind, Record
from sketchrnn.formats.streams import COMPRESSED_SUFFIXES, unwrap

__all__ = [
    "FORMATS",
    "SVG",
    "Format",
    "Kind",
    "Record",
    "category_of_name",
    "find_format",
    "read_each",
    "read_records",
    "suffix_of",
]


def _read_svg(file: BinaryIO, name: str, _: str | None) -> Iterator[Record]:
    from sketchrnn.formats.svg.reading import parse_svg  # takes long to import

    drawing = parse_svg(file.read(), name)
    yield Record(drawing.sketch, kind="svg", ignored=drawing.ignored, source=drawing)


def _write_svg(records: Iterable[Record]) -> str:
    from sketchrnn.formats.svg.writing import Layer, svg_drawing  # svgwrite takes long to import

    return "".join(svg_drawing([Layer(record.sketch, "drawing")]) for record in records)


SVG = Format(
    "SVG", (".svg", ".svgz"), lambda head: head.lstrip().startswith(b"<"), _read_svg, _write_svg, one_drawing=True
)

FORMATS = (
    numpy_arrays.NPZ,
    numpy_arrays.NPY,
    ink.INKML,
    ink.IAM,
    SVG,
    quickdraw.NDJSON,
    quickdraw.CSV,
    quickdraw.BINARY,
    json_drawings.JSON,
)
"""All formats that can be read. A file has the first format that matches its content."""

_NO_DRAWINGS = {
    rb"\s*<(?:!DOCTYPE )?html": "a web page. Check the address and download the file again",
    rb"(?s)\s*(?:<\?.*?\?>\s*)?<Error>": "the error message of a download server. Download the file again",
    rb"version https://git-lfs": "a Git LFS pointer. `git lfs pull` fetches the file itself",
    rb"\x89PNG|\xff\xd8\xff|GIF8|RIFF....WEBP|BM....\0\0\0\0": "an image of pixels. Trace its lines to SVG first",
    rb"%PDF": "a PDF document. Convert it to SVG first (pdftocairo -svg)",
    rb"%!PS": "a PostScript document. Convert it to SVG first (inkscape)",
    rb"\(dp|\x80[\x02-\x05]": "a Python pickle. Save the drawings as npz or ndjson",
    rb"\x28\xb5\x2f\xfd": "data compressed with Zstandard. Uncompress it first (zstd -d)",
    rb"7z\xbc\xaf|Rar!": "an archive. Unpack it first",
    rb"\x89HDF": "an HDF5 file. Save the drawings as npz or ndjson",
    rb"\s*\.(?:VERSION|COORD|PEN_DOWN|HIERARCHY|DATA_SOURCE|COMMENT|INCLUDE)\b": "a UNIPEN file. Convert it to InkML, "
    "or write its points as JSON, [[[x, y], ...], ...]",
    rb"(?s)\s*(?:999.*?\n)?\s*0\s*\n\s*SECTION": "a DXF drawing. Convert it to SVG first (Inkscape)",
    rb"(?i)\s*(?:IN;|SP\d|PU[\d;])": "HPGL commands. Convert them to SVG first (vpype, Inkscape)",
}
"""Other content that users try, by its first bytes, for error messages."""

_DOWNLOAD_PREFIX = re.compile(r"^(?:quickdraw_dataset_)?(?:full_(?:simplified|raw|binary|numpy_bitmap)|sketchrnn)_")
_NAME_MARKS = re.compile(r"(?:\.(?:full|raw|first\d+)| \(\d+\))$")


def read_records(path: str | Path, *, name: str | None = None) -> Iterator[Record]:
    """Read the drawings of a file in one of the :data:`FORMATS`, also compressed (gzip, bzip2, xz).

    The format is found by the content, not by the name. ndjson is read in constant memory. ``-`` is standard input.
    ``name`` is for messages; by default it is the path.

    Raises:
        FormatError: the file is damaged or of another format; raised when the iteration reaches the damaged part.
        SketchRNNError: the file cannot be read.
    """
    name = name or source_name(path)
    with open_source(path) as file:
        head, stream, _ = unwrap(file, name)
        yield from _match(head, name).read(stream, name, category_of_name(path))


def read_each(path: str | Path) -> Iterator[Record | FormatError]:
    """Read the drawings of a file as :func:`read_records` does; a damaged line of ndjson gives an error instead of a
    record.

    Raises:
        FormatError: the file is of another format, or too damaged to continue.
        SketchRNNError: the file cannot be read.
    """
    name = source_name(path)
    with open_source(path) as file:
        head, stream, _ = unwrap(file, name)
        found = _match(head, name)
        if found is quickdraw.NDJSON:
            yield from quickdraw.parse_lines(stream, name)
        else:
            yield from found.read(stream, name, category_of_name(path))


def find_format(path: str | Path, name: str | None = None) -> tuple[Format, bool]:
    """Return the format of a file, and whether its reader gets the bytes unchanged (not compressed, UTF-8).

    Raises:
        FormatError: the file has none of the formats.
        SketchRNNError: the file cannot be read.
    """
    name = name or source_name(path)
    with open_source(path) as file:
        head, _, plain = unwrap(file, name)
        return _match(head, name), plain


def category_of_name(path: str | Path) -> str | None:
    """Return the category in the name of a file; None for standard input.

    >>> category_of_name("data/full_simplified_alarm%20clock.ndjson"), category_of_name("sketchrnn_cat.full.npz")
    ('alarm clock', 'cat')
    >>> category_of_name("cat.first100.bin.gz")
    'cat'
    """
    if str(path) == STANDARD_STREAM:
        return None
    name = Path(path).name
    for ending in (*COMPRESSED_SUFFIXES, *(suffix for one in FORMATS for suffix in one.suffixes)):
        name = name[: -len(ending)] if name.lower().endswith(ending) else name
    name = unquote(name).rpartition("/")[2]
    while name != (shorter := _DOWNLOAD_PREFIX.sub("", _NAME_MARKS.sub("", name))):
        name = shorter
    return name or Path(path).stem


def suffix_of(path: str | Path) -> str:
    """Return the suffix of a file's format, in lower case, without the suffix of a compression.

    >>> suffix_of("cat.ndjson.gz"), suffix_of("cat.full.NPZ")
    ('.ndjson', '.npz')
    """
    name = Path(path)
    return (Path(name.stem) if name.suffix.lower() in COMPRESSED_SUFFIXES else name).suffix.lower()


def _match(head: bytes, name: str) -> Format:
    for pattern, found in _NO_DRAWINGS.items():
        if re.match(pattern, head):
            raise FormatError(f"{name}: expected drawings, found {found}")
    for one in FORMATS:
        if one.matches(head):
            return one
    known = ", ".join(f"{one.name} ({one.suffixes[0]})" for one in FORMATS)
    found = "other content" if head.strip() else "an empty file"
    raise FormatError(f"{name}: expected drawings as {known}, found {found}")

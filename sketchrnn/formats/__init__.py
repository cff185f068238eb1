"""Reading and writing drawings, one module for each format; here is the one entry for reading."""

import io
import re
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import BinaryIO

from sketchrnn.errors import FormatError
from sketchrnn.files import open_source, source_name
from sketchrnn.formats.polyline_json import parse_polyline_json
from sketchrnn.formats.quickdraw_binary import is_binary, parse_binary, word_of
from sketchrnn.formats.quickdraw_ndjson import parse_ndjson
from sketchrnn.formats.quickdraw_npz import parse_npz
from sketchrnn.formats.record import Kind, Record, SvgSource
from sketchrnn.formats.svg.reading import GZIP_MAGIC, parse_svg

__all__ = ["Kind", "Record", "SvgSource", "content_of", "read_records"]

_ZIP_MAGIC = b"PK"
_JSON_START = re.compile(rb"(\xef\xbb\xbf)?\s*[\[{]")
_XML_START = re.compile(rb"(\xef\xbb\xbf)?\s*<|\xff\xfe<\x00|\xfe\xff\x00<")
_QUICKDRAW_LINE = re.compile(rb'(\xef\xbb\xbf)?\s*\{.*"drawing"\s*:', re.DOTALL)  # even a line that is cut off


def read_records(path: str | Path) -> Iterator[Record]:
    """Read the drawings of a file of any format: Quick, Draw! ndjson and binary, Sketch-RNN npz, polyline JSON, SVG.

    The format is told by the content, not by the name. ndjson is read in constant memory. ``-`` is standard input.

    Raises:
        FormatError: the file is damaged or of another format; raised when the iteration reaches the place.
        SketchRNNError: the file cannot be read.
    """
    name = source_name(path)
    with open_source(path) as file:
        head = _head(file)
        start = b"".join(head)
        if start.startswith(_ZIP_MAGIC):
            yield from parse_npz(io.BytesIO(start + file.read()), name, word_of(path))
        elif _XML_START.match(start) or start.startswith(GZIP_MAGIC):
            content = start + file.read()
            drawing = parse_svg(content, name)
            yield Record(drawing.sketch, kind="svg", source=SvgSource(content, drawing))
        elif _QUICKDRAW_LINE.match(start):
            yield from parse_ndjson(chain(head, file), name)
        elif is_binary(start):
            yield from parse_binary(start + file.read(), name, word_of(path))
        elif not _JSON_START.match(start):
            found = "other content" if start.strip() else "an empty file"
            expected = "drawings as Quick, Draw! ndjson, Sketch-RNN npz, polyline JSON or SVG"
            raise FormatError(f"{name}: expected {expected}, found {found}")
        else:
            yield parse_polyline_json(start + file.read(), name)


def _head(file: BinaryIO) -> list[bytes]:
    """Read the lines up to the first that is not blank."""
    lines = []
    for line in file:
        lines.append(line)
        if line.strip():
            break
    return lines


def content_of(path: Path) -> str:
    """Tell what kind of file can be read in pieces: "ndjson", "binary", or "other" for one that cannot.

    Raises:
        SketchRNNError: the file cannot be read.
    """
    with open_source(path) as file:
        start = file.read(1 << 16)
    if _QUICKDRAW_LINE.match(start):
        return "ndjson"
    other = start.startswith(_ZIP_MAGIC) or _JSON_START.match(start) or not is_binary(start)
    return "other" if other else "binary"

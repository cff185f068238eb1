"""Where drawings are read from: a file, or standard input."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from sketchrnn.errors import SketchRNNError
from sketchrnn.files import STANDARD_STREAM


@contextmanager
def open_source(path: str | Path) -> Iterator[BinaryIO]:
    """Open a file for reading, or standard input for ``-``.

    Raises:
        SketchRNNError: the file is missing, is a directory, or cannot be read (to its end).
    """
    try:
        if str(path) == STANDARD_STREAM:
            yield sys.stdin.buffer
        else:
            with Path(path).open("rb") as file:
                yield file
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise SketchRNNError(f"{source_name(path)}: cannot be read: {reason}") from error


def source_name(path: str | Path) -> str:
    """Return what messages call a source."""
    return "standard input" if str(path) == STANDARD_STREAM else str(path)

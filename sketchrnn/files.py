"""Opening and writing files: standard streams as ``-``, and nothing ever left half written."""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, BinaryIO

from sketchrnn.errors import SketchRNNError

STANDARD_STREAM = "-"
CACHE_VARIABLE = "SKETCHRNN_CACHE"
"""Environment variable that names another folder than the user's cache."""


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
        raise SketchRNNError(f"{source_name(path)}: cannot be read: {reason(error)}") from error


def source_name(path: str | Path) -> str:
    """Return what messages call a source."""
    return "standard input" if str(path) == STANDARD_STREAM else str(path)


def check_writable(path: str | Path, *, force: bool) -> None:
    """Find out whether a file can be written, before the work whose result it is to hold.

    Raises:
        SketchRNNError: it exists and ``force`` is not set, it is a directory, or its folder is missing or not writable.
    """
    target = Path(path)
    if target.is_dir():
        raise SketchRNNError(f"{target}: cannot be written: it is a directory")
    if target.is_file() and not force:
        raise SketchRNNError(f"{target}: exists already; --force overwrites it")
    if not target.parent.is_dir():
        raise SketchRNNError(f"{target}: cannot be written: there is no folder {target.parent}")
    try:
        tempfile.TemporaryFile(dir=target.parent).close()
    except OSError as error:
        raise SketchRNNError(f"{target}: cannot be written: {reason(error)}") from error


def make_folder(path: str | Path) -> None:
    """Make a folder, and those that it lies in, unless it is there.

    Raises:
        SketchRNNError: it cannot be made.
    """
    try:
        Path(path).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SketchRNNError(f"{path}: cannot be made: {reason(error)}") from error


@contextmanager
def atomic_write(path: str | Path) -> Iterator[IO[bytes]]:
    """Yield a binary file that takes the place of ``path`` only when the block ends without an error.

    It is written beside the target, flushed to the disk and renamed, so that a crash leaves the old file or the new
    one. A target that is no regular file, such as ``/dev/stdout``, is written straight.

    Raises:
        SketchRNNError: the folder is missing or not writable, or the disk is full.
    """
    target = Path(path)
    try:
        if target.exists() and not target.is_file() and not target.is_dir():
            with target.open("wb") as device:
                yield device
            return
        if target.is_dir():
            raise SketchRNNError(f"{target}: cannot be written: it is a directory")
        handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=".part")
    except OSError as error:
        raise SketchRNNError(f"{target}: cannot be written: {reason(error)}") from error
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(0o666 & ~_umask())  # mkstemp makes files that only their owner may read
        Path(temporary).replace(target)
    except OSError as error:
        raise SketchRNNError(f"{target}: cannot be written: {reason(error)}") from error
    finally:
        Path(temporary).unlink(missing_ok=True)


def write_bytes(path: str | Path, content: bytes) -> None:
    """Write a whole file atomically, or to standard output for ``-``.

    Raises:
        SketchRNNError: the file cannot be written.
    """
    if str(path) == STANDARD_STREAM:
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
        return
    with atomic_write(path) as file:
        file.write(content)


def cache_folder(kind: str) -> Path:
    """Return where what can be had again is kept: in the user's cache, by the XDG Base Directory Specification.

    Args:
        kind: "models" or "stores": a folder for each, in which nobody else keeps anything.
    """
    if CACHE_VARIABLE in os.environ:
        return Path(os.environ[CACHE_VARIABLE]) / kind
    try:
        home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    except RuntimeError:  # nobody knows where the user is at home
        home = Path(tempfile.gettempdir())
    return home / "sketchrnn" / kind


def reason(error: OSError) -> str:
    """Return what messages say of an error of the operating system."""
    return (error.strerror or str(error)).lower()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask

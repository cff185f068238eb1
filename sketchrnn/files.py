"""Opening and writing files: ``-`` for standard streams, atomic writes, no overwritten inputs."""

from __future__ import annotations

import errno
import logging
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, BinaryIO

from sketchrnn.errors import SketchRNNError

logger = logging.getLogger(__name__)

STANDARD_STREAM = "-"
CACHE_VARIABLE = "SKETCHRNN_CACHE"
"""Environment variable with the folder to use instead of the user's cache."""
NUMBERED = re.compile(r"%(?:0\d+)?d")
"""The part of an output's name that is replaced by a number, so that each drawing gets its own file."""
_DEVICES = ("/dev/stdout", "/dev/stderr", "/dev/fd/", "/proc/self/fd/")  # links to the open files of this process


@contextmanager
def open_source(path: str | Path) -> Iterator[BinaryIO]:
    """Open a file for reading, or standard input for ``-``.

    Raises:
        SketchRNNError: the file is missing, is a directory, or cannot be read (to its end).
    """
    try:
        if str(path) == STANDARD_STREAM:
            if sys.stdin is None:
                raise OSError(errno.EBADF, os.strerror(errno.EBADF))
            yield sys.stdin.buffer
        else:
            with Path(path).open("rb") as file:
                yield file
    except OSError as error:
        raise SketchRNNError(f"{source_name(path)}: cannot be read: {reason(error)}") from error


def source_name(path: str | Path) -> str:
    """Return the name of a source in messages."""
    return "standard input" if str(path) == STANDARD_STREAM else str(path)


def is_stream(path: str | Path) -> bool:
    """Return whether a source can be read only once: standard input, a pipe such as ``<(command)``, or a device."""
    return str(path) == STANDARD_STREAM or _is_special(Path(path))


def check_writable(path: str | Path, *, force: bool) -> None:
    """Check that a file can be written. Call it before the content is computed.

    Raises:
        SketchRNNError: the file exists and ``force`` is not set, it is a directory, or its folder is missing or not
            writable.
    """
    if _is_device(path):
        return
    try:
        target = _link_target(path)
        if target.is_dir():
            raise SketchRNNError(f"{path}: cannot be written: it is a directory")
        if target.exists() and not force:
            raise SketchRNNError(f"{path}: exists already. Overwrite it with --force")
        if not target.parent.is_dir():
            raise SketchRNNError(f"{path}: cannot be written: the folder {target.parent} does not exist")
        tempfile.TemporaryFile(dir=target.parent).close()
    except OSError as error:
        raise SketchRNNError(f"{path}: cannot be written: {reason(error)}") from error


def check_apart(output: str | Path, inputs: Iterable[str | Path], suffixes: Sequence[str] = ()) -> None:
    """Check that an output is not an input, and will not be read as one later.

    Args:
        output: a file, or a pattern with one ``%d``.
        inputs: the files and folders that are read.
        suffixes: of the files that are read in folders.

    Raises:
        SketchRNNError: the output is an input, or it would be read as a part of an input folder.
    """
    if str(output) == STANDARD_STREAM or _is_device(output):
        return
    target = Path(os.path.realpath(output))
    pattern = re.compile(NUMBERED.sub(r"\\d+", re.escape(str(target))))
    for each in inputs:
        source = Path(os.path.realpath(each))
        if is_stream(each):
            continue
        if source.is_dir():
            if source in target.parents and target.name.lower().endswith(tuple(suffixes)):
                raise SketchRNNError(
                    f"{output}: is inside the input folder {each} and would be read as a drawing. Choose another folder"
                )
        elif pattern.fullmatch(str(source)) or (target.exists() and source.samefile(target)):  # or a hard link
            raise SketchRNNError(f"{output}: is also an input and would be overwritten. Choose another output")


def check_suffix(path: str | Path, suffixes: Sequence[str]) -> None:
    """Check that the suffix of an output is known. A device needs no suffix.

    Raises:
        SketchRNNError: the suffix is unknown.
    """
    if str(path) != STANDARD_STREAM and not _is_device(path) and not str(path).lower().endswith(tuple(suffixes)):
        listed = " or ".join([", ".join(suffixes[:-1]), suffixes[-1]] if len(suffixes) > 1 else suffixes)
        raise SketchRNNError(f"{path}: expected a name that ends in {listed}, found {Path(path).name!r}")


def make_folder(path: str | Path) -> None:
    """Create a folder and its parents if it does not exist.

    Raises:
        SketchRNNError: it cannot be created.
    """
    try:
        Path(path).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SketchRNNError(f"{path}: cannot be created: {reason(error)}") from error


@contextmanager
def atomic_write(path: str | Path) -> Iterator[IO[bytes]]:
    """Yield a binary file that replaces ``path`` only when the block ends without an error.

    The file is written beside the target, flushed to the disk and renamed, so that a crash leaves the old file or the
    new one. If ``path`` is a link, the file that it points to is replaced and the link stays. A target that is not a
    regular file, such as ``/dev/stdout`` or a pipe, is written directly.

    Raises:
        SketchRNNError: the folder is missing or not writable, or the disk is full.
    """
    temporary: str | None = None
    try:
        if _is_device(path):
            with Path(path).open("wb") as device:
                yield device
            return
        target = _link_target(path)
        if target.is_dir():
            raise SketchRNNError(f"{path}: cannot be written: it is a directory")
        handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name[:60]}.", suffix=".part")
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        # mkstemp makes files that only their owner may read
        Path(temporary).chmod(target.stat().st_mode & 0o7777 if target.exists() else 0o666 & ~_umask())
        Path(temporary).replace(target)
    except OSError as error:
        raise SketchRNNError(f"{path}: cannot be written: {reason(error)}") from error
    finally:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)


def replace_file(path: Path, target: Path) -> None:
    """Flush a file to the disk and move it to ``target``. If that is a link, the file that it points to is replaced."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
    end = _link_target(target)
    try:
        path.replace(end)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        with path.open("rb") as file, atomic_write(end) as copy:  # the link leads to another disk
            shutil.copyfileobj(file, copy)
        path.unlink()


def write_bytes(path: str | Path, content: bytes) -> None:
    """Write a whole file atomically, or to standard output for ``-``.

    Raises:
        SketchRNNError: the file cannot be written.
    """
    if str(path) == STANDARD_STREAM:
        try:
            sys.stdout.buffer.write(content)
            sys.stdout.buffer.flush()
        except OSError as error:
            raise SketchRNNError(f"standard output: cannot be written: {reason(error)}") from error
        return
    with atomic_write(path) as file:
        file.write(content)


@contextmanager
def locked(path: Path, patience: float = -1.0) -> Iterator[None]:
    """Hold a lock that other processes respect. Its file is deleted at the end.

    On a file system without locks, it only logs a warning.

    Args:
        path: the lock's file.
        patience: seconds to wait for it; below 0 there is no limit.

    Raises:
        filelock.Timeout: another process holds the lock.
        OSError: the folder is missing or not writable.
    """
    import filelock

    path.parent.stat()  # filelock would create the folder
    lock = filelock.FileLock(path, timeout=patience)
    try:
        lock.acquire()
    except NotImplementedError:
        logger.warning(f"{path.parent}: this file system has no locks; let no other process write the same files")
        yield
        return
    while not path.exists():  # the previous owner has deleted it: this locks a deleted file
        lock.release()
        lock.acquire()
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
        lock.release()


def cache_folder(kind: str) -> Path:
    """Return the folder in the user's cache for files that can be created or downloaded again.

    Args:
        kind: "models" or "stores": each has its own folder.

    Reference:
        XDG Base Directory Specification, https://specifications.freedesktop.org/basedir-spec/latest/
    """
    if CACHE_VARIABLE in os.environ:
        return Path(os.environ[CACHE_VARIABLE]) / kind
    try:
        home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    except RuntimeError:  # this user has no home folder
        home = Path(tempfile.gettempdir())
    return home / "sketchrnn" / kind


def reason(error: OSError) -> str:
    """Return the text of an error of the operating system, for messages."""
    return (error.strerror or str(error)).lower()


def _link_target(path: str | Path) -> Path:
    """Return the file that a link points to, through any number of links; other paths as they are."""
    target = Path(os.path.realpath(path)) if Path(path).is_symlink() else Path(path)
    if target.is_symlink():
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
    return target


def _is_device(path: str | Path) -> bool:
    """Return whether a path cannot be replaced by a rename: pipes, terminals, ``/dev/stdout`` and the like."""
    return str(Path(path).absolute()).startswith(_DEVICES) or _is_special(Path(path))


def _is_special(path: Path) -> bool:
    return path.exists() and not path.is_file() and not path.is_dir()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask

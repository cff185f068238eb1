"""Finds the files to prepare, and divides them into pieces for the processes."""

from __future__ import annotations

import atexit
import hashlib
import os
import re
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sketchrnn.errors import DatasetError, FormatError, SketchRNNError
from sketchrnn.files import is_stream, open_source, reason, source_name
from sketchrnn.formats import FORMATS, SVG, category_of_name, find_format, quickdraw, suffix_of

PIECE = 1 << 20
"""Bytes that are read at a time; they fit into a processor's cache."""

SUFFIXES = tuple(sorted(suffix for one in FORMATS for suffix in one.suffixes))
"""Suffixes of the files that are read in folders. A file that the user names can have any suffix."""

_SMALL = tuple(suffix for one in FORMATS if one.one_drawing for suffix in one.suffixes)
_SMALL_AT_ONCE = 64
_SHARED_SUFFIXES = (".csv", ".tsv", ".xml")  # mostly of files without drawings
_COPY_SUFFIX = ".sketchrnn"
_NAMED = (".bin", ".npz")  # by category, in any folder


@dataclass(frozen=True)
class Source:
    """A file of drawings, or a folder of files with one drawing each; or a piece that one process reads at a time.

    Attributes:
        name: the name as the user wrote it.
        paths: the files.
        category: category of drawings that do not name it.
        size: bytes of all files.
        version: hash of the files' names, sizes and times, to recognize changes.
        is_folder: files that cannot be read are skipped and reported; for a single file it is an error.
        content: of a piece: "ndjson" and "binary" are read in pieces; "stream" is ndjson that is compressed or not
            UTF-8. It is read as a whole, and so are the files of "other" formats.
        begin: of a piece: position of the first byte.
        end: of a piece: position after the last byte.
        first: of a piece of a binary file: number of the first drawing.
    """

    name: str
    paths: tuple[Path, ...]
    category: str
    size: int
    version: str
    is_folder: bool = False
    content: str = ""
    begin: int = 0
    end: int = 0
    first: int = 0

    @property
    def location(self) -> str:
        """The absolute path; for a stream, whose content is in a temporary file, its name."""
        return self.name if self.paths[0].name.endswith(_COPY_SUFFIX) else str(self.paths[0].resolve())

    def to_json(self) -> dict[str, Any]:
        """Return the values that a store keeps, as JSON."""
        return {"name": self.name, "files": len(self.paths), "bytes": self.size, "version": self.version}


def find_sources(paths: Iterable[str | Path]) -> tuple[list[Source], list[str]]:
    """Return the sources for paths, in the same order, and messages about skipped files.

    For a folder all files in it and in its sub-folders are read. Drawings that do not name their category have the name
    of the sub-folder, or of the folder itself.

    Raises:
        SketchRNNError: a path does not exist, or a folder has no drawings.
    """
    sources: list[Source] = []
    notes: list[str] = []
    for path in dict.fromkeys(map(Path, paths)):
        sources += _found(path, notes)
    return sources, notes


def pieces_of(source: Source) -> Iterator[Source]:
    """Divide a source into pieces, in the order of its drawings.

    Raises:
        FormatError: the file is damaged.
        SketchRNNError: it cannot be read.
    """
    if len(source.paths) > 1 or suffix_of(source.paths[0]) in _SMALL:
        for start in range(0, len(source.paths), _SMALL_AT_ONCE):
            yield replace(source, content="other", paths=source.paths[start : start + _SMALL_AT_ONCE])
        return
    path = source.paths[0]
    form, is_plain = find_format(path, source.name)
    if form is quickdraw.NDJSON and is_plain:
        for begin in range(0, source.size, PIECE):
            yield replace(source, content="ndjson", begin=begin, end=begin + PIECE)
    elif form is quickdraw.BINARY and is_plain:
        with open_source(path) as file:
            yield from _binary_pieces(source, file.read())
    else:
        content = "stream" if form is quickdraw.NDJSON else "other"
        yield replace(source, content=content, end=source.size)


def lines_of(piece: Source) -> bytes:
    """Return the lines that begin in a piece of a file, the last one completely."""
    with open_source(piece.paths[0]) as file:
        file.seek(max(0, piece.begin - 1))
        if piece.begin and file.read(1) != b"\n":
            file.readline()
        missing = piece.end - file.tell()
        content = file.read(missing) if missing > 0 else b""
        return content if content.endswith(b"\n") or not content else content + file.readline()


def lines_before(piece: Source) -> int:
    """Return the number of lines of a file that begin before a piece."""
    with open_source(piece.paths[0]) as file:
        count, left = 0, piece.begin
        while left and (block := file.read(min(left, 1 << 20))):
            count += block.count(b"\n")
            left -= len(block)
            last = block
        return count + (piece.begin > 0 and not last.endswith(b"\n"))


def _binary_pieces(source: Source, content: bytes) -> Iterator[Source]:
    begin = first = number = 0
    for number, (offset, _) in enumerate(quickdraw.walk(content, source.name)):
        if offset - begin >= PIECE:
            yield replace(source, content="binary", begin=begin, end=offset, first=first)
            begin, first = offset, number
    yield replace(source, content="binary", begin=begin, end=len(content), first=first)


def _found(path: Path, notes: list[str]) -> list[Source]:
    try:
        if is_stream(path):
            return [_of_stream(path)]
        if path.is_dir():
            return list(_of_folder(path, notes))
        if _is_of_training(path):
            raise DatasetError(f"{path}: expected drawings, found a model or a file of a training run")
        return [_source(str(path), (path,), category_of_name(path) or path.stem)]
    except OSError as error:
        raise SketchRNNError(f"{error.filename or path}: cannot be read: {reason(error)}") from error


def _of_folder(folder: Path, notes: list[str]) -> Iterator[Source]:
    by_category: dict[str, list[Path]] = {}
    others = of_training = 0
    for path in _files_below(folder, notes):
        below = path.relative_to(folder)
        if _is_of_training(path):
            of_training += 1
            continue
        if not path.is_file() or suffix_of(path) not in SUFFIXES or _is_other_table(path):
            others += 1
            continue
        name = below.parts[0] if len(below.parts) > 1 else folder.resolve().name
        by_category.setdefault(name, []).append(path)
    if others:
        notes.append(f"{folder}: skipped {others:,} files of other kinds")
    if of_training:
        notes.append(f"{folder}: skipped {of_training:,} files of training runs (models, logs, previews)")
    if not by_category:
        raise DatasetError(f"{folder}: expected files with a suffix of {', '.join(SUFFIXES)}, found none")
    for name, paths in by_category.items():
        small = tuple(path for path in paths if suffix_of(path) in _SMALL)
        if small:
            is_own = any(len(path.relative_to(folder).parts) == 1 for path in small)
            yield _source(str(folder if is_own else folder / name), small, name, is_folder=True)
        for path in paths:
            if suffix_of(path) not in _SMALL:
                by_folder = len(path.relative_to(folder).parts) > 1 and suffix_of(path) not in _NAMED
                yield _source(str(path), (path,), name if by_folder else category_of_name(path) or path.stem)


def _is_other_table(path: Path) -> bool:
    """Return whether a file has a common suffix such as .csv, and is not a file of drawings."""
    try:
        return suffix_of(path) in _SHARED_SUFFIXES and find_format(path)[0] is SVG
    except FormatError:
        return True


def _files_below(folder: Path, notes: list[str]) -> list[Path]:
    """Return the files in a folder and below, without hidden ones. Links to folders are followed, each folder once."""

    def fail(error: OSError) -> None:
        raise error

    root = Path(os.path.realpath(folder))
    seen, found = {root}, []
    for top, names, files in os.walk(folder, onerror=fail, followlinks=True):
        followed = []
        for name in sorted(names):
            path = Path(top, name)
            end = Path(os.path.realpath(path))
            if name.startswith("."):
                continue
            if end in seen or (path.is_symlink() and root in end.parents):
                notes.append(f"{path}: skipped a link to {end}, which is read already")
                continue
            seen.add(end)
            followed.append(name)
        names[:] = followed
        found += [Path(top, name) for name in files if not name.startswith(".")]
    return sorted(found)


def _is_of_training(path: Path) -> bool:
    """Return whether a file is a model, or the log or a preview of a training run, and not drawings."""
    if path.name.endswith((".gen.json", ".vae.json")):
        return True
    if path.name.endswith(".log.jsonl") and path.is_file():
        with path.open("rb") as file:
            return re.match(rb'\{"kind": "(step|evaluation)", "step": \d', file.read(100)) is not None
    return path.parent.name.endswith(".sheets") and re.fullmatch(r"\d{7,}\.svg", path.name) is not None


def _of_stream(path: Path) -> Source:
    """Copy standard input, or a pipe, to a file until this process ends, so that it can be read in pieces."""
    with open_source(path) as file:
        content = file.read()
    handle, name = tempfile.mkstemp(suffix=_COPY_SUFFIX)
    atexit.register(Path(name).unlink, missing_ok=True)
    with os.fdopen(handle, "wb") as copy:
        copy.write(content)
    version = hashlib.blake2b(content, digest_size=8).hexdigest()
    return Source(source_name(path), (Path(name),), "drawing", len(content), version)


def _source(name: str, paths: tuple[Path, ...], category: str, *, is_folder: bool = False) -> Source:
    digest, size = hashlib.blake2b(digest_size=8), 0
    for path in paths:
        status = path.stat()
        size += status.st_size
        digest.update(f"{path.name}\0{status.st_size}\0{status.st_mtime_ns}\0".encode())
    return Source(name, paths, category, size, digest.hexdigest(), is_folder)

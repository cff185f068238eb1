"""Reads pieces of sources in several processes, and returns their drawings encoded for a store."""

from __future__ import annotations

import itertools
import json
import os
import signal
import threading
import time
from collections import deque
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field, fields
from multiprocessing import get_context
from pathlib import Path
from typing import IO

import numpy as np

from sketchrnn.dataset.drawings import Encoded
from sketchrnn.dataset.encode import ImportCounts, Selection, encode_columns, encode_record
from sketchrnn.dataset.sources import Source, lines_before, lines_of
from sketchrnn.errors import DatasetError, FormatError
from sketchrnn.files import open_source
from sketchrnn.formats import Record, read_records
from sketchrnn.formats.columns import Columns, columns_of_binary, columns_of_lines
from sketchrnn.formats.quickdraw import parse_ndjson
from sketchrnn.formats.streams import unwrap

_WAITING = 4
"""Sources of each process that are being read or wait to be stored; this bounds the memory."""

_BLOCK = 1 << 19
"""Bytes of lines that are read at once. NumPy calls take longer than their work with fewer, and data leaves the
processor's cache with more."""

_KEPT_MEMORY = 1 << 24
"""Arrays up to this size in bytes reuse the memory of deleted arrays. New memory from the system takes longer than many
of the NumPy calls."""

NO_DRAWING = "without a drawing that can be read"


@dataclass
class ParseResult:
    """The drawings of a piece.

    Attributes:
        parts: the drawings by category, in their order.
        counts: how many drawings were read and skipped, by category.
        problems: errors of files that were skipped.
    """

    parts: dict[str, list[Encoded]] = field(default_factory=dict)
    counts: dict[str, ImportCounts] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def counts_of(self, category: str) -> ImportCounts:
        """Return the counts of a category, to add to them."""
        return self.counts.setdefault(category, ImportCounts())

    def encoded(self) -> dict[str, Encoded]:
        """Return the drawings of each category together."""
        return {category: Encoded.joined(parts) for category, parts in self.parts.items()}

    def save(self, file: IO[bytes]) -> None:
        """Write the result as an npz file."""
        drawings = self.encoded()
        metadata = {
            "categories": list(drawings),
            "counts": {category: counts.to_json() for category, counts in self.counts.items()},
            "problems": self.problems,
        }
        arrays = {
            f"{number} {one.name}": getattr(encoded, one.name)
            for number, encoded in enumerate(drawings.values())
            for one in fields(Encoded)
        }
        np.savez(file, metadata=np.array(json.dumps(metadata)), **arrays)

    @classmethod
    def load(cls, path: Path) -> ParseResult:
        """Return the result that :meth:`save` wrote."""
        with np.load(path) as arrays:
            metadata = json.loads(str(arrays["metadata"]))
            parts = {
                category: [Encoded(**{one.name: arrays[f"{number} {one.name}"] for one in fields(Encoded)})]
                for number, category in enumerate(metadata["categories"])
            }
        counts = {category: ImportCounts.from_json(one) for category, one in metadata["counts"].items()}
        return cls(parts, counts, metadata["problems"])


def read_piece(piece: Source, selection: Selection) -> ParseResult:
    """Read a piece.

    Raises:
        SketchRNNError: a file is damaged or cannot be read.
    """
    result = ParseResult()
    if piece.content == "ndjson":
        _read_blocks(_blocks_of(lines_of(piece)), piece, selection, result)
    elif piece.content == "stream":
        with open_source(piece.paths[0]) as file:
            _, stream, _ = unwrap(file, piece.name)
            blocks = (block + stream.readline() for block in iter(lambda: stream.read(_BLOCK), b""))
            _read_blocks(blocks, piece, selection, result)
    elif piece.content == "binary":
        with open_source(piece.paths[0]) as file:
            file.seek(piece.begin)
            content = file.read(piece.end - piece.begin)
        columns = columns_of_binary(content, piece.name, piece.first)
        if (columns.drawing_strokes == 0).any():
            index = piece.first + int(np.flatnonzero(columns.drawing_strokes == 0)[0])
            raise FormatError(f"{piece.name}, drawing {index}: expected strokes, found none")
        _add_columns(columns, "binary", piece, selection, result)
    else:
        for path in piece.paths:
            _read_file(path, piece, selection, result)
    return result


def read_pieces(
    pieces: Iterable[Source], selection: Selection, processes: int
) -> Generator[tuple[Source, ParseResult], None, None]:
    """Read pieces in several processes and yield the results in order; only a few pieces are in memory at a time.

    Raises:
        SketchRNNError: a file is damaged or cannot be read.
    """
    if processes == 1:
        yield from ((piece, read_piece(piece, selection)) for piece in pieces)
        return
    pieces = iter(pieces)
    # not forked: torch and progress bars have threads
    pool = ProcessPoolExecutor(processes, get_context("spawn"), initializer=_begin, initargs=(os.getpid(),))
    try:
        waiting: deque[tuple[Source, Future[ParseResult]]] = deque()
        while True:
            for piece in itertools.islice(pieces, _WAITING * processes - len(waiting)):
                waiting.append((piece, pool.submit(read_piece, piece, selection)))
            if not waiting:
                break
            piece, future = waiting.popleft()
            yield piece, future.result()
    except BrokenProcessPool as error:
        raise DatasetError("a process that reads drawings was killed, perhaps because memory ran out") from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _begin(parent: int) -> None:
    """Start a process: it ignores Ctrl-C, which its parent handles, and ends when its parent has been killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # deleting one array of this size makes the GNU C library keep memory up to it; man 3 mallopt, "dynamic"
    np.empty(_KEPT_MEMORY, np.uint8)

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _read_file(path: Path, piece: Source, selection: Selection, result: ParseResult) -> None:
    try:
        for record in read_records(path, name=None if piece.is_folder else piece.name):
            _add_record(record, piece, selection, result)
    except FormatError as error:
        if not piece.is_folder:
            raise
        counts = result.counts_of(selection.category or piece.category)
        counts.read += 1
        counts.drop(1, NO_DRAWING)
        result.problems.append(str(error))


def _blocks_of(content: bytes) -> Iterator[bytes]:
    """Divide lines into blocks of whole lines."""
    begin = 0
    while begin < len(content):
        end = content.find(b"\n", begin + _BLOCK) + 1 or len(content)
        yield content[begin:end]
        begin = end


def _read_blocks(blocks: Iterable[bytes], piece: Source, selection: Selection, result: ParseResult) -> None:
    before = 0  # lines of the piece
    for block in blocks:
        lines = block.removesuffix(b"\n").split(b"\n")
        columns, is_read = columns_of_lines(lines)
        column = np.cumsum(is_read) - 1  # of each line that was read
        for as_columns, run in itertools.groupby(range(len(lines)), is_read.__getitem__):
            numbers = list(run)
            if as_columns:
                chosen = np.zeros(len(columns), bool)
                chosen[column[numbers]] = True
                _add_columns(columns.take(chosen), "simplified", piece, selection, result)
                continue
            for number in numbers:
                if lines[number].strip():
                    _add_record(_parsed(lines[number], before + number, piece), piece, selection, result)
        before += len(lines)


def _parsed(line: bytes, number: int, piece: Source) -> Record:
    try:
        return next(parse_ndjson([line], piece.name))
    except FormatError:  # count the line number in the file, for the message
        return next(parse_ndjson([line], piece.name, lines_before(piece) + number + 1))


def _add_columns(columns: Columns, kind: str, piece: Source, selection: Selection, result: ParseResult) -> None:
    default = selection.category or piece.category
    words = columns.words[:1] if (columns.words == columns.words[:1]).all() else columns.words
    for word in dict.fromkeys(words.tolist()):
        chosen = columns.take(columns.words == word)
        category = word.strip() or default
        counts = result.counts_of(category)
        counts.read += len(chosen)
        counts.kinds[kind] += len(chosen)
        result.parts.setdefault(category, []).append(encode_columns(chosen, selection, counts))


def _add_record(record: Record, piece: Source, selection: Selection, result: ParseResult) -> None:
    word = record.word.strip() if record.word and record.kind != "npz" else ""
    category = word or selection.category or piece.category
    counts = result.counts_of(category)
    counts.read += 1
    counts.kinds[record.kind] += 1
    counts.ignored.update(record.ignored)
    if record.source is not None and record.source.outlines_only:
        counts.ignored["filled areas, whose outlines were read"] += len(record.source.lines)
    result.parts.setdefault(category, []).append(encode_record(record, selection, counts))

"""What each process of a preparation does: reads a piece of a source, and returns it as it is stored."""

from __future__ import annotations

import io
import itertools
import json
import os
import signal
import threading
import time
from collections import deque
from collections.abc import Generator, Iterable
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field, fields
from multiprocessing import get_context
from pathlib import Path
from typing import IO, BinaryIO

import numpy as np

from sketchrnn.dataset.encode import Selection, Tally, encode_columns, encode_record, joined
from sketchrnn.dataset.shard import Encoded
from sketchrnn.dataset.sources import Piece, lines_before, lines_of
from sketchrnn.errors import DatasetError, FormatError
from sketchrnn.files import open_source
from sketchrnn.formats import Record, read_records
from sketchrnn.formats.columns import Columns, columns_of_binary, columns_of_lines
from sketchrnn.formats.quickdraw_ndjson import parse_ndjson
from sketchrnn.formats.streams import unwrap

_WAITING = 4
"""Pieces for each process that are read or wait to be stored: what bounds the memory."""

_MOSTLY = 0.1
"""Share of lines in another than Google's layout from which on all are read one by one."""

_BLOCK = 1 << 19
"""Bytes of lines that are read at once: with fewer, the steps' own start counts; with more, they leave the cache."""

_KEPT_MEMORY = 1 << 24
"""Bytes of an array up to which a process keeps the memory of arrays that are gone, for the next: to take it anew from
the system for each step takes longer than many a step."""

NO_DRAWING = "without a drawing that can be read"


@dataclass
class Read:
    """What came of a piece.

    Attributes:
        parts: the drawings by category, in their order.
        tallies: what became of those that were read, by category.
        problems: what was wrong with files that were left out.
    """

    parts: dict[str, list[Encoded]] = field(default_factory=dict)
    tallies: dict[str, Tally] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def tally(self, category: str) -> Tally:
        """Return what counts a category's drawings."""
        return self.tallies.setdefault(category, Tally())

    def encoded(self) -> dict[str, Encoded]:
        """Return the drawings of each category together."""
        return {category: joined(parts) for category, parts in self.parts.items()}

    def save(self, file: IO[bytes]) -> None:
        """Write all of it as an npz file."""
        drawings = self.encoded()
        said = {
            "categories": list(drawings),
            "tallies": {category: tally.to_json() for category, tally in self.tallies.items()},
            "problems": self.problems,
        }
        arrays = {
            f"{number} {name}": a for number, one in enumerate(drawings.values()) for name, a in vars(one).items()
        }
        np.savez(file, said=np.array(json.dumps(said)), **arrays)

    @classmethod
    def load(cls, path: Path) -> Read:
        """Read what :meth:`save` wrote."""
        with np.load(path) as arrays:
            said = json.loads(str(arrays["said"]))
            parts = {
                category: [Encoded(**{one.name: arrays[f"{number} {one.name}"] for one in fields(Encoded)})]
                for number, category in enumerate(said["categories"])
            }
        tallies = {category: Tally.from_json(tally) for category, tally in said["tallies"].items()}
        return cls(parts, tallies, said["problems"])


def read_piece(piece: Piece, selection: Selection) -> Read:
    """Read a piece.

    Raises:
        SketchRNNError: a file is damaged or cannot be read.
    """
    read = Read()
    if piece.content == "ndjson":
        _read_lines(io.BytesIO(lines_of(piece)), piece, selection, read)
    elif piece.content == "stream":
        with open_source(piece.paths[0]) as file:
            _read_lines(unwrap(file, piece.source.name)[1], piece, selection, read)
    elif piece.content == "binary":
        with open_source(piece.paths[0]) as file:
            file.seek(piece.begin)
            content = file.read(piece.end - piece.begin)
        columns = columns_of_binary(content, piece.source.name, piece.first)
        if (columns.drawing_strokes == 0).any():
            index = piece.first + int(np.flatnonzero(columns.drawing_strokes == 0)[0])
            raise FormatError(f"{piece.source.name}, drawing {index}: expected strokes, found none")
        _add_columns(columns, "binary", piece, selection, read)
    else:
        for path in piece.paths:
            _read_file(path, piece, selection, read)
    return read


def read_pieces(
    pieces: Iterable[Piece], selection: Selection, processes: int
) -> Generator[tuple[Piece, Read], None, None]:
    """Read pieces, in their order, by several processes; no more than a few pieces are in memory at a time.

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
        waiting: deque[tuple[Piece, Future[Read]]] = deque()
        while True:
            for piece in itertools.islice(pieces, _WAITING * processes - len(waiting)):
                waiting.append((piece, pool.submit(read_piece, piece, selection)))
            if not waiting:
                break
            piece, future = waiting.popleft()
            yield piece, future.result()
    except BrokenProcessPool as error:
        raise DatasetError("a process that reads drawings was killed, perhaps for want of memory") from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _begin(parent: int) -> None:
    """Let a process leave Ctrl-C to its parent, and end when that has been killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    np.empty(_KEPT_MEMORY, np.uint8)  # given back at once: so the GNU C library learns it; man 3 mallopt, "dynamic"

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _read_file(path: Path, piece: Piece, selection: Selection, read: Read) -> None:
    try:
        for record in read_records(path, name=None if piece.source.is_folder else piece.source.name):
            _add_record(record, piece, selection, read)
    except FormatError as error:
        if not piece.source.is_folder:
            raise
        tally = read.tally(selection.category or piece.source.category)
        tally.read += 1
        tally.drop(1, NO_DRAWING)
        read.problems.append(str(error))


def _read_lines(file: BinaryIO, piece: Piece, selection: Selection, read: Read) -> None:
    before = 0
    while block := file.read(_BLOCK):
        before += _read_block(block + file.readline(), before, piece, selection, read)


def _read_block(content: bytes, before: int, piece: Piece, selection: Selection, read: Read) -> int:
    """Read some lines of a piece, so many lines behind its first; return how many."""
    lines = columns_of_lines(content)
    columns, places, others = lines.columns, lines.places, lines.others
    if len(others) > _MOSTLY * (len(others) + len(places)):
        others |= dict(enumerate(content.split(b"\n")))
        columns, places = columns.take(np.zeros(len(columns), bool)), places[:0]
    done = -1
    for place in sorted(others):
        between = (places > done) & (places < place)
        _add_columns(columns.take(between), "simplified", piece, selection, read) if between.any() else None
        if others[place].strip():
            _add_record(_parsed(others[place], before + place, piece), piece, selection, read)
        done = place
    rest = places > done
    if rest.any():
        _add_columns(columns.take(rest), "simplified", piece, selection, read)
    return lines.count


def _parsed(line: bytes, place: int, piece: Piece) -> Record:
    try:
        return next(parse_ndjson([line], piece.source.name))
    except FormatError:
        number = lines_before(piece) + place + 1
        return next(parse_ndjson([line], piece.source.name, number))


def _add_columns(columns: Columns, kind: str, piece: Piece, selection: Selection, read: Read) -> None:
    default = selection.category or piece.source.category
    words = columns.words[:1] if (columns.words == columns.words[:1]).all() else columns.words
    for word in dict.fromkeys(words.tolist()):
        chosen = columns.take(columns.words == word)
        category = word.decode().strip() or default
        tally = read.tally(category)
        tally.read += len(chosen)
        tally.kinds[kind] += len(chosen)
        read.parts.setdefault(category, []).append(encode_columns(chosen, selection, tally))


def _add_record(record: Record, piece: Piece, selection: Selection, read: Read) -> None:
    own = record.word.strip() if record.word and record.kind != "npz" else ""
    word = own or selection.category or piece.source.category
    tally = read.tally(word)
    tally.read += 1
    tally.kinds[record.kind] += 1
    tally.ignored.update(record.ignored)
    read.parts.setdefault(word, []).append(encode_record(record, selection, tally))

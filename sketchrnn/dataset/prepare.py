"""Files of drawings -> a store, in one pass and in constant memory.

Each source becomes a *part*, a folder of shards under ``.preparing`` that gets its name when it is complete. When all
parts are complete, the shards of each category are merged without duplicates and moved into the store by a rename.
After an interruption, complete parts are used again. For a folder of small files, the groups of files that were read
are also used again. The result does not depend on the interruption.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import itertools
import json
import os
import shutil
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from pathlib import Path
from typing import IO, Any

import filelock
import numpy as np
from numpy.typing import NDArray

from sketchrnn.dataset.drawings import SPLITS, Encoded
from sketchrnn.dataset.encode import ImportCounts, Selection
from sketchrnn.dataset.read import ParseResult, read_pieces
from sketchrnn.dataset.sources import Source, find_sources, pieces_of
from sketchrnn.dataset.store import (
    PREPARING,
    VALIDATES_EARLY,
    VERSION,
    Report,
    Shard,
    ShardWriter,
    is_model,
    open_shard,
    read_header,
    shard_path,
    shard_paths,
)
from sketchrnn.errors import DatasetError, SketchRNNError
from sketchrnn.files import atomic_write, locked, reason, replace_file
from sketchrnn.sketch import Sketch
from sketchrnn.sketch.simplify import same_shape, signature

SAME_KEY = "read before under the same key_id"
SAME_ROWS = "read before, row for row, without a key_id"
SAME_SHAPE_AS_KEYED = "of the same shape as one with a key_id"
OVER_LIMIT = "over the limit of a category"

_ALONE_BELOW = 4 << 20
"""Below this number of bytes, starting more processes takes longer than reading."""
_PROBLEMS_SHOWN = 3
_PART = "part.json"
_UNFINISHED = ".unfinished"
_PATIENCE = 1.0
"""Seconds to wait for a source that another process prepares: if it was killed while it started its workers, its locks
stay until the workers run their own program."""

Progress = Callable[[int, int], None]
"""Called with the bytes of the sources that are done, and their total."""


def prepare(
    paths: Sequence[str | Path],
    folder: str | Path,
    selection: Selection | None = None,
    *,
    processes: int = 1,
    force: bool = False,
    progress: Progress | None = None,
) -> Report:
    """Prepare drawings into a store. Sources that are in the store already are skipped; other categories do not change.

    A hash of key_id, or of the rows if there is none, gives the split of a drawing; the published npz files have their
    own splits. A drawing that is in two sources is kept once.

    Args:
        paths: files of any format that is read, and folders of them.
        folder: the store; it is created if it does not exist.
        selection: which drawings are kept, and how they are simplified.
        processes: number of processes that read.
        force: prepare all sources again, and replace their categories in the store.
        progress: called with the bytes so far and their total.

    Raises:
        SketchRNNError: a source cannot be read, or the store cannot be written.
        DatasetError: all drawings are skipped, or the store has other drawings or another selection of a category.
    """
    sources, notes = find_sources(paths)
    report = prepare_sources(
        sources, Path(folder), selection or Selection(), processes=processes, force=force, progress=progress
    )
    report.notes[:0] = notes
    return report


def prepare_sources(
    sources: Sequence[Source],
    folder: Path,
    selection: Selection,
    *,
    processes: int = 1,
    force: bool = False,
    progress: Progress | None = None,
) -> Report:
    """Prepare sources; see :func:`prepare`."""
    report = Report(splits=dict.fromkeys(SPLITS, 0))
    work = folder / PREPARING
    try:
        work.mkdir(parents=True, exist_ok=True)
        with contextlib.ExitStack() as stack:
            parts = [_Part(source, selection, work) for source in sources]
            for part in parts:
                stack.enter_context(part.locked())
            if not force:
                stored = _stored(folder)
                wanted = [part for part in parts if part.is_there or not part.is_among(stored)]
                report.notes += [f"{one.source.name}: is in {folder} already" for one in parts if one not in wanted]
                parts = wanted
            _write_parts([part for part in parts if not part.is_there], selection, processes, progress)
            for part in parts:
                report.notes += part.problems()
            by_category: dict[str, list[_Part]] = {}
            for part in parts:
                for category in part.categories():
                    by_category.setdefault(category, []).append(part)
            for category, its_parts in by_category.items():
                with locked(shard_path(work, category).with_suffix(".lock")):
                    information = _put_together(category, its_parts, folder, selection, force=force)
                report.counts.add(ImportCounts.from_json(information["tally"]))
                target = shard_path(folder, category)
                if target.exists():
                    for name, count in open_shard(target).split_counts().items():
                        report.splits[name] += count
            for part in parts:
                part.forget()
    except OSError as error:
        raise SketchRNNError(f"{folder}: cannot be written: {reason(error)}") from error
    finally:
        for emptied in (work, folder):
            with contextlib.suppress(OSError):
                emptied.rmdir()  # this fails if the folder is not empty
    if parts and not sum(report.splits.values()):
        raise DatasetError(
            "; ".join([f"expected drawings, found none to use among {report.read:,}", *report.left_out()])
        )
    return report


class _Part:
    """The shards of one source: a folder that is complete or does not exist."""

    def __init__(self, source: Source, selection: Selection, work: Path) -> None:
        self.source = source
        self._selection = selection.to_json()
        of_any_version = _hash([VERSION, source.name, source.category, self._selection])
        self.path = work / f"{of_any_version}-{_hash(source.to_json())}"
        self._lock = self.path.with_suffix(".lock")
        self._unfinished = self.path.with_suffix(_UNFINISHED)
        self._groups = self.path.with_suffix(".groups")
        self._others = f"{of_any_version}-*"

    @property
    def is_there(self) -> bool:
        return self.path.is_dir()

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Lock a source, so that no other process prepares it in the same way.

        Files of an interrupted preparation are deleted, unless they can be used.
        """
        try:
            with locked(self._lock, _PATIENCE):
                shutil.rmtree(self._unfinished, ignore_errors=True)
                for old in self.path.parent.glob(self._others):
                    if old.is_dir() and old not in (self.path, self._groups):  # of an older version of the source
                        shutil.rmtree(old, ignore_errors=True)
                yield
        except filelock.Timeout as error:
            raise DatasetError(f"{self.source.name}: another process is preparing this file") from error

    def is_among(self, stored: list[dict[str, Any]]) -> bool:
        """Return whether a store has the drawings of this source.

        Raises:
            DatasetError: it has another version of the source, or another selection of its drawings.
        """
        found = False
        for information in stored:
            for source in information["sources"]:
                if source["name"] != self.source.name:
                    continue
                where = f"{self.source.name}: is in the store already, under {information['category']!r}"
                if source != self.source.to_json():
                    raise DatasetError(f"{where}, but has changed. Prepare it again with --force")
                if information["selection"] != self._selection:
                    raise DatasetError(f"{where}, with other options. Prepare it again with --force")
                found = True
        return found

    @contextlib.contextmanager
    def written(self) -> Iterator[_PartWriter]:
        """Yield the writer of the drawings; the part is complete if the block ends without an error."""
        self._unfinished.mkdir()
        writer = _PartWriter(self._unfinished, self._selection)
        try:
            yield writer
            writer.finish(self.source)
            self._unfinished.rename(self.path)
            shutil.rmtree(self._groups, ignore_errors=True)
        finally:
            writer.close()
            shutil.rmtree(self._unfinished, ignore_errors=True)

    def read_groups(self) -> set[int]:
        """Return the numbers of the pieces that an interrupted preparation has saved."""
        return {int(path.stem) for path in self._groups.glob("[0-9]*.npz")}

    def keep_group(self, number: int, read: ParseResult) -> None:
        """Save the drawings of a piece until the part is complete."""
        self._groups.mkdir(exist_ok=True)
        with atomic_write(self._groups / f"{number}.npz") as file:
            read.save(file)

    def group(self, number: int) -> ParseResult:
        """Return the drawings of a saved piece."""
        return ParseResult.load(self._groups / f"{number}.npz")

    def categories(self) -> list[str]:
        return list(self._said()["categories"])

    def problems(self) -> list[str]:
        return list(self._said()["problems"])

    def shard(self, category: str) -> Shard:
        return open_shard(shard_path(self.path, category))

    def forget(self) -> None:
        self.path.rename(self._unfinished)  # so that no process finds it half deleted
        shutil.rmtree(self._unfinished)

    def _said(self) -> dict[str, Any]:
        return dict(json.loads((self.path / _PART).read_bytes()))


class _PartWriter:
    """Writes the drawings of a source, category by category."""

    def __init__(self, folder: Path, selection: dict[str, Any]) -> None:
        self._folder, self._selection = folder, selection
        self._writers: dict[str, _Category] = {}
        self._problems: list[str] = []
        self._left_out = 0

    def add(self, read: ParseResult) -> None:
        for category in read.counts:
            if category not in self._writers:
                self._writers[category] = _Category(category, self._folder, self._selection["limit"])
            self._writers[category].counts.add(read.counts[category])
        for category, drawings in read.encoded().items():
            self._writers[category].add(drawings)
        self._left_out += len(read.problems)
        self._problems += read.problems[: _PROBLEMS_SHOWN - len(self._problems)]

    def finish(self, source: Source) -> None:
        for category, writer in self._writers.items():
            with shard_path(self._folder, category).open("wb") as file:
                writer.finish(file, [source.to_json()], self._selection)
        more = self._left_out - len(self._problems)
        problems = [f"left out: {problem}" for problem in self._problems]
        problems += [f"left out: {more:,} more files of {source.name}"] if more else []
        said = {"categories": sorted(self._writers), "problems": problems}
        (self._folder / _PART).write_text(json.dumps(said))

    def close(self) -> None:
        for writer in self._writers.values():
            writer.close()


class _Category(ShardWriter):
    """Writes the drawings of a category, without duplicates and up to the limit, as a shard."""

    def __init__(self, category: str, folder: Path, limit: int) -> None:
        super().__init__(category, folder)
        self.counts = ImportCounts()
        self._seen = _Seen()
        self._limit = limit

    def add(self, drawings: Encoded) -> None:
        new = self._seen.add(drawings.keys)
        self.counts.drop(int((~new & drawings.keyed).sum()), SAME_KEY)
        self.counts.drop(int((~new & ~drawings.keyed).sum()), SAME_ROWS)
        if self._limit:
            within = np.cumsum(new) <= self._limit - self.count
            self.counts.drop(int((new & ~within).sum()), OVER_LIMIT)
            new &= within
        super().add(drawings.take(new))

    def finish(self, file: IO[bytes], sources: list[dict[str, Any]], selection: dict[str, Any]) -> dict[str, Any]:
        information: dict[str, Any] = {"sources": sources, "selection": selection, "tally": self.counts.to_json()}
        information[VALIDATES_EARLY] = "npz" not in self.counts.kinds  # published npz files have their own splits
        return self.write(file, information)


class _Seen:
    """The keys of the drawings so far, 8 bytes each, in sorted arrays; each is twice as long as the next one."""

    def __init__(self) -> None:
        self._levels: list[NDArray[np.uint64]] = []

    def add(self, keys: NDArray[np.uint64]) -> NDArray[np.bool_]:
        """Add keys, and return which of them are new."""
        ordered, first = np.unique(keys, return_index=True)
        known = np.zeros(len(ordered), bool)
        for level in self._levels:
            place = np.minimum(np.searchsorted(level, ordered), len(level) - 1)
            known |= level[place] == ordered
        new = np.zeros(len(keys), bool)
        new[first[~known]] = True
        if not known.all():
            self._levels.append(ordered[~known])
        while len(self._levels) > 1 and len(self._levels[-2]) < 2 * len(self._levels[-1]):
            merged = np.concatenate([self._levels.pop(), self._levels.pop()])
            merged.sort()
            self._levels.append(merged)
        return new


def _write_parts(parts: list[_Part], selection: Selection, processes: int, progress: Progress | None) -> None:
    """Read the sources of parts, and write the parts."""
    total, done = sum(part.source.size for part in parts), 0
    if total < _ALONE_BELOW:
        processes = 1
    with contextlib.closing(_read_parts(parts, selection, processes)) as results:
        for part, group in itertools.groupby(results, key=lambda result: result[0]):
            with part.written() as writer:
                before = done
                for _, piece, read in group:
                    writer.add(read)
                    done = min(done + piece.end - piece.begin, before + part.source.size)
                    if progress is not None:
                        progress(done, total)
            done = before + part.source.size
            if progress is not None:
                progress(done, total)


def _read_parts(
    parts: list[_Part], selection: Selection, processes: int
) -> Generator[tuple[_Part, Source, ParseResult], None, None]:
    """Read the pieces of all parts, in their order; saved pieces of a folder are not read again."""
    waiting: deque[tuple[_Part, int, Source, bool]] = deque()

    def unread() -> Iterator[Source]:
        for part in parts:
            known = part.read_groups()
            for number, piece in enumerate(pieces_of(part.source)):
                waiting.append((part, number, piece, number in known))
                if number not in known:
                    yield piece

    with contextlib.closing(read_pieces(unread(), selection, processes)) as results:
        while (result := next(results, None)) is not None or waiting:
            while waiting:
                part, number, piece, is_known = waiting.popleft()
                if is_known:
                    yield part, piece, part.group(number)
                elif result is not None:
                    if len(part.source.paths) > len(piece.paths):
                        part.keep_group(number, result[1])
                    yield part, piece, result[1]
                    break


def _put_together(
    category: str, parts: list[_Part], folder: Path, selection: Selection, *, force: bool
) -> dict[str, Any]:
    """Merge the shards of a category into one file of the store; return its information."""
    target = shard_path(folder, category)
    if is_model(target):
        raise DatasetError(
            f"{target}: is a model, but the drawings of {category!r} must be written here. Move the model"
        )
    shards = [part.shard(category) for part in parts]
    if target.exists() and not force:
        stored = open_shard(target)
        if stored.information["selection"] != selection.to_json():
            raise DatasetError(f"{target}: was prepared with other options. Prepare it again with --force")
        shards = [stored] + [
            one for one in shards if one.information["sources"][0] not in stored.information["sources"]
        ]
        if len(shards) == 1:
            return stored.information
    between = folder / PREPARING / f"{target.name}{_UNFINISHED}"
    if len(shards) == 1:
        if len(shards[0]):
            _link(shards[0].path, between)
            replace_file(between, target)
        else:
            target.unlink(missing_ok=True)
        return shards[0].information
    with contextlib.closing(_Category(category, folder / PREPARING, selection.limit)) as writer:
        twice = _same_shapes(shards)
        for number, shard in enumerate(shards):
            writer.counts.add(ImportCounts.from_json(shard.information["tally"]))
            begin = 0
            for piece in shard.pieces():
                same = twice[number][begin : begin + len(piece)]
                writer.counts.drop(int(same.sum()), SAME_SHAPE_AS_KEYED)
                writer.add(piece.take(~same))
                begin += len(piece)
        sources = [source for shard in shards for source in shard.information["sources"]]
        if not writer.count:
            return writer.finish(io.BytesIO(), sources, selection.to_json())
        with between.open("wb") as file:
            information = writer.finish(file, sources, selection.to_json())
        replace_file(between, target)
        return information


def _same_shapes(shards: list[Shard]) -> list[NDArray[np.bool_]]:
    """Return for each drawing without a key whether it has the same shape as one with a key."""
    keyed = [np.array(shard.keyed) for shard in shards]
    together = np.concatenate(keyed)
    if together.all() or not together.any():
        return [np.zeros(len(shard), bool) for shard in shards]
    signatures = np.concatenate([_signatures(shard) for shard in shards])
    found = np.zeros(len(together), bool)
    found[~together] = same_shape(signatures[~together], signatures[together])
    return np.split(found, np.cumsum([len(shard) for shard in shards])[:-1])


def _signatures(shard: Shard) -> NDArray[np.float32]:
    found = []
    for piece in shard.pieces():
        rows = np.column_stack([piece.offsets, piece.lifts]).astype(np.float64)
        found += [signature(Sketch.from_stroke3(one)) for one in np.split(rows, np.cumsum(piece.lengths)[:-1])]
    return np.array(found, np.float32).reshape(len(shard), -1)


def _link(path: Path, other: Path) -> None:
    """Link a file to a second name; copy it if the disk has no links."""
    other.unlink(missing_ok=True)
    try:
        os.link(path, other)
    except OSError:
        shutil.copyfile(path, other)


def _hash(values: Any) -> str:
    return hashlib.blake2b(json.dumps(values, sort_keys=True).encode(), digest_size=12).hexdigest()


def _stored(folder: Path) -> list[dict[str, Any]]:
    return [read_header(path)[0]["information"] for path in shard_paths(folder)]

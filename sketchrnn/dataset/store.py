"""A store: a folder with a file (a shard) for each category, which training maps into memory.

A store consists of these files only: a category can be added, copied or deleted by itself, and several machines can
prepare different categories into one folder. During a preparation the store also has a folder ``.preparing``. As long
as this folder exists the store is incomplete, and it is not opened.

A shard is a safetensors file, so that other programs can read it: a header in JSON, then the arrays. This module does
not use the safetensors library, because it cannot write arrays in pieces, and would copy whole arrays into memory.

Reference:
    https://github.com/huggingface/safetensors, "Format".
"""

from __future__ import annotations

import hashlib
import json
import math
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray

from sketchrnn.dataset.drawings import (
    ROW_ARRAYS,
    SPLITS,
    Drawings,
    Encoded,
    deviation,
    early_validation,
    missing_validation,
)
from sketchrnn.dataset.encode import ImportCounts
from sketchrnn.errors import DatasetError, SketchRNNError
from sketchrnn.files import open_source

VERSION = 1
_KIND = "sketchrnn drawings"
_LONGEST_HEADER = 1 << 26  # bytes
_IN_MEMORY = 1 << 22  # bytes of an array that are kept before it goes to the disk
_ALIGNMENT = 8

ARRAYS: dict[str, tuple[str, tuple[int, ...]]] = {
    "box_scale": ("F32", ()),
    "keyed": ("BOOL", ()),
    "keys": ("U64", ()),
    "lengths": ("I32", ()),
    "lifts": ("BOOL", ()),
    "moments": ("F64", (7,)),
    "offsets": ("I16", (2,)),
    "source_scale": ("F32", ()),
    "splits": ("U8", ()),
}
"""The arrays of a shard: their type, and their shape without the first axis.

All but "moments" are the attributes of :class:`sketchrnn.dataset.drawings.Encoded`. Each row of "moments" is (split,
rows, drawings, sum and sum of squares of the offsets in the 255 box, the same two in the files' unit) of all drawings
of one split and one length.
"""

_TYPES = {"BOOL": "|b1", "U8": "|u1", "I16": "<i2", "I32": "<i4", "U64": "<u8", "F32": "<f4", "F64": "<f8"}
VALIDATES_EARLY = "validates_early"
"""Key of a shard's information: one of its first drawings is in the validation split; see :func:`early_validation`."""


class Moments:
    """Counts, sums and sums of squares of offsets, by split and length, from which offset_scale is computed."""

    def __init__(self) -> None:
        self._table = np.zeros((len(SPLITS), 1, 5))  # by split and length

    def add(self, drawings: Encoded) -> None:
        """Count drawings; at least one."""
        starts = 2 * (np.cumsum(drawings.lengths) - drawings.lengths)
        offsets = drawings.offsets.astype(np.float64).ravel()  # sums of whole numbers are exact in any order
        sums = np.add.reduceat(offsets, starts)
        squares = np.add.reduceat(np.square(offsets, out=offsets), starts)
        columns = [np.ones(len(drawings))]
        for scale in (drawings.box_scale.astype(np.float64), drawings.source_scale.astype(np.float64)):
            columns += [sums * scale, squares * scale**2]
        missing = int(drawings.lengths.max()) + 1 - self._table.shape[1]
        if missing > 0:
            self._table = np.pad(self._table, ((0, 0), (0, missing), (0, 0)))
        splits, lengths, _ = self._table.shape
        cell = drawings.splits.astype(np.int64) * lengths + drawings.lengths
        for index, column in enumerate(columns):
            counts = np.bincount(cell, column, minlength=splits * lengths)
            self._table[..., index] += counts.reshape(splits, lengths)

    def array(self) -> NDArray[np.float64]:
        """Return the table: (pairs, 7)."""
        pairs = np.argwhere(self._table[..., 0])
        return np.column_stack([pairs, self._table[tuple(pairs.T)]])

    def summary(self) -> dict[str, Any]:
        """Return the number of drawings in each split, the number of rows, and the training drawings' offset_scale."""
        table = self.array()
        return {
            "splits": {name: int(table[table[:, 0] == index, 2].sum()) for index, name in enumerate(SPLITS)},
            "rows": int((table[:, 1] * table[:, 2]).sum()),
            "offset_scale": {unit: offset_scale(table, unit) for unit in ("box", "source")},
        }


def offset_scale(moments: NDArray[np.float64], unit: str, max_length: int | None = None) -> float:
    """Return the standard deviation of the training drawings' offsets; 0 if nothing moves.

    Args:
        moments: those of one shard or of several, (pairs, 7).
        unit: "box" or "source".
        max_length: drawings with more rows are not counted.
    """
    chosen = moments[:, 0] == SPLITS.index("train")
    if max_length is not None:
        chosen &= moments[:, 1] <= max_length
    moments = moments[chosen]
    first = {"box": 3, "source": 5}[unit]
    numbers = 2.0 * float((moments[:, 1] * moments[:, 2]).sum())
    return deviation(numbers, float(moments[:, first].sum()), float(moments[:, first + 1].sum()))


class ShardWriter:
    """Collects the drawings of a category in pieces, in constant memory, and writes them to one file."""

    def __init__(self, category: str, folder: Path) -> None:
        """Start without drawings; ``folder`` is for temporary files, if the drawings need much memory."""
        self.category = category
        self.count = 0
        self._moments = Moments()
        self._spools = {
            name: tempfile.SpooledTemporaryFile(_IN_MEMORY, dir=str(folder))  # noqa: SIM115  # close() closes it
            for name in ARRAYS
            if name != "moments"
        }
        self._sizes = dict.fromkeys(self._spools, 0)

    def add(self, drawings: Encoded) -> None:
        """Add drawings."""
        if not len(drawings):
            return
        self.count += len(drawings)
        self._moments.add(drawings)
        for name, spool in self._spools.items():
            content = np.ascontiguousarray(getattr(drawings, name), _TYPES[ARRAYS[name][0]]).data.cast("B")
            spool.write(content)
            self._sizes[name] += len(content)

    def write(self, file: IO[bytes], information: Mapping[str, Any]) -> dict[str, Any]:
        """Write the file and return the information in its header, to which JSON values can be added."""
        moments = np.ascontiguousarray(self._moments.array(), "<f8").tobytes()
        sizes = {**self._sizes, "moments": len(moments)}
        digest = hashlib.blake2b(digest_size=16)
        details = {"kind": _KIND, "version": VERSION, "category": self.category, "digest": digest.hexdigest()}
        details |= {**self._moments.summary(), **information}
        ranges, end = {}, 0
        # the largest types first, so that each array begins at a multiple of its type's size
        for name in sorted(sizes, key=lambda name: (-np.dtype(_TYPES[ARRAYS[name][0]]).itemsize, name)):
            ranges[name] = (end, end + sizes[name])
            end += sizes[name]
        begin = file.tell() + len(_header(details, ranges))  # all digests have the same length
        for name in sorted(self._spools):
            file.seek(begin + ranges[name][0])
            for block in _blocks(self._spools[name]):
                digest.update(block)
                file.write(block)
        file.seek(begin + ranges["moments"][0])
        file.write(moments)
        details["digest"] = digest.hexdigest()
        header = _header(details, ranges)
        file.seek(begin - len(header))
        file.write(header)
        return details

    def close(self) -> None:
        """Delete the temporary files."""
        for spool in self._spools.values():
            spool.close()


@dataclass(frozen=True)
class Shard(Encoded):
    """The drawings of one category, mapped into memory.

    Attributes:
        moments: the array of this name in :data:`ARRAYS`.
        path: the file.
        information: the values in its header, among them ``category``, and ``digest``, a hash of the content.
    """

    moments: NDArray[np.float64]
    path: Path
    information: dict[str, Any]

    @property
    def category(self) -> str:
        """The category's name."""
        return str(self.information["category"])

    def split_counts(self) -> dict[str, int]:
        """Return the number of drawings in each split."""
        counts = np.bincount(self.splits, minlength=len(SPLITS))
        return {name: int(counts[index]) for index, name in enumerate(SPLITS)}


def open_shard(path: Path) -> Shard:
    """Map a shard into memory.

    Raises:
        DatasetError: the file is damaged, of another version, or not a shard.
        SketchRNNError: it cannot be read.
    """
    header, begin = read_header(path)
    whole = np.memmap(path, np.uint8, mode="r").view(np.ndarray)
    arrays = {}
    for name, (kind, shape) in ARRAYS.items():
        dtype = np.dtype(_TYPES[kind])
        start, size = begin + header["offsets"][name], header["counts"][name] * dtype.itemsize * math.prod(shape)
        arrays[name] = whole[start : start + size].view(dtype).reshape(-1, *shape)
    shard = Shard(**arrays, path=path, information=header["information"])
    if (shard.lengths < 1).any() or shard.starts[-1] != header["counts"]["lifts"]:
        raise DatasetError(f"{path}: is damaged: its lengths do not fit its rows")
    return _let_one_validate(shard) if shard.information.get(VALIDATES_EARLY) else shard


def _let_one_validate(shard: Shard) -> Shard:
    """Move one of the first training drawings to the validation split, unless one is there."""
    index = early_validation(shard.splits, shard.keys)
    if index is None:
        return shard
    splits = np.array(shard.splits)
    moments = [shard.moments]
    for split, sign in (("train", -1.0), ("valid", 1.0)):
        splits[index] = SPLITS.index(split)
        counted = Moments()
        counted.add(replace(shard, splits=splits).at(np.array([index])))
        moments.append(counted.array() * np.where(np.arange(7) < 2, 1.0, sign))
    return replace(shard, splits=splits, moments=np.concatenate(moments))


def is_model(path: Path) -> bool:
    """Return whether a safetensors file is a model's checkpoint, which has no drawings."""
    try:
        with open_source(path) as file:
            size = int.from_bytes(file.read(8), "little")
            header = json.loads(file.read(size) if size <= _LONGEST_HEADER else b"")
        return bool(header["__metadata__"]["format"] == "sketchrnn")
    except (SketchRNNError, ValueError, KeyError, TypeError, RecursionError):  # reading the drawings fails later
        return False


def read_header(path: Path) -> tuple[dict[str, Any], int]:
    """Read the header of a shard.

    Returns:
        A dictionary of the ``information``, the ``offsets`` of the arrays in bytes from the first one, and their
        ``counts`` of rows; and the position of the first array in the file.

    Raises:
        DatasetError: the file is damaged, of another version, or not a shard.
        SketchRNNError: it cannot be read.
    """
    with open_source(path) as file:
        size = int.from_bytes(file.read(8), "little")
        text = file.read(size) if size <= _LONGEST_HEADER else b""
    end = path.stat().st_size
    try:
        header = json.loads(text)
        information = json.loads(header["__metadata__"]["sketchrnn"])
        version = information["version"]
        if information["kind"] != _KIND:
            raise ValueError
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise DatasetError(f"{path}: expected drawings that `sketchrnn prepare` wrote, found other content") from error
    if version != VERSION:
        raise DatasetError(f"{path}: expected version {VERSION}, found {version}. Prepare the drawings again")
    offsets, counts = {}, {}
    try:
        for name, (kind, shape) in ARRAYS.items():
            first, last = header[name]["data_offsets"]
            counts[name] = header[name]["shape"][0]
            expected = counts[name] * np.dtype(_TYPES[kind]).itemsize * math.prod(shape)
            if header[name]["dtype"] != kind or last - first != expected or not 0 <= first <= last <= end - size - 8:
                raise ValueError
            offsets[name] = first
        drawings = {counts[name] for name in ARRAYS if name not in (*ROW_ARRAYS, "moments")}
        ImportCounts.from_json(information["tally"])
        if not {"digest", "selection", "sources"} <= set(information):
            raise ValueError
        if len(drawings) != 1 or len({counts[name] for name in ROW_ARRAYS}) != 1 or not information["category"]:
            raise ValueError
    except (ValueError, KeyError, TypeError) as error:
        raise DatasetError(f"{path}: is damaged: its arrays do not fit its header") from error
    return {"information": information, "offsets": offsets, "counts": counts}, size + 8


def _header(details: Mapping[str, Any], ranges: Mapping[str, tuple[int, int]]) -> bytes:
    """Return the beginning of a shard: the header's length, then the header with the byte range of each array."""
    header: dict[str, Any] = {"__metadata__": {"sketchrnn": json.dumps(details, sort_keys=True)}}
    for name, (begin, end) in ranges.items():
        kind, shape = ARRAYS[name]
        rows = (end - begin) // (np.dtype(_TYPES[kind]).itemsize * math.prod(shape))
        header[name] = {"dtype": kind, "shape": [rows, *shape], "data_offsets": [begin, end]}
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % _ALIGNMENT)
    return len(text).to_bytes(8, "little") + text


def _blocks(file: IO[bytes]) -> Iterator[bytes]:
    file.seek(0)
    while block := file.read(1 << 20):
        yield block


SHARD_SUFFIX = ".safetensors"
PREPARING = ".preparing"
_LONGEST_NAME = 150


@dataclass
class Report:
    """Counts of read, kept and skipped drawings.

    Attributes:
        counts: how many drawings were read and skipped.
        splits: number of drawings in each split.
        unit: "box" or "source".
        notes: further messages for the user.
    """

    counts: ImportCounts = field(default_factory=ImportCounts)
    splits: dict[str, int] = field(default_factory=dict)
    unit: str = "box"
    notes: list[str] = field(default_factory=list)

    @property
    def read(self) -> int:
        """Number of drawings in the files."""
        return self.counts.read

    @property
    def dropped(self) -> Counter[str]:
        """Number of skipped drawings, by reason."""
        return self.counts.dropped

    def __str__(self) -> str:
        kept = ", ".join(f"{count:,} {name}" for name, count in self.splits.items())
        unit = "the 255 box" if self.unit == "box" else "their files' own unit"
        return "\n".join([f"{self.read:,} drawings read: {kept}; measured in {unit}", *self.left_out(), *self.notes])

    def left_out(self) -> list[str]:
        """Return messages about skipped drawings, strokes and elements, with the reasons."""
        lines = []
        if self.dropped:
            lines.append("skipped: " + "; ".join(f"{count:,} {reason}" for reason, count in self.dropped.items()))
        if self.counts.empty_strokes:
            lines.append(f"skipped: {self.counts.empty_strokes:,} strokes without a point")
        if self.counts.ignored:
            said = "; ".join(f"{count:,} {kind}" for kind, count in self.counts.ignored.items())
            lines.append(f"ignored, only lines are read: {said}")
        return lines


def shard_path(folder: Path, category: str) -> Path:
    """Return the file of a category.

    >>> shard_path(Path("animals"), "alarm clock").name
    'alarm clock.safetensors'
    """
    name = quote(category, safe=" ")
    if len(name) > _LONGEST_NAME or name.startswith("."):
        name = hashlib.blake2b(category.encode(), digest_size=16).hexdigest()
    return folder / f"{name}{SHARD_SUFFIX}"


def is_store(path: str | Path) -> bool:
    """Return whether a path is a store, complete or in preparation."""
    path = Path(path)
    return path.is_dir() and ((path / PREPARING).is_dir() or bool(shard_paths(path)))


def shard_paths(folder: Path) -> list[Path]:
    """Return the files of a store's categories. Models that lie in the same folder are not part of the store."""
    paths = folder.glob(f"*{SHARD_SUFFIX}")
    return sorted(path for path in paths if not path.name.startswith(".") and not is_model(path))


def unit_of(shards: Sequence[Shard]) -> str:
    """Return the unit of offsets: "source" if all drawings are from published npz files, otherwise "box"."""
    kinds = {kind for shard in shards for kind in shard.information["tally"]["kinds"]}
    return "source" if kinds == {"npz"} else "box"


def drawings_of(
    shards: Sequence[Shard], max_length: int | None = None, unit: str | None = None
) -> tuple[Drawings, Report]:
    """Return the drawings of shards. Their rows are not read yet.

    Args:
        shards: one or more for each category, in the order of the categories' names.
        max_length: drawings with more rows are skipped; None for all.
        unit: "box" or "source"; None for :func:`unit_of`.

    Raises:
        DatasetError: all drawings are skipped.
    """
    unit = unit or unit_of(shards)
    categories = tuple(dict.fromkeys(shard.category for shard in shards))
    counts = ImportCounts()
    indices: list[NDArray[np.int64]] = []
    for shard in shards:
        counts.add(ImportCounts.from_json(shard.information["tally"]))
        indices.append(np.flatnonzero(shard.lengths <= (max_length or shard.lengths.max(initial=0))))
        counts.drop(len(shard) - len(indices[-1]), f"longer than {max_length} rows")
    report = Report(counts, unit=unit)
    if not sum(map(len, indices)):
        raise DatasetError(
            "; ".join([f"expected drawings, found none to use among {report.read:,}", *report.left_out()])
        )
    split, keys, lengths = (
        np.concatenate([getattr(shard, name)[one] for shard, one in zip(shards, indices, strict=True)])
        for name in ("splits", "keys", "lengths")
    )
    moved = missing_validation(split, keys)
    if moved.any():
        split = np.where(moved, np.uint8(SPLITS.index("valid")), split)
        report.notes.append(f"no drawing was in the validation split: {moved.sum():,} of the training split moved")
    moments = np.concatenate([shard.moments for shard in shards])
    firsts = np.cumsum([0, *map(len, shards)])
    drawings = Drawings(
        tuple(shards),
        np.concatenate([one + first for one, first in zip(indices, firsts, strict=False)]),
        lengths,
        np.repeat([categories.index(shard.category) for shard in shards], [*map(len, indices)]).astype(np.int32),
        split,
        categories,
        unit,
        known_offset_scale=None if moved.any() else offset_scale(moments, unit, max_length),
        known_fingerprint=repr([shard.information["digest"] for shard in shards]),
    )
    report.splits = {name: int((split == index).sum()) for index, name in enumerate(SPLITS)}
    return drawings, report


def open_stores(folders: Sequence[str | Path]) -> list[Shard]:
    """Return the shards of several stores, in the order of their categories' names.

    Raises:
        DatasetError: a folder is not a store, a store is incomplete, or one of its files is damaged.
    """
    shards: list[Shard] = []
    for folder in map(Path, folders):
        check_complete(folder)
        shards += [open_shard(path) for path in shard_paths(folder)]
    return sorted(shards, key=lambda shard: shard.category)


def check_complete(folder: Path) -> None:
    """Raise DatasetError if a folder is not a store, or if its preparation has not finished."""
    if not is_store(folder):
        raise DatasetError(f"{folder}: expected a store that `sketchrnn prepare` wrote, found another folder or none")
    if (folder / PREPARING).is_dir():
        raise DatasetError(
            f"{folder}: expected a complete store, found one whose preparation is running or was interrupted. Run the "
            f"same `sketchrnn prepare` again to resume it, or delete {folder / PREPARING} to abandon it"
        )

"""A store: a folder with one file for each category, which training maps into memory.

A store consists of these files only: a category can be added, copied or deleted by itself, and several machines can
prepare different categories into one folder. During a preparation the store also has a folder ``.preparing``. While
this folder exists, the store is incomplete and cannot be opened.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import numpy as np

from sketchrnn.dataset.drawings import Drawings
from sketchrnn.dataset.encode import ImportCounts
from sketchrnn.dataset.shard import Shard, is_model, offset_scale, open_shard
from sketchrnn.dataset.splits import SPLITS, missing_validation
from sketchrnn.errors import DatasetError

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

    @property
    def empty_strokes(self) -> int:
        """Number of strokes without a point in the drawings that were kept."""
        return self.counts.empty_strokes

    def __str__(self) -> str:
        kept = ", ".join(f"{count:,} {name}" for name, count in self.splits.items())
        unit = "the 255 box" if self.unit == "box" else "their files' own unit"
        return "\n".join([f"{self.read:,} drawings read: {kept}; measured in {unit}", *self.left_out(), *self.notes])

    def left_out(self) -> list[str]:
        """Return messages about skipped drawings, strokes and elements, with the reasons."""
        lines = []
        if self.dropped:
            lines.append("skipped: " + "; ".join(f"{count:,} {reason}" for reason, count in self.dropped.items()))
        if self.empty_strokes:
            lines.append(f"skipped: {self.empty_strokes:,} strokes without a point")
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


@dataclass(frozen=True)
class Store:
    """One store, or several together.

    Attributes:
        shards: one or more for each category, in the order of the categories' names.
    """

    shards: tuple[Shard, ...]

    @property
    def categories(self) -> tuple[str, ...]:
        """The categories' names, in order."""
        return tuple(dict.fromkeys(shard.category for shard in self.shards))

    def unit(self) -> str:
        """Return the unit of the offsets: "source" if all files are published npz files, otherwise "box"."""
        kinds = {kind for shard in self.shards for kind in shard.information["tally"]["kinds"]}
        return "source" if kinds == {"npz"} else "box"

    def drawings(self, max_length: int | None = None, unit: str | None = None) -> tuple[Drawings, Report]:
        """Return the drawings. Their rows are not read yet.

        Args:
            max_length: drawings with more rows are skipped; None for all.
            unit: "box" or "source"; None for :meth:`unit`.

        Raises:
            DatasetError: all drawings are skipped.
        """
        unit = unit or self.unit()
        categories = self.categories
        counts = ImportCounts()
        blocks, indices, category = [], [], []
        for shard in self.shards:
            counts.add(ImportCounts.from_json(shard.information["tally"]))
            lengths = shard.arrays["lengths"]
            blocks.append(shard.drawings)
            chosen = np.arange(len(shard))
            if max_length is not None and lengths.max(initial=0) > max_length:
                chosen = np.flatnonzero(lengths <= max_length)
                counts.drop(len(shard) - len(chosen), f"longer than {max_length} rows")
            indices.append(chosen)
            category.append(np.full(len(chosen), categories.index(shard.category), np.int32))
        firsts = np.cumsum([0, *map(len, self.shards)])
        report = Report(counts, unit=unit)
        if not sum(map(len, indices)):
            raise DatasetError(
                "; ".join([f"expected drawings, found none to use among {report.read:,}", *report.left_out()])
            )
        moments = np.concatenate([shard.arrays["moments"] for shard in self.shards])
        split, keys = (
            np.concatenate([shard.arrays[name][one] for shard, one in zip(self.shards, indices, strict=True)])
            for name in ("splits", "keys")
        )
        moved = missing_validation(split, keys)
        if moved.any():
            split = np.where(moved, np.uint8(SPLITS.index("valid")), split)
            report.notes.append(f"no drawing was in the validation split: {moved.sum():,} of the training split moved")
        drawings = Drawings(
            tuple(blocks),
            np.concatenate([one + first for one, first in zip(indices, firsts, strict=False)]),
            np.concatenate([shard.arrays["lengths"][one] for shard, one in zip(self.shards, indices, strict=True)]),
            np.concatenate(category),
            split,
            categories,
            unit,
            known_offset_scale=None if moved.any() else offset_scale(moments, unit, max_length),
            known_fingerprint=repr([shard.information["digest"] for shard in self.shards]),
        )
        report.splits = {name: int((split == index).sum()) for index, name in enumerate(SPLITS)}
        return drawings, report


def open_stores(folders: Sequence[str | Path]) -> Store:
    """Open several stores as one.

    Raises:
        DatasetError: a folder is not a store, a store is incomplete, or one of its files is damaged.
    """
    shards: list[Shard] = []
    for folder in map(Path, folders):
        check_complete(folder)
        shards += [open_shard(path) for path in shard_paths(folder)]
    return Store(tuple(sorted(shards, key=lambda shard: shard.category)))


def check_complete(folder: Path) -> None:
    """Raise DatasetError if a folder is not a store, or if its preparation has not finished."""
    if not is_store(folder):
        raise DatasetError(f"{folder}: expected a store that `sketchrnn prepare` wrote, found another folder or none")
    if (folder / PREPARING).is_dir():
        raise DatasetError(
            f"{folder}: expected a complete store, found one whose preparation is running or was interrupted. Run the "
            f"same `sketchrnn prepare` again to resume it, or delete {folder / PREPARING} to abandon it"
        )

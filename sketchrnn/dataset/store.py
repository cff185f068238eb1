"""A store: a folder with one file for each category, which training maps into memory.

Nothing but these files makes a store: a category can be added, copied or deleted by itself, and on different machines
different categories can be prepared into one folder. While drawings are prepared into it, it also has a folder
``.preparing``; until that is gone it is not whole, and is not opened.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np

from sketchrnn.dataset.drawings import Block, Drawings
from sketchrnn.dataset.encode import Tally
from sketchrnn.dataset.shard import Shard, is_model, offset_scale, open_shard, read_header
from sketchrnn.dataset.splits import SPLITS, missing_validation
from sketchrnn.errors import DatasetError

SHARD_SUFFIX = ".safetensors"
PREPARING = ".preparing"
_LONGEST_NAME = 150


@dataclass
class Report:
    """What was read, kept and dropped.

    Attributes:
        tally: what became of the drawings that were read.
        splits: how many drawings each split holds.
        unit: "box" or "source".
        notes: what else is worth saying.
    """

    tally: Tally = field(default_factory=Tally)
    splits: dict[str, int] = field(default_factory=dict)
    unit: str = "box"
    notes: list[str] = field(default_factory=list)

    @property
    def read(self) -> int:
        """How many drawings the files hold."""
        return self.tally.read

    @property
    def dropped(self) -> Counter[str]:
        """How many were left out, by reason."""
        return self.tally.dropped

    @property
    def empty_strokes(self) -> int:
        """How many strokes without a point were left out of drawings that were kept."""
        return self.tally.empty_strokes

    def __str__(self) -> str:
        kept = ", ".join(f"{count:,} {name}" for name, count in self.splits.items())
        unit = "the 255 box" if self.unit == "box" else "their files' own unit"
        return "\n".join([f"{self.read:,} drawings read: {kept}; measured in {unit}", *self.left_out(), *self.notes])

    def left_out(self) -> list[str]:
        """Return what was left out, and why, in sentences."""
        lines = []
        if self.dropped:
            lines.append("left out: " + "; ".join(f"{count:,} {reason}" for reason, count in self.dropped.items()))
        if self.empty_strokes:
            lines.append(f"left out: {self.empty_strokes:,} strokes without a point")
        if self.tally.ignored:
            said = "; ".join(f"{count:,} {kind}" for kind, count in self.tally.ignored.items())
            lines.append(f"ignored, being no lines: {said}")
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
    """Tell whether a path is a store, or one that is being prepared."""
    path = Path(path)
    return path.is_dir() and ((path / PREPARING).is_dir() or bool(shard_paths(path)))


def shard_paths(folder: Path) -> list[Path]:
    """Return the files of a store's categories. Models that lie in the same folder are not part of the store."""
    paths = folder.glob(f"*{SHARD_SUFFIX}")
    return sorted(path for path in paths if not path.name.startswith(".") and not is_model(path))


@dataclass(frozen=True)
class Store:
    """One store, or several taken together.

    Attributes:
        shards: of each category one or more, in the order of the categories' names.
    """

    shards: tuple[Shard, ...]

    @property
    def categories(self) -> tuple[str, ...]:
        """The categories' names, in order."""
        return tuple(dict.fromkeys(shard.category for shard in self.shards))

    def unit(self) -> str:
        """Return the unit to measure in: the files' own if all of them are published npz files, else the 255 box."""
        kinds = {kind for shard in self.shards for kind in shard.information["tally"]["kinds"]}
        return "source" if kinds == {"npz"} else "box"

    def drawings(self, max_length: int | None = None, unit: str | None = None) -> tuple[Drawings, Report]:
        """Return the drawings, none of whose rows is read yet.

        Args:
            max_length: longer ones, in rows, are left out; None for all.
            unit: "box" or "source"; None for :meth:`unit`.

        Raises:
            DatasetError: no drawing is left.
        """
        unit = unit or self.unit()
        categories = self.categories
        tally = Tally()
        blocks, place, category = [], [], []
        for shard in self.shards:
            tally.add(Tally.from_json(shard.information["tally"]))
            arrays = shard.arrays
            blocks.append(Block(arrays["offsets"], arrays["lifts"], shard.starts, arrays[f"{unit}_scale"]))
            chosen = np.arange(len(shard))
            if max_length is not None and arrays["lengths"].max(initial=0) > max_length:
                chosen = np.flatnonzero(arrays["lengths"] <= max_length)
                tally.drop(len(shard) - len(chosen), f"longer than {max_length} rows")
            place.append(chosen)
            category.append(np.full(len(chosen), categories.index(shard.category), np.int32))
        firsts = np.cumsum([0, *map(len, self.shards)])
        report = Report(tally, unit=unit)
        if not sum(map(len, place)):
            raise DatasetError("; ".join([f"no drawing is left to use of {report.read:,} read", *report.left_out()]))
        moments = np.concatenate([shard.arrays["moments"] for shard in self.shards])
        split, keys = (
            np.concatenate([shard.arrays[name][one] for shard, one in zip(self.shards, place, strict=True)])
            for name in ("splits", "keys")
        )
        moved = missing_validation(split, keys)
        if moved.any():
            split = np.where(moved, np.uint8(SPLITS.index("valid")), split)
            report.notes.append(f"no drawing was in the validation split: {moved.sum():,} of the training split moved")
        drawings = Drawings(
            tuple(blocks),
            np.concatenate([one + first for one, first in zip(place, firsts, strict=False)]),
            np.concatenate([shard.arrays["lengths"][one] for shard, one in zip(self.shards, place, strict=True)]),
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
    """Open stores, as one.

    Raises:
        DatasetError: a folder is no store, a store is not whole, or a file of it is damaged.
    """
    shards: list[Shard] = []
    for folder in map(Path, folders):
        check_whole(folder)
        shards += [open_shard(path) for path in shard_paths(folder)]
    return Store(tuple(sorted(shards, key=lambda shard: shard.category)))


def read_information(folder: str | Path) -> list[dict[str, Any]]:
    """Return what the files of a store say of themselves, in the order of the categories' names.

    Raises:
        DatasetError: the folder is no store, the store is not whole, or a file of it is damaged.
    """
    check_whole(Path(folder))
    found = [read_header(path)[0]["information"] for path in shard_paths(Path(folder))]
    return sorted(found, key=lambda information: str(information["category"]))


def check_whole(folder: Path) -> None:
    """Raise DatasetError if a folder is no store, or one whose preparation has not come to its end."""
    if not is_store(folder):
        raise DatasetError(f"{folder}: expected a store that `sketchrnn prepare` wrote, found another folder or none")
    if (folder / PREPARING).is_dir():
        raise DatasetError(
            f"{folder}: is not whole: its preparation is under way or was interrupted; the same `sketchrnn prepare` "
            f"goes on with it, and deleting {folder / PREPARING} gives it up"
        )

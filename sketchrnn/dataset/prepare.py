"""Files of drawings -> ``Drawings``: filtered, without duplicates, split, in one unit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from sketchrnn.dataset.drawings import Drawings
from sketchrnn.dataset.duplicates import same_shape
from sketchrnn.dataset.splits import SPLITS, split_of_key
from sketchrnn.errors import DatasetError
from sketchrnn.formats import Record, read_records
from sketchrnn.sketch.shape import signature
from sketchrnn.sketch.simplify import fit_to_box, simplify
from sketchrnn.sketch.sketch import FloatArray, Sketch

DEFAULT_MAX_LENGTH = 250


@dataclass
class Report:
    """What was read, kept and dropped.

    Attributes:
        read: how many drawings the files hold.
        dropped: how many were left out, by reason.
        empty_strokes: how many strokes without a point were left out of drawings that were kept.
        splits: how many drawings each split holds.
        unit: "box" or "source".
    """

    read: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    empty_strokes: int = 0
    splits: dict[str, int] = field(default_factory=dict)
    unit: str = "box"

    def __str__(self) -> str:
        kept = ", ".join(f"{count:,} {name}" for name, count in self.splits.items())
        return "\n".join([f"{self.read:,} drawings read: {kept}; measured in {self._unit_name()}", *self.left_out()])

    def left_out(self) -> list[str]:
        """Return what was left out, and why, in sentences."""
        lines = []
        if self.dropped:
            lines.append("left out: " + "; ".join(f"{count:,} {reason}" for reason, count in self.dropped.items()))
        if self.empty_strokes:
            lines.append(f"left out: {self.empty_strokes:,} strokes without a point")
        return lines

    def _unit_name(self) -> str:
        return "the 255 box" if self.unit == "box" else "their files' own unit"


@dataclass(frozen=True)
class _Entry:
    rows: FloatArray
    box_scale: float
    category: str
    split: str
    key: str | None


def prepare(
    paths: Sequence[str | Path],
    *,
    max_length: int = DEFAULT_MAX_LENGTH,
    unit: str | None = None,
    progress: Callable[[Iterable[str | Path]], Iterable[str | Path]] = iter,
) -> tuple[Drawings, Report]:
    """Read files of drawings into one data set.

    A drawing's split is given by a hash of its key_id (of its shape where it has none); the published npz files keep
    the split they come with. A drawing that stands in two files is kept once. Files of the published npz alone keep
    their unit, canvas pixels; with any other file beside them every drawing is brought to the 255 box.

    Args:
        paths: files that :func:`sketchrnn.formats.read_records` reads.
        max_length: longer drawings, in rows, are dropped.
        unit: "box" or "source" instead of the rule above.
        progress: wraps the paths, to show how far it is.

    Raises:
        SketchRNNError: a file cannot be read.
        DatasetError: no drawing is left.
    """
    report = Report()
    entries: list[_Entry] = []
    keys: set[str] = set()
    keyless: set[tuple[str, bytes]] = set()
    kinds: set[str] = set()
    for path in progress(paths):
        for record in read_records(path):
            report.read += 1
            kinds.add(record.kind)
            if record.key_id is not None and record.key_id in keys:
                report.dropped["read before under the same key_id"] += 1
                continue
            entry, reason = _entry(record, path, max_length)
            if entry is None:
                report.dropped[reason] += 1
                continue
            if record.key_id is not None:
                keys.add(record.key_id)
            elif (same := (entry.category, entry.rows.tobytes())) in keyless:
                report.dropped["read before, row for row, without a key_id"] += 1
                continue
            else:
                keyless.add(same)
            report.empty_strokes += record.empty_strokes
            entries.append(entry)
    entries = _without_same_shapes(entries, report)
    if not entries:
        raise DatasetError("; ".join([f"no drawing is left to use of {report.read:,} read", *report.left_out()]))
    report.unit = unit or ("source" if kinds == {"npz"} else "box")
    drawings = _assemble(entries, report.unit)
    report.splits = {name: int((drawings.split == place).sum()) for place, name in enumerate(SPLITS)}
    return drawings, report


def _entry(record: Record, path: str | Path, max_length: int) -> tuple[_Entry | None, str]:
    sketch = simplify(record.sketch) if record.kind == "raw" else record.sketch
    rows = sketch.to_stroke3()
    if not rows[:, :2].any():
        return None, "without any extent"
    if len(rows) > max_length:
        return None, f"longer than {max_length} rows"
    category = record.word or Path(path).stem
    split = record.split or split_of_key(record.key_id or rows.tobytes().hex())
    return _Entry(rows, _box_scale(sketch), category, split, record.key_id), ""


def _box_scale(sketch: Sketch) -> float:
    fitted, own = fit_to_box(sketch).bounds(), sketch.bounds()
    axis = 0 if own[2] - own[0] >= own[3] - own[1] else 1
    return (fitted[axis + 2] - fitted[axis]) / (own[axis + 2] - own[axis])


def _without_same_shapes(entries: list[_Entry], report: Report) -> list[_Entry]:
    """Drop each drawing without a key whose shape is that of a drawing with one, of the same category."""
    dropped: set[int] = set()
    by_category: dict[str, list[int]] = {}
    for place, entry in enumerate(entries):
        by_category.setdefault(entry.category, []).append(place)
    for places in by_category.values():
        keyless = [place for place in places if entries[place].key is None]
        keyed = [place for place in places if entries[place].key is not None]
        if keyless and keyed:
            same = same_shape(
                np.stack([signature(Sketch.from_stroke3(entries[place].rows)) for place in keyless]),
                np.stack([signature(Sketch.from_stroke3(entries[place].rows)) for place in keyed]),
            )
            dropped.update(place for place, is_same in zip(keyless, same, strict=True) if is_same)
    if dropped:
        report.dropped["of the same shape as one with a key_id"] += len(dropped)
    return [entry for place, entry in enumerate(entries) if place not in dropped]


def _assemble(entries: list[_Entry], unit: str) -> Drawings:
    categories = tuple(sorted({entry.category for entry in entries}))
    index = {name: place for place, name in enumerate(categories)}
    lengths = np.array([len(entry.rows) for entry in entries])
    rows = np.concatenate([entry.rows for entry in entries])
    if unit == "box":
        rows[:, :2] *= np.repeat([entry.box_scale for entry in entries], lengths)[:, None]
    return Drawings(
        offsets=rows[:, :2].astype(np.float32),
        lifts=rows[:, 2] > 0.5,
        starts=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        category=np.array([index[entry.category] for entry in entries], dtype=np.int64),
        split=np.array([SPLITS.index(entry.split) for entry in entries], dtype=np.int64),
        categories=categories,
        unit=unit,
    )

"""Encodes drawings for a store: stroke-3 rows of whole numbers, each drawing with its own unit."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sketchrnn.dataset.drawings import SPLITS, Encoded, split_of_hash
from sketchrnn.errors import ConfigurationError
from sketchrnn.formats import Record
from sketchrnn.formats.columns import Columns
from sketchrnn.settings import Settings, setting
from sketchrnn.sketch.simplify import BOX, fit_to_box, simplify
from sketchrnn.sketch.sketch import LARGEST_EXTENT, SMALLEST_EXTENT, Sketch

STEPS_PER_PIXEL = 64
"""Resolution of drawings with fractional or very large coordinates: 1/64 of a pixel of the 255 box. The whole box has
16,320 steps, so that offsets fit int16. Whole coordinates are stored unchanged."""

_LARGEST_OFFSET = np.iinfo(np.int16).max
SIMPLIFIED_KINDS = ("simplified", "binary", "npz")
"""Kinds of records that Google has simplified already."""


@dataclass(frozen=True)
class Selection(Settings):
    """The drawings to prepare, and how they are simplified."""

    category: str | None = setting(
        None,
        "Category of drawings without one.",
        type=str,
        default_text="name of folder or file",
        metavar="NAME",
    )
    recognized: bool = setting(
        False, "Skip drawings that the game did not recognize.", details="Drawings without this field are kept."
    )
    countries: tuple[str, ...] = setting(
        (),
        "Keep only drawings from this country, such as US. Repeat it for several countries.",
        type=str,
        many=True,
        flags=("--country",),
        metavar="CODE",
    )
    min_length: int = setting(1, "Skip drawings with fewer rows.", minimum=1)
    max_length: int = setting(1000, "Skip drawings with more rows.", minimum=1)
    limit: int = setting(0, "Keep at most this number of drawings of each category; 0 = all.", minimum=0)
    epsilon: float = setting(
        2.0,
        "Tolerance of simplification, in 1/255 of the drawing; 0 = keep all points.",
        minimum=0.0,
        maximum=100.0,
        details="For drawings that Google has not simplified.",
    )

    def __post_init__(self) -> None:
        """Check every field.

        Raises:
            ConfigurationError: a field is outside its range.
        """
        super().__post_init__()
        for country in self.countries:
            if len(country) != 2 or not country.isalpha() or not country.isupper():
                raise ConfigurationError(f"countries: expected two capital letters such as US, found {country!r}")
        if self.min_length > self.max_length:
            raise ConfigurationError(
                f"lengths: expected min_length <= max_length, found {self.min_length} and {self.max_length}"
            )

    def to_json(self) -> dict[str, Any]:
        """Return the fields as JSON values."""
        return {**asdict(self), "countries": list(self.countries)}


@dataclass
class ImportCounts:
    """How many drawings were read and skipped.

    Attributes:
        read: number of drawings that were read.
        dropped: number of drawings that were skipped, by reason.
        empty_strokes: number of strokes without a point in the drawings that were kept.
        kinds: number of drawings by the kind of their file.
        ignored: number of elements that are not lines, by type: text, filled shapes beside lines, ...
    """

    read: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    empty_strokes: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    ignored: Counter[str] = field(default_factory=Counter)

    def drop(self, count: int, reason: str) -> None:
        """Count skipped drawings."""
        if count:
            self.dropped[reason] += int(count)

    def add(self, other: ImportCounts) -> None:
        """Add the counts of another object."""
        self.read += other.read
        self.dropped.update(other.dropped)
        self.empty_strokes += other.empty_strokes
        self.kinds.update(other.kinds)
        self.ignored.update(other.ignored)

    def to_json(self) -> dict[str, Any]:
        """Return the fields as JSON values."""
        return {
            "read": self.read,
            "dropped": dict(sorted(self.dropped.items())),
            "empty_strokes": self.empty_strokes,
            "kinds": dict(sorted(self.kinds.items())),
            "ignored": dict(sorted(self.ignored.items())),
        }

    @classmethod
    def from_json(cls, fields: dict[str, Any]) -> ImportCounts:
        """Return the object from the result of :meth:`to_json`."""
        dropped, kinds, ignored = (Counter(fields[name]) for name in ("dropped", "kinds", "ignored"))
        return cls(fields["read"], dropped, fields["empty_strokes"], kinds, ignored)


def encode_columns(columns: Columns, selection: Selection, counts: ImportCounts) -> Encoded:
    """Encode many simplified drawings at once. The result is that of :func:`encode_record` for each drawing.

    Args:
        columns: the drawings.
        selection: the drawings to keep.
        counts: the skipped drawings are added to it; the caller adds the drawings that were read.
    """
    if not len(columns):
        return Encoded.joined([])
    chosen = np.ones(len(columns), bool)
    if selection.recognized:
        chosen &= _counted(columns.recognized, chosen, counts, NOT_RECOGNIZED)
    if selection.countries:
        chosen &= _counted(np.isin(columns.countries, selection.countries), chosen, counts, OTHER_COUNTRY)
    stroke_end = np.cumsum(columns.stroke_points)
    stroke_start = stroke_end - columns.stroke_points
    first_stroke = np.cumsum(columns.drawing_strokes) - columns.drawing_strokes
    start = stroke_start[first_stroke]  # of each drawing, in points
    points = np.diff(start, append=len(columns.x))
    offsets = np.zeros((len(columns.x), 2), np.int16)
    offsets[1:, 0], offsets[1:, 1] = np.diff(columns.x), np.diff(columns.y)
    offsets[start] = 0
    lifts = np.zeros(len(columns.x), bool)
    lifts[stroke_end - 1] = True
    first_moves = _first_stroke_moves(offsets, start, columns.stroke_points[first_stroke])
    side = np.maximum(
        np.maximum.reduceat(columns.x, start) - np.minimum.reduceat(columns.x, start),
        np.maximum.reduceat(columns.y, start) - np.minimum.reduceat(columns.y, start),
    )
    lengths = points - first_moves
    chosen &= _counted(side > 0, chosen, counts, NO_EXTENT)
    chosen &= _counted(lengths <= selection.max_length, chosen, counts, _too_long(selection))
    chosen &= _counted(lengths >= selection.min_length, chosen, counts, _too_short(selection))
    counts.empty_strokes += int(columns.empty_strokes[chosen].sum())
    kept = np.repeat(chosen, points)
    kept[start[first_moves]] = False  # the origin is not a row
    offsets = offsets.view(np.int32)[kept[:, None]].view(np.int16).reshape(-1, 2)  # a row as one number, for speed
    lifts, lengths = lifts[kept], lengths[chosen].astype(np.int32)
    texts = columns.keys[chosen]
    keyed = texts != ""
    keys = np.array([*map(hash_of_key, texts.tolist())], np.uint64)
    if not keyed.all():
        ends = np.cumsum(lengths)
        for index in np.flatnonzero(~keyed):
            rows = slice(ends[index] - lengths[index], ends[index])
            keys[index] = _hash_of_rows(offsets[rows], lifts[rows])
    return Encoded(
        offsets,
        lifts,
        lengths,
        keys,
        keyed,
        split_of_hash(keys),
        (np.float32(BOX) / side[chosen]).astype(np.float32),
        np.ones(len(lengths), np.float32),
    )


def _first_stroke_moves(
    offsets: NDArray[np.int16], start: NDArray[np.int64], points: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Return for each drawing whether the points of its first stroke differ, by its start and its number of points."""
    second = np.minimum(start + 1, len(offsets) - 1)
    moves: NDArray[np.bool_] = (points > 1) & ((offsets[second, 0] != 0) | (offsets[second, 1] != 0))
    for index in np.flatnonzero(~moves & (points > 2)):  # very few
        moves[index] = offsets[start[index] + 1 : start[index] + points[index]].any()
    return moves


def encode_record(record: Record, selection: Selection, counts: ImportCounts) -> Encoded:
    """Encode one drawing, or none if it is skipped; arguments: see :func:`encode_columns`."""
    if selection.recognized and record.recognized is False:
        counts.drop(1, NOT_RECOGNIZED)
        return Encoded.joined([])
    if selection.countries and record.countrycode not in selection.countries:
        counts.drop(1, OTHER_COUNTRY)
        return Encoded.joined([])
    sketch = record.sketch
    extent = sketch.extent
    if not SMALLEST_EXTENT < extent < LARGEST_EXTENT:
        counts.drop(1, NO_EXTENT if extent == 0 else NO_SIZE)
        return Encoded.joined([])
    source_scale = 1.0
    if record.kind not in SIMPLIFIED_KINDS and selection.epsilon:
        source_scale = extent / BOX
        sketch = simplify(sketch, selection.epsilon)
    rows = sketch.to_stroke3()
    offsets = rows[:, :2]
    if (offsets != np.rint(offsets)).any() or np.abs(offsets).max(initial=0) > _LARGEST_OFFSET:
        source_scale *= sketch.extent / (BOX * STEPS_PER_PIXEL)
        fitted = fit_to_box(sketch, BOX * STEPS_PER_PIXEL)
        sketch = Sketch(tuple(np.rint(stroke) for stroke in fitted.strokes), sketch.pen_down)
        rows = sketch.to_stroke3()
    if not rows[:, :2].any():
        counts.drop(1, NO_EXTENT)
        return Encoded.joined([])
    if len(rows) > selection.max_length:
        counts.drop(1, _too_long(selection))
        return Encoded.joined([])
    if len(rows) < selection.min_length:
        counts.drop(1, _too_short(selection))
        return Encoded.joined([])
    counts.empty_strokes += record.empty_strokes
    steps, lifts = rows[:, :2].astype(np.int16), rows[:, 2] > 0.5
    key = hash_of_key(record.key_id) if record.key_id else _hash_of_rows(steps, lifts)
    keys = np.array([key], np.uint64)
    return Encoded(
        steps,
        lifts,
        np.array([len(rows)], np.int32),
        keys,
        np.array([bool(record.key_id)]),
        split_of_hash(keys) if record.split is None else np.array([SPLITS.index(record.split)], np.uint8),
        np.array([np.float32(BOX) / np.float32(sketch.extent)], np.float32),
        np.array([source_scale], np.float32),
    )


def hash_of_key(key: str) -> int:
    """Return the 64-bit hash of a key_id that a store holds."""
    return int.from_bytes(hashlib.blake2b(key.encode(), digest_size=8).digest(), "big")


NOT_RECOGNIZED = "not recognized by the game"
OTHER_COUNTRY = "of another country, or of none that is known"
NO_EXTENT = "without any extent"
NO_SIZE = "of a size that cannot be measured"


def _too_long(selection: Selection) -> str:
    return f"longer than {selection.max_length} rows"


def _too_short(selection: Selection) -> str:
    return f"shorter than {selection.min_length} rows"


def _counted(
    good: NDArray[np.bool_], chosen: NDArray[np.bool_], counts: ImportCounts, reason: str
) -> NDArray[np.bool_]:
    counts.drop(int((chosen & ~good).sum()), reason)
    return good


def _hash_of_rows(offsets: NDArray[np.int16], lifts: NDArray[np.bool_]) -> int:
    digest = hashlib.blake2b(np.ascontiguousarray(offsets, "<i2").tobytes(), digest_size=8, person=b"rows")
    digest.update(lifts.tobytes())
    return int.from_bytes(digest.digest(), "big")

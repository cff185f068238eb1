"""The result of a model, :class:`Drawing`, and its conversion to the content of a file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from sketchrnn.errors import ConfigurationError
from sketchrnn.files import write_bytes
from sketchrnn.formats import Record
from sketchrnn.formats.picture import KINDS, PictureSettings, render_records
from sketchrnn.formats.svg.style import RenderStyle
from sketchrnn.formats.svg.writing import COMPLETION_COLOR, TEXT_COLOR, Layer
from sketchrnn.model.guess import Guess
from sketchrnn.sketch import Sketch


@dataclass(frozen=True)
class Drawing:
    """A drawing by a model.

    A notebook shows it as a picture: the prefix dark, the completion in color.

    Attributes:
        prefix: the given strokes; empty for a drawing from nothing.
        completion: the new strokes, in the prefix's coordinates. If the prefix left the pen down, the first of them
            begins at its last point.
        ended: the model ended the drawing; if not, it was cut at ``max_points``.
        seed: repeats the drawing.
        category: as the model spells it; None for a model without names.
        candidate: number of the candidate among those of the drawing.
        score: log probability of the category by the recognizer; 0 without a score.
        scale: units of the training drawings in one unit of the prefix, if it was estimated.
        guesses: the most probable categories of the prefix, if no category was given.
        record: the record that the prefix was read from.
        title: text under the picture on a sheet; by default category and seed.
        part: name of the new strokes' layer: completion, drawing or reconstruction.
    """

    prefix: Sketch
    completion: Sketch
    ended: bool
    seed: int
    category: str | None = None
    candidate: int = 0
    score: float = 0.0
    scale: float | None = None
    guesses: tuple[Guess, ...] = ()
    record: Record | None = None
    title: str | None = None
    part: str = "completion"

    @property
    def sketch(self) -> Sketch:
        """Prefix and completion as one drawing, in the prefix's coordinates."""
        prefix, new = self.prefix.strokes, self.completion.strokes
        if self.prefix.pen_down and new:
            prefix, new = prefix[:-1], (np.concatenate([prefix[-1], new[0][1:]]), *new[1:])
        return Sketch(prefix + new, self.completion.pen_down)

    @property
    def label(self) -> str:
        """Text under the picture on a sheet."""
        title = self.title or ", ".join([*([self.category] if self.category else []), f"seed {self.seed}"])
        return title + ("" if self.ended else ", cut")

    @property
    def description(self) -> str:
        """The drawing's metadata, in words."""
        return f"seed {self.seed}, {'ended by itself' if self.ended else 'cut'}"

    def to_record(self) -> Record:
        """Return the drawing as a record, with the layers of its picture."""
        record = self.record or Record(Sketch(()))
        name = f"{self.category}, {self.description}" if self.category else self.description
        if self.part == "completion":
            layers = (
                *([Layer(self.prefix, "prefix")] if self.prefix.strokes else []),
                Layer(self.completion, "completion", COMPLETION_COLOR, name),
            )
        else:
            color = COMPLETION_COLOR if self.part == "reconstruction" else TEXT_COLOR
            layers = (Layer(self.sketch, self.part, color),)
        return replace(
            record,
            sketch=self.sketch,
            word=self.category,
            source=record.source if self.part == "completion" else None,
            label=self.label,
            layers=layers,
            description=self.description,
        )

    @property
    def original(self) -> Record:
        """The sketch that was reconstructed."""
        record = self.record or Record(Sketch(()))
        label = f"{self.category or 'drawing'}, as given"
        return replace(record, source=None, label=label, layers=(Layer(record.sketch, "sketch"),))

    def svg(self, **settings: Any) -> str:
        """Return the picture as an SVG document. Settings: see :func:`render`."""
        return render([self], "svg", **{"redraw": True, **settings}).decode()

    def save(self, path: str | Path, **settings: Any) -> None:
        """Write the picture in the format of the name's suffix. Arguments and errors: see :func:`save`."""
        save([self], path, **settings)

    def _repr_svg_(self) -> str:
        return self.svg()


Item = Drawing | Record | Sketch


def render(
    drawings: Sequence[Item],
    kind: str = "svg",
    *,
    title: str | None = None,
    settings: PictureSettings | None = None,
    **changes: Any,
) -> bytes:
    """Return drawings as the content of a file: one picture, a sheet of several, or records.

    Completions of an SVG document are added to it as layers, unless ``redraw`` is set.

    Args:
        drawings: from a model or a file.
        kind: svg, ndjson, json, png, gif or apng.
        title: of the picture; by default the categories.
        settings: what pictures look like.
        changes: some settings: fields of :class:`sketchrnn.PictureSettings` and of :class:`sketchrnn.RenderStyle`.

    Raises:
        ConfigurationError: a setting is unknown or outside its range, the format does not fit the drawings, or an extra
            is missing.
    """
    settings = _changed(settings or PictureSettings(), changes)
    return render_records([_record(drawing) for drawing in drawings], kind, title or title_of(drawings), settings)


def save(drawings: Sequence[Item], path: str | Path, **settings: Any) -> None:
    """Write drawings in the format of the name's suffix. Arguments: see :func:`render`.

    Raises:
        ConfigurationError: see :func:`render`; or the name has another suffix.
        SketchRNNError: the file cannot be written.
    """
    suffix = Path(path).suffix.removeprefix(".").lower()
    if suffix not in KINDS:
        raise ConfigurationError(f"{path}: expected a name that ends in {', '.join(KINDS)}, found {suffix or 'none'!r}")
    write_bytes(path, render(drawings, suffix, **settings))


def title_of(drawings: Sequence[Item]) -> str:
    """Return the title of a picture of drawings."""
    words = dict.fromkeys(word for drawing in drawings if (word := _record(drawing).word))
    by_model = any(isinstance(drawing, Drawing) for drawing in drawings)
    return (" or ".join(words) or "Drawings") + (", drawn by sketchrnn" if by_model else "")


def _record(drawing: Item) -> Record:
    if isinstance(drawing, Drawing):
        return drawing.to_record()
    return drawing if isinstance(drawing, Record) else Record(drawing)


def _changed(settings: PictureSettings, changes: dict[str, Any]) -> PictureSettings:
    """Return settings with some changed, also those of the look."""
    own, of_look = ({each.name for each in fields(owner)} for owner in (PictureSettings, RenderStyle))
    unknown = [name for name in changes if name not in own | of_look]
    if unknown:
        raise ConfigurationError(f"unknown setting {unknown[0]!r}; expected one of {', '.join(sorted(own | of_look))}")
    look = changes.pop("look", settings.look)
    look = replace(look, **{name: value for name, value in changes.items() if name in of_look})
    return replace(settings, look=look, **{name: value for name, value in changes.items() if name in own})

"""Writing drawings: one picture, a sheet of them, a file each, layers in a document, or records."""

from __future__ import annotations

import os
import re
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import click

from sketchrnn.cli.talk import detail, say
from sketchrnn.errors import ConfigurationError, SketchRNNError
from sketchrnn.files import STANDARD_STREAM, check_writable, write_bytes
from sketchrnn.formats import Record, SvgSource
from sketchrnn.formats.image import DEFAULT_SIZE, IMAGE_KINDS, MOVING_KINDS, check_available, moving_image, png
from sketchrnn.formats.polyline_json import dumps_polyline_json
from sketchrnn.formats.quickdraw_ndjson import dumps_ndjson
from sketchrnn.formats.svg.style import Animation, RenderStyle, optimized, travel_length
from sketchrnn.formats.svg.writing import AddedLayer, Layer, add_layers, svg_drawing, svg_sheet

NUMBERED = re.compile(r"%(?:0\d+)?d")
KINDS = ("svg", "ndjson", "json", *IMAGE_KINDS)
"""What a command can write; every command reads the first three."""
BINARY_KINDS = IMAGE_KINDS
_SUFFIXES = {**{f".{kind}": kind for kind in KINDS}, ".jsonl": "ndjson"}
_USUAL_WIDTH = 0.01  # of the drawing's larger side: the lines that are added to outlines, which have none


@dataclass(frozen=True)
class Picture:
    """One drawing that a command made.

    Attributes:
        label: what a sheet writes under it.
        layers: what is drawn; the last is the model's.
        record: the drawing as one record.
        description: what is to be known of it, for the picture's metadata.
        cut: it did not end by itself.
        source: the SVG document that it goes on from, which gets its last layer and is kept as it is.
    """

    label: str
    layers: tuple[Layer, ...]
    record: Record
    description: str = ""
    cut: bool = False
    source: SvgSource | None = None


@dataclass(frozen=True)
class Target:
    """Where a command's drawings go, and what they look like.

    Attributes:
        path: a file, a pattern with one ``%d`` for a file each, or ``-``.
        kind: one of :data:`KINDS`.
        force: overwrite.
        columns: of a sheet.
        cell: of a sheet, pixels.
        look: of pictures.
        stroke: color of what the model drew.
        animation: lets pictures draw themselves.
        size: larger side of images, pixels.
        open: show the result.
        redraw: draw an SVG document anew, as any other prefix, instead of adding layers to it.
    """

    path: str
    kind: str
    force: bool = False
    columns: int | None = None
    cell: int = 160
    look: RenderStyle = field(default_factory=RenderStyle)
    stroke: str | None = None
    animation: Animation | None = None
    size: int = DEFAULT_SIZE
    open: bool = False
    redraw: bool = False

    @classmethod
    def from_options(
        cls, output: str, output_format: str | None, animate: bool, seconds: float, **rest: object
    ) -> Target:
        """Take the format from the name where it is not given."""
        kind = output_format or _SUFFIXES.get(Path(output).suffix.lower(), "svg")
        moves = animate or kind in MOVING_KINDS
        if animate and kind not in ("svg", *MOVING_KINDS):
            raise click.UsageError(f"--animate: {kind} does not move; take svg, {' or '.join(MOVING_KINDS)}")
        return cls(output, kind, animation=Animation(seconds) if moves else None, **rest)  # type: ignore[arg-type]

    @property
    def keeps_documents(self) -> bool:
        """An SVG document that is completed gets layers, and is not drawn anew."""
        return not self.redraw and self.animation is None and self.kind in ("svg", "png")

    def check(self, count: int) -> None:
        """Find out, before the work, whether its result can be written.

        Raises:
            SketchRNNError: a file exists already, or its folder is missing or not writable, or an extra is missing.
        """
        if self.kind in BINARY_KINDS:
            check_available()
            if self.path == STANDARD_STREAM and not self.open and sys.stdout.isatty():
                raise ConfigurationError(f"{self.kind} is not for a terminal; name a file with -o, or pipe it")
        for path in self._paths(count):
            if path != STANDARD_STREAM:
                check_writable(path, force=self.force)

    def write(self, pictures: Sequence[Picture], title: str) -> None:
        """Write the drawings, and say on stderr where they are."""
        paths = self._paths(len(pictures))
        if len(paths) == len(pictures):
            for path, picture in zip(paths, pictures, strict=True):
                self._write_one(path, [picture], f"{title}: {picture.label}")
        else:
            self._write_one(paths[0], pictures, title)

    def _paths(self, count: int) -> list[str]:
        patterns = NUMBERED.findall(self.path)
        if len(patterns) > 1:
            raise SketchRNNError(f"{self.path}: expected one %d in the name, found {len(patterns)}")
        if not patterns:
            return [self.path]
        before, after = NUMBERED.split(self.path)
        return [f"{before}{patterns[0] % number}{after}" for number in range(count)]

    def _write_one(self, path: str, pictures: Sequence[Picture], title: str) -> None:
        if self.open and path == STANDARD_STREAM:
            handle, path = tempfile.mkstemp(prefix="sketchrnn-", suffix=f".{self.kind}")
            os.close(handle)
        write_bytes(path, self._content(pictures, title))
        if path != STANDARD_STREAM:
            say(f"wrote {Path(path)}")
        if self.open and click.launch(path) != 0:
            say(f"{path}: no program to show it was found")

    def _content(self, pictures: Sequence[Picture], title: str) -> bytes:
        if self.kind == "ndjson":
            return dumps_ndjson(picture.record for picture in pictures).encode()
        if self.kind == "json":
            if len(pictures) > 1:
                raise ConfigurationError("polyline JSON holds one drawing; take ndjson, or a file each with %d")
            return dumps_polyline_json(pictures[0].record.sketch).encode()
        self._tell_of_travel(pictures)
        if self.kind in MOVING_KINDS and self.animation is not None:
            seconds = self.animation.seconds
            return moving_image(lambda at: self._svg(pictures, title, at), self.kind, seconds, size=self.size)
        document = self._svg(pictures, title, self.animation)
        return png(document, size=self.size) if self.kind == "png" else document

    def _svg(self, pictures: Sequence[Picture], title: str, animation: Animation | None) -> bytes:
        source = pictures[0].source
        if source is not None and self.keeps_documents:
            layers = [self._added(picture, source, hidden=number > 0) for number, picture in enumerate(pictures)]
            before = len(source.drawing.lines)
            style, optimize = self.look.style, self.look.optimize
            return add_layers(source.content, layers, style=style, optimize=optimize, strokes_before=before)
        cells = [(picture.label, self._colored(picture.layers)) for picture in pictures]
        if len(cells) == 1:
            layers_of_one, description = cells[0][1], pictures[0].description
            text = svg_drawing(
                layers_of_one, title=title, description=description, render_style=self.look, animation=animation
            )
        else:
            text = svg_sheet(
                cells, columns=self.columns, cell=self.cell, title=title, render_style=self.look, animation=animation
            )
        return text.encode()

    def _colored(self, layers: Sequence[Layer]) -> list[Layer]:
        return [*layers[:-1], replace(layers[-1], color=self.stroke or layers[-1].color)]

    def _added(self, picture: Picture, source: SvgSource, *, hidden: bool) -> AddedLayer:
        """Return a drawing as a layer, in the color and width of the line that it goes on from."""
        drawing, layer = source.drawing, picture.layers[-1]
        line = drawing.lines[-1]
        extent = drawing.sketch.extent
        width = line.width or extent * _USUAL_WIDTH
        wanted = self.look.stroke_width
        if wanted is not None and wanted.millimetres is None:
            width = wanted.in_drawing(extent)
        elif wanted is not None and wanted.millimetres is not None:
            if drawing.millimetres is None:
                raise ConfigurationError(f"{wanted}: the document gives its size in no unit of length; give a number")
            width = wanted.millimetres / drawing.millimetres
        self._tell_of_page(picture, source)
        label = layer.label or layer.name
        return AddedLayer(layer.sketch, label, self.stroke or line.color, width, line.opacity, hidden)

    def _tell_of_page(self, picture: Picture, source: SvgSource) -> None:
        page = source.drawing.page
        if page is None or not picture.layers[-1].sketch.strokes:
            return
        x_min, y_min, x_max, y_max = picture.layers[-1].sketch.bounds()
        if x_min < page[0] or y_min < page[1] or x_max > page[0] + page[2] or y_max > page[1] + page[3]:
            say(f"{picture.label}: reaches beyond the page; another --seed, or a smaller --scale, may stay on it")

    def _tell_of_travel(self, pictures: Sequence[Picture]) -> None:
        if not self.look.optimize:
            return
        sketches = [layer.sketch for picture in pictures for layer in picture.layers if layer.sketch.strokes]
        travels = [
            sum(travel_length(one.strokes, one.first_point) for one in drawn)
            for drawn in (sketches, [optimized(sketch) for sketch in sketches])
        ]
        detail(f"the pen travels {travels[1]:.4g} in the air instead of {travels[0]:.4g}")


def say_what_was_cut(pictures: Sequence[Picture], max_points: int) -> None:
    """Say on stderr how many drawings did not end by themselves."""
    count = sum(picture.cut for picture in pictures)
    if count:
        drawings = "1 drawing was" if count == 1 else f"{count} drawings were"
        say(f"{drawings} cut after {max_points} points (--max-points)")

"""Writing drawings: one picture, a sheet of them, a file each, or records."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from sketchrnn.errors import SketchRNNError
from sketchrnn.files import STANDARD_STREAM, check_writable, write_bytes
from sketchrnn.formats import Record
from sketchrnn.formats.quickdraw_ndjson import dumps_ndjson
from sketchrnn.formats.svg import Layer, svg_drawing, svg_sheet

NUMBERED = re.compile(r"%(?:0\d+)?d")


@dataclass(frozen=True)
class Picture:
    """One drawing that a command made.

    Attributes:
        label: what a sheet writes under it.
        layers: what is drawn.
        record: the drawing as one record.
        description: what is to be known of it, for the picture's metadata.
        cut: it did not end by itself.
    """

    label: str
    layers: tuple[Layer, ...]
    record: Record
    description: str = ""
    cut: bool = False


@dataclass(frozen=True)
class Target:
    """Where a command's drawings go.

    Attributes:
        path: a file, a pattern with one ``%d`` for a file each, or ``-``.
        kind: "svg" or "ndjson".
        force: overwrite.
        columns: of a sheet.
        cell: of a sheet, pixels.
    """

    path: str
    kind: str
    force: bool
    columns: int | None = None
    cell: int = 160

    @classmethod
    def from_options(
        cls, path: str, output_format: str | None, force: bool, columns: int | None = None, cell: int = 160
    ) -> Target:
        """Take the format from the name where it is not given."""
        by_name = "ndjson" if path.endswith((".ndjson", ".jsonl")) else "svg"
        return cls(path, output_format or by_name, force, columns, cell)

    def check(self, count: int) -> None:
        """Find out, before the work, whether its result can be written.

        Raises:
            SketchRNNError: a file exists already, or its folder is missing or not writable.
        """
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
        if self.kind == "ndjson":
            text = dumps_ndjson(picture.record for picture in pictures)
        elif len(pictures) == 1:
            text = svg_drawing(pictures[0].layers, title=title, description=pictures[0].description)
        else:
            cells = [(picture.label, picture.layers) for picture in pictures]
            text = svg_sheet(cells, columns=self.columns, cell=self.cell, title=title)
        write_bytes(path, text.encode())
        if path != STANDARD_STREAM:
            click.echo(f"wrote {Path(path)}", err=True)


def say_what_was_cut(pictures: Sequence[Picture], max_points: int) -> None:
    """Say on stderr how many drawings did not end by themselves."""
    count = sum(picture.cut for picture in pictures)
    if count:
        drawings = "1 drawing was" if count == 1 else f"{count} drawings were"
        click.echo(f"{drawings} cut after {max_points} points (--max-points)", err=True)

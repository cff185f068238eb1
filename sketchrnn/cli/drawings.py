"""What drawing commands read and write: the records of a file, terms of arithmetic, and where the drawings go."""

from __future__ import annotations

import contextlib
import importlib
import itertools
import os
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING

import click

from sketchrnn.cli.messages import LOGGER
from sketchrnn.errors import CategoryError, ConfigurationError, SketchRNNError
from sketchrnn.files import NUMBERED, STANDARD_STREAM, atomic_write, check_suffix, check_writable, write_bytes
from sketchrnn.formats.picture import IMAGE_KINDS, KINDS, MOVING_KINDS, PictureSettings, check_available

if TYPE_CHECKING:
    from sketchrnn.formats import Record
    from sketchrnn.model.drawing import Drawing, Item
    from sketchrnn.model.model import LatentEnd, Model

TERM_HELP = "FILE, FILE:INDEX (one record of the file, counted from 0), or the name of a category"


def read_prefixes(
    path: str, index: int | None = None, key_id: str | None = None
) -> tuple[Iterator[Record | SketchRNNError], bool]:
    """Return all records of a file, or the selected one, and whether there are several.

    If there are several, an invalid line of ndjson gives an error instead of a record.

    Raises:
        SketchRNNError: the file cannot be read, or has no such record.
    """
    from sketchrnn.formats import read_each

    if index is not None and key_id is not None:
        raise click.UsageError("--index and --key-id cannot be used together")
    records = read_each(path)
    if key_id is not None:
        records = (each for each in records if not isinstance(each, SketchRNNError) and each.key_id == key_id)
        first = list(itertools.islice(records, 1))
        missing = f"expected a record with key_id {key_id}, found none"
    elif index is not None:
        first = list(itertools.islice(records, index, index + 1))
        missing = f"expected a record with index {index} (counted from 0), found fewer records"
    else:
        first = list(itertools.islice(records, 2))
        missing = "expected drawings, found none"
    if not first:
        raise SketchRNNError(f"{path}: {missing}")
    if len(first) == 1 and isinstance(first[0], SketchRNNError):
        raise first[0]
    if len(first) == 1 and not isinstance(first[0], SketchRNNError) and first[0].source is not None:
        for notice in first[0].source.notices():
            LOGGER.info(f"{path}: {notice}")
    rest: Iterator[Record | SketchRNNError] = itertools.chain(first, records if len(first) > 1 else ())
    return rest, len(first) > 1


def read_terms(model: Model, terms: tuple[str, ...]) -> Iterator[tuple[list[LatentEnd], bool]]:
    """Return the sketches or categories of terms, a list for each result, and whether there are several results.

    Record i of each file goes into result i. A file with one record, or a category, goes into each result.

    Raises:
        SketchRNNError: a file cannot be read, or there is neither file nor category, or the numbers of records differ.
    """
    columns = [_read_term(model, text) for text in terms]
    counts = {len(column): text for column, text in zip(columns, terms, strict=True) if len(column) > 1}
    if len(counts) > 1:
        listed = ", ".join(f"{count} in {text}" for count, text in counts.items())
        raise SketchRNNError(f"expected files with one record or with the same number of records, found {listed}")
    count = max(counts, default=1)
    for number in range(count):
        yield [column[number if len(column) > 1 else 0] for column in columns], count > 1


def _read_term(model: Model, text: str) -> list[LatentEnd]:
    path, colon, number = text.rpartition(":")
    index = int(number) if colon and number.isdecimal() and not Path(text).exists() else None
    path = text if index is None else path
    if not Path(path).exists() and path != STANDARD_STREAM:
        try:
            model.configuration.category_name(text)
        except CategoryError as error:
            raise CategoryError(f"{text}: expected a file or a category, found neither: {error}") from error
        return [text]
    found = list(read_prefixes(path, index)[0])
    for number_, record in enumerate(found):
        if isinstance(record, SketchRNNError):
            raise SketchRNNError(f"{path}: record {number_}: {record}")
    return [record for record in found if not isinstance(record, SketchRNNError)]


_SUFFIXES = {**{f".{kind}": kind for kind in KINDS}, ".jsonl": "ndjson"}
BARS_AFTER_SECONDS = 1.0


@dataclass(frozen=True)
class Target:
    """Where a command's drawings go.

    Attributes:
        path: a file, a name with one ``%d`` for a file each, or ``-``.
        kind: one of :data:`sketchrnn.formats.picture.KINDS`.
        force: overwrite files.
        open: show the result in the program that opens such files.
        picture: what pictures look like.
    """

    path: str
    kind: str
    force: bool = False
    open: bool = False
    picture: PictureSettings = field(default_factory=PictureSettings)

    @classmethod
    def of(cls, picture: PictureSettings, output: str, output_format: str | None, force: bool, open: bool) -> Target:
        """Take the format from the output's name if it is not given.

        Raises:
            UsageError: the format cannot be animated, or the name has several ``%d``.
            SketchRNNError: the name has a suffix of another format.
        """
        if output_format is None and Path(output).suffix:
            check_suffix(output, tuple(_SUFFIXES))
        kind = output_format or _SUFFIXES.get(Path(output).suffix.lower(), "svg")
        if picture.animate and kind not in ("svg", *MOVING_KINDS):
            raise click.UsageError(f"--animate: expected the format svg, {' or '.join(MOVING_KINDS)}, found {kind}")
        if (found := len(NUMBERED.findall(output))) > 1:
            raise click.UsageError(f"{output}: expected one %d in the name, found {found}")
        return cls(output, kind, force, open, picture)

    @property
    def a_file_each(self) -> bool:
        """Whether each drawing gets its own file."""
        return NUMBERED.search(self.path) is not None

    def check(self, count: int = 1) -> None:
        """Check, before drawing, that the result can be written.

        Raises:
            SketchRNNError: a file exists already, or its folder is missing or not writable, or an extra is missing.
        """
        if self.kind in IMAGE_KINDS:
            check_available()
            if self.path == STANDARD_STREAM and not self.open and sys.stdout.isatty():
                raise ConfigurationError(
                    f"{self.kind}: expected a file or a pipe, found a terminal. Name a file with -o"
                )
        if self.path != STANDARD_STREAM:
            for number in range(count if self.a_file_each else 1):
                check_writable(self._path(number), force=self.force)

    def write(self, drawings: Sequence[Item]) -> None:
        """Write drawings to one file, or each to its own file."""
        if not self.a_file_each:
            self._write_one(self.path, drawings)
            return
        for number, drawing in enumerate(drawings):
            self._write_one(self._path(number), [drawing])

    def write_results(
        self, results: Iterable[list[Drawing] | SketchRNNError], source: str, *, many: bool, originals: bool = False
    ) -> None:
        """Write the drawings of each record as soon as they are drawn; a sheet is written at the end.

        If the input ``source`` has several records, errors of single records are reported, and the others are drawn.
        ``originals`` also shows the sketch that was reconstructed.

        Raises:
            SketchRNNError: a record failed; all others were written.
        """
        if self.kind == "svg":  # after the model's work its import took up to five times as long
            importlib.import_module("svgwrite")
        failed = count = cut = written = 0
        sheet: list[Item] = []
        with contextlib.ExitStack() as stack:
            stream = stack.enter_context(self._stream()) if self.kind == "ndjson" and not self.a_file_each else None
            for result in _with_bar(results, many):
                count += 1
                if isinstance(result, SketchRNNError):
                    if not many:
                        raise type(result)(str(result) if str(result).startswith(source) else f"{source}: {result}")
                    failed += 1
                    LOGGER.error(f"{source}: record {count - 1}: {result}")
                    continue
                if not many:
                    _log_assumptions(result)
                cut += sum(not drawing.ended for drawing in result)
                shown: list[Item] = [result[0].original] if originals and result else []
                shown += result
                if stream is not None:
                    from sketchrnn.model.drawing import render

                    stream.write(render(result, "ndjson"))
                    stream.flush()
                elif self.a_file_each:
                    for drawing in shown:
                        path = self._path(written)
                        check_writable(path, force=self.force)
                        self._write_one(path, [drawing])
                        written += 1
                else:
                    sheet += shown
        if sheet:
            self._write_one(self.path, sheet)
        elif stream is not None and self.path != STANDARD_STREAM and count > failed:
            self._report(self.path)
        if cut:
            LOGGER.info(f"{cut} drawings reached --max-points and were cut")
        if failed:
            raise SketchRNNError(f"{source}: {failed} of {count} records failed; the others were written")

    def _path(self, number: int) -> str:
        return NUMBERED.sub(lambda pattern: pattern[0] % number, self.path)

    @contextlib.contextmanager
    def _stream(self) -> Iterator[IO[bytes]]:
        if self.path == STANDARD_STREAM:
            yield sys.stdout.buffer
        else:
            with atomic_write(self.path) as file:
                yield file

    def _write_one(self, path: str, drawings: Sequence[Item]) -> None:
        from sketchrnn.model.drawing import render

        content = render(drawings, self.kind, settings=self.picture)
        if self.open and path == STANDARD_STREAM:
            handle, path = tempfile.mkstemp(prefix="sketchrnn-", suffix=f".{self.kind}")
            os.close(handle)
        write_bytes(path, content)
        if path != STANDARD_STREAM:
            self._report(path)

    def _report(self, path: str) -> None:
        LOGGER.info(f"wrote {Path(path)}")
        if self.open and click.launch(path) != 0:
            LOGGER.info(f"{path}: no program was found to open this file")


def _with_bar(
    results: Iterable[list[Drawing] | SketchRNNError], many: bool
) -> Iterable[list[Drawing] | SketchRNNError]:
    """Show the number of records that are done, on a terminal."""
    if not many:
        return results
    from tqdm import tqdm

    bar: Iterable[list[Drawing] | SketchRNNError] = tqdm(
        results, unit="record", delay=BARS_AFTER_SECONDS, disable=not sys.stderr.isatty(), file=sys.stderr
    )
    return bar


def _log_assumptions(drawings: Sequence[Drawing]) -> None:
    """Report the guessed category and the estimated scale of a single record."""
    if drawings and drawings[0].guesses:
        listed = ", ".join(f"{one.category} {one.probability:.0%}" for one in drawings[0].guesses)
        LOGGER.info(f"guessed: {listed}; --category sets it")
        if drawings[0].category not in (None, drawings[0].guesses[0].category):
            LOGGER.info(f"{drawings[0].guesses[0].category}: nothing to add; drawn as {drawings[0].category}")
    if drawings and not any(drawing.completion.strokes for drawing in drawings):
        LOGGER.info("nothing was added: the model takes the drawing for a whole one; --category sets another category")
    for category, scale in dict.fromkeys((drawing.category, drawing.scale) for drawing in drawings):
        if scale is not None:
            LOGGER.info(f"{category or 'drawing'}: scale {scale:.4g}; --scale sets it")

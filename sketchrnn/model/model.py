"""Sketch-RNN in Python: load a model, read a sketch, complete it, look at it, save it.

>>> import sketchrnn
>>> model = sketchrnn.load()
>>> len(model.categories)
345
>>> prefix = sketchrnn.Sketch.from_polylines([[(20, 130), (236, 124)]])
>>> drawing, = model.complete(prefix, "snake", seed=3, max_points=5)
>>> drawing.category, drawing.seed, drawing.sketch.point_count
('snake', 3, 7)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from sketchrnn.errors import CategoryError, ConfigurationError, SketchRNNError
from sketchrnn.formats import Record, read_records
from sketchrnn.model.batches import attempt, in_batches, in_threads, processors
from sketchrnn.model.cells import BLOCK, Array
from sketchrnn.model.checkpoint import RECOGNIZER_TENSORS, Checkpoint
from sketchrnn.model.choice import Candidate, best_of, most_diverse
from sketchrnn.model.completion import Job, after_prefixes, conditionings_for, sample_jobs
from sketchrnn.model.drawing import Drawing, render
from sketchrnn.model.guess import CATEGORIES_TRIED, Guess, guess_by_likelihood, ranked
from sketchrnn.model.latent import between, combined, grid, latent_point_of_category, latent_points_of_sketch
from sketchrnn.model.loading import load_model
from sketchrnn.model.network import DECODER_TENSORS, NumpyNetwork
from sketchrnn.model.prefix import EncodedPrefix, PrefixSettings, encode_prefix, encode_prefixes
from sketchrnn.model.recognizer import PICTURES_AT_ONCE, Recognizer
from sketchrnn.model.sampling import Request, Sampling
from sketchrnn.sketch import Sketch

AUTO = "auto"
"""Category name for the most probable category; ``auto:3`` draws each of the three most probable."""
SHOWN_GUESSES = 3

Prefix = Sketch | Record
LatentEnd = Sketch | Record | str
"""A sketch, or the name of a category."""
Result = TypeVar("Result")


def load(path: str | Path | None = None) -> Model:
    """Load a model.

    Args:
        path: a checkpoint, or a model as Google published it; ``hf://user/name`` for one on the Hugging Face Hub (needs
            the extra ``hub``); None for the model that comes with sketchrnn.

    Raises:
        CheckpointError: the file is missing, damaged or something else.
        DownloadError: a model on the Hub cannot be downloaded.
    """
    if str(path).endswith(".json"):
        return Model(load_model(path))

    def part(prefixes: tuple[str, ...]) -> Checkpoint:
        return load_model(path, prefixes=prefixes)

    return Model(part(()), part)


def read(path: str | Path) -> list[Record]:
    """Read the drawings of a file, in any format that sketchrnn knows.

    Args:
        path: the file; ``-`` for standard input.

    Raises:
        FormatError: the file is damaged or of another format.
        SketchRNNError: the file cannot be read.
    """
    return list(read_records(path))


class Model:
    """A trained model.

    A drawing depends only on its request: the same prefix, settings and seed always give the same drawing.
    """

    def __init__(self, checkpoint: Checkpoint, part: Callable[[tuple[str, ...]], Checkpoint] | None = None) -> None:
        """Make a model from a checkpoint.

        Args:
            checkpoint: the model; without tensors if ``part`` is given.
            part: loads the tensors whose names start with given prefixes, when they are needed.
        """
        self.configuration = checkpoint.configuration
        self._part = part or (lambda prefixes: checkpoint)
        self._has_recognizer = checkpoint.recognizer is not None

    @property
    def categories(self) -> tuple[str, ...]:
        """Names of the categories, as Quick, Draw! spells them."""
        return self.configuration.categories

    @cached_property
    def network(self) -> NumpyNetwork:
        """The encoder and decoder."""
        return NumpyNetwork(self._part(DECODER_TENSORS), self._part)

    @cached_property
    def recognizer(self) -> Recognizer | None:
        """The recognizer; None for a model without one."""
        return Recognizer.from_checkpoint(self._part((RECOGNIZER_TENSORS,))) if self._has_recognizer else None

    def complete(self, prefix: Prefix | None, category: str | None = None, **settings: Any) -> list[Drawing]:
        """Complete a partial sketch.

        Args:
            prefix: in any unit, y down; None to draw from nothing.
            category: what to draw; by default the record's word, else the most probable category. If nothing is added
                as this category, because the sketch is a whole one already, the next ones are tried, up to five in
                all. ``auto:3`` draws each of the three most probable.
            settings: fields of :class:`sketchrnn.Request` and :class:`sketchrnn.Sampling`: count, best_of, temperature,
                seed, ...

        Raises:
            CategoryError: the category is unknown, or missing for an empty prefix.
            ConfigurationError: a setting is unknown, outside its range, or does not fit the model.
            FormatError: the prefix is too small or too large to compute with.
        """
        return _only(self.complete_many([Request.of(prefix, category, settings)]))

    def generate(self, category: str | None = None, **settings: Any) -> list[Drawing]:
        """Draw from nothing. Arguments and errors as for :meth:`complete`."""
        return self.complete(None, category, **settings)

    def complete_many(self, requests: Iterable[Request | SketchRNNError]) -> Iterator[list[Drawing] | SketchRNNError]:
        """Complete many partial sketches, in batches, on all processors, in constant memory.

        Args:
            requests: read one after the other. An error among them is passed on.

        Yields:
            For each request, in order, its drawings, or the error that it caused.
        """
        return in_batches(requests, self._complete, _batch_key)

    def guess(self, prefix: Prefix) -> list[Guess]:
        """Return all categories, the most probable for a partial sketch first.

        Args:
            prefix: in any unit, y down.

        Raises:
            ConfigurationError: the model has no categories.
            FormatError: the model cannot see the prefix.
        """
        return _only(self.guess_many([prefix]))

    def guess_many(self, prefixes: Iterable[Prefix | SketchRNNError]) -> Iterator[list[Guess] | SketchRNNError]:
        """Guess the categories of many partial sketches; as :meth:`guess`, with batches as :meth:`complete_many`."""
        values: Iterable[Any] = prefixes
        return in_batches(values, self._guess, _prefix_key)

    def reconstruct(
        self, sketch: Prefix, category: str | None = None, *, sample: bool = False, **settings: Any
    ) -> list[Drawing]:
        """Redraw a whole sketch from its latent vector. The model needs an encoder.

        Args:
            sketch: in any unit, y down.
            category: by default the record's word.
            sample: sample z from the posterior for each drawing, instead of using its mean.
            settings: as for :meth:`complete`.

        Raises:
            CategoryError: the category is unknown or missing.
            ConfigurationError: as for :meth:`complete`, or the model has no encoder, or the sketch is empty.
            FormatError: the model cannot see the sketch.
        """
        return _only(self.reconstruct_many([Request.of(sketch, category, settings)], sample=sample))

    def reconstruct_many(
        self, requests: Iterable[Request | SketchRNNError], *, sample: bool = False
    ) -> Iterator[list[Drawing] | SketchRNNError]:
        """Reconstruct many sketches; as :meth:`reconstruct`, with batches as :meth:`complete_many`."""

        def reconstruct(requests: Sequence[Request], threads: int) -> list[list[Drawing] | SketchRNNError]:
            return self._reconstruct(requests, threads, sample)

        return in_batches(requests, reconstruct, _batch_key)

    def interpolate(
        self,
        ends: Sequence[LatentEnd],
        *,
        steps: int = 9,
        linear: bool = False,
        category: str | None = None,
        **settings: Any,
    ) -> list[Drawing]:
        """Draw steps between two sketches or categories, or a grid between four.

        All drawings have the same seed, so that only the latent point differs.

        Args:
            ends: two; or four: top left, top right, bottom left, bottom right. Sketches need a model with an encoder.
            steps: drawings in a row, including the ends.
            linear: interpolate z linearly, instead of spherically.
            category: of the sketches; by default their records' words.
            settings: as for :meth:`complete`.

        Raises:
            CategoryError: a category is unknown or missing.
            ConfigurationError: as for :meth:`reconstruct`, or the number of ends is wrong.
        """
        if len(ends) not in (2, 4) or steps < 2:
            raise ConfigurationError(f"expected two or four ends and at least 2 steps, found {len(ends)} and {steps}")
        request = Request.of(None, category, settings)
        points = [self._latent_point(end, request, number) for number, end in enumerate(ends)]
        shares = np.linspace(0.0, 1.0, steps).tolist()
        spherical = not linear
        if len(ends) == 2:
            way = between(self.configuration, points[0], points[1], shares, spherical=spherical)
            titles = [f"{share:.0%}" for share in shares]
        else:
            way = grid(self.configuration, points, steps, spherical=spherical)
            titles = [f"{right:.0%}, {down:.0%}" for down in shares for right in shares]
        return self._draw_points(way, titles, [None] * len(way), replace(request, count=1, diverse=False))

    def combine(
        self,
        terms: Sequence[tuple[int, LatentEnd]],
        *,
        show_terms: bool = False,
        category: str | None = None,
        **settings: Any,
    ) -> list[Drawing]:
        """Add and subtract latent vectors, and draw the result: A - B + C. The model needs an encoder.

        Args:
            terms: sign, 1 or -1, and sketch or category, of each. The result has the category of the first term.
            show_terms: draw each term first.
            category: of the sketches; by default their records' words.
            settings: as for :meth:`complete`.

        Raises:
            CategoryError: a category is unknown or missing.
            ConfigurationError: as for :meth:`reconstruct`, or there are no terms.

        Reference:
            arXiv:1704.03477, section 4.2.
        """
        self._check_encoder()
        if not terms:
            raise ConfigurationError("expected at least one term, found none")
        request = Request.of(None, category, settings)
        names = [self._category_of(end, category) for _, end in terms]
        points = [self._latent_point(end, request, number) for number, (_, end) in enumerate(terms)]
        drawings = []
        if show_terms:
            titles = [
                f"{'-' if sign < 0 else '+'} {name or 'drawing'}" for (sign, _), name in zip(terms, names, strict=True)
            ]
            drawings = self._draw_points(np.stack(points), titles, names, replace(request, count=1, diverse=False))
        total = combined(self.configuration, [(sign, point) for (sign, _), point in zip(terms, points, strict=True)])
        (drawn,) = self._draw([Job(self._empty(), names[0], request, total[None])], processors())
        return drawings + [replace(one, title=f"sum, seed {one.seed}", part="reconstruction") for one in drawn]

    def add_to_svg(
        self,
        document: bytes | str | Path,
        category: str | None = None,
        *,
        picture: dict[str, Any] | None = None,
        **settings: Any,
    ) -> bytes:
        """Complete an SVG document: each drawing is added as a layer, the first one is visible, and nothing else
        changes.

        Args:
            document: content, or the path of a file.
            category: what to draw; by default the most probable category of its lines.
            picture: settings of the added lines, as for :func:`sketchrnn.render`: line_color, line width, style.
            settings: as for :meth:`complete`.

        Raises:
            CategoryError: the category is unknown.
            ConfigurationError: a setting is unknown, outside its range, or does not fit.
            FormatError: it is not an SVG document, or has no lines.
        """
        if isinstance(document, bytes):
            from sketchrnn.formats.svg.reading import parse_svg

            drawing = parse_svg(document, "the SVG document")
            record = Record(drawing.sketch, kind="svg", source=drawing)
        else:
            (record,) = read(document)
        return render(self.complete(record, category, **settings), "svg", **(picture or {}))

    def _complete(self, requests: Sequence[Request], threads: int) -> list[list[Drawing] | SketchRNNError]:
        """Complete requests that share their sampling settings, in one batch."""
        records = [attempt(as_prefix, request) for request in requests]
        guesses = self._guesses_for(requests, records)
        names = [attempt(self._names_for, *each) for each in zip(requests, records, guesses, strict=True)]
        results = self._complete_as(names, requests, records, guesses, threads)
        for rank in range(1, CATEGORIES_TRIED):
            empty = {
                number: found[rank].category
                for number, (request, found, result) in enumerate(zip(requests, guesses, results, strict=True))
                if isinstance(found, list) and rank < len(found) and ":" not in (request.category or AUTO)
                if isinstance(result, list) and not any(drawing.completion.strokes for drawing in result)
            }
            again = self._complete_as(
                [[name] for name in empty.values()],
                [requests[number] for number in empty],
                [records[number] for number in empty],
                [guesses[number] for number in empty],
                threads,
            )
            for number, result in zip(empty, again, strict=True):
                if isinstance(result, list) and any(drawing.completion.strokes for drawing in result):
                    results[number] = result
        return results

    def _complete_as(
        self,
        names: Sequence[list[str | None] | SketchRNNError],
        requests: Sequence[Request],
        records: Sequence[Record | SketchRNNError],
        guesses: Sequence[list[Guess] | SketchRNNError | None],
        threads: int,
    ) -> list[list[Drawing] | SketchRNNError]:
        """Complete each request as each of its categories."""
        if not requests:
            return []
        results: list[list[Drawing] | SketchRNNError] = [
            each if isinstance(each, SketchRNNError) else [] for each in names
        ]
        asked = [
            (number, record, name)
            for number, (record, each) in enumerate(zip(records, names, strict=True))
            if isinstance(record, Record) and isinstance(each, list)
            for name in each
        ]
        settings = [
            PrefixSettings(self.configuration.category_index(name), request.scale, request.pen, request.arrange)
            for request, name in ((requests[number], name) for number, _, name in asked)
        ]
        prefixes = [(record.sketch, each) for (_, record, _), each in zip(asked, settings, strict=True)]
        jobs = [
            prefix if isinstance(prefix, SketchRNNError) else attempt(self._job, requests[number], name, prefix)
            for (number, _, name), prefix in zip(
                asked, encode_prefixes(self.network, prefixes, self.recognizer), strict=True
            )
        ]
        drawn = iter(self._draw([job for job in jobs if isinstance(job, Job)], threads))
        for (number, record, _), job in zip(asked, jobs, strict=True):
            if isinstance(job, SketchRNNError):
                results[number] = job
                continue
            request, found, result = requests[number], guesses[number], results[number]
            from_nothing = request.prefix is None
            drawings = [
                replace(
                    one,
                    scale=None if from_nothing or request.scale is not None else job.prefix.scale,
                    guesses=tuple(found[:SHOWN_GUESSES]) if isinstance(found, list) else (),
                    record=record,
                    part="drawing" if from_nothing else "completion",
                )
                for one in next(drawn)
            ]
            if isinstance(result, list):
                result += drawings
        return results

    def _job(self, request: Request, name: str | None, prefix: EncodedPrefix) -> Job:
        conditionings = conditionings_for(self.network, prefix, name, request.tries, request.sampling)
        return Job(prefix, name, request, conditionings)

    def _reconstruct(
        self, requests: Sequence[Request], threads: int, sample: bool
    ) -> list[list[Drawing] | SketchRNNError]:
        """Reconstruct the sketches of requests that share their sampling settings, in one batch."""
        encoded = [attempt(self._encode, request, sample) for request in requests]
        jobs = [each[1] for each in encoded if not isinstance(each, SketchRNNError)]
        drawn = iter(self._draw(jobs, threads))
        results: list[list[Drawing] | SketchRNNError] = []
        for request, each in zip(requests, encoded, strict=True):
            if isinstance(each, SketchRNNError):
                results.append(each)
                continue
            redrawn = [replace(one, completion=one.completion.transformed(shift=each[0])) for one in next(drawn)]
            results.append([replace(one, record=request.record, part="reconstruction") for one in redrawn])
        return results

    def _encode(self, request: Request, sample: bool) -> tuple[NDArray[np.float64], Job]:
        """Return an empty prefix at the start of a sketch, and the job of redrawing it."""
        record = as_prefix(request)
        name = self.configuration.category_name(request.category or record.word)
        self._check_encoder()
        settings = PrefixSettings(self.configuration.category_index(name), request.scale)
        encoded = encode_prefix(self.network, replace(record.sketch, pen_down=False), settings, self.recognizer)
        sampling, seeds = request.sampling, [seed for seed, candidate in request.tries if candidate == 0]
        points = latent_points_of_sketch(
            self.network, encoded, name, sampling.guidance, sampling.clarity, seeds if sample else None
        )
        if len(points) > 1:
            points = np.repeat(points, request.best_of, axis=0)
        return encoded.sketch.first_point, Job(self._empty(encoded.scale), name, request, points)

    def _check_encoder(self) -> None:
        if not self.configuration.variational:
            raise ConfigurationError("expected a model with an encoder, found a decoder-only model")

    def _draw_points(
        self, points: Array, titles: Sequence[str], names: Sequence[str | None], request: Request
    ) -> list[Drawing]:
        """Draw from each latent point, (K, C), with the request's own seed."""
        jobs = [Job(self._empty(), name, request, point[None]) for point, name in zip(points, names, strict=True)]
        drawn = self._draw(jobs, processors())
        return [replace(one, title=title, part="drawing") for (one,), title in zip(drawn, titles, strict=True)]

    def _draw(self, jobs: Sequence[Job], threads: int) -> list[list[Drawing]]:
        """Sample the candidates of some jobs in batches, and return the drawings that are kept of each.

        After a good candidate of a drawing, no other one is sampled. A batch has at least BLOCK candidates, because
        fewer take the same time.
        """
        if not jobs:
            return []
        state = after_prefixes(self.network, jobs)
        groups = [(number, group) for number, job in enumerate(jobs) for group in job.request.groups]
        found: list[list[Candidate]] = [[] for _ in groups]
        unfinished = list(range(len(groups)))
        while unfinished:
            size = max(1, BLOCK // len(unfinished))
            wanted = []
            for index in unfinished:
                number, group = groups[index]
                first = len(found[index])
                end = len(group) if jobs[number].request.diverse else first + size
                wanted += [(index, number, each) for each in group[first:end]]
            pairs = [(number, each) for _, number, each in wanted]
            drawn = self._scored(jobs, pairs, sample_jobs(self.network, jobs, state, pairs, threads), threads)
            for (index, number, _), drawing in zip(wanted, drawn, strict=True):
                found[index].append(Candidate.of(jobs[number].prefix, drawing, self.network.offset_scale))
            unfinished = [
                index
                for index in unfinished
                if len(found[index]) < len(groups[index][1]) and not any(one.good for one in found[index])
            ]
        kept: list[list[Drawing]] = [[] for _ in jobs]
        for (number, _), candidates in zip(groups, found, strict=True):
            request = jobs[number].request
            kept[number] += most_diverse(candidates, request.count) if request.diverse else [best_of(candidates)]
        return kept

    def _scored(
        self, jobs: Sequence[Job], wanted: Sequence[tuple[int, int]], sampled: list[Drawing], threads: int
    ) -> list[Drawing]:
        """Return candidates with the recognizer's scores, for jobs with several candidates.

        Args:
            jobs: all of them.
            wanted: index of the job of each candidate, and its index in the job's tries.
            sampled: the candidates.
            threads: how many share the work.
        """
        recognizer = self.recognizer
        if recognizer is None:
            return sampled
        columns = [
            recognizer.categories.index(str(job.category))
            if job.category in recognizer.categories and (job.request.best_of > 1 or job.request.diverse)
            else None
            for job in jobs
        ]
        chosen = [index for index, (job, _) in enumerate(wanted) if columns[job] is not None]
        own = np.array([columns[wanted[index][0]] for index in chosen], np.int64)

        def scores_from(first: int) -> list[float]:
            part = slice(first, first + PICTURES_AT_ONCE)
            strokes = [sampled[index].sketch.strokes for index in chosen[part]]
            scores = np.take_along_axis(recognizer.log_probabilities(strokes), own[part, None], axis=1)
            return [float(score) for score in scores[:, 0]]

        parts = in_threads(scores_from, range(0, len(chosen), PICTURES_AT_ONCE), threads)
        scored = list(sampled)
        for index, score in zip(chosen, (one for part in parts for one in part), strict=True):
            scored[index] = replace(sampled[index], score=score)
        return scored

    def _guess(self, prefixes: Sequence[Prefix], threads: int = 1) -> list[list[Guess] | SketchRNNError]:
        sketches = [prefix.sketch if isinstance(prefix, Record) else prefix for prefix in prefixes]
        if self.recognizer is not None:
            rows = self.recognizer.log_probabilities([sketch.strokes for sketch in sketches])
            return [ranked(self.recognizer.categories, row.astype(np.float64)) for row in rows]
        return [
            encoded if isinstance(encoded, SketchRNNError) else attempt(guess_by_likelihood, self.network, encoded)
            for encoded in encode_prefixes(self.network, [(sketch, PrefixSettings()) for sketch in sketches])
        ]

    def _guesses_for(
        self, requests: Sequence[Request], records: Sequence[Record | SketchRNNError]
    ) -> list[list[Guess] | SketchRNNError | None]:
        """Guess the categories of those requests whose category is not known."""
        guesses: list[list[Guess] | SketchRNNError | None] = [None] * len(requests)
        asked = {
            number: record
            for number, (request, record) in enumerate(zip(requests, records, strict=True))
            if isinstance(record, Record) and record.sketch.strokes and _is_auto(request.category or record.word)
        }
        if self.configuration.conditional and asked:
            for number, found in zip(asked, self._guess(list(asked.values())), strict=True):
                guesses[number] = found
        return guesses

    def _names_for(
        self, request: Request, record: Record | SketchRNNError, guesses: list[Guess] | SketchRNNError | None
    ) -> list[str | None]:
        """Return the categories of a request, as the model spells them.

        Raises:
            SketchRNNError: the category is unknown, missing, or cannot be guessed.
        """
        for value in (record, guesses):
            if isinstance(value, SketchRNNError):
                raise value
        assert isinstance(record, Record)
        wanted = request.category or record.word
        if not isinstance(guesses, list):
            return [self.configuration.category_name(None if _is_auto(wanted) else wanted)]
        number = (wanted or AUTO).partition(":")[2] or "1"
        if not number.isdecimal() or not 1 <= int(number) <= len(guesses):
            raise CategoryError(f"category: expected auto, or auto:K with K from 1 to {len(guesses)}, found {wanted!r}")
        return [one.category for one in guesses[: int(number)]]

    def _latent_point(self, end: LatentEnd, request: Request, number: int) -> Array:
        """Return the latent point of a sketch or a category, (C,); number i takes seed + i if it needs a z."""
        name, sampling = self._category_of(end, request.category), request.sampling
        if isinstance(end, str):
            seed = sampling.seed + number
            points = latent_point_of_category(self.network, name, sampling.guidance, sampling.clarity, seed)
        else:
            record = as_prefix(replace(request, prefix=end))
            settings = PrefixSettings(self.configuration.category_index(name))
            encoded = encode_prefix(self.network, replace(record.sketch, pen_down=False), settings, self.recognizer)
            points = latent_points_of_sketch(self.network, encoded, name, sampling.guidance, sampling.clarity)
        point: Array = points[0]
        return point

    def _category_of(self, end: LatentEnd, category: str | None) -> str | None:
        word = end.word if isinstance(end, Record) else None
        return self.configuration.category_name(end if isinstance(end, str) else category or word)

    def _empty(self, scale: float = 1.0) -> EncodedPrefix:
        return encode_prefix(self.network, Sketch(()), PrefixSettings(scale=scale))


def as_prefix(request: Request) -> Record:
    """Return the prefix of a request as a record, with the pen position of the request and its document.

    In an SVG document the pen is at the end of the last line, or of the line to continue from, unless it is closed.

    Raises:
        ConfigurationError: ``continue_from`` is set, but the prefix is not an SVG document.
        FormatError: the document has no such element.
    """
    record = request.record
    if record.source is None:
        if request.continue_from is not None:
            raise ConfigurationError("continue_from: expected an SVG document as prefix, found another format")
        return record
    drawing = record.source
    if request.continue_from is not None:
        drawing = drawing.continued_from(request.continue_from)
    sketch = replace(drawing.sketch, pen_down=not drawing.lines[-1].closed)
    return replace(record, sketch=sketch, source=drawing)


def _is_auto(category: str | None) -> bool:
    return category is None or category.partition(":")[0] == AUTO


def _batch_key(request: Request) -> tuple[Sampling, int]:
    """Return what the requests of a batch share, and the number of a request's candidates."""
    return replace(request.sampling, seed=0), request.count * request.best_of


def _prefix_key(prefix: Prefix) -> tuple[None, int]:
    return None, 1


def _only(results: Iterator[Result | SketchRNNError]) -> Result:
    """Return the one result; raise it if it is an error."""
    (result,) = results
    if isinstance(result, SketchRNNError):
        raise result
    return result

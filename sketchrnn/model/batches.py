"""Work on many values: in batches, on all processors, in order, in constant memory."""

from __future__ import annotations

import contextlib
import itertools
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

from sketchrnn.errors import SketchRNNError

BATCH_VALUES, BATCH_CANDIDATES = 64, 256
"""Limits of a batch: numbers of values, and of candidates."""

Value = TypeVar("Value")
Result = TypeVar("Result")


def in_batches(
    values: Iterable[Value | SketchRNNError],
    work: Callable[[Sequence[Value], int], Sequence[Result | SketchRNNError]],
    key: Callable[[Value], tuple[Any, int]],
) -> Iterator[Result | SketchRNNError]:
    """Work on values in batches, several at once, and yield the results in order.

    Args:
        values: read one after the other; errors among them are passed on.
        work: takes a batch and a number of threads.
        key: returns what the values of a batch must share, and the number of candidates of a value.
    """
    threads = processors()
    batches = _batched(values, key)
    first = list(itertools.islice(batches, 2))
    with _one_blas_thread(threads):
        if len(first) < 2:  # the threads share a single batch
            for batch in first:
                yield from _in_place(batch, lambda good: work(good, threads))
            return
        with ThreadPoolExecutor(threads) as pool:
            pending: deque[Future[list[Result | SketchRNNError]]] = deque()
            try:
                for batch in itertools.chain(first, batches):
                    pending.append(pool.submit(_in_place, batch, lambda good: work(good, 1)))
                    while len(pending) > 2 * threads or (pending and pending[0].done()):
                        yield from pending.popleft().result()
                while pending:
                    yield from pending.popleft().result()
            finally:
                for future in pending:
                    future.cancel()


def processors() -> int:
    """Return the number of processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def in_threads(function: Callable[[Value], Result], values: Sequence[Value], threads: int) -> list[Result]:
    """Return what a function returns for each value, computed by several threads."""
    if min(threads, len(values)) < 2:
        return [function(value) for value in values]
    with ThreadPoolExecutor(min(threads, len(values))) as pool:
        return list(pool.map(function, values))


def attempt(function: Callable[..., Result], *arguments: Any) -> Result | SketchRNNError:
    """Return what a function returns, or the error that it raises."""
    try:
        return function(*arguments)
    except SketchRNNError as error:
        return error


def _batched(
    values: Iterable[Value | SketchRNNError], key: Callable[[Value], tuple[Any, int]]
) -> Iterator[list[Value | SketchRNNError]]:
    """Split values into batches that share a key and are not too large."""
    batch: list[Value | SketchRNNError] = []
    shared: Any = None
    candidates = 0
    for value in _up_to_an_error(values):
        if not isinstance(value, SketchRNNError):
            this, more = key(value)
            full = len(batch) >= BATCH_VALUES or candidates + more > BATCH_CANDIDATES
            if batch and (full or (shared is not None and this != shared)):
                yield batch
                batch, candidates = [], 0
            shared, candidates = this, candidates + more
        batch.append(value)
    if batch:
        yield batch


def _up_to_an_error(values: Iterable[Value | SketchRNNError]) -> Iterator[Value | SketchRNNError]:
    """Yield values; an error of their source becomes the last value."""
    try:
        yield from values
    except SketchRNNError as error:
        yield error


def _in_place(
    batch: Sequence[Value | SketchRNNError], work: Callable[[Sequence[Value]], Sequence[Result | SketchRNNError]]
) -> list[Result | SketchRNNError]:
    """Return the results of a batch's values, with its errors in their places."""
    good = [value for value in batch if not isinstance(value, SketchRNNError)]
    results = iter(work(good) if good else [])
    return [value if isinstance(value, SketchRNNError) else next(results) for value in batch]


@contextlib.contextmanager
def _one_blas_thread(threads: int) -> Iterator[None]:
    """Use Python threads instead of BLAS threads, which would wait for each other."""
    if threads == 1:
        yield
        return
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1, user_api="blas"):
        yield

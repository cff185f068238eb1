"""Threads that draw for requests: as many as there are processors, a bounded queue before them, a time limit each."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from sketchrnn.errors import SketchRNNError
from sketchrnn.model.network import Array, DecoderState, NumpyNetwork
from sketchrnn.web import limits

Result = TypeVar("Result")

NICENESS = 10
"""Of the threads that draw: the browser, which shows it, and the event loop, which sends it, go first."""


class BusyError(SketchRNNError):
    """So many requests wait already that this one is turned away."""


class OvertimeError(SketchRNNError):
    """The work of a request takes longer than a request may."""


class CancelledWorkError(SketchRNNError):
    """Nobody waits for the result any more."""


class _Job:
    """One request's work, which ends early when it is cancelled or takes too long."""

    def __init__(self) -> None:
        self.cancelled = threading.Event()
        self._asked = time.monotonic()
        self._deadline = float("inf")

    def begin(self) -> None:
        now = time.monotonic()
        if now - self._asked > limits.WAIT_SECONDS:
            raise BusyError("too many drawings are asked for at once; try again in a moment")
        self._deadline = now + limits.WORK_SECONDS
        self.check()

    def check(self) -> None:
        if self.cancelled.is_set():
            raise CancelledWorkError("cancelled")
        if time.monotonic() > self._deadline:
            raise OvertimeError(f"this takes longer than {limits.WORK_SECONDS:g} s; ask for less at once")


class _WatchedNetwork(NumpyNetwork):
    """A network, weights shared, whose every step asks whether the job may go on."""

    def __init__(self, network: NumpyNetwork, job: _Job) -> None:
        self.__dict__.update(network.__dict__)
        self._job = job

    def step(self, state: DecoderState, rows: Array) -> DecoderState:
        self._job.check()
        return super().step(state, rows)


class Workers:
    """Draws with one network for many requests."""

    def __init__(self, network: NumpyNetwork, threads: int | None = None) -> None:
        """Start with no thread; they come with the work.

        Args:
            network: the model.
            threads: how many requests are worked on at once; by default as many as there are processors, at most 4.
        """
        threads = threads or min(4, os.cpu_count() or 1)
        self._network = network
        self._places = threads + limits.WAITING
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="drawing", initializer=_give_way)
        self._jobs: set[_Job] = set()  # touched by the event loop's thread only

    async def run(self, work: Callable[[NumpyNetwork], Result]) -> Result:
        """Do a request's work and return its result.

        Raises:
            BusyError: too much waits.
            OvertimeError: it takes too long.
            SketchRNNError: what the work raises.
        """
        results = self.stream(lambda network: iter([work(network)]))
        return await anext(results)

    async def stream(self, work: Callable[[NumpyNetwork], Iterator[Result]]) -> AsyncIterator[Result]:
        """Do a request's work and yield its results as they come; closing the iterator ends the work.

        What is not fetched yet is kept: a request's results are few enough, and a slow client keeps no thread.
        Raises as :meth:`run` does.
        """
        if len(self._jobs) >= self._places:
            raise BusyError("too many drawings are asked for at once; try again in a moment")
        job = _Job()
        loop = asyncio.get_running_loop()
        results: asyncio.Queue[Result | BaseException | None] = asyncio.Queue()

        def hand_over(result: Result | BaseException | None) -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(results.put_nowait, result)

        def draw() -> None:
            try:
                job.begin()
                for result in work(_WatchedNetwork(self._network, job)):
                    hand_over(result)
                hand_over(None)
            except BaseException as error:
                hand_over(error)

        self._jobs.add(job)
        drawing = loop.run_in_executor(self._pool, draw)
        drawing.add_done_callback(lambda _: self._jobs.discard(job))
        try:
            while (result := await results.get()) is not None:
                if isinstance(result, BaseException):
                    raise result
                yield result
        finally:
            job.cancelled.set()

    def close(self) -> None:
        """End all work."""
        for job in self._jobs:
            job.cancelled.set()
        self._pool.shutdown(cancel_futures=True)


def _give_way() -> None:
    """Lower the priority of the thread that calls this, where a thread has one of its own."""
    if sys.platform == "linux":
        thread = threading.get_native_id()
        os.setpriority(os.PRIO_PROCESS, thread, max(NICENESS, os.getpriority(os.PRIO_PROCESS, thread)))

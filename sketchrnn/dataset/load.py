"""Opens stores and files as the drawings that training and evaluation read."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import time
from collections.abc import Sequence
from pathlib import Path

import filelock

from sketchrnn.dataset.drawings import Drawings
from sketchrnn.dataset.encode import Selection
from sketchrnn.dataset.prepare import Progress, prepare_sources
from sketchrnn.dataset.sources import find_sources
from sketchrnn.dataset.store import PREPARING, VERSION, Report, Store, is_store, open_stores, shard_paths
from sketchrnn.errors import SketchRNNError
from sketchrnn.files import CACHE_VARIABLE, cache_folder, reason

DEFAULT_MAX_LENGTH = 250

_KEPT_UNUSED = 30 * 24 * 3600.0  # seconds


def load(
    paths: Sequence[str | Path],
    *,
    max_length: int = DEFAULT_MAX_LENGTH,
    unit: str | None = None,
    processes: int = 1,
    progress: Progress | None = None,
) -> tuple[Drawings, Report]:
    """Return the drawings of stores and files. Files are prepared into a store in the cache first.

    Args:
        paths: stores, and all inputs of :func:`sketchrnn.dataset.prepare.prepare`.
        max_length: drawings with more rows are skipped.
        unit: "box" or "source"; None for "source" if all files are published npz files, otherwise "box".
        processes: number of processes that read.
        progress: receives the number of bytes that are read.

    Raises:
        SketchRNNError: a file cannot be read, or the cache cannot be written.
        DatasetError: a store is damaged or incomplete, or all drawings are skipped.
    """
    store, notes = open_all(paths, max_length=max_length, processes=processes, progress=progress)
    drawings, report = store.drawings(max_length, unit)
    report.notes += notes
    return drawings, report


def open_all(
    paths: Sequence[str | Path],
    *,
    max_length: int = Selection.max_length,
    processes: int = 1,
    progress: Progress | None = None,
) -> tuple[Store, list[str]]:
    """Open stores and files as one store, and return messages for the user with it. See :func:`load`."""
    stores = [Path(path) for path in paths if is_store(path)]
    files = [path for path in paths if not is_store(path)]
    notes: list[str] = []
    if files:
        store, notes = _cached(files, max_length, processes, progress)
        stores.append(store)
    return open_stores(stores), notes


def _cached(
    files: Sequence[str | Path], max_length: int, processes: int, progress: Progress | None
) -> tuple[Path, list[str]]:
    selection = Selection(max_length=max(max_length, Selection.max_length))
    sources, notes = find_sources(files)
    described = [[source.location, source.to_json(), source.category] for source in sources]
    identity = json.dumps([VERSION, described, selection.to_json()], sort_keys=True)
    folder = cache_folder("stores")
    store = folder / hashlib.blake2b(identity.encode(), digest_size=12).hexdigest()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(store.with_suffix(".lock")):  # the first process of a run prepares; the others wait
            if not shard_paths(store) or (store / PREPARING).exists():
                _forget_unused(folder)
                notes += prepare_sources(sources, store, selection, processes=processes, progress=progress).notes
            os.utime(store)  # records the last use
    except OSError as error:
        hint = f". The environment variable {CACHE_VARIABLE} sets another folder"
        raise SketchRNNError(f"{folder}: cannot be written: {reason(error)}{hint}") from error
    return store, notes


def _forget_unused(folder: Path) -> None:
    for store in folder.iterdir():
        with contextlib.suppress(OSError):
            if store.is_dir() and time.time() - store.stat().st_mtime > _KEPT_UNUSED:
                shutil.rmtree(store)

"""The record of a run: one JSON object a line, beside the checkpoint."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path
from typing import Any

from sketchrnn.errors import SketchRNNError
from sketchrnn.files import atomic_write, reason


class TrainingLog:
    """Appends records to a file. A resumed run first drops those of steps it is about to take again."""

    def __init__(self, path: Path, first_step: int) -> None:
        """Open the log of a run that goes on from ``first_step``; 0 begins a new file."""
        kept = []
        if first_step > 0 and path.exists():
            for line in path.read_text().splitlines():
                try:
                    record = json.loads(line)
                except json.JSONDecodeError:  # the last line of a run that was killed
                    continue
                if record.get("step", 0) <= first_step:
                    kept.append(line)
        with atomic_write(path) as file:
            file.write("".join(line + "\n" for line in kept).encode())
        self._path = path
        self._file = path.open("ab", buffering=0)

    def write(self, kind: str, step: int, **values: Any) -> None:
        """Append one record.

        Raises:
            SketchRNNError: it cannot be written, because the disk is full for one.
        """
        try:
            end = self._path.stat().st_size
            line = (json.dumps({"kind": kind, "step": step, **values}) + "\n").encode()
            if self._file.write(line) < len(line):  # what fits on a nearly full disk
                self._file.truncate(end)
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError as error:
            raise SketchRNNError(f"{self._path}: cannot be written: {reason(error)}") from error

    def close(self) -> None:
        """Close the file."""
        self._file.close()

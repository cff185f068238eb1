"""The record of a run: one JSON object a line, beside the checkpoint."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from sketchrnn.files import atomic_write


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
        self._file = path.open("a", encoding="utf-8")

    def write(self, kind: str, step: int, **values: Any) -> None:
        """Append one record."""
        self._file.write(json.dumps({"kind": kind, "step": step, **values}) + "\n")
        self._file.flush()

    def close(self) -> None:
        """Close the file."""
        self._file.close()

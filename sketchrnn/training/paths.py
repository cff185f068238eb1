"""Where a run keeps its files, beside its checkpoint."""

from pathlib import Path


def last_path(path: Path) -> Path:
    """Return where the last state of the run that writes ``path`` is kept.

    >>> last_path(Path("cats.safetensors")).name
    'cats.last.safetensors'
    """
    return path.with_name(f"{path.stem}.last{path.suffix}")


def log_path(path: Path) -> Path:
    """Return where the log of the run that writes ``path`` is kept.

    >>> log_path(Path("cats.safetensors")).name
    'cats.log.jsonl'
    """
    return path.with_name(f"{path.stem}.log.jsonl")


def sheets_path(path: Path) -> Path:
    """Return the folder of what the run that writes ``path`` drew on its way.

    >>> sheets_path(Path("cats.safetensors")).name
    'cats.sheets'
    """
    return path.with_name(f"{path.stem}.sheets")

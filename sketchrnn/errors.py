"""Errors that a user's input can cause. Each message is one line that names the file and the location in it."""

from __future__ import annotations

import importlib
from types import ModuleType


class SketchRNNError(Exception):
    """Base of every error that a user's input can cause. The CLI prints its message and exits with 1."""


class FormatError(SketchRNNError):
    """A file does not match its format."""


class DownloadError(SketchRNNError):
    """A file cannot be downloaded."""


class DatasetError(SketchRNNError):
    """The drawings cannot be used for training or evaluation."""


class TrainingError(SketchRNNError):
    """A training run cannot continue."""


class CheckpointError(SketchRNNError):
    """A checkpoint is damaged, has another version, or is not a checkpoint."""


class ConfigurationError(SketchRNNError):
    """A configuration value is outside its range."""


class CategoryError(SketchRNNError):
    """A category is missing or unknown."""


def import_extra(module: str, extra: str, problem: str = "") -> ModuleType:
    """Import a module of an optional package.

    Args:
        module: such as ``matplotlib.pyplot``.
        extra: the extra in setup.cfg that installs its package.
        problem: what needs the package, for the message; by default only the package is named.

    Raises:
        ConfigurationError: the package is not installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        problem = problem or f"needs {module.partition('.')[0]}"
        raise ConfigurationError(f"{problem}. Install it: pip install 'sketchrnn[{extra}]'") from error

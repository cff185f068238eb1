"""Packages that only some features need, each installed by an extra such as ``sketchrnn[shapely]``."""

from __future__ import annotations

import importlib
from types import ModuleType

from sketchrnn.errors import ConfigurationError


def import_extra(module: str, extra: str) -> ModuleType:
    """Import a module of an optional package.

    Args:
        module: such as ``matplotlib.pyplot``.
        extra: the extra in setup.cfg that installs its package.

    Raises:
        ConfigurationError: the package is not installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        package = module.partition(".")[0]
        raise ConfigurationError(f"needs {package}. Install it: pip install 'sketchrnn[{extra}]'") from error

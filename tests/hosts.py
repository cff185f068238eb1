"""Other programs and packages that tests run against."""

import pytest


def absent(what):
    """Skip the test; in CI, conftest.py turns that into a failure."""
    pytest.skip(f"missing: {what}")


def module(name, extra):
    """Import a module of an optional package."""
    try:
        return pytest.importorskip(name)
    except pytest.skip.Exception:
        return absent(f"{name}: pip install 'sketchrnn[{extra}]'")

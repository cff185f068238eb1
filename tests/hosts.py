"""Other programs and packages that tests run against."""

import os

import pytest

REQUIRED = "SKETCHRNN_TEST_HOSTS"
"""Environment variable with which a missing program fails a test instead of skipping it; CI sets it."""


def absent(what):
    """Skip the test, or fail it where everything is installed."""
    (pytest.fail if os.environ.get(REQUIRED) else pytest.skip)(f"missing: {what}")


def module(name, extra):
    """Import a module of an optional package."""
    try:
        return pytest.importorskip(name)
    except pytest.skip.Exception:
        return absent(f"{name}: pip install 'sketchrnn[{extra}]'")

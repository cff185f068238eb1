"""Shared by all tests: a repeatable hypothesis profile, the real drawings, and what a missing requirement means."""

import contextlib
import os
import socket
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from sketchrnn.files import CACHE_VARIABLE

settings.register_profile(
    "repeatable",
    derandomize=True,
    deadline=None,
    database=None,
    max_examples=50,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
settings.load_profile("repeatable")

TAKEN_PORTS = (8345, 29400, 29500, 8888, 8000, 8080)
"""Default ports: of ``serve``, torchrun (two), Jupyter, ``python -m http.server`` and proxies."""

NOT_APPLICABLE = "not applicable: "
"""How the reason of a skip begins if the test has no meaning for its parameters or on this machine."""

Hook = Generator[None, pytest.CollectReport | pytest.TestReport, pytest.CollectReport | pytest.TestReport]


def fail_instead_of_skip(report: pytest.CollectReport | pytest.TestReport) -> None:
    """In CI, where everything is installed, turn the skip of a test that lacks something into a failure."""
    if os.environ.get("CI") and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        if NOT_APPLICABLE not in reason:
            report.outcome = "failed"
            report.longrepr = f"{report.nodeid}: {reason}. In CI a test must find what it needs."


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Hook:
    """Apply :func:`fail_instead_of_skip` to tests."""
    report = yield
    fail_instead_of_skip(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Hook:
    """Apply :func:`fail_instead_of_skip` to whole modules."""
    report = yield
    fail_instead_of_skip(report)
    return report


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Prepare files elsewhere than in the user's own cache, in this process and in the processes that it starts."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(CACHE_VARIABLE, str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session", autouse=True)
def taken_ports() -> Iterator[None]:
    """Take the ports that the documentation and other programs use by default, so that no test depends on them."""
    with contextlib.ExitStack() as stack:
        for port in TAKEN_PORTS:
            with contextlib.suppress(OSError):  # another program has it, or a process of these tests
                stack.enter_context(socket.create_server(("", port)))
        yield


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real drawings and reference numbers: ``SKETCHRNN_SHARED``, or ``shared`` beside the repository."""
    folder = Path(os.environ.get("SKETCHRNN_SHARED") or Path(__file__).resolve().parents[2] / "shared")
    if not folder.is_dir():
        pytest.skip(f"{folder} is absent")
    return folder

"""What a missing requirement means in CI, and elsewhere."""

import shutil
from pathlib import Path

import pytest

pytest_plugins = "pytester"

SUITE = {
    "test_one": """
        import pytest
        def test_lacks_something(): pytest.skip("no browser")
        @pytest.mark.skipif(True, reason="no node")
        def test_lacks_a_program(): pass
        def test_lacks_an_extra(): pytest.importorskip("no_such_module")
        def test_other_case(): pytest.skip("not applicable: decoder only")
        @pytest.mark.skipif(True, reason="not applicable: no GPU here")
        def test_other_machine(): pass
        @pytest.mark.xfail
        def test_known_fault(): assert False
        def test_passes(): pass
    """,
    "test_two": """
        import pytest
        pytest.importorskip("no_such_module")
    """,
}


ELSEWHERE = {"passed": 1, "xfailed": 1, "skipped": 6}
IN_CI = {"passed": 1, "xfailed": 1, "skipped": 2, "failed": 2, "errors": 2}


@pytest.mark.parametrize(("ci", "expected"), [("", ELSEWHERE), ("true", IN_CI)])
def test_in_ci_a_missing_requirement_is_a_failure(ci, expected, pytester, monkeypatch):
    monkeypatch.setenv("CI", ci)
    shutil.copy(Path(__file__).parent / "conftest.py", pytester.path / "conftest.py")
    pytester.makepyfile(**SUITE)
    arguments = ("-p", "no:cacheprovider", "-p", "no:xdist", "--continue-on-collection-errors")
    pytester.runpytest_inprocess(*arguments).assert_outcomes(**expected)

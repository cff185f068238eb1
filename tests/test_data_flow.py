"""docs/data-flow.md names functions and types that exist, in the packages that it says."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROWS = re.findall(r"^\| `(\w+)` \| (.*?) \| (.*?) \|$", (ROOT / "docs" / "data-flow.md").read_text(), re.MULTILINE)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[1][:30])
def test_functions_and_types_exist(row):
    package, functions, types = row
    own, every = (
        "\n".join(path.read_text() for path in (ROOT / "sketchrnn" / folder).rglob("*.py")) for folder in (package, "")
    )
    for name in re.findall(r"`(\w+)`", functions):
        assert re.search(rf"\b(def|class) {name}\b", own), name
    for name in re.findall(r"`([A-Z]\w+)`", types):
        assert re.search(rf"\bclass {name}\b", every), name


def test_both_ways_are_listed():
    assert len(ROWS) == 18

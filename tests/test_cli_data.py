"""The commands that fetch, prepare and look at drawings."""

import json

import pytest
from click.testing import CliRunner
from http_server import serving
from test_dataset import keys, ndjson_file, scribble
from test_prepare import binary_of, contents

from sketchrnn.cli import main
from sketchrnn.dataset.quickdraw import CATEGORIES, KINDS, find_categories, first_drawings
from sketchrnn.errors import CategoryError
from sketchrnn.formats import read_records


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def call(*arguments, code=0):
        result = CliRunner().invoke(main, [str(argument) for argument in arguments])
        assert result.exit_code == code, result.output
        assert not isinstance(result.exception, Exception) or code
        return result

    return call


@pytest.fixture
def server(tmp_path, monkeypatch):
    source = tmp_path / "served.ndjson"
    text = ndjson_file(source, [scribble(seed) for seed in range(9)], keys=keys(9), word="cat").read_bytes()
    source.unlink()
    files = {
        "/full/simplified/cat.ndjson": text,
        "/full/simplified/alarm clock.ndjson": text.replace(b'"cat"', b'"alarm clock"'),
        "/full/binary/cat.bin": binary_of([scribble(seed) for seed in range(9)]),
    }
    with serving(files) as served:
        monkeypatch.setenv("SKETCHRNN_QUICKDRAW", served.url)
        yield served


def test_there_are_345_categories():
    assert len(CATEGORIES) == len(set(CATEGORIES)) == 345
    assert {"cat", "alarm clock", "The Eiffel Tower", "t-shirt"} <= set(CATEGORIES)


@pytest.mark.parametrize(
    ("typo", "hint"), [("catt", "'cat'"), ("alarmclock", "'alarm clock'"), ("xyzzy", "download --list")]
)
def test_typos_are_answered_with_what_is_alike(typo, hint):
    with pytest.raises(CategoryError, match=rf"category, found '{typo}'.*({hint})"):
        find_categories(["cat", typo])


def test_addresses_are_googles():
    assert KINDS["raw"].address("The Eiffel Tower").endswith("quickdraw_dataset/full/raw/The%20Eiffel%20Tower.ndjson")


def test_download(run, server, tmp_path):
    server.faults = [("break", 100), 503]
    result = run("download", "cat", "Alarm_Clock", "--to", "d")
    assert (tmp_path / "d" / "cat.ndjson").read_bytes() == server.files["/full/simplified/cat.ndjson"]
    assert sorted(path.name for path in (tmp_path / "d").iterdir()) == ["alarm clock.ndjson", "cat.ndjson"]
    assert "wrote d/cat.ndjson" in result.stderr
    asked = len(server.requests)
    assert "2 of 2 files exist already" in run("download", "cat", "alarm clock", "--to", "d").stderr
    assert len(server.requests) == asked
    run("download", "cat", "--to", "d", "--force")
    assert len(server.requests) == asked + 1


@pytest.mark.parametrize(("kind", "name"), [("simplified", "cat.first4.ndjson"), ("binary", "cat.first4.bin")])
def test_download_of_some_drawings(run, server, tmp_path, kind, name):
    run("download", "cat", "--kind", kind, "--limit", "4", "--to", "d")
    records = list(read_records(tmp_path / "d" / name))
    assert [record.sketch for record in records] == [scribble(seed) for seed in range(4)]
    assert {record.word for record in records} == {"cat"}


@pytest.mark.parametrize("kind", ["simplified", "binary"])
@pytest.mark.parametrize("size", [1, 3, 50, 10_000])
def test_files_are_cut_behind_a_drawing(server, kind, size):
    path = {"simplified": "/full/simplified/cat.ndjson", "binary": "/full/binary/cat.bin"}[kind]
    content, one = server.files[path], {"simplified": None, "binary": 17 + 2 * 2 + 2 * 12}[kind]
    for limit in (1, 4, 9, 10):
        cut, kept = first_drawings(kind, limit), 0
        for place in range(0, len(content), size):
            block = content[place : place + size]
            wanted = cut(block)
            kept += len(block) if wanted is None else wanted
            if wanted is not None:
                break
        lines = content.split(b"\n")
        expected = min(limit, 9) * one if one else len(b"\n".join(lines[:limit])) + 1
        assert kept == min(expected, len(content))


def test_download_says_what_is_wrong(run, server):
    assert "the server says 404" in run("download", "dog", "--to", "d", code=1).output
    assert "did you mean 'dog'?" in run("download", "dogg", code=1).output
    for wrong in ([], ["cat", "--all"], ["cat", "--limit", "3", "--kind", "npz"]):
        run("download", *wrong, code=2)


def test_from_files_to_a_sheet(run, server, tmp_path):
    run("download", "cat", "alarm clock", "--to", "d")
    result = run("prepare", "d", "-o", "store")
    assert "18 drawings read" in result.stderr
    assert sorted(contents(tmp_path / "store")) == ["alarm clock.safetensors", "cat.safetensors"]
    assert "cat.ndjson: is in store already" in run("prepare", "d/cat.ndjson", "-o", "store").stderr
    table = run("stats", "store").stdout.splitlines()
    assert [line.split("  ")[0] for line in table[1:]] == ["category", "alarm clock", "cat", "all"]
    said = json.loads(run("stats", "store", "--json").stdout)
    assert said["all"]["drawings"] == 18
    assert said["categories"][1]["sources"][0]["name"] == "d/cat.ndjson"
    assert json.loads(run("stats", "d/cat.ndjson", "--json").stdout)["all"]["drawings"] == 9
    run("stats", "store", "--plot", "lengths.svg")
    assert (tmp_path / "lengths.svg").read_text().count("<svg") == 1
    one = run("render", "store", "--category", "cat", "--random", "5", "--seed", "1", "--format", "ndjson").stdout
    assert len(one.splitlines()) == 5
    assert {json.loads(line)["word"] for line in one.splitlines()} == {"cat"}
    again = run("render", "store", "--category", "cat", "--random", "5", "--seed", "1", "--format", "ndjson").stdout
    other = run("render", "store", "--category", "cat", "--random", "5", "--seed", "2", "--format", "ndjson").stdout
    assert one == again != other
    run("render", "store", "--category", "cat", "--random", "5", "-o", "sheet.svg")
    assert (tmp_path / "sheet.svg").read_text().count(">cat</text>") == 5
    assert (
        "expected one of the categories alarm clock, cat, found 'dog'"
        in run("render", "store", "--category", "dog", code=1).output
    )


def test_a_store_of_nothing_is_refused(run, tmp_path):
    (tmp_path / "a.json").write_text("[[[5, 5]]]")
    assert "found none to use among 1" in run("prepare", "a.json", "-o", "s", code=1).output
    assert not (tmp_path / "s").exists()
    run("prepare", "a.json", "-o", "a.json", code=2)

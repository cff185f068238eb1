import io
import json
import sys
from types import SimpleNamespace

import pytest
from hypothesis import given
from strategies import finite_floats, sketches, whole_sketches

from sketchrnn.errors import FormatError, SketchRNNError
from sketchrnn.formats import Record, read_records
from sketchrnn.formats.json_drawings import dumps_polyline_json, parse_json
from sketchrnn.sketch import Sketch


def parse(text: str) -> Record:
    (record,) = parse_json(text.encode(), "file")
    return record


def test_strokes_alone():
    assert parse("[[[1, 2.5], [3, 4]], [], [[5, 6]]]") == Record(
        Sketch.from_polylines([[(1, 2.5), (3, 4)], [(5, 6)]]), empty_strokes=1
    )


def test_object():
    record = parse('{"strokes": [[[1, 2]]], "word": "alarm clock", "pen_down": true}')
    assert record == Record(Sketch.from_polylines([[(1, 2)]], pen_down=True), word="alarm clock")


def test_empty_sketch():
    assert parse("[]").sketch == Sketch(())


@given(whole_sketches | sketches(finite_floats))
def test_round_trip(sketch):
    assert parse(dumps_polyline_json(sketch)).sketch == sketch


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "found invalid JSON"),
        (" \n", "found invalid JSON"),
        ("[[[1, 2]", "found invalid JSON"),
        ("[" * 100_000, "found invalid JSON"),
        ("[[[1, NaN]]]", "NaN is not a JSON number"),
        ("3", "found 3"),
        ('{"a": 1}', 'found an object with "a"'),
        ("{}", "found an empty object"),
        ('{"strokes": 5}', "expected strokes"),
        ("[1]", r"stroke 0: expected a list of points \[x, y\], found 1"),
        ('["ab"]', 'stroke 0: expected a list of points .* found "ab"'),
        (
            "[[], [[1, 2], [1, 2, 3, 4]]]",
            r"stroke 1, point 1: expected \[x, y\] or \[x, y, time\], found \[1, 2, 3, 4\]",
        ),
        ("[[[1, 2], [1, true]]]", r"stroke 0, point 1: expected \[x, y\] or \[x, y, time\], found \[1, true\]"),
        ('[[["1", 2]]]', "stroke 0, point 0: expected"),
        ('[["12"]]', "stroke 0, point 0: expected"),
        ("[[[1, 1e999]]]", "stroke 0, point 0: expected finite"),
        ('{"strokes": [], "word": [3]}', r'"word" to be text, found \[3\]'),
        ('{"strokes": [], "word": 0.5}', '"word" to be text, found 0.5'),
        ('{"strokes": [], "pen_down": 2}', '"pen_down" to be true or false, found 2'),
    ],
)
def test_errors_name_the_place(text, message):
    with pytest.raises(FormatError, match=f"^file: .*{message}") as error:
        parse(text)
    assert "\n" not in str(error.value)


def test_binary_rubbish():
    with pytest.raises(FormatError, match=r"^file: expected UTF-8"):
        list(parse_json(b"[\xff]", "file"))


@pytest.mark.parametrize("indent", [None, 1])
def test_read_records_chooses_by_content(tmp_path, indent):
    path = tmp_path / "drawing.ndjson"
    value = {"strokes": [[[1, 2], [3, 4]]], "word": "a drawing"}
    path.write_text("\n" + json.dumps(value, indent=indent))
    (record,) = read_records(path)
    assert record == parse(json.dumps(value))
    assert record.word == "a drawing"


def test_standard_input(monkeypatch):
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(b"[[[1, 2]]]")))
    assert [record.sketch.point_count for record in read_records("-")] == [1]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "found an empty file"),
        (b" \n\n", "found an empty file"),
        (b"3", "found other content"),
        (b"<svg/>", "nothing that is shown"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "found an image of pixels"),
        (b"\x00" * 1000, "found other content"),
        (b'{"a": 1}', 'found an object with "a"'),
        (b"{\xff", "expected UTF-8"),
        (b"PK\x03\x04rubbish", "damaged zip"),
    ],
)
def test_read_records_of_something_else(tmp_path, content, message):
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(FormatError, match=f"^{path}: .*{message}") as error:
        list(read_records(path))
    assert "\n" not in str(error.value)


def test_missing_file_and_folder(tmp_path):
    for path in (tmp_path, tmp_path / "missing"):
        with pytest.raises(SketchRNNError, match=f"^{path}: cannot be read: "):
            next(read_records(path))

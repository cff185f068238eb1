import io
import json
import sys
from itertools import count, islice
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import finite_floats, sketches, whole_sketches

from sketchrnn.errors import FormatError
from sketchrnn.formats import Record, read_records
from sketchrnn.formats.quickdraw import dumps_ndjson, ndjson_record, parse_ndjson
from sketchrnn.sketch import Sketch

SIMPLIFIED = (
    '{"word":"cup","countrycode":"US","timestamp":"2017-03-19 00:36:57.54518 UTC","recognized":true,'
    '"key_id":"4620220847095808","drawing":[[[0,5,5],[52,71,253]],[[12],[150]]]}'
)
RAW = '{"word":"cup","recognized":false,"key_id":"1","drawing":[[[0.5,5],[52,71],[0,138]]]}'


def parse(text: str) -> list[Record]:
    return list(parse_ndjson(io.BytesIO(text.encode()), "file"))


def test_simplified_record():
    (record,) = parse(SIMPLIFIED)
    assert record.sketch.polylines() == [[(0, 52), (5, 71), (5, 253)], [(12, 150)]]
    assert (record.word, record.countrycode, record.recognized) == ("cup", "US", True)
    assert (record.timestamp, record.key_id) == ("2017-03-19 00:36:57.54518 UTC", "4620220847095808")
    assert (record.kind, record.split, record.empty_strokes) == ("simplified", None, 0)


def test_raw_record():
    (record,) = parse(RAW)
    assert record.sketch.polylines() == [[(0.5, 52), (5, 71)]]
    assert (record.kind, record.recognized, record.countrycode, record.timestamp) == ("raw", False, None, None)


def test_only_the_drawing_is_needed():
    assert parse('{"drawing":[]}') == [Record(Sketch(()), kind="simplified")]


def test_empty_strokes_are_counted():
    (record,) = parse('{"drawing":[[[],[]],[[1],[2]],[[],[]]]}')
    assert record.empty_strokes == 2
    assert record.sketch.polylines() == [[(1, 2)]]


def test_blank_lines_byte_order_mark_and_windows_line_ends():
    records = parse("\ufeff" + f"\r\n{SIMPLIFIED}\r\n \r\n\r\n{RAW}\r\n\n")
    assert [record.kind for record in records] == ["simplified", "raw"]


@given(st.lists(whole_sketches | sketches(finite_floats), min_size=1, max_size=3))
def test_round_trip(drawings):
    records = [Record(sketch, word='ein "Wort"', key_id="7", recognized=True, kind="simplified") for sketch in drawings]
    assert parse(dumps_ndjson(records)) == records


def test_whole_numbers_are_written_as_integers():
    assert dumps_ndjson(parse(SIMPLIFIED)) == SIMPLIFIED + "\n"
    assert ndjson_record(Sketch.from_polylines([[(0.1, 3.0)]])) == {"drawing": [[[0.1], [3]]]}
    assert dumps_ndjson([]) == ""


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"drawing":[[[1,2],[3', "expected JSON"),
        ("garbage", "expected JSON"),
        ("[" * 100_000, "expected JSON"),
        ("[1, 2]", r"expected a JSON object, found \[1, 2\]"),
        ("3", "expected a JSON object, found 3"),
        ('{"word":"cup"}', 'expected a record with "drawing", found an object with "word"'),
        ('{"drawing":"abc"}', 'list of strokes, found "abc"'),
        ('{"drawing":"3"}', "list of strokes, found 3"),
        ('{"drawing":{"0":[]}}', "list of strokes, found an object"),
        ('{"drawing":[[[1]]]}', "stroke 0: expected"),
        ('{"drawing":[[[1],[2]],[]]}', "stroke 1: expected"),
        ('{"drawing":[[[1],[2]],[[1],[2],[3]]]}', "stroke 1: expected 2 lists"),
        ('{"drawing":[["12","34"]]}', 'stroke 0: expected xs to be a list of numbers, found "12"'),
        ('{"drawing":[[[1,2],[1]]]}', r"stroke 0: expected as many ys as xs \(2\), found 1"),
        ('{"drawing":[[[1,2],[1,2],[0]]]}', r"stroke 0: expected as many times as xs \(2\), found 1"),
        ('{"drawing":[[[1,"2"],[1,2]]]}', 'stroke 0: expected xs to be numbers, found "2"'),
        ('{"drawing":[[[1,2],[1,true]]]}', "stroke 0: expected ys to be numbers, found true"),
        ('{"drawing":[[[1,2],[1,null]]]}', "stroke 0: expected ys to be numbers, found null"),
        ('{"drawing":[[[1,[2]],[1,2]]]}', r"stroke 0: expected xs to be numbers, found \[2\]"),
        ('{"drawing":[[[1,NaN],[1,2]]]}', "NaN is not a JSON number"),
        ('{"drawing":[[[1,-Infinity],[1,2]]]}', "-Infinity is not a JSON number"),
        ('{"drawing":[[[1,1e999],[1,2]]]}', "stroke 0, point 1: expected finite"),
        ('{"drawing":[[[1%s],[1]]]}' % ("0" * 400), "stroke 0: expected"),
        ('{"drawing":[[[1%s],[1]]]}' % ("0" * 5000), "expected JSON"),
        ('{"drawing":[],"word":[7]}', r'"word" to be text, found \[7\]'),
        ('{"drawing":[],"recognized":"yes"}', '"recognized" to be true or false, found "yes"'),
    ],
)
def test_errors_name_file_and_line(line, message):
    with pytest.raises(FormatError, match=f"^file, line 3: .*{message}") as error:
        parse(f"{SIMPLIFIED}\n\n{line}")
    assert "\n" not in str(error.value)


def test_binary_rubbish():
    with pytest.raises(FormatError, match=r"^file, line 2: expected UTF-8"):
        list(parse_ndjson([SIMPLIFIED.encode(), b"\xff\xfe\x00"], "file"))


@pytest.mark.parametrize("text", ["", "\n \n"])
def test_nothing_at_all(text):
    with pytest.raises(FormatError, match=r"^file: is empty"):
        parse(text)


def test_lines_are_read_as_they_are_needed():
    endless = (SIMPLIFIED.encode() for _ in count())
    assert len(list(islice(parse_ndjson(endless, "file"), 5))) == 5


def test_good_records_come_before_the_error(tmp_path):
    path = tmp_path / "cup"
    path.write_text(f"{SIMPLIFIED}\n{RAW}\n{RAW[:20]}")
    records = read_records(path)
    assert [next(records).kind, next(records).kind] == ["simplified", "raw"]
    with pytest.raises(FormatError, match=r"cup, line 3: "):
        next(records)


def test_standard_input(monkeypatch):
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(f"\n{RAW}\n3".encode())))
    records = read_records("-")
    assert next(records).kind == "raw"
    with pytest.raises(FormatError, match=r"^standard input, line 3: "):
        next(records)


@pytest.mark.parametrize(("folder", "kind", "files"), [("simplified", "simplified", 30), ("raw", "raw", 5)])
def test_real_files(shared, folder, kind, files):
    paths = sorted((shared / "data" / "quickdraw" / folder).glob("*.ndjson"))
    for path in paths[:: len(paths) // files][:files]:
        lines = path.read_text().splitlines()
        records = list(read_records(path))
        assert len(records) == len(lines) > 0
        for record, line in zip(records, lines, strict=True):
            drawing = json.loads(line)["drawing"]
            assert record.kind == kind
            assert record.word == path.stem
            assert record.key_id
            assert record.sketch.polylines() == [list(zip(stroke[0], stroke[1], strict=True)) for stroke in drawing]

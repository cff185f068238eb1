"""Files as people have them: compressed, in other encodings, from other programs, under other names."""

import bz2
import gzip
import io
import json
import lzma
import random
import re
import sys
import tracemalloc
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from strategies import sketches
from test_dataset import keys, ndjson_file, scribble
from test_formats_npz import npz, object_array
from test_prepare import binary_of, contents

from sketchrnn.cli import main
from sketchrnn.dataset.prepare import prepare
from sketchrnn.errors import FormatError
from sketchrnn.formats import FORMATS, Record, category_of_name, read_records
from sketchrnn.formats.json_drawings import parse_json
from sketchrnn.formats.quickdraw import HEADER
from sketchrnn.sketch import Sketch

DRAWING = [[[10, 60, 120, 180], [200, 30, 80, 25]], [[60, 65], [120, 125]]]
POLYLINES = [[(10, 200), (60, 30), (120, 80), (180, 25)], [(60, 120), (65, 125)]]
RECORD = {"word": "é cat", "key_id": "58", "recognized": True, "drawing": DRAWING}
INKML = (
    '<ink xmlns="http://www.w3.org/2003/InkML"><trace>10 200, 60 30, 120 80, 180 25</trace>'
    "<trace>60 120, 65 125</trace></ink>"
)
EXCALIDRAW = {
    "type": "excalidraw",
    "elements": [
        {"type": "freedraw", "x": 10, "y": 200, "points": [[0, 0], [50, -170], [110, -120], [170, -175]]},
        {"type": "rectangle", "x": 0, "y": 0, "width": 9, "height": 9},
        {"type": "freedraw", "x": 0, "y": 0, "points": [[60, 120], [65, 125]], "angle": 0},
        {"type": "freedraw", "x": 0, "y": 0, "points": [[1, 1], [2, 2]], "isDeleted": True},
    ],
}
TEXTS = {
    "a.ndjson": json.dumps(RECORD, ensure_ascii=False) + "\n" + json.dumps(RECORD) + "\n",
    "a.json": json.dumps(POLYLINES),
    "pretty.json": json.dumps(RECORD, indent=2, ensure_ascii=False),
    "list.json": json.dumps([RECORD, RECORD], ensure_ascii=False),
    "a.csv": f'word,drawing,key_id,recognized\né cat,"{json.dumps(DRAWING)}",58,True\n',
    "a.inkml": INKML,
    "a.excalidraw": json.dumps(EXCALIDRAW, indent=1),
    "a.geojson": json.dumps({"type": "MultiLineString", "coordinates": [[(x, -y) for x, y in p] for p in POLYLINES]}),
    "a.svg": '<svg xmlns="http://www.w3.org/2000/svg" fill="none" stroke="red">'
    + "".join(f'<polyline points="{" ".join(f"{x},{y}" for x, y in one)}"/>' for one in POLYLINES)
    + "</svg>",
}
ENCODINGS = {
    "UTF-8 with BOM": lambda text: b"\xef\xbb\xbf" + text.encode(),
    "UTF-16 LE with BOM": lambda text: b"\xff\xfe" + text.encode("utf-16-le"),
    "UTF-16 BE with BOM": lambda text: b"\xfe\xff" + text.encode("utf-16-be"),
    "UTF-16 LE": lambda text: text.encode("utf-16-le"),
    "UTF-16 BE": lambda text: text.encode("utf-16-be"),
    "Windows lines": lambda text: text.replace("\n", "\r\n").encode(),
    "Windows lines, UTF-16": lambda text: text.replace("\n", "\r\n").encode("utf-16"),
    "old Mac lines": lambda text: text.replace("\n", "\r").encode(),
    "blank lines": lambda text: b"\n\n" + text.encode() + b"\n\n",
}
PACKERS: dict[str, Any] = {".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress}


def records_in(folder, name, content: bytes) -> list[Record]:
    path = folder / name
    path.write_bytes(content)
    return list(read_records(path))


def polylines_in(folder, name, value) -> list:
    content = value if isinstance(value, bytes) else (value if isinstance(value, str) else json.dumps(value)).encode()
    return [record.sketch.polylines() for record in records_in(folder, name, content)]


def refusal(folder, name, value) -> str:
    with pytest.raises(FormatError) as error:
        polylines_in(folder, name, value)
    assert "\n" not in str(error.value)
    assert str(folder / name) in str(error.value)
    return str(error.value)


# --- encodings and compression


@pytest.mark.parametrize("name", TEXTS)
def test_every_text_holds_the_drawing(tmp_path, name):
    for record in records_in(tmp_path, name, TEXTS[name].encode()):
        assert record.sketch.polylines() == POLYLINES
        assert record.word in (None, "é cat")


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("name", TEXTS)
def test_encodings_change_nothing(tmp_path, name, encoding):
    plain = records_in(tmp_path, name, TEXTS[name].encode())
    other = records_in(tmp_path, name, ENCODINGS[encoding](TEXTS[name]))
    assert [(one.sketch, one.word, one.key_id, one.kind) for one in other] == [
        (one.sketch, one.word, one.key_id, one.kind) for one in plain
    ]


@pytest.mark.parametrize("suffix", PACKERS)
def test_every_format_can_be_compressed(tmp_path, suffix):
    binary = {
        "cat.bin": binary_of([scribble(1), scribble(2)]),
        "cat.npz": npz(train=[scribble(1).to_stroke3()]),
        "cat.npy": array_file(scribble(1).to_stroke3()),
    }
    texts = {name: text.encode() for name, text in TEXTS.items()}
    for name, content in (texts | binary | {"16.ndjson": TEXTS["a.ndjson"].encode("utf-16")}).items():
        plain = [(one.sketch, one.word) for one in records_in(tmp_path, name, content)]
        packed = records_in(tmp_path, name + suffix, PACKERS[suffix](content))
        assert [(one.sketch, one.word) for one in packed] == plain


def test_a_store_is_the_same_from_any_encoding(tmp_path):
    path = ndjson_file(tmp_path / "pig.ndjson", [scribble(seed) for seed in range(50)], keys=keys(50))
    text = path.read_text()
    path.unlink()
    variants = {
        "pig.ndjson": text.encode(),
        "pig.ndjson.gz": gzip.compress(text.encode()),
        "u.ndjson": text.encode("utf-16"),
        "mac.ndjson": text.replace("\n", "\r").encode(),
        "list.json": json.dumps([json.loads(line) for line in text.splitlines()]).encode(),
    }
    stores = []
    for name, content in variants.items():
        (tmp_path / name).write_bytes(content)
        report = prepare([tmp_path / name], tmp_path / f"{name} store")
        assert (report.read, report.dropped) == (50, {})
        (store,) = contents(tmp_path / f"{name} store").values()
        stores.append(store[store.index(b"}") :][-2000:])  # the rows, without the header that names the source
    assert len(set(stores)) == 1


def test_a_bad_line_of_a_compressed_file_is_named_by_its_number(tmp_path, monkeypatch):
    monkeypatch.setattr("sketchrnn.dataset.read._BLOCK", 300)
    lines = TEXTS["a.ndjson"].splitlines() * 20
    lines[27] = lines[27][:30]
    path = tmp_path / "a.ndjson.gz"
    path.write_bytes(gzip.compress("\n".join(lines).encode()))
    with pytest.raises(FormatError, match=r"a\.ndjson\.gz, line 28: expected JSON"):
        prepare([path], tmp_path / "store")


@pytest.mark.parametrize("suffix", PACKERS)
def test_damaged_compressed_files_are_refused_in_one_line(tmp_path, suffix):
    content = PACKERS[suffix]((TEXTS["a.ndjson"] * 50).encode())
    for end in (3, 11, len(content) // 2, len(content) - 3):
        assert "damage" in refusal(tmp_path, "a" + suffix, content[:end]) or end == 3
    generator = random.Random(0)
    for _ in range(30):
        damaged = bytearray(content)
        damaged[generator.randrange(6, len(content))] ^= 1 << generator.randrange(8)
        try:
            records_in(tmp_path, "a" + suffix, bytes(damaged))
        except FormatError as error:
            assert "\n" not in str(error)


def test_a_bomb_is_refused_before_it_fills_the_memory(tmp_path, monkeypatch):
    monkeypatch.setattr("sketchrnn.formats.streams.MOST_UNCOMPRESSED", 1 << 21)
    for start in (b"", b"[[[1,2]", b'{"drawing":[', b"<svg>"):
        path = tmp_path / "a.gz"
        path.write_bytes(gzip.compress(start + b" " * (1 << 27)))
        tracemalloc.start()
        with pytest.raises(FormatError, match="expected at most 2,097,152 bytes when uncompressed"):
            list(read_records(path))
        assert tracemalloc.get_traced_memory()[1] < 1 << 25
        tracemalloc.stop()


def test_compressed_standard_input(monkeypatch):
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(gzip.compress(TEXTS["a.ndjson"].encode()))))
    assert [record.sketch.polylines() for record in read_records("-")] == [POLYLINES] * 2


# --- Quick, Draw! as people have it


def test_fields_of_other_types(tmp_path):
    for fields, expected in (
        ({"key_id": 5891796615823360, "word": "", "recognized": "True"}, ("5891796615823360", None, True)),
        ({"key_id": 5891796615823360.0, "word": None, "recognized": 0}, ("5891796615823360", None, False)),
        ({"key_id": "", "word": 7, "recognized": None}, (None, "7", None)),
        ({"recognized": ""}, (None, None, None)),
    ):
        (record,) = records_in(tmp_path, "a.ndjson", json.dumps(fields | {"drawing": DRAWING}).encode())
        assert (record.key_id, record.word, record.recognized) == expected


def test_errors_in_a_list_name_the_record(tmp_path):
    assert "record 1: stroke 0: expected" in refusal(tmp_path, "a.json", [RECORD, {"drawing": [[1, 2]]}])


def test_json_documents_on_lines_of_their_own(tmp_path):
    lines = [{"strokes": POLYLINES}, POLYLINES, {"word": "cat", "drawing": DRAWING}]
    assert polylines_in(tmp_path, "a.json", "\n".join(map(json.dumps, lines))) == [POLYLINES] * 3


def test_points_named_as_a_drawing_are_refused(tmp_path):
    assert '"strokes"' in refusal(tmp_path, "a.ndjson", {"drawing": POLYLINES})


def read_or_refused(value):
    try:
        records = list(parse_json(json.dumps(value).encode(), "file"))
        return records[0].sketch.polylines() if records else []
    except FormatError as error:
        return str(error)


positive = st.lists(st.lists(st.tuples(*[st.integers(0, 255)] * 2), min_size=1, max_size=5), min_size=1, max_size=4)


@given(positive, st.booleans())
def test_a_bare_list_is_never_mistaken(polylines, with_times):
    """Written as points or as Quick, Draw! lists, it is read as what it was, or refused."""
    times = [list(range(len(one))) for one in polylines] if with_times else None
    points = [[[*p, *([t] if times else [])] for t, p in enumerate(one)] for one in polylines]
    lists = [[list(axis) for axis in zip(*one, strict=True)] for one in points]
    for value in (points, lists):
        found = read_or_refused(value)
        assert found == polylines or ("[[x, y], ...]" in found and "[[xs], [ys]]" in found)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (DRAWING, POLYLINES),
        ([[[10, 60, 120], [200, 30, 80]]], [[(10, 200), (60, 30), (120, 80)]]),  # as a time, 120 to 80 goes back
        ([[[1, 2, 3], [4, 5, 6], [7, 8, 9], [1, 2, 10]]], [[(1, 2), (4, 5), (7, 8), (1, 2)]]),
        ([[[5, 5]]], [[(5, 5)]]),
        ([], []),
        ([[[251, 255], [0, 153]], [[2, 9], [2, 32]]], None),
        ([[[0, 1, 2], [3, 4, 5], [6, 7, 8]]], None),
        ([[[10, 20, 0.5], [30, 40, 0.4]]], None),  # points with a pressure, or one stroke of three points
        ([[[10, 20, 0.5, 123], [30, 40, 0.6, 140]]], None),
    ],
)
def test_bare_lists(tmp_path, value, expected):
    if expected is None:
        message = refusal(tmp_path, "a.json", value)
        assert '"strokes"' in message
        assert '"drawing"' in message
    else:
        assert polylines_in(tmp_path, "a.json", value) == [expected]


@given(st.text("ABCXYZabcxyz0123456789", min_size=2, max_size=2))
def test_any_country_code_of_a_binary_file(code):
    content = HEADER.pack(1 << 40, code.encode(), 1, 0, 1) + b"\x02\x00" + bytes([1, 2, 3, 4])
    form = next(form for form in FORMATS if form.matches(content))
    (record,) = form.read(io.BytesIO(content), "file", "cat")
    assert (record.countrycode, record.word, record.sketch.polylines()) == (code, "cat", [[(1, 3), (2, 4)]])


@pytest.mark.parametrize(
    ("name", "category"),
    [
        ("full_binary_cat.bin", "cat"),
        ("sketchrnn_cat.npz", "cat"),
        ("sketchrnn_alarm clock.full.npz", "alarm clock"),
        ("sketchrnn%2Falarm%20clock.full.npz", "alarm clock"),
        ("full_simplified_alarm%20clock.ndjson", "alarm clock"),
        ("full%2Fsimplified%2Falarm%20clock.ndjson", "alarm clock"),
        ("full_raw_The Eiffel Tower.ndjson", "The Eiffel Tower"),
        ("cat.full.npz", "cat"),
        ("cat.raw.ndjson.gz", "cat"),
        ("cat.first100.bin.XZ", "cat"),
        ("cat (1).ndjson", "cat"),
        ("alarm clock.ndjson (1).gz", "alarm clock.ndjson"),
        ("t-shirt.csv", "t-shirt"),
        ("full_moon.svg", "full_moon"),
        ("raw_fish.json", "raw_fish"),
        ("quickdraw_dataset_full_simplified_cat.ndjson", "cat"),
        ("raw", "raw"),
        (".json", ".json"),
    ],
)
def test_categories_by_file_names(name, category):
    assert category_of_name(f"some/folder/{name}") == category


def test_prepare_takes_the_category_from_the_name(tmp_path):
    record = json.dumps({"drawing": DRAWING}).encode()
    files = {
        "full_simplified_alarm%20clock.ndjson": record,
        "full_binary_cat.bin": binary_of([scribble(1)]),
        "sketchrnn_dog.full.npz": npz(train=[scribble(1).to_stroke3()]),
        "full_raw_eye.ndjson.gz": gzip.compress(record),
    }
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    prepare([tmp_path], tmp_path / "store")
    expected = ["alarm clock", "cat", "dog", "eye"]
    assert sorted(contents(tmp_path / "store")) == [f"{name}.safetensors" for name in expected]


def test_tables_without_drawings_are_left_out_of_folders(tmp_path):
    for name, content in {
        "cat.csv": TEXTS["a.csv"],
        "log.csv": "step,loss\n1,2\n",
        "settings.xml": "<settings/>",
        "ink.xml": '<WhiteboardCaptureSession><Stroke><Point x="1" y="2"/><Point x="9" y="3"/></Stroke>'
        "</WhiteboardCaptureSession>",
    }.items():
        (tmp_path / name).write_text(content)
    report = prepare([tmp_path], tmp_path / "store")
    assert report.read == 2
    assert any("2 files of other kinds" in note for note in report.notes)


# --- tables


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_tables_of_other_programs(tmp_path, delimiter):
    cells = ["58", '"' + json.dumps([[*stroke, [0] * len(stroke[0])] for stroke in DRAWING]) + '"', "US", "False"]
    text = delimiter.join(["key_id", '"drawing"', "countrycode", "recognized"]) + "\n" + delimiter.join(cells) + "\n"
    (record,) = records_in(tmp_path, "a.csv", text.encode())
    assert (record.kind, record.key_id, record.countrycode, record.recognized) == ("raw", "58", "US", False)
    assert record.sketch.polylines() == POLYLINES


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("1", "line 3: expected 2 columns, found fewer"),
        ('1,"[]",7', "line 3: expected 2 columns, found more"),
        ("1,", "line 3: .*list of strokes"),
        ('1,"[[[1, NaN],[2,3]]]"', "line 3: .*NaN"),
        ('1,"[[[1,2],[3,4]]', "line [23]: expected a CSV table"),
    ],
)
def test_errors_of_tables_name_the_line(tmp_path, row, message):
    with pytest.raises(FormatError, match=message):
        records_in(tmp_path, "a.csv", f'key_id,drawing\n1,"{DRAWING}"\n{row}\n'.encode())


# --- arrays


def array_file(array) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def test_arrays_of_rows(tmp_path):
    rows = [Sketch.from_polylines(POLYLINES).transformed(shift=(-10, -200)).to_stroke3(), scribble(3).to_stroke3()]
    expected = [Sketch.from_stroke3(one) for one in rows]
    five = [np.column_stack([one[:, :2], 1 - one[:, 2], one[:, 2], 0 * one[:, 2]]) for one in rows]
    end = np.array([(0, 0, 0, 0, 1)] * 3)
    padded = np.zeros((2, 20, 3))
    padded_five = np.tile(end[0], (2, 20, 1)).astype(float)
    for index in range(2):
        padded[index, : len(rows[index])] = rows[index]
        padded_five[index, : len(rows[index])] = five[index]
    for array, sketches_of in (
        (rows[0], expected[:1]),
        (rows[0].astype(np.int16), expected[:1]),
        (np.asfortranarray(rows[1]), expected[1:]),
        (np.concatenate([five[0], end]), expected[:1]),
        (np.concatenate([[(0, 0, 1, 0, 0)], five[0], end]), expected[:1]),
        (padded, expected),
        (padded_five, expected),
        (object_array(rows), expected),
        (object_array(five), expected),
    ):
        found = records_in(tmp_path, "cat.npy", array_file(array))
        assert [one.sketch for one in found] == list(sketches_of)
        assert {one.word for one in found} == {"cat"}


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((5, 784), np.uint8), "bitmaps"),
        (np.zeros((5, 2)), "(L, 3)"),
        (np.zeros(5), "(L, 3)"),
        (np.array([(1.0, 2.0, 120.0), (3.0, 4.0, 140.0)]), "row 0: expected (dx, dy, lift)"),
        (np.array([(1.0, 2, 1, 1, 0)]), "pen state"),
        (np.array([(np.nan, 2, 1)]), "finite"),
        (np.zeros((3, 3), complex), "(L, 3)"),
    ],
)
def test_arrays_of_something_else(tmp_path, array, message):
    assert message in refusal(tmp_path, "a.npy", array_file(array))


# --- ink


def test_ink_of_differences_is_that_of_the_specification(tmp_path):
    """The example of InkML, section 3.2.1.1: values, first and second differences without a space between."""
    trace = "1125 18432,'23'43,\"7\"-8,3-5,7 -3,6 2,6 8,3 6,2 4,*5,3-6,3-7,5-13"
    (points,) = polylines_in(tmp_path, "a.inkml", f"<ink><trace>{trace}</trace></ink>")[0]
    speed, place = np.array([23, 43]), np.array([1148, 18475])
    expected = [(1125.0, 18432.0), (1148.0, 18475.0)]
    for step in [(7, -8), (3, -5), (7, -3), (6, 2), (6, 8), (3, 6), (2, 4)]:
        speed = speed + step
        place = place + speed
        expected.append((float(place[0]), float(place[1])))
    assert points[: len(expected)] == expected


def test_ink_with_further_channels_and_raised_pens(tmp_path):
    ink = (
        '<i:ink xmlns:i="http://www.w3.org/2003/InkML"><i:definitions><i:traceFormat><i:channel name="T"/>'
        '<i:channel name="Y"/><i:channel name="X"/></i:traceFormat></i:definitions><i:trace>0 2 1, 1 4 3</i:trace>'
        '<i:trace type="penUp">0 0 0, 1 9 9</i:trace><i:trace>5 6.5 -.5</i:trace>'
        '<i:trace continuation="end">6 7 8</i:trace></i:ink>'
    )
    assert polylines_in(tmp_path, "a.inkml", ink) == [[[(1, 2), (3, 4)], [(-0.5, 6.5), (8, 7)]]]


@pytest.mark.parametrize(
    ("ink", "message"),
    [
        ("<ink/>", "expected <trace> elements, found none"),
        ("<ink><trace>1 2, 3</trace></ink>", "trace 0, point 1: expected numbers X Y, found '3'"),
        ("<ink><trace>1 2, a b</trace></ink>", "trace 0, point 1"),
        ("<ink><trace>1 2", "expected XML"),
        ('<ink><traceFormat><channel name="X"/></traceFormat><trace>1</trace></ink>', "channels X and Y, found X"),
        ("<WhiteboardCaptureSession><Stroke><Point x='1'/></Stroke></WhiteboardCaptureSession>", "numbers x and y"),
        ("<other/>", "<other>"),
    ],
)
def test_ink_that_cannot_be_read(tmp_path, ink, message):
    assert message in refusal(tmp_path, "a.inkml", ink)


# --- documents of other programs


def test_excalidraw_counts_what_is_no_line(tmp_path):
    (record,) = records_in(tmp_path, "a.excalidraw", json.dumps(EXCALIDRAW).encode())
    assert record.ignored == {"rectangle": 1}
    library = {"type": "excalidrawlib", "libraryItems": [{"elements": EXCALIDRAW["elements"]}] * 2}
    assert polylines_in(tmp_path, "a.excalidrawlib", library) == [POLYLINES] * 2
    for far in (float("1e308"), 10**400):
        element = {"type": "freedraw", "x": far, "y": 0, "points": [[0, 0], [1, 1]]}
        assert 'expected "x" to be a number' in refusal(
            tmp_path, "a.json", {"type": "excalidraw", "elements": [element]}
        )
    empty = {"type": "excalidraw", "elements": [{"type": "text"}]}
    assert "expected freedraw elements, found 1 text" in refusal(tmp_path, "a.excalidraw", empty)


def test_excalidraw_turns_elements_about_their_center(tmp_path):
    element = {"type": "line", "x": 10, "y": 10, "points": [[0, 0], [20, 0], [20, 10]], "angle": np.pi / 2}
    (stroke,) = polylines_in(tmp_path, "a.json", {"type": "excalidraw", "elements": [element]})[0]
    np.testing.assert_allclose(stroke, [(25, 5), (25, 25), (15, 25)], atol=1e-9)


def tldraw_shape(name, points, parent="page:1", index="a1", **fields):
    segments = [{"type": "free", "points": [{"x": x, "y": y, "z": 0.5} for x, y in points]}]
    return {"typeName": "shape", "type": "draw", "id": name, "parentId": parent, "index": index} | {
        "props": {"segments": segments, **fields.pop("props", {})},
        **fields,
    }


def test_tldraw_shapes_lie_in_groups_and_on_pages(tmp_path):
    group = {"typeName": "shape", "type": "group", "id": "shape:g", "parentId": "page:1", "index": "a2", "x": 100}
    group |= {"y": 50, "rotation": np.pi / 2}
    records = [
        tldraw_shape("shape:c", [(0, 0), (1, 1)], "page:2"),
        tldraw_shape("shape:b", [(0, 0), (10, 0)], "shape:g", x=5, y=0),
        group,
        tldraw_shape("shape:a", [(0, 0), (3, 4)], x=1, y=2, props={"scale": 2}),
        {"typeName": "shape", "type": "geo", "id": "shape:d", "parentId": "page:1", "index": "a3"},
        {"typeName": "page", "id": "page:1"},
    ]
    for document in (
        {"tldrawFileFormatVersion": 1, "records": records},
        {"document": {"store": {str(index): one for index, one in enumerate(records)}}},
        {"data": {"shapes": [one for one in records if one["typeName"] == "shape"]}},
    ):
        found = records_in(tmp_path, "a.tldr", json.dumps(document).encode())
        pages = sorted((one.sketch.polylines() for one in found), key=len)
        assert pages[0] == [[(0, 0), (1, 1)]]
        np.testing.assert_allclose(pages[1], [[(1, 2), (7, 10)], [(100, 55), (100, 65)]], atol=1e-9)
        assert {"geo": 1} in [dict(one.ignored) for one in found]
    packed = tldraw_shape("shape:a", [])
    packed["props"]["segments"] = [{"type": "free", "path": "AAAA"}]
    assert "Export the drawing as SVG" in refusal(tmp_path, "a.tldr", {"records": [packed]})


def test_geojson_is_read_north_up(tmp_path):
    lines = [[(10, 20), (30, 40), (50, 20)], [(0, 0), (5, 5)]]
    expected = [[[(x, -y) for x, y in line] for line in lines]]
    features = [
        {"type": "Feature", "properties": {}, "geometry": {"type": "LineString", "coordinates": line}} for line in lines
    ]
    point = {"type": "Feature", "geometry": {"type": "Point", "coordinates": [1, 2]}}
    for document in (
        {"type": "MultiLineString", "coordinates": lines},
        {"type": "Polygon", "coordinates": lines},
        {"type": "MultiPolygon", "coordinates": [[line] for line in lines]},
        {"type": "FeatureCollection", "features": [*features, point, {"type": "Feature", "geometry": None}]},
        {"type": "GeometryCollection", "geometries": [one["geometry"] for one in features]},
    ):
        assert polylines_in(tmp_path, "a.geojson", document) == expected
    assert "1 Point" in refusal(tmp_path, "a.geojson", point)
    assert "line 0, point 1" in refusal(tmp_path, "a.json", {"type": "LineString", "coordinates": [[1, 2], [3]]})


@pytest.mark.parametrize(
    "value",
    [
        [{"x": [x for x, _ in line], "y": [y for _, y in line]} for line in POLYLINES],  # jSignature
        [{"color": "black", "points": [{"x": x, "y": y, "time": 5} for x, y in line]} for line in POLYLINES],
        {"lines": [{"points": [{"x": x, "y": y} for x, y in line], "brushRadius": 3} for line in POLYLINES]},
        [{"drawMode": True, "paths": [{"x": x, "y": y} for x, y in line]} for line in POLYLINES],
        [[{"x": x, "y": y} for x, y in line] for line in POLYLINES],
        {"strokes": [{"points": line} for line in POLYLINES]},
    ],
)
def test_points_as_drawing_libraries_write_them(tmp_path, value):
    assert polylines_in(tmp_path, "a.json", value) == [POLYLINES]


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.json", '[["M",10,10],["L",20,20]]', "Fabric.js.*SVG"),
        ("a.json", '{"version":"5","objects":[{"type":"path"}]}', "Fabric.js.*SVG"),
        ("a.json", '[{"dx":-4,"dy":0,"pen":"down"}]', "ml5.*points"),
        ("a.json", '{"className":"Stage","attrs":{}}', "Konva"),
        ("a.json", '{"shapes":[],"colors":{}}', "Literally Canvas"),
        ("a.json", "[[0,0,0],[5,5,1]]", r"stroke-3.*\.npy"),
        ("a.json", "[[0,0,1,0,0],[5,5,0,1,0]]", r"stroke-5.*\.npy"),
        ("a.json", "[[10,20],[30,40]]", "one stroke.*list of strokes"),
        ("a.json", '[{"x":10,"y":20}]', "one stroke.*list of strokes"),
        ("a.unp", ".VERSION 1.0\n.PEN_DOWN\n1 2\n", "UNIPEN.*InkML"),
        ("a.ndjson", "<!DOCTYPE html>\n<html></html>", "web page.*download"),
        ("a.ndjson", '<?xml version="1.0"?><Error><Code>NoSuchKey</Code></Error>', "download"),
        ("a.ndjson", "version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
        ("a.png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "pixels.*SVG"),
        ("a.pdf", b"%PDF-1.4\n", "PDF.*SVG"),
        ("a.zst", b"\x28\xb5\x2f\xfd1234", "Zstandard.*zstd"),
        ("a.zip", b"PK\x05\x06" + bytes(18), "Unpack"),
        ("a.dxf", "0\nSECTION\n2\nENTITIES\n", "DXF.*SVG"),
        ("a.hpgl", "IN;SP1;PU0,0;", "HPGL.*SVG"),
        ("a.pkl", b"\x80\x04\x95", "pickle.*npz"),
    ],
)
def test_other_formats_are_named_with_a_way_to_convert_them(tmp_path, name, content, words):
    assert re.search(words, refusal(tmp_path, name, content))


def test_unknown_files_are_answered_with_all_formats(tmp_path):
    message = refusal(tmp_path, "a.txt", "hello\n")
    assert all(form.name in message and form.suffixes[0] in message for form in FORMATS)


def test_info_lists_the_formats():
    lines = CliRunner().invoke(main, ["info", "--formats"]).output.splitlines()
    assert len(lines) == len(FORMATS)
    for line, form in zip(lines, FORMATS, strict=True):
        assert form.name in line
        assert all(suffix in line for suffix in form.suffixes)
        assert ("written" in line) == (form.write is not None)


@pytest.mark.parametrize("form", [form for form in FORMATS if form.write], ids=lambda form: form.name)
@given(sketch=sketches(st.integers(0, 255)))
def test_what_is_written_is_read_again(form, sketch):
    if not sketch.strokes:
        return
    text = form.write([Record(sketch)]).encode()
    assert next(one for one in FORMATS if one.matches(text)) is form
    (record,) = form.read(io.BytesIO(text), "file", None)
    if form.suffixes[0] != ".svg":
        assert record.sketch == sketch


def damaged_values(value, generator):
    """Return a JSON value in which one value, chosen at random, is another."""
    if generator.random() < 0.15 or not isinstance(value, dict | list) or not value:
        return generator.choice([None, [], {}, [[]], "", "text", True, -1, 1e308, 10**400, [None], {"type": []}])
    if isinstance(value, dict):
        key = generator.choice(list(value))
        return value | {key: damaged_values(value[key], generator)}
    index = generator.randrange(len(value))
    return [*value[:index], damaged_values(value[index], generator), *value[index + 1 :]]


def test_values_of_other_types_are_read_or_refused_in_one_line(tmp_path):
    generator = random.Random(2)
    shapes = [tldraw_shape("shape:a", [(0, 0), (3, 4)]), tldraw_shape("shape:b", [(0, 0), (1, 4)], "shape:a")]
    feature = {"type": "Feature", "geometry": {"type": "LineString", "coordinates": [[1, 2], [3, 4]]}}
    documents = [
        RECORD,
        [RECORD, RECORD],
        POLYLINES,
        DRAWING,
        {"strokes": POLYLINES, "word": "cat", "pen_down": True},
        [{"x": [1, 2], "y": [3, 4]}, {"points": [{"x": 1, "y": 2}]}],
        EXCALIDRAW,
        {"type": "excalidrawlib", "libraryItems": [EXCALIDRAW]},
        {"records": shapes},
        {"document": {"store": {"a": shapes[0]}}},
        {"type": "FeatureCollection", "features": [feature]},
        {"type": "GeometryCollection", "geometries": [{"type": "MultiPolygon", "coordinates": [[[[1, 2], [3, 4]]]]}]},
    ]
    for number in range(3000):
        value = damaged_values(documents[number % len(documents)], generator)
        found = read_or_refused(value)
        assert not isinstance(found, str) or "\n" not in found


@pytest.mark.parametrize("recognized", ["1", "true", '"True"'])
def test_recognized_keeps_what_is_not_known(tmp_path, recognized):
    lines = [json.dumps({"word": "cat", "drawing": [[[0, 9], [0, place]]]}) for place in range(6)]
    lines[1] = lines[1].replace('"drawing"', f'"recognized": {recognized}, "drawing"')
    lines[2] = lines[2].replace('"drawing"', '"recognized": null, "drawing"')
    lines[3] = lines[3].replace('"drawing"', '"recognized": false, "drawing"')
    lines[4] = lines[4].replace('"drawing"', '"recognized": "False", "drawing"')
    (tmp_path / "a.ndjson").write_text("\n".join(lines))
    result = CliRunner().invoke(
        main, ["prepare", str(tmp_path / "a.ndjson"), "-o", str(tmp_path / "s"), "--recognized"]
    )
    assert "6 drawings read" in result.stderr
    assert "2 not recognized by the game" in result.stderr


def test_damage_anywhere_is_read_or_refused_in_one_line(tmp_path):
    generator = random.Random(1)
    contents_of = [text.encode() for text in TEXTS.values()]
    contents_of.append(json.dumps({"records": [tldraw_shape("shape:a", [(0, 0), (3, 4)])]}).encode())
    contents_of += [array_file(scribble(1).to_stroke3()), gzip.compress(contents_of[0])]
    inserted = [b"[", b"]", b"{", b'"', b",", b"null", b"1e999", b"NaN", b"-", b"\0", b"\xff\xfe", b"\r", b"1" * 5000]
    refused = 0
    for number in range(1500):
        content = bytearray(contents_of[number % len(contents_of)])
        for _ in range(generator.choice([1, 1, 2, 5])):
            begin = generator.randrange(len(content) + 1)
            content[begin : begin + generator.choice([0, 1, 1, 3])] = generator.choice(inserted)
        try:
            records_in(tmp_path, "a", bytes(content))
        except FormatError as error:
            refused += 1
            assert "\n" not in str(error)
    assert refused > 500

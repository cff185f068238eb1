"""Sources into a store: what is kept, how it is found again, and what is left when it is killed."""

import dataclasses
import json
import os
import subprocess
import sys
import threading
import time

import filelock
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors import safe_open
from test_dataset import keys, ndjson_file, npz_file, scribble

from sketchrnn.dataset import prepare as module
from sketchrnn.dataset import read
from sketchrnn.dataset.drawings import SPLITS, Encoded
from sketchrnn.dataset.encode import ImportCounts, Selection, encode_columns, encode_record
from sketchrnn.dataset.load import stats_of
from sketchrnn.dataset.prepare import _Part, prepare
from sketchrnn.dataset.sources import PIECE, find_sources, lines_before, lines_of, pieces_of
from sketchrnn.dataset.store import ARRAYS, PREPARING, drawings_of, open_shard, open_stores, shard_path
from sketchrnn.errors import ConfigurationError, DatasetError, FormatError, SketchRNNError
from sketchrnn.formats import read_records
from sketchrnn.formats.columns import columns_of_binary, columns_of_lines
from sketchrnn.formats.quickdraw import HEADER, parse_binary, parse_ndjson
from sketchrnn.sketch import Sketch


def contents(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def drawings_in(folder, **options):
    drawings, report = drawings_of(open_stores([folder]), **options)
    return {
        (drawings.categories[drawings.category[place]], drawings.stroke3(place).tobytes())
        for place in range(len(drawings))
    }, report


# --- columns: the fast way gives what the slow one does

numbers = st.one_of(st.integers(0, 999), st.sampled_from([0, 255, 1000, -1, 0.5, 99999, None, True]))
small_numbers = st.integers(0, 255)
points = st.integers(1, 4).flatmap(
    lambda n: st.lists(st.lists(small_numbers, min_size=n, max_size=n), min_size=2, max_size=2)
)
any_lists = st.lists(st.lists(numbers, max_size=4), max_size=3)
records = st.fixed_dictionaries(
    {"word": st.sampled_from(["pig", "eye", "é", 'a"b', ""])},
    optional={
        "countrycode": st.sampled_from(["US", "DE"]),
        "timestamp": st.sampled_from(["2017-03-01 23:11:38.01647 UTC", "2017-03-01 23:11:38.4 UTC"]),
        "recognized": st.sampled_from([True, False, None]),
        "key_id": st.sampled_from(["4504", "77", "", "9" * 70]),
        "drawing": st.lists(st.one_of(points, points, points, any_lists), max_size=3),
    },
)
line = st.tuples(records, st.sampled_from([(",", ":"), (", ", ": ")])).map(
    lambda pair: json.dumps(pair[0], separators=pair[1], ensure_ascii=False).encode()
)
damaged = st.tuples(
    line, st.integers(0, 200), st.sampled_from([b"", b"[", b",", b"]]", b"0", b" ", b"\xff", b"\n"])
).map(lambda parts: parts[0][: parts[1]] + parts[2] + parts[0][parts[1] + 1 :])


def one_by_one(content):
    """What the plain reader makes of each line; None where it refuses it."""
    found = {}
    for place, one in enumerate(content.split(b"\n")):
        if one.strip():
            try:
                found[place] = next(parse_ndjson([one], "x"))
            except FormatError:
                found[place] = None
    return found


@given(st.lists(st.one_of(line, line, damaged), max_size=8))
def test_columns_are_what_the_plain_reader_reads(lines):
    content = b"\n".join(lines)
    plain = one_by_one(content)
    columns, is_read = columns_of_lines(content.split(b"\n"))
    places = np.flatnonzero(is_read).tolist()
    assert set(places) <= set(plain)
    for selection in (Selection(), Selection(recognized=True, countries=("US",), max_length=3)):
        counts = ImportCounts(), ImportCounts()
        quick = encode_columns(columns, selection, counts[0])
        slow = Encoded.joined([encode_record(plain[place], selection, counts[1]) for place in places])
        for field in dataclasses.fields(Encoded):
            np.testing.assert_array_equal(getattr(quick, field.name), getattr(slow, field.name), err_msg=field.name)
        assert counts[0].dropped == counts[1].dropped


@pytest.mark.parametrize(
    "other",
    [
        b'{"word":"a","drawing":[[[1,2],[3]]]}',
        b'{"word":"a","drawing":[[[],[]]]}',
        b'{"word":"a","drawing":[]}',
        b'{"word":"a","drawing":[[[1,2],[3,4],[0,9]]]}',
        b'{"word":"a","drawing":[[[1,2.5],[3,4]]]}',
        b'{"word":"a","drawing":[[[1,20000],[3,4]]]}',
        b'{"word":"a\\u0000","drawing":[[[1,2],[3,4]]]}',
        b'{"word":"a","drawing":[[[1,2],[3,4]]],"pen_down":true}',
        b'{"word":"a","recognized":1,"drawing":[[[1,2],[3,4]]]}',
        b"",
        b"{",
    ],
)
def test_other_lines_are_no_columns(other):
    good = b'{"word":"a","drawing":[[[1,2],[3,4]],[[5],[6]]]}'
    columns, is_read = columns_of_lines([good, good, other, good])
    assert is_read.tolist() == [True, True, False, True]
    assert columns.x.tolist() == [1, 2, 5] * 3


def test_flags_are_read():
    lines = [b'{"word":"a","recognized":' + flag + b',"drawing":[[[1,2],[3,4]]]}' for flag in (b"true", b"false")]
    assert columns_of_lines(lines)[0].recognized.tolist() == [True, False]


def test_google_lines_are_read_as_columns(shared):
    lines = (shared / "data" / "quickdraw" / "simplified" / "crab.ndjson").read_bytes().splitlines()
    assert columns_of_lines(lines)[1].all()


def test_lines_of_all_layouts_are_read_as_columns_in_their_order():
    fields = {"word": "pig", "countrycode": "US", "timestamp": "now", "recognized": True, "key_id": "12"}
    layouts = [
        {name: value for bit, (name, value) in enumerate(fields.items()) if bit == 0 or number >> (bit - 1) & 1}
        for number in range(16)
    ]
    written = []
    for place in range(100):
        record = {**layouts[place % 16], "drawing": [[[0, place], [0, 1]]]}
        if "key_id" in record:
            record["key_id"] = str(10**place)[:20]
        written.append(json.dumps(record, separators=(",", ":") if place % 3 else (", ", ": ")))
    for end in ("", "\r"):
        columns, is_read = columns_of_lines([(line + end).encode() for line in written])
        assert is_read.all()
        assert columns.x[1::2].tolist() == list(range(100))
        assert columns.keys.tolist() == [json.loads(line).get("key_id", "") for line in written]
        assert columns.recognized.all()


def binary_of(sketches, first_key=1000):
    content = b""
    for place, sketch in enumerate(sketches):
        content += HEADER.pack(first_key + place, b"US", place % 2, 1_490_000_000, len(sketch.strokes))
        for stroke in sketch.strokes:
            content += len(stroke).to_bytes(2, "little") + stroke.T.astype(np.uint8).tobytes()
    return content


def test_binary_and_ndjson_are_stored_alike(tmp_path):
    sketches = [scribble(seed) for seed in range(20)]
    (tmp_path / "pig.bin").write_bytes(binary_of(sketches))
    ndjson_file(tmp_path / "pig.ndjson", sketches, keys=[str(1000 + place) for place in range(20)])
    for name in ("pig.bin", "pig.ndjson"):
        prepare([tmp_path / name], tmp_path / f"store {name}")
    one, other = (open_shard(tmp_path / f"store {name}" / "pig.safetensors") for name in ("pig.bin", "pig.ndjson"))
    for name in ARRAYS:
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    assert one.information["digest"] == other.information["digest"]


def test_google_binary_files_are_those_of_the_simplified_ones(shared):
    folder = shared / "data" / "quickdraw"
    simplified = {record.key_id: record for record in read_records(folder / "simplified" / "monkey.ndjson")}
    both = 0
    for record in read_records(folder / "binary" / "monkey.bin"):
        if (other := simplified.get(record.key_id)) is not None:
            both += 1
            assert record.sketch == other.sketch
            assert (record.word, record.countrycode) == ("monkey", other.countrycode)
            assert (record.recognized, record.timestamp[:19]) == (other.recognized, other.timestamp[:19])
    assert both > 100


@given(st.binary(max_size=60), st.integers(0, 300), st.integers(0, 255))
def test_damaged_binary_files_are_refused_or_read(tail, place, value):
    content = bytearray(binary_of([scribble(seed, points=4) for seed in range(3)]) + tail)
    content[place % len(content)] = value
    slow = fast = None
    try:
        slow = [record.sketch.point_count for record in parse_binary(bytes(content), "x", "pig")]
    except FormatError as error:
        assert "x, drawing" in str(error)
    try:
        fast = columns_of_binary(bytes(content), "x")
    except FormatError:
        assert slow is None
    assert slow is None or sum(slow) == len(fast.x)


# --- pieces


@pytest.mark.parametrize("size", [1, 7, 100, PIECE])
def test_pieces_have_each_line_once(tmp_path, monkeypatch, size):
    path = ndjson_file(tmp_path / "a.ndjson", [scribble(seed, points=4 + seed % 7) for seed in range(9)], keys=keys(9))
    monkeypatch.setattr("sketchrnn.dataset.sources.PIECE", size)
    (source,), _ = find_sources([path])
    pieces = list(pieces_of(source))
    found = [lines_of(piece) for piece in pieces]
    assert b"".join(found) == path.read_bytes()
    before = np.cumsum([0, *(content.count(b"\n") for content in found)])
    assert [lines_before(piece) for piece, content in zip(pieces, found, strict=True) if content] == [
        count for count, content in zip(before, found, strict=False) if content
    ]


@pytest.mark.parametrize("size", [40, 1000])
def test_a_bad_line_is_named_wherever_it_stands(tmp_path, monkeypatch, size):
    path = ndjson_file(tmp_path / "a.ndjson", [scribble(seed) for seed in range(20)], keys=keys(20))
    lines = path.read_bytes().split(b"\n")
    lines[13] = lines[13][:50]
    path.write_bytes(b"\n".join(lines))
    monkeypatch.setattr("sketchrnn.dataset.sources.PIECE", size)
    with pytest.raises(FormatError, match=r"a\.ndjson, line 14: expected JSON"):
        prepare([path], tmp_path / "store")


# --- what a store is


def test_other_programs_read_a_shard(tmp_path):
    sketches = [scribble(seed) for seed in range(5)]
    prepare([ndjson_file(tmp_path / "a.ndjson", sketches, keys=keys(5))], tmp_path / "store")
    with safe_open(tmp_path / "store" / "pig.safetensors", framework="numpy") as file:
        rows = np.column_stack([file.get_tensor("offsets"), file.get_tensor("lifts")])
        assert file.get_tensor("lengths").tolist() == [11] * 5
    np.testing.assert_array_equal(rows, np.concatenate([sketch.to_stroke3() for sketch in sketches]))


def test_nothing_is_read_before_it_is_asked_for(tmp_path):
    prepare([ndjson_file(tmp_path / "a.ndjson", [scribble(seed) for seed in range(50)], keys=keys(50))], tmp_path / "s")
    (block,) = drawings_of(open_stores([tmp_path / "s"]))[0].blocks
    base = block.offsets
    while base.base is not None and not isinstance(base, np.memmap):
        base = base.base
    assert type(base).__name__ in ("memmap", "mmap")


def test_what_the_store_says_is_what_its_rows_say(tmp_path):
    sketches = [scribble(seed, points=4 + seed % 9) for seed in range(80)]
    prepare([ndjson_file(tmp_path / "a.ndjson", sketches, keys=keys(80))], tmp_path / "s")
    store = open_stores([tmp_path / "s"])
    for longest in (5, 9, None):
        drawings, report = drawings_of(store, longest)
        counted = drawings.subset(np.arange(len(drawings)))
        assert drawings.offset_scale() == pytest.approx(counted.offset_scale(), rel=1e-6)
        assert sum(report.splits.values()) == len(drawings)
        assert drawings.lengths.max() <= (longest or 99)
    each, together = stats_of(store)
    assert together.drawings == 80
    assert together.rows == drawings.lengths.sum()
    assert each[0].longest == drawings.lengths.max()
    assert together.percentile(50) == int(np.percentile(drawings.lengths, 50, method="inverted_cdf"))
    assert each[0].offset_scale == pytest.approx(drawings.offset_scale())


def test_fractions_are_kept_to_a_64th_of_a_pixel(tmp_path):
    sketch = Sketch.from_polylines([[(0.1, 0.2), (3.3, 7.77), (1.5, 2.25)], [(2.0, 9.9), (0.0, 0.1)]])
    (tmp_path / "a.json").write_text(json.dumps(sketch.polylines()))
    prepare([tmp_path / "a.json"], tmp_path / "s", Selection(epsilon=0.0))
    source = drawings_of(open_stores([tmp_path / "s"]), unit="source")[0].stroke3(0)
    np.testing.assert_allclose(source, sketch.to_stroke3(), atol=9.8 / 255 / 64 * 1.01)
    box = drawings_of(open_stores([tmp_path / "s"]), unit="box")[0].stroke3(0)
    np.testing.assert_allclose(box, sketch.to_stroke3() * np.array([255 / 9.8, 255 / 9.8, 1]), atol=1 / 64 * 1.01)


# --- selecting


def selected(tmp_path):
    path = ndjson_file(tmp_path / "a.ndjson", [scribble(seed, points=6 + seed) for seed in range(8)], keys=keys(8))
    changed = []
    for place, text in enumerate(path.read_text().splitlines()):
        changed.append(
            json.dumps({**json.loads(text), "recognized": place % 2 == 0, "countrycode": "US" if place < 4 else "DE"})
        )
    path.write_text("\n".join(changed))
    return path


@pytest.mark.parametrize(
    ("selection", "kept", "reason"),
    [
        (Selection(recognized=True), 4, "not recognized by the game"),
        (Selection(countries=("DE",)), 4, "of another country, or of none that is known"),
        (Selection(min_length=8), 5, "shorter than 8 rows"),
        (Selection(max_length=8), 4, "longer than 8 rows"),
        (Selection(limit=3), 3, "over the limit of a category"),
    ],
)
def test_selections_count_what_they_leave_out(tmp_path, selection, kept, reason):
    report = prepare([selected(tmp_path)], tmp_path / "s", selection)
    assert sum(report.splits.values()) == kept
    assert report.dropped == {reason: 8 - kept}


def test_wrong_selections_are_refused():
    for wrong in ({"countries": ("us",)}, {"min_length": 9, "max_length": 3}, {"limit": -1}, {"epsilon": -1.0}):
        with pytest.raises(ConfigurationError):
            Selection(**wrong)


# --- adding, repeating, replacing


def test_more_categories_leave_the_others_alone(tmp_path):
    pigs = ndjson_file(tmp_path / "pig.ndjson", [scribble(seed) for seed in range(9)], keys=keys(9))
    eyes = ndjson_file(
        tmp_path / "eye.ndjson", [scribble(seed) for seed in range(20, 26)], keys=keys(6, 90), word="eye"
    )
    store = tmp_path / "s"
    prepare([pigs], store)
    before = contents(store)
    prepare([eyes], store)
    assert contents(store) == before | {"eye.safetensors": (store / "eye.safetensors").read_bytes()}
    report = prepare([eyes, pigs], store)
    assert report.read == 0
    assert report.notes == [f"{eyes}: is in {store} already", f"{pigs}: is in {store} already"]
    assert set(contents(store)) == {"eye.safetensors", "pig.safetensors"}


def test_a_further_file_is_added_to_its_category_without_duplicates(tmp_path):
    first = ndjson_file(tmp_path / "a.ndjson", [scribble(seed) for seed in range(9)], keys=keys(9))
    second = ndjson_file(tmp_path / "b.ndjson", [scribble(seed) for seed in range(5, 14)], keys=keys(9, 5))
    prepare([first], tmp_path / "one by one")
    prepare([second], tmp_path / "one by one")
    prepare([first, second], tmp_path / "together")
    assert contents(tmp_path / "one by one") == contents(tmp_path / "together")
    assert len(drawings_in(tmp_path / "together")[0]) == 14


def test_one_file_of_many_categories(tmp_path):
    path = tmp_path / "mixed.ndjson"
    lines = [
        json.dumps({"word": f"w{place % 3}", "drawing": [s.T.tolist() for s in scribble(place).strokes]})
        for place in range(30)
    ]
    path.write_text("\n".join(lines))
    prepare([path], tmp_path / "s")
    assert sorted(contents(tmp_path / "s")) == [f"w{place}.safetensors" for place in range(3)]
    assert {name for name, _ in drawings_in(tmp_path / "s")[0]} == {"w0", "w1", "w2"}


def test_changed_files_and_selections_need_force(tmp_path):
    path = ndjson_file(tmp_path / "a.ndjson", [scribble(seed) for seed in range(9)], keys=keys(9))
    prepare([path], tmp_path / "s")
    with pytest.raises(DatasetError, match="with other options"):
        prepare([path], tmp_path / "s", Selection(limit=2))
    ndjson_file(path, [scribble(seed) for seed in range(4)], keys=keys(4))
    with pytest.raises(DatasetError, match=r"has changed.*--force"):
        prepare([path], tmp_path / "s")
    prepare([path], tmp_path / "s", force=True)
    assert len(drawings_in(tmp_path / "s")[0]) == 4
    assert list((tmp_path / "s").iterdir()) == [tmp_path / "s" / "pig.safetensors"]


def test_several_processes_write_the_same(tmp_path, monkeypatch):
    monkeypatch.setattr("sketchrnn.dataset.prepare._ALONE_BELOW", 0)
    paths = [
        ndjson_file(tmp_path / "a.ndjson", [scribble(seed) for seed in range(40)], keys=keys(40)),
        npz_file(tmp_path / "pig.npz", train=[scribble(seed, size=900.0) for seed in range(60, 70)]),
    ]
    prepare(paths, tmp_path / "one")
    prepare(paths, tmp_path / "two", processes=2)
    assert contents(tmp_path / "one") == contents(tmp_path / "two")


# --- own drawings


def test_folders_of_own_drawings(tmp_path):
    own = tmp_path / "own"
    for name in ("cat", "dog"):
        (own / name).mkdir(parents=True)
    picture = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 100" stroke="black" fill="none">{}</svg>'
    (own / "cat" / "1.svg").write_text(
        picture.format('<g transform="scale(2)"><path d="M0 0 C0 20 30 20 30 0"/></g><text>x</text>')
    )
    (own / "cat" / "2.svg").write_text(
        picture.format('<circle cx="50" cy="50" r="20"/><rect x="1" y="2" width="9" height="5"/>')
    )
    (own / "cat" / "empty.svg").write_text(picture.format(""))
    (own / "dog" / "1.json").write_text(json.dumps([[[0, 0, 0], [30, 40, 12], [60, 0, 31]]]))
    (own / "dog" / "notes.txt").write_text("not a drawing")
    report = prepare([own], tmp_path / "s")
    found, _ = drawings_in(tmp_path / "s")
    assert sorted(name for name, _ in found) == ["cat", "cat", "dog"]
    assert report.dropped == {"without a drawing that can be read": 1}
    assert any("empty.svg" in note for note in report.notes)
    assert any("1 files of other kinds" in note for note in report.notes)
    assert "ignored, only lines are read: 1 text" in str(report)
    dog = next(np.frombuffer(rows).reshape(-1, 3) for name, rows in found if name == "dog")
    np.testing.assert_array_equal(dog, [(127, 170, 0), (128, -170, 1)])
    prepare([own / "cat"], tmp_path / "t", Selection(category="kitten"))
    assert {name for name, _ in drawings_in(tmp_path / "t")[0]} == {"kitten"}
    with pytest.raises(FormatError, match=r"empty\.svg"):
        prepare([own / "cat" / "empty.svg"], tmp_path / "u")
    with pytest.raises(DatasetError, match="found none"):
        (tmp_path / "nothing").mkdir()
        prepare([tmp_path / "nothing"], tmp_path / "u")


BOMB = (
    '<!DOCTYPE svg [<!ENTITY a "aaaaaaaaaa">'
    + "".join(f'<!ENTITY {chr(98 + i)} "{("&" + chr(97 + i) + ";") * 10}">' for i in range(9))
    + ']><svg xmlns="http://www.w3.org/2000/svg"><text>&j;</text><path d="M0 0L9 9" stroke="red"/></svg>'
)
EXTERNAL = (
    '<!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/hostname">]><svg xmlns="http://www.w3.org/2000/svg">'
    '<path d="M0 0L9 &x;" stroke="red"/></svg>'
)


def test_outlines_of_filled_shapes_are_reported(tmp_path):
    shapes = '<rect width="9" height="5" fill="red"/><circle cx="30" cy="9" r="4"/>'
    (tmp_path / "a.svg").write_text(f'<svg xmlns="http://www.w3.org/2000/svg">{shapes}</svg>')
    report = prepare([tmp_path / "a.svg"], tmp_path / "s")
    assert "2 filled areas, whose outlines were read" in str(report)


@pytest.mark.parametrize("content", [BOMB, EXTERNAL], ids=["bomb", "external"])
def test_bombs_and_external_entities_are_refused(tmp_path, content):
    (tmp_path / "a.svg").write_text(content)
    with pytest.raises(FormatError, match=r"a\.svg"):
        prepare([tmp_path / "a.svg"], tmp_path / "s")
    assert not (tmp_path / "s").exists()


@pytest.mark.parametrize("data", ["M0 0 A 5 5 0", "M0 0 A 0 nan 0 1 1 9 9", "M 1 h", "M1e999 0 A 5 4 3 1 1 9 9"])
def test_path_data_that_breaks_off_is_refused(tmp_path, data):
    path = tmp_path / "a.svg"
    path.write_text(f'<svg xmlns="http://www.w3.org/2000/svg"><path d="{data}" stroke="red"/></svg>')
    with pytest.raises(FormatError, match=r"a\.svg"):
        list(read_records(path))


# --- what is not whole


def test_a_store_that_is_being_prepared_is_not_opened(tmp_path):
    path = ndjson_file(tmp_path / "a.ndjson", [scribble(seed) for seed in range(9)], keys=keys(9))
    prepare([path], tmp_path / "s")
    (tmp_path / "s" / PREPARING).mkdir()
    with pytest.raises(DatasetError, match="expected a complete store"):
        open_stores([tmp_path / "s"])
    with pytest.raises(DatasetError, match="expected a store"):
        open_stores([tmp_path])


@given(st.integers(0, 3000), st.binary(min_size=1, max_size=4))
def test_damaged_shards_are_refused_or_read(tmp_path_factory, place, value):
    folder = tmp_path_factory.mktemp("damaged")
    path = ndjson_file(folder / "a.ndjson", [scribble(seed) for seed in range(3)], keys=keys(3))
    prepare([path], folder / "s")
    shard = shard_path(folder / "s", "pig")
    content = bytearray(shard.read_bytes())
    place %= len(content)
    content[place : place + len(value)] = value
    shard.write_bytes(content[: place + 1] if value[0] % 2 else content)
    try:
        drawings, _ = drawings_of(open_stores([folder / "s"]))
        drawings.padded(np.arange(len(drawings)), int(drawings.lengths.max()))
    except SketchRNNError:
        pass


CHILD = """
import sys
if __name__ == "__main__":
    from sketchrnn.dataset import prepare
    prepare._ALONE_BELOW = 0
    prepare.prepare(sys.argv[2:], sys.argv[1], processes=2)
"""


@pytest.mark.parametrize("delay", [0.35, 0.7])
def test_a_killed_preparation_goes_on(tmp_path, delay):
    """benchmarks/kills_of_prepare.py does this at fifty random moments."""
    paths = [
        ndjson_file(
            tmp_path / f"{number}.ndjson", [scribble(100 * number + seed) for seed in range(60)], word=f"w{number % 4}"
        )
        for number in range(12)
    ]
    (tmp_path / "child.py").write_text(CHILD)
    command = [sys.executable, tmp_path / "child.py", tmp_path / "killed", *paths]
    child = subprocess.Popen(
        command, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}, stderr=subprocess.DEVNULL
    )
    time.sleep(delay)
    child.kill()  # and not its workers, which end by themselves a moment later
    child.wait()
    prepare(paths, tmp_path / "killed")
    prepare(paths, tmp_path / "whole")
    assert contents(tmp_path / "killed") == contents(tmp_path / "whole")


STEPS = """
import os, signal, sys
from pathlib import Path
from sketchrnn.dataset.prepare import prepare

def dying(function, steps):
    def step(*arguments, **options):
        steps[0] -= 1
        if not steps[0]:
            os.kill(os.getpid(), signal.SIGKILL)
        return function(*arguments, **options)
    return step

folder, *paths = sys.argv[1:]
number = 0
while True:
    number += 1
    store = Path(folder) / str(number)
    if not (child := os.fork()):
        steps = [number]
        for name in ("fsync", "link", "mkdir", "rename", "replace", "rmdir", "unlink"):
            setattr(os, name, dying(getattr(os, name), steps))
        prepare(paths, store)
        os._exit(0)
    if not os.waitpid(child, 0)[1]:
        break
    prepare(paths, store)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_a_preparation_that_dies_at_any_change_of_the_disk_goes_on(tmp_path):
    paths = [
        ndjson_file(tmp_path / f"{number}.ndjson", [scribble(100 * number + seed) for seed in range(5)], word=word)
        for number, word in enumerate(("pig", "cat", "pig"))
    ]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "OPENBLAS_NUM_THREADS": "1"}
    subprocess.run([sys.executable, "-c", STEPS, tmp_path / "stores", *paths], env=environment, check=True)
    stores = [contents(folder) for folder in (tmp_path / "stores").iterdir()]
    assert len(stores) > 20
    assert list(stores[0]) == ["cat.safetensors", "pig.safetensors"]
    assert all(store == stores[0] for store in stores)


def test_two_that_prepare_one_category_at_once_lose_nothing(tmp_path, monkeypatch):
    paths = [ndjson_file(tmp_path / f"{number}.ndjson", [scribble(number)], word="pig") for number in range(2)]
    first_is_there, second_is_done = threading.Event(), threading.Event()
    original = module.replace_file

    def slowly(*arguments):
        first_is_there.set()
        second_is_done.wait(0.5)  # which it never is before the first is
        original(*arguments)

    monkeypatch.setattr(module, "replace_file", slowly)
    first = threading.Thread(target=prepare, args=([paths[0]], tmp_path / "s"))
    first.start()
    first_is_there.wait()
    prepare([paths[1]], tmp_path / "s")
    second_is_done.set()
    first.join()
    assert len(open_shard(shard_path(tmp_path / "s", "pig"))) == 2
    assert list(contents(tmp_path / "s")) == ["pig.safetensors"]


def test_a_lock_that_is_given_back_soon_is_waited_for(tmp_path, monkeypatch):
    path = ndjson_file(tmp_path / "a.ndjson", [scribble(0)])
    (tmp_path / "s" / PREPARING).mkdir(parents=True)
    (source,), _ = find_sources([path])
    part = _Part(source, Selection(), tmp_path / "s" / PREPARING)
    held = filelock.FileLock(part.path.with_suffix(".lock"), thread_local=False)
    held.acquire()
    monkeypatch.setattr("sketchrnn.dataset.prepare._PATIENCE", 0.1)
    for _ in range(2):  # the first leaves the lock that it does not have
        with pytest.raises(DatasetError, match="another process is preparing this file"):
            prepare([path], tmp_path / "s")
    monkeypatch.setattr("sketchrnn.dataset.prepare._PATIENCE", 60.0)
    threading.Timer(0.2, held.release).start()
    assert prepare([path], tmp_path / "s").read == 1


# --- folders

PICTURE = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 100"><path d="M0 0L{} 9L5 {}" stroke="red"/></svg>'


def pictures(folder, count, first=0):
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(first, first + count):
        (folder / f"{number:04d}.svg").write_text(PICTURE.format(number + 1, 2 * number + 3))
    return folder


def test_an_interrupted_folder_of_small_files_resumes(tmp_path, monkeypatch):
    own = pictures(tmp_path / "own", 200)
    (own / "0007.svg").write_text("damaged")
    (own / "0008.json").write_text('{"word": "dog", "drawing": [[[0, 9, 5], [3, 1, 8]]]}')
    original, calls = read.read_piece, []

    def interrupted(piece, selection):
        calls.append(piece.paths)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return original(piece, selection)

    monkeypatch.setattr(read, "read_piece", interrupted)
    with pytest.raises(KeyboardInterrupt):
        prepare([own], tmp_path / "s")
    report = prepare([own], tmp_path / "s")
    assert len(calls) == 3 + 2  # of four groups the first two are not read again
    assert str(report) == str(prepare([own], tmp_path / "whole"))
    assert contents(tmp_path / "s") == contents(tmp_path / "whole")
    assert any("0007.svg" in note for note in report.notes)
    calls.clear()
    with pytest.raises(KeyboardInterrupt):
        prepare([own], tmp_path / "t")
    pictures(own, 1, first=500)
    prepare([own], tmp_path / "t")
    assert len(calls) == 3 + 4  # the folder has changed: all of it is read
    assert list(contents(tmp_path / "t")) == ["dog.safetensors", "own.safetensors"]


def test_a_group_is_read_as_it_was_saved(tmp_path):
    own = pictures(tmp_path / "own", 3)
    (own / "a.json").write_text("[]")
    (own / "b.json").write_text('{"word": "dog", "key_id": "77", "drawing": [[[0, 9, 5], [3, 1, 8]]]}')
    (source,), _ = find_sources([own])
    (piece,) = pieces_of(source)
    before = read.read_piece(piece, Selection())
    with (tmp_path / "group.npz").open("wb") as file:
        before.save(file)
    after = read.ParseResult.load(tmp_path / "group.npz")
    assert (after.counts, after.problems) == (before.counts, before.problems)
    assert list(after.encoded()) == list(before.encoded())
    for category, drawings in before.encoded().items():
        for name, value in vars(drawings).items():
            np.testing.assert_array_equal(getattr(after.encoded()[category], name), value)


def test_linked_folders_are_read_once_and_loops_are_named(tmp_path):
    own = tmp_path / "own"
    pictures(own / "cat", 3)
    pictures(tmp_path / "elsewhere" / "dogs", 2, first=10)
    (tmp_path / "elsewhere" / "dogs" / "back").symlink_to(own)
    (own / "dog").symlink_to("../elsewhere/dogs")
    (own / "again").symlink_to("cat")
    (own / "loop").symlink_to(".")
    (own / "zoo").symlink_to(tmp_path / "elsewhere")
    (own / "cat" / "linked.svg").symlink_to(tmp_path / "elsewhere" / "dogs" / "0010.svg")
    (own / "cat" / "broken.svg").symlink_to("nowhere.svg")
    if hasattr(os, "mkfifo"):
        os.mkfifo(own / "cat" / "pipe.svg")
    report = prepare([own], tmp_path / "s")
    found = sorted(name for name, _ in drawings_in(tmp_path / "s")[0])
    assert found == 4 * ["cat"] + 2 * ["dog"]
    skipped = " ".join(note for note in report.notes if "skipped a link" in note)
    for name in ("again", "loop", "dog/back", "zoo/dogs"):
        assert f"own/{name}: " in skipped
    assert any("2 files of other kinds" in note for note in report.notes)
    prepare([own / "again"], tmp_path / "t")  # a link that is named itself
    assert {name for name, _ in drawings_in(tmp_path / "t")[0]} == {"cat"}


# --- few drawings


def splits_of(*stores):
    """The split of each drawing, by its rows."""
    drawings, _ = drawings_of(open_stores(stores))
    return {drawings.stroke3(place).tobytes(): int(drawings.split[place]) for place in range(len(drawings))}


def few(path, seed, count, word="cat"):
    return ndjson_file(path, [scribble(1000 * seed + number) for number in range(count)], word=word)


@pytest.mark.parametrize("count", [10, 20, 40])
def test_few_drawings_have_one_that_validates_and_further_files_move_none(tmp_path, count):
    for seed in range(8):
        own = few(tmp_path / f"{seed}.ndjson", seed, count)
        more = few(tmp_path / f"more {seed}.ndjson", 100 + seed, 30)
        folder = tmp_path / str(seed)
        prepare([own], folder / "alone")
        report = prepare([own, more], folder / "behind")
        prepare([more, own], folder / "before")
        prepare([own], folder / "added")
        prepare([more], folder / "added")
        alone = splits_of(folder / "alone")
        assert SPLITS.index("valid") in alone.values()
        assert SPLITS.index("train") in alone.values()
        assert report.splits["valid"] >= 1
        for name in ("behind", "before", "added"):
            together = splits_of(folder / name)
            assert len(together) == count + 30
            assert {rows: together[rows] for rows in alone} == alone
        (each,), together = stats_of(open_stores([folder / "alone"]))
        assert each.splits == {name: list(alone.values()).count(index) for index, name in enumerate(SPLITS)}
        drawings, _ = drawings_of(open_stores([folder / "alone"]))
        assert each.offset_scale == pytest.approx(dataclasses.replace(drawings, known_offset_scale=None).offset_scale())


def test_longer_names_of_a_growing_folder_move_no_drawing(tmp_path):
    own = pictures(tmp_path / "own", 12)
    prepare([own], tmp_path / "s")
    before = splits_of(tmp_path / "s")
    pictures(own, 20, first=12)
    prepare([own], tmp_path / "s", force=True)
    after = splits_of(tmp_path / "s")
    assert SPLITS.index("valid") in before.values()
    assert {rows: after[rows] for rows in before} == before


def test_a_data_set_without_validation_gets_some(tmp_path):
    path = npz_file(tmp_path / "a.npz", train=[scribble(seed) for seed in range(100)])
    prepare([path], tmp_path / "s")
    drawings, report = drawings_of(open_stores([tmp_path / "s"]))
    counts = [int((drawings.split == index).sum()) for index in range(3)]
    assert 1 <= counts[1] < 20
    assert counts[0] + counts[1] == 100
    assert list(report.splits.values()) == counts
    assert "no drawing was in the validation split" in str(report)
    training = np.flatnonzero(drawings.split == 0).tolist()
    offsets = np.concatenate([drawings.stroke3(index)[:, :2] for index in training])
    assert drawings.offset_scale() == pytest.approx(offsets.std(), rel=1e-5)
    pair = few(tmp_path / "pair.ndjson", 3, 2)
    prepare([pair], tmp_path / "t")
    assert sorted(splits_of(tmp_path / "t").values()) in ([0, 1], [1, 2], [0, 2])

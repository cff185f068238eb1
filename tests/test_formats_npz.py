import io
import os
import pickle
import sys
import zipfile
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import sketches

from sketchrnn.errors import FormatError
from sketchrnn.formats import numpy_arrays, read_records
from sketchrnn.formats.numpy_arrays import parse_npz
from sketchrnn.sketch import Sketch

DRAWINGS = [Sketch.from_polylines([[(0, 0), (3, 4)], [(5, 5)]]), Sketch.from_polylines([[(0, 0), (-300, 2), (1, 1)]])]


def object_array(items) -> np.ndarray:
    array = np.empty(len(items), dtype=object)
    array[:] = items
    return array


def npz(**splits) -> bytes:
    file = io.BytesIO()
    arrays: dict[str, Any] = {name: object_array(items) for name, items in splits.items()}
    np.savez_compressed(file, **arrays)
    return file.getvalue()


def npz_of_pickle(pickled: bytes, shape: str = "(1,)") -> bytes:
    """An npz file whose train array holds any pickle."""
    header = f"{{'descr': '|O', 'fortran_order': False, 'shape': {shape}, }}".encode().ljust(117) + b"\n"
    member = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + pickled
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("train.npy", member)
    return file.getvalue()


def parse(content: bytes):
    return list(parse_npz(io.BytesIO(content), "file", "pig"))


@given(st.lists(sketches(st.integers(-100, 100)), min_size=1, max_size=4))
def test_round_trip(drawings):
    rows = [sketch.to_stroke3().astype(np.int16) for sketch in drawings]
    records = parse(npz(train=rows))
    assert [record.sketch.to_stroke3().tolist() for record in records] == [array.tolist() for array in rows]


def test_records(tmp_path):
    rows = [sketch.to_stroke3().astype(np.int16) for sketch in DRAWINGS]
    path = tmp_path / "alarm clock.full.npz"
    path.write_bytes(npz(test=rows[:1], valid=rows[1:], train=rows, std=[np.zeros(1)]))
    records = list(read_records(path))
    assert [record.split for record in records] == ["train", "train", "valid", "test"]
    assert [record.sketch for record in records] == [*DRAWINGS, DRAWINGS[1], DRAWINGS[0]]
    assert {(record.word, record.kind, record.key_id) for record in records} == {("alarm clock", "npz", None)}


@pytest.mark.parametrize("dtype", ["<i2", ">i2", "<i8", "<f4", "<f8", "i1"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_number_types(dtype, order):
    rows = np.array([(3, -4, 0), (100, 0, 1)], dtype=dtype, order=order)
    (record,) = parse(npz(train=[rows]))
    assert record.sketch == Sketch.from_stroke3(rows)


def as_python2(array) -> bytes:
    """Pickle an object array of int16 arrays as Python 2 did: protocol 2, byte strings, old module names."""

    def text(content: bytes) -> bytes:
        return b"T" + len(content).to_bytes(4, "little") + content

    def start(shape: bytes, dtype: bytes, order: bytes, flags: bytes) -> bytes:
        made = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85" + text(b"b") + b"\x87R(K\x01" + shape
        state = b"(K\x03" + text(order) + b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xff" + flags + b"t"
        return made + b"cnumpy\ndtype\n" + text(dtype) + b"K\x00K\x01\x87R" + state + b"b\x89"

    def drawing(rows: np.ndarray) -> bytes:
        shape = b"K" + bytes([len(rows)]) + b"K\x03\x86"
        return start(shape, b"i2", b"<", b"K\x00") + text(rows.astype("<i2").tobytes()) + b"tb"

    items = b"](" + b"".join(drawing(rows) for rows in array) + b"e"
    return b"\x80\x02" + start(b"K" + bytes([len(array)]) + b"\x85", b"O8", b"|", b"K\x3f") + items + b"tb."


def test_pickles_of_python2():
    rows = [sketch.to_stroke3() for sketch in DRAWINGS]
    pickled = as_python2(rows)
    unpickled = pickle.loads(pickled, encoding="latin1")  # the helper writes what NumPy itself reads
    assert [array.tolist() for array in unpickled] == [array.tolist() for array in rows]
    assert [record.sketch for record in parse(npz_of_pickle(pickled, "(2,)"))] == DRAWINGS


@pytest.mark.parametrize("protocol", [2, 3, 4])
def test_pickles_of_python3(protocol):
    rows = object_array([sketch.to_stroke3().astype(np.int16) for sketch in DRAWINGS])
    pickled = pickle.dumps(rows, protocol=protocol)
    assert [record.sketch for record in parse(npz_of_pickle(pickled, "(2,)"))] == DRAWINGS


class Hostile:
    """Runs a command when it is unpickled."""

    def __init__(self, function, *arguments) -> None:
        self.call = (function, arguments)

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize("inside_an_array", [False, True])
@pytest.mark.parametrize("protocol", [0, 2, 4, 5])
def test_a_hostile_pickle_is_refused_and_not_run(tmp_path, inside_an_array, protocol):
    trace = tmp_path / "trace"
    hostile = Hostile(os.system, f"touch {trace}")
    pickled = pickle.dumps(object_array([hostile]) if inside_an_array else hostile, protocol=protocol)
    with pytest.raises(FormatError, match=r"reference to (posix|nt)\.system"):
        parse(npz_of_pickle(pickled))
    assert not trace.exists()
    pickle.loads(pickled)  # the comparison can fail: this pickle does run its command
    assert trace.exists()


@pytest.mark.parametrize(
    "function", [eval, getattr, __import__, np.load, np.fromfile, np.lib.format.open_memmap, io.open, pickle.loads]
)
def test_every_other_name_is_refused(function):
    with pytest.raises(FormatError, match="nothing was executed"):
        parse(npz_of_pickle(pickle.dumps(Hostile(function, "x"))))


def test_raw_bytes_never_become_object_pointers():
    """numpy.ndarray, were it called from a pickle, would take these bytes for the addresses of objects."""
    inner = Hostile(np.ndarray, (1,), np.dtype(object), b"\x01" * 8)
    with pytest.raises(FormatError):
        parse(npz_of_pickle(pickle.dumps(object_array([inner]))))


def test_a_memory_bomb_is_refused():
    with pytest.raises(FormatError, match="expected sizes up to"):
        parse(npz_of_pickle(b"\x80\x04Nr\xff\xff\xff\x7f."))


def test_members_beyond_the_limit_are_refused(monkeypatch):
    monkeypatch.setattr(numpy_arrays, "MEMBER_LIMIT", 100)
    with pytest.raises(FormatError, match="file, train: expected at most 100 bytes, found"):
        parse(npz(train=[np.zeros((2, 3))]))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "^file: expected an npz file"),
        (b"not a zip", "^file: expected an npz file"),
        (npz(train=[np.ones((3, 3))])[:-60], "^file: expected an npz file"),
        (npz(trainee=[np.ones((3, 3))]), "^file: expected arrays named train, valid or test, found trainee.npy"),
        (npz(valid=[np.ones((3, 3)), np.ones((3, 2))]), r"^file, valid, drawing 1: .*\(3, 2\)"),
        (npz(valid=[np.ones((3, 3)), np.ones(3)]), "^file, valid, drawing 1: "),
        (npz(train=[np.full((3, 3), np.nan), np.ones(3)]), "^file, train, drawing 0: row 0: expected finite"),
        (npz(train=[np.ones(3), "text"]), "^file, train: drawing 1: expected a stroke-3 array, found str"),
        (npz(train=[np.array([["a"]]), np.ones(3)]), "^file, train, drawing 0: expected stroke-3 numbers"),
        (npz_of_pickle(b"\x80\x04NNNN"), "^file, train: the pickled arrays are damaged"),
        (npz_of_pickle(pickle.dumps("text")), "^file, train: expected a list of stroke-3 arrays"),
        (npz_of_pickle(b"", "(2, 3)"), r"^file, train: expected a list of stroke-3 arrays, found .*\(2, 3\)"),
        (npz_of_pickle(b"", "(2, "), "^file, train: expected an array file"),
    ],
)
def test_errors_name_the_place(content, message):
    with pytest.raises(FormatError, match=message) as error:
        parse(content)
    assert "\n" not in str(error.value)


def test_one_array_of_all_drawings_is_padded_with_zeros():
    rows = [sketch.to_stroke3() for sketch in DRAWINGS]
    padded = np.zeros((len(rows), 9, 3))
    for index, one in enumerate(rows):
        padded[index, : len(one)] = one
    file = io.BytesIO()
    np.savez(file, train=padded)
    assert [record.sketch for record in parse(file.getvalue())] == DRAWINGS


def test_damage_anywhere_is_a_format_error():
    generator = np.random.default_rng(0)
    sound = npz(train=[sketch.to_stroke3() for sketch in DRAWINGS])
    member = zipfile.ZipFile(io.BytesIO(sound)).read("train.npy")
    refused = 0
    for _ in range(500):
        damaged = bytearray(member)
        for place in generator.integers(0, len(member), 2):
            damaged[place] = generator.integers(256)
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr("train.npy", bytes(damaged))
        try:
            parse(file.getvalue())
        except FormatError:
            refused += 1
    assert refused > 100


def test_a_damaged_archive_is_a_format_error():
    content = bytearray(npz(train=[np.ones((50, 3))]))
    content[150] ^= 255
    with pytest.raises(FormatError, match=r"^file, train: the archive is damaged"):
        parse(bytes(content))


def test_standard_input(monkeypatch):
    content = npz(train=[sketch.to_stroke3() for sketch in DRAWINGS])
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(content)))
    records = list(read_records("-"))
    assert [record.sketch for record in records] == DRAWINGS
    assert records[0].word is None


@pytest.mark.parametrize("word", ["pig", "face", "radio", "alarm clock"])
def test_real_files(shared, word):
    path = shared / "data" / "quickdraw" / "sketchrnn" / f"{word}.npz"
    records = list(read_records(path))
    splits = [record.split for record in records]
    assert [splits.count(split) for split in ("train", "valid", "test")] == [1850, 200, 200]
    assert {record.word for record in records} == {word}
    with np.load(path, allow_pickle=True, encoding="latin1") as arrays:
        rows = np.concatenate([arrays["train"], arrays["valid"], arrays["test"]])
    for record, expected in zip(records, rows, strict=True):
        assert np.array_equal(record.sketch.to_stroke3(), expected)


def test_a_real_python2_file(shared):
    records = list(read_records(shared / "reference" / "short_kanji.npz"))
    assert len(records) == 11_100

import io
import sys
from types import SimpleNamespace

import pytest

from sketchrnn.errors import SketchRNNError
from sketchrnn.files import atomic_write, open_source, write_bytes


def read(path):
    with open_source(path) as file:
        return file.read()


def test_round_trip(tmp_path):
    write_bytes(tmp_path / "a", b"new")
    assert read(tmp_path / "a") == b"new"


def test_an_exception_inside_leaves_the_old_file_alone(tmp_path):
    target = tmp_path / "a"
    target.write_bytes(b"old")
    with pytest.raises(KeyError), atomic_write(target) as file:
        file.write(b"half")
        raise KeyError
    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]


def test_the_old_file_stays_until_the_end(tmp_path):
    target = tmp_path / "a"
    target.write_bytes(b"old")
    with atomic_write(target) as file:
        file.write(b"new")
        file.flush()
        assert target.read_bytes() == b"old"
    assert target.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [target]


def test_a_new_file_has_the_usual_permissions(tmp_path):
    (tmp_path / "plain").write_bytes(b"")
    write_bytes(tmp_path / "a", b"")
    assert (tmp_path / "a").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_errors_name_the_file(tmp_path):
    for path in (tmp_path / "missing" / "a", tmp_path):
        with pytest.raises(SketchRNNError, match=f"{path}: cannot be written: "):
            write_bytes(path, b"")
    for path in (tmp_path / "missing", tmp_path):
        with pytest.raises(SketchRNNError, match=f"{path}: cannot be read: "):
            read(path)


def test_standard_streams(monkeypatch):
    output = io.BytesIO()
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(b"in")))
    monkeypatch.setattr(sys, "stdout", SimpleNamespace(buffer=output))
    assert read("-") == b"in"
    write_bytes("-", b"out")
    assert output.getvalue() == b"out"

import io
import os
import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import filelock
import pytest

from sketchrnn.errors import SketchRNNError
from sketchrnn.files import (
    atomic_write,
    check_apart,
    check_writable,
    is_stream,
    locked,
    open_source,
    replace_file,
    write_bytes,
)


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


@pytest.mark.parametrize("exists", [True, False])
def test_an_output_that_is_a_link_stays_a_link(tmp_path, exists):
    (tmp_path / "far").mkdir()
    if exists:
        (tmp_path / "far" / "file").write_bytes(b"old")
    (tmp_path / "near").symlink_to(tmp_path / "far" / "file")
    (tmp_path / "link").symlink_to("near")  # relative, to another link
    write_bytes(tmp_path / "link", b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "near").is_symlink()
    assert (tmp_path / "far" / "file").read_bytes() == b"new"
    (tmp_path / "part").write_bytes(b"newer")
    replace_file(tmp_path / "part", tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "far" / "file").read_bytes() == b"newer"
    assert [path.name for path in (tmp_path / "far").iterdir()] == ["file"]


def test_links_are_checked_where_they_lead(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "missing" / "file")
    with pytest.raises(SketchRNNError, match="does not exist"):
        check_writable(tmp_path / "link", force=True)
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(SketchRNNError, match="loop: cannot be written"):
        write_bytes(tmp_path / "loop", b"")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes in the file system")
def test_a_pipe_is_written_and_stays_a_pipe(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    check_writable(tmp_path / "pipe", force=False)
    found = []
    reader = threading.Thread(target=lambda: found.append((tmp_path / "pipe").read_bytes()))
    reader.start()
    write_bytes(tmp_path / "pipe", b"content")
    reader.join()
    assert found == [b"content"]
    assert (tmp_path / "pipe").is_fifo()
    assert is_stream(tmp_path / "pipe")


def test_the_permissions_of_a_file_stay(tmp_path):
    (tmp_path / "a").write_bytes(b"")
    (tmp_path / "a").chmod(0o640)
    write_bytes(tmp_path / "a", b"new")
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize(
    ("output", "inputs"),
    [
        ("a.svg", ["a.svg"]),
        ("./folder/../a.svg", ["a.svg"]),
        ("link.svg", ["a.svg"]),
        ("a.svg", ["link.svg"]),
        ("hard.svg", ["a.svg"]),
        ("drawing-%d.svg", ["a.svg", "drawing-3.svg"]),
        ("drawing-%02d.svg", ["drawing-03.svg"]),
        ("folder/new.svg", ["folder"]),
        ("folder/below/new.SVG", ["folder"]),
        ("linked/new.svg", ["folder"]),
    ],
)
def test_an_output_that_is_an_input_is_refused(tmp_path, monkeypatch, output, inputs):
    monkeypatch.chdir(tmp_path)
    for name in ("a.svg", "drawing-3.svg", "drawing-03.svg", "folder/below/b.svg"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text("")
    Path("link.svg").symlink_to("a.svg")
    Path("hard.svg").hardlink_to("a.svg")
    Path("linked").symlink_to("folder")
    with pytest.raises(SketchRNNError, match="input"):
        check_apart(output, inputs, (".svg",))
    for apart in ("b.svg", "a-%d.svg", "folder/model.safetensors", "folder.svg", "-", os.devnull):
        check_apart(apart, inputs, (".svg",))


def test_a_lock_is_held_by_one(tmp_path):
    with locked(tmp_path / "lock"):
        with pytest.raises(filelock.Timeout), locked(tmp_path / "lock", 0.0):
            pass
        assert (tmp_path / "lock").exists()
    assert not (tmp_path / "lock").exists()
    with pytest.raises(FileNotFoundError), locked(tmp_path / "missing" / "lock"):
        pass


def test_a_file_system_without_locks_is_named(tmp_path, monkeypatch, caplog):
    def missing(self, *arguments, **options):
        raise NotImplementedError("FileSystem does not appear to support flock")

    monkeypatch.setattr(filelock.FileLock, "acquire", missing)
    with locked(tmp_path / "lock"):
        pass
    assert f"{tmp_path}: this file system has no locks" in caplog.text

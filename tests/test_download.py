import hashlib
import random
import socket
import threading

import pytest
from http_server import serving

from sketchrnn.download import PART_SUFFIX, Retries, download
from sketchrnn.errors import DownloadError

CONTENT = random.Random(0).randbytes(300_000)
QUICK = Retries(attempts=4, wait=0.001)


@pytest.fixture
def server():
    with serving({"/a b.bin": CONTENT, "/empty": b""}) as served:
        yield served


def fetch(server, path, **options):
    download(f"{server.url}/a%20b.bin", path, retries=QUICK, **options)


def parts(folder):
    return [path.name for path in folder.iterdir() if path.name.endswith(PART_SUFFIX)]


def test_a_file_arrives_whole(server, tmp_path):
    seen = []
    fetch(server, tmp_path / "x", progress=lambda done, total: seen.append((done, total)))
    assert (tmp_path / "x").read_bytes() == CONTENT
    assert seen[-1] == (len(CONTENT), len(CONTENT))
    assert [path.name for path in tmp_path.iterdir()] == ["x"]
    download(f"{server.url}/empty", tmp_path / "y", retries=QUICK)
    assert (tmp_path / "y").read_bytes() == b""


def test_a_target_that_is_a_link_stays_a_link(server, tmp_path):
    (tmp_path / "far").mkdir()
    (tmp_path / "x").symlink_to("far/y")
    fetch(server, tmp_path / "x")
    assert (tmp_path / "x").is_symlink()
    assert (tmp_path / "far" / "y").read_bytes() == CONTENT
    assert sorted(path.name for path in tmp_path.iterdir()) == ["far", "x"]


def test_it_goes_on_after_each_break(server, tmp_path):
    server.faults = [("break", 100_000), 503, ("break", 70_000), ("wait", 0), ("break", 0)]
    fetch(server, tmp_path / "x")
    assert (tmp_path / "x").read_bytes() == CONTENT
    asked = [value for _, value in server.requests]
    assert asked == [None, *["bytes=65536-"] * 2, *["bytes=131072-"] * 3]  # whole blocks are kept


def test_a_later_call_goes_on_where_an_earlier_one_gave_up(server, tmp_path):
    server.faults = [("break", 120_000), 500, 500, 500, 500]
    with pytest.raises(DownloadError, match=r"a%20b.bin: the server says 500 .*; gave up after 4 attempts"):
        fetch(server, tmp_path / "x")
    assert len(parts(tmp_path)) == 1
    assert not (tmp_path / "x").exists()
    server.faults = []
    fetch(server, tmp_path / "x")
    assert server.requests[-1][1] == "bytes=65536-"
    assert (tmp_path / "x").read_bytes() == CONTENT


@pytest.mark.parametrize("lacking", ["ranges", "names_versions"])
def test_without_ranges_or_versions_it_starts_over(server, tmp_path, lacking):
    setattr(server, lacking, False)
    server.faults = [("break", 120_000), ("break", 150_000)]
    fetch(server, tmp_path / "x")
    assert (tmp_path / "x").read_bytes() == CONTENT


def test_a_new_version_is_not_glued_to_the_old_one(server, tmp_path):
    server.faults = [("break", 120_000), 500, 500, 500]
    with pytest.raises(DownloadError):
        fetch(server, tmp_path / "x")
    server.files["/a b.bin"] = new = random.Random(1).randbytes(200_000)
    fetch(server, tmp_path / "x")
    assert (tmp_path / "x").read_bytes() == new
    assert parts(tmp_path) == []


def test_a_part_longer_than_the_file_is_dropped(server, tmp_path):
    server.faults = [("break", 120_000), 500, 500, 500]
    with pytest.raises(DownloadError):
        fetch(server, tmp_path / "x")
    with next(tmp_path.iterdir()).open("ab") as part:
        part.write(bytes(300_000))
    fetch(server, tmp_path / "x")
    assert (tmp_path / "x").read_bytes() == CONTENT


def test_damage_is_found_and_mended(server, tmp_path):
    server.faults = [("damage",)]
    fetch(server, tmp_path / "x")
    assert (tmp_path / "x").read_bytes() == CONTENT
    server.faults = [("damage",)] * 4
    with pytest.raises(DownloadError, match="expected the MD5"):
        fetch(server, tmp_path / "y")
    assert not (tmp_path / "y").exists()


def test_a_server_that_always_lies_about_the_size_is_given_up(server, tmp_path):
    server.faults = [("lie", 1000)] * 20
    with pytest.raises(DownloadError, match=r"gave up after 4 attempts"):
        fetch(server, tmp_path / "x")
    assert not (tmp_path / "x").exists()
    assert len(server.requests) < 12


def test_a_refusal_is_final(server, tmp_path):
    for status in (404, 403):
        server.faults = [status]
        with pytest.raises(DownloadError, match=f"the server says {status}"):
            fetch(server, tmp_path / "x")
    assert len(server.requests) == 2


def test_no_server_and_no_address(tmp_path):
    with socket.socket() as silent, pytest.raises(DownloadError, match="the connection failed: connection refused"):
        silent.bind(("127.0.0.1", 0))  # nobody listens on this port, and no other program can take it
        download(f"http://127.0.0.1:{silent.getsockname()[1]}/x", tmp_path / "x", retries=QUICK)
    for address in ("nonsense", "ftp://x/y", "http://"):
        with pytest.raises(DownloadError):
            download(address, tmp_path / "x", retries=QUICK)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_cannot_be_written(server, tmp_path):
    with pytest.raises(DownloadError, match=r"missing.*cannot be written"):
        fetch(server, tmp_path / "missing" / "x")


def test_the_servers_wish_to_wait_counts(server, tmp_path):
    server.faults = [("wait", 1)]
    waits = []

    class Clock(threading.Event):
        def wait(self, timeout=None):
            waits.append(timeout)
            return False

    fetch(server, tmp_path / "x", cancelled=Clock())
    assert waits == [1.0]


def test_cancelling_keeps_what_is_there(server, tmp_path):
    cancelled = threading.Event()
    with pytest.raises(DownloadError, match="interrupted"):
        fetch(server, tmp_path / "x", cancelled=cancelled, progress=lambda done, total: cancelled.set())
    assert not (tmp_path / "x").exists()
    assert 0 < next(tmp_path.iterdir()).stat().st_size < len(CONTENT)
    fetch(server, tmp_path / "x")
    assert (tmp_path / "x").read_bytes() == CONTENT


@pytest.mark.parametrize("wanted", [0, 1, 70_000, 299_999])
@pytest.mark.parametrize("faults", [[], [("break", 65_536), ("break", 1)]])
def test_a_cut_file_ends_where_it_is_cut(server, tmp_path, wanted, faults):
    server.faults = list(faults)

    def cut():
        left = wanted

        def count(block):
            nonlocal left
            if left <= len(block):
                return left
            left -= len(block)
            return None

        return count

    fetch(server, tmp_path / "x", cut=cut)
    assert (tmp_path / "x").read_bytes() == CONTENT[:wanted]


def test_the_digest_that_is_asked_for(server, tmp_path):
    fetch(server, tmp_path / "x", sha256=hashlib.sha256(CONTENT).hexdigest())
    with pytest.raises(DownloadError, match="expected the SHA-256 00"):
        fetch(server, tmp_path / "y", sha256="00" * 32)
    assert [path.name for path in tmp_path.iterdir()] == ["x"]

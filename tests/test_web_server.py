"""The server of the page, asked by ordinary clients and by bad ones."""

import contextlib
import gzip
import http.client
import json
import os
import re
import signal
import socket
import struct
import subprocess
import sys
import threading
import time

import pytest
from builders import CATEGORIES, checkpoint_of, network_of, small_model
from click.testing import CliRunner
from web import PATIENCE, ask, serving

from sketchrnn.cli import page
from sketchrnn.cli.page import serve
from sketchrnn.web import server
from sketchrnn.web.model_file import page_model
from sketchrnn.web.page_files import PageFile, served_page


@pytest.fixture(scope="module")
def files():
    checkpoint = checkpoint_of(network_of(small_model(variational=False, categories=CATEGORIES)))
    return served_page(page_model(checkpoint, "int8"))


@pytest.fixture(scope="module")
def port(files):
    with serving(files) as port:
        yield port


def sent(port, *parts):
    """Send bytes as they are; return all that comes back."""
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as connection:
        received = b""
        with contextlib.suppress(OSError):  # it may be closed before all is sent
            for part in parts:
                connection.sendall(part)
            connection.shutdown(socket.SHUT_WR)
        with contextlib.suppress(ConnectionError):
            while more := connection.recv(1 << 16):
                received += more
        return received


# what it sends


def test_every_file_that_the_page_names_is_served(port, files):
    status, headers, page = ask(port, "/")
    assert (status, headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert headers["cache-control"] == "no-cache"
    names = re.findall(r'(?:src|href)="([\w.-]+)"', page.decode())
    held = json.loads(re.search(r'id="model">(.*?)</script>', page.decode())[1])
    names.remove("manifest.webmanifest")  # it and the service worker keep their address
    fixed = {"/", "/manifest.webmanifest", f"/{held['serviceWorker']}"}
    assert {f"/{name}" for name in [*names, held["source"], held["worker"]]} | fixed == set(files)
    for path in fixed:
        status, headers, content = ask(port, path)
        assert (status, content) == (200, files[path].content)
        assert headers["cache-control"] == "no-cache"
    for name in [*names, held["source"], held["worker"]]:
        status, headers, content = ask(port, f"/{name}")
        assert status == 200
        assert content == files[f"/{name}"].content
        assert headers["cache-control"] == "public, max-age=31536000, immutable"
        status, _, content = ask(port, f"/{name}", headers={"If-None-Match": headers["etag"]})
        assert (status, content) == (304, b"")


def test_a_path_changes_with_its_content(files):
    other = served_page(b"another model")
    assert len(set(files) & set(other)) == len(files) - 1  # all but the model
    assert files["/"].etag != other["/"].etag


def test_files_are_compressed_for_clients_that_accept_it(port, files):
    path = next(path for path in files if path.startswith("/style"))
    _, headers, plain = ask(port, path)
    assert "content-encoding" not in headers
    _, headers, packed = ask(port, path, headers={"Accept-Encoding": "br, gzip"})
    assert headers["content-encoding"] == "gzip"
    assert headers["vary"] == "Accept-Encoding"
    assert gzip.decompress(packed) == plain == files[path].content
    assert len(packed) < 0.5 * len(plain)
    _, headers, _ = ask(port, path, headers={"Accept-Encoding": "gzip;q=0"})
    assert "content-encoding" not in headers


def test_a_head_has_no_body(port, files):
    status, headers, body = ask(port, "/", method="HEAD")
    assert (status, headers["content-length"], body) == (200, str(len(files["/"].content)), b"")


@pytest.mark.parametrize("host", ["localhost", "localhost:80", "[::1]:80", "127.0.0.1", "LOCALHOST"])
def test_loopback_names_are_answered(port, host):
    assert ask(port, "/", headers={"Host": host})[0] == 200


# what it refuses


def refused(answer, status):
    assert answer.startswith(f"HTTP/1.1 {status} ".encode()), answer[:200]
    assert answer.count(b"HTTP/1.1 ") == 1
    head = answer.partition(b"\r\n\r\n")[0].lower()
    assert b"x-content-type-options: nosniff" in head
    assert b"content-security-policy: default-src 'none'" in head
    assert b"connection: close" in head
    assert b"<" not in answer


@pytest.mark.parametrize(
    "path",
    [
        *(
            "/../server.py",
            "/%2e%2e/server.py",
            "//etc/passwd",
            "/page/index.html",
            "/main.js",
            "/a%00b",
            "/index.html",
        ),
        *("/..%2f..%2fetc/passwd", "\\..\\server.py", "/./", "http://localhost/", "*", "/" + 60_000 * "a"),
    ],
)
def test_other_paths_are_not_found(port, path):
    refused(sent(port, f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()), 404)


@pytest.mark.parametrize("host", ["evil.example", "", "localhost.evil.example", "127.0.0.1.evil.example:80", "<b>"])
def test_other_names_are_refused(port, host):
    """A page elsewhere whose name is made to point here (DNS rebinding) gets nothing."""
    refused(sent(port, f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()), 421)


def test_a_server_for_others_answers_to_any_name(files):
    with serving(files, "0.0.0.0") as port:
        assert ask(port, "/", headers={"Host": "drawing.example"})[0] == 200


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET / HTTP/9.9.9\r\n\r\n", 400),
        (b"GET\r\n\r\n", 400),
        (b"\xff\xfe\x00 /\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n" + 200 * b"A: b\r\n" + b"\r\n", 431),
        (b"GET / HTTP/1.1\r\nA: " + 70_000 * b"a" + b"\r\n\r\n", 431),
        (b"GET /" + 70_000 * b"a" + b" HTTP/1.1\r\n\r\n", 414),
        (b"POST / HTTP/1.1\r\nHost: localhost\r\n\r\n", 501),
        (b"<script> / HTTP/1.1\r\nHost: localhost\r\n\r\n", 501),
    ],
)
def test_malformed_requests_are_refused(port, request_, status):
    answer = sent(port, request_)
    assert answer.split()[1] == str(status).encode(), answer[:200]
    assert b"<script>" not in answer
    assert ask(port, "/")[0] == 200


def test_a_body_is_never_taken_for_a_request(port):
    inner = b"GET /evil HTTP/1.1\r\nHost: localhost\r\n\r\n"
    head = b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % len(inner)
    assert sent(port, head, inner).count(b"HTTP/1.1 ") == 1


def test_slow_heads_are_cut_off(files, monkeypatch):
    """Also if a byte arrives now and then."""
    monkeypatch.setattr(server, "HEAD_SECONDS", 0.3)
    with serving(files) as port, socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as connection:
        ended = threading.Event()

        def drip():
            with contextlib.suppress(OSError):
                while not ended.wait(0.05):
                    connection.sendall(b"a")

        connection.sendall(b"GET / HTTP/1.1\r\nA: ")
        thread = threading.Thread(target=drip)
        thread.start()
        with contextlib.suppress(ConnectionError):
            assert connection.recv(200) == b""
        ended.set()
        thread.join()
        assert ask(port, "/")[0] == 200


def test_clients_that_take_nothing_are_given_up(monkeypatch):
    monkeypatch.setattr(server._Handler, "timeout", 0.3)
    large = {"/": PageFile(bytes(50_000_000), "text/plain", immutable=False)}
    with serving(large) as port:
        before = threading.active_count()
        connections = [socket.create_connection(("127.0.0.1", port)) for _ in range(5)]
        for connection in connections:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        until = time.monotonic() + PATIENCE
        while threading.active_count() < before + 5 and time.monotonic() < until:
            time.sleep(0.01)
        while threading.active_count() > before and time.monotonic() < until:
            time.sleep(0.01)
        assert threading.active_count() == before
        for connection in connections:
            connection.close()


def test_more_connections_than_there_may_be_are_closed(files, monkeypatch):
    monkeypatch.setattr(server, "CONNECTIONS", 3)
    with serving(files) as port, contextlib.ExitStack() as stack:
        for _ in range(3):
            stack.enter_context(socket.create_connection(("127.0.0.1", port)))
        with contextlib.suppress(ConnectionError):
            assert sent(port, b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n") == b""
        stack.close()
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            with contextlib.suppress(ConnectionError, OSError):
                if sent(port, b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"):
                    return
        raise AssertionError("no connection is taken any more")


def test_clients_that_go_away_leave_nothing_behind(port, capfd):
    head = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
    for part in (b"", head[:20], head):
        for abort in (False, True):
            connection = socket.create_connection(("127.0.0.1", port))
            connection.sendall(part)
            if abort:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.close()
    assert ask(port, "/")[0] == 200
    assert capfd.readouterr().err == ""


# the command


@contextlib.contextmanager
def command(*options):
    """Run the command; yield the process and its port."""
    process = subprocess.Popen(
        [sys.executable, "-m", "sketchrnn", "serve", "--port", "0", *options], stderr=subprocess.PIPE, text=True
    )
    with process:
        try:
            said = ""
            while not (found := re.search(r":(\d+)/", said)):
                said = process.stderr.readline()
                assert said, "it stopped"
            yield process, int(found[1])
        finally:
            process.kill()


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_the_command_ends_cleanly_under_load(how):
    with command() as (process, port):
        statuses, ended = [], threading.Event()

        def visit_once():
            try:
                return ask(port, "/")[0]
            except OSError:
                return "gone"
            except http.client.IncompleteRead:
                return "cut short"

        def visit():
            while not ended.is_set():
                statuses.append(visit_once())

        visitors = [threading.Thread(target=visit) for _ in range(4)]
        for visitor in visitors:
            visitor.start()
        while statuses.count(200) < 50:
            time.sleep(0.01)
        os.kill(process.pid, how)
        said = process.stderr.read()
        code = process.wait(PATIENCE)
        ended.set()
        for visitor in visitors:
            visitor.join()
    assert code == 0
    assert said == "stopped\n"
    assert set(statuses) <= {200, "gone"}


def test_an_answer_under_way_is_sent_to_its_end():
    """Also to a client that takes it slowly, while the server is told to end."""
    with command("--precision", "float16") as (process, port), socket.socket() as connection:
        (path,) = re.findall(r"model-\w+\.safetensors", ask(port, "/")[2].decode())
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)  # most of the answer is not sent yet
        connection.settimeout(PATIENCE)
        connection.connect(("127.0.0.1", port))
        connection.sendall(f"GET /{path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        received = connection.recv(1000)
        process.terminate()
        with contextlib.suppress(ConnectionError):  # until it stops listening
            while True:
                socket.create_connection(("127.0.0.1", port)).close()
                time.sleep(0.01)
        time.sleep(0.2)
        while more := connection.recv(1 << 20):
            received += more
        assert process.wait(PATIENCE) == 0
    head, _, body = received.partition(b"\r\n\r\n")
    assert len(body) == int(re.search(rb"Content-Length: (\d+)", head)[1]) > 1_000_000


def test_a_port_that_is_taken_is_said_in_one_line():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        result = CliRunner().invoke(serve, ["--port", str(taken.getsockname()[1])], standalone_mode=False)
    assert re.fullmatch(
        r"cannot listen on 127\.0\.0\.1, port \d+: .*\. Choose another .*--port.*", str(result.exception)
    )


def test_another_port_is_used_if_the_default_is_taken(monkeypatch):
    class StartedError(Exception):
        pass

    def start(started):
        ports.append(started.server_address[1])
        started.server_close()
        raise StartedError

    ports: list[int] = []
    monkeypatch.setattr(server.PageServer, "serve_forever", start)
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        monkeypatch.setattr(page, "DEFAULT_PORT", taken.getsockname()[1])
        result = CliRunner().invoke(serve, [])
    assert isinstance(result.exception, StartedError)
    assert f"port {page.DEFAULT_PORT} is taken by another program; using a free one" in result.output
    assert ports[0] != page.DEFAULT_PORT


def test_others_are_warned_of():
    with command("--host", "0.0.0.0") as (process, _):
        pass
    with command() as (process, port):
        assert ask(port, "/")[0] == 200
        process.terminate()
        assert "warning" not in process.stderr.read()


def test_visitors_leave_no_memory_behind(files):
    """Page, script, worker and model of 200 visitors."""
    resource = pytest.importorskip("resource")
    with serving(files) as port:

        def visit():
            for path in files:
                assert ask(port, path)[0] == 200

        for _ in range(20):
            visit()
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        for _ in range(200):
            visit()
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 8_000
        until = time.monotonic() + PATIENCE
        while (
            threads := [one for one in threading.enumerate() if "process_request" in one.name]
        ) and time.monotonic() < until:
            time.sleep(0.01)
        assert not threads

import asyncio
import contextlib
import http.client
import json
import os
import socket
import struct
import sys
import threading
import time
import xml.etree.ElementTree as ElementTree
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from builders import CATEGORIES, checkpoint_of, network_of, small_model
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from web import ask, serving

pytest.importorskip("fastapi")

from threadpoolctl import threadpool_info, threadpool_limits

from sketchrnn import __version__
from sketchrnn.cli.serve import serve
from sketchrnn.model.choice import draw_best
from sketchrnn.model.guess import guess
from sketchrnn.model.network import NumpyNetwork
from sketchrnn.model.prefix import see_prefix
from sketchrnn.model.sampling import SamplingConfiguration
from sketchrnn.sketch import Sketch
from sketchrnn.web import limits
from sketchrnn.web.api import create_app
from sketchrnn.web.protection import hosts_for
from sketchrnn.web.work import NICENESS, Workers

STROKES = [[[20, 130], [84, 126], [150, 128.5], [236, 124]], [[7, 7]]]
PREFIX = Sketch.from_polylines(STROKES)
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def checkpoint():
    network = network_of(small_model(variational=False, categories=CATEGORIES))
    network.decoder.output.bias.data[2] -= 4.0  # drawings of some length
    return checkpoint_of(network)


@pytest.fixture(scope="module")
def port(checkpoint):
    with serving(create_app(checkpoint, name="tiny", hosts=hosts_for("127.0.0.1"), threads=2)) as port:
        yield port


def completed(port, **fields):
    status, _, body = ask(port, "/api/completions", {"strokes": STROKES, "category": "pig", **fields})
    assert status == 200, body
    return body


def streamed(port, **fields):
    status, headers, body = ask(port, "/api/completions/stream", {"strokes": STROKES, "category": "pig", **fields})
    assert status == 200, body
    assert headers["content-type"] == "application/x-ndjson"
    return [json.loads(line) for line in body.splitlines()]


def refused(port, path, body, status, *words, **options):
    answered, headers, content = ask(port, path, body, **options)
    assert answered == status, content
    detail = json.loads(content)["detail"]
    assert isinstance(detail, str)
    assert all(word in detail for word in words), detail
    assert headers["x-content-type-options"] == "nosniff"
    assert "default-src 'none'" in headers["content-security-policy"]


# what it answers


def test_completions_are_the_librarys(port, checkpoint):
    network = NumpyNetwork(checkpoint)
    sampling = SamplingConfiguration(0.7, 40, 5, pen_temperature=0.9, top_p=0.8)
    expected = draw_best(network, see_prefix(network, PREFIX, 0, pen="auto"), "pig", 3, sampling, 2, diverse=True)
    options = {"temperature": 0.7, "pen_temperature": 0.9, "top_p": 0.8, "pen": "auto", "choose_from": 2}
    answer = json.loads(completed(port, count=3, seed=5, max_points=40, diverse=True, **options))
    assert answer["category"] == "pig"
    assert [one["seed"] for one in answer["completions"]] == [one.seed for one in expected]
    for one, completion in zip(answer["completions"], expected, strict=True):
        assert one["strokes"] == [[list(point) for point in stroke] for stroke in completion.sketch.polylines()]
        assert one["ended"] == completion.ended


@pytest.mark.parametrize("options", [{}, {"pen_down": True}, {"strokes": []}, {"max_points": 5}, {"scale": 2}])
def test_a_stream_adds_up_to_the_completions(port, options):
    whole = json.loads(completed(port, count=4, **options))
    events = streamed(port, count=4, **options)
    assert events[0] == {"event": "start", "category": "pig", "seeds": [0, 1, 2, 3]}
    strokes = [[] for _ in range(4)]
    goes_on = [False] * 4
    ends = {}
    for event in events[1:]:
        drawing = event["drawing"]
        assert drawing not in ends
        if event["event"] == "end":
            ends[drawing] = event["ended"]
            continue
        if not goes_on[drawing]:
            strokes[drawing].append([])
        strokes[drawing][-1] += event["points"]
        goes_on[drawing] = not event["lift"]
    assert strokes == [one["strokes"] for one in whole["completions"]]
    assert [ends[drawing] for drawing in range(4)] == [one["ended"] for one in whole["completions"]]


def test_points_come_as_they_are_drawn(slow):
    """The first arrive while the server has most of its steps of 10 ms before it."""
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", slow, timeout=30)) as connection:
        body = json.dumps({"strokes": STROKES, "category": "pig", "count": 20, "max_points": 100, "temperature": 0.01})
        connection.request("POST", "/api/completions/stream", body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        answer.readline()
        assert b'"points"' in answer.readline()
        first = time.monotonic()
        steps = answer.read().count(b'"drawing":0')
        assert time.monotonic() - first > 0.005 * steps
        assert steps > 20


def test_guesses_are_the_librarys(port, checkpoint):
    _, _, body = ask(port, "/api/guess", {"strokes": STROKES, "count": 2})
    network = NumpyNetwork(checkpoint)
    expected = guess(network, see_prefix(network, PREFIX))[:2]
    assert [(one["category"], one["probability"]) for one in json.loads(body)["guesses"]] == [
        (one.category, pytest.approx(one.probability)) for one in expected
    ]
    named = json.loads(completed(port, category=None))["category"]
    assert named == expected[0].category


def test_pictures_and_records(port):
    one = ElementTree.fromstring(completed(port, format="svg"))
    assert [group.get("id") for group in one.iter(f"{SVG}g")] == ["prefix", "completion"]
    sheet = ElementTree.fromstring(completed(port, format="svg", count=3))
    assert "completion-2" in [group.get("id") for group in sheet.iter(f"{SVG}g")]
    lines = completed(port, format="ndjson", count=3).splitlines()
    assert [json.loads(line)["word"] for line in lines] == ["pig"] * 3


def test_the_model_is_described(port):
    _, _, body = ask(port, "/api/model")
    described = {"name": "tiny", "categories": list(CATEGORIES), "guesses": True, "unit": "box", "page_scale": 1}
    assert json.loads(body) == {**described, "version": __version__}


def test_every_file_of_the_page_is_served_and_no_other(port):
    status, headers, page = ask(port, "/")
    assert status == 200
    assert headers["content-type"] == "text/html; charset=utf-8"
    names = [line.split('src="')[1].split('"')[0] for line in page.decode().splitlines() if 'src="' in line]
    assert names == ["main-server.js"]
    status, headers, _ = ask(port, "/main-server.js")
    assert (status, headers["content-type"]) == (200, "text/javascript; charset=utf-8")
    assert ask(port, "/style.css", headers={"If-None-Match": ask(port, "/style.css")[1]["etag"]})[0] == 304
    for path in (
        "/../api.py",
        "/%2e%2e/api.py",
        "//etc/passwd",
        "/page/index.html",
        "/api.py",
        "/decoder.js/",
        "/a%00b",
    ):
        assert ask(port, path)[0] == 404, path


# what it refuses


@pytest.mark.parametrize("path", ["/api/guess", "/api/completions", "/api/completions/stream"])
def test_bad_bodies(port, path):
    many = [[[place % 255, 1] for place in range(limits.POINTS // 2 + 1)]] * 2
    for body, words in [
        ({}, ("strokes",)),
        ({"strokes": [[[0, "1"]]]}, ("strokes.0.0.1",)),
        ({"strokes": [[[0, 1, 2]]]}, ("strokes.0.0",)),
        ({"strokes": [[]]}, ("strokes.0",)),
        ({"strokes": [[[0, 1e300]]]}, ("strokes.0.0.1",)),
        ({"strokes": [[[0, True]]]}, ("strokes.0.0.1",)),
        ({"strokes": many}, (f"{limits.POINTS}", f"{limits.POINTS + 2}")),
        ({"strokes": STROKES, "colour": 1}, ("colour",)),
        ({"strokes": STROKES, "count": 0}, ("count",)),
        ({"strokes": STROKES, "count": 10**9}, ("count",)),
        (b'{"strokes": [[[0, NaN]]]}', ("strokes.0.0.1",)),
        (b'{"strokes": [[[0, 1e999]]]}', ("strokes.0.0.1",)),
    ]:
        refused(port, path, body, 422, *words)
    for body in (b"", b"{", b"\xff\xfe", b'{"strokes": ' + b"[" * 100_000):
        assert ask(port, path, body)[0] in (400, 422), body[:20]
    refused(port, path, b"[" * (limits.BODY_BYTES + 1), 413, "1,000,000")


def test_bad_options(port):
    for fields, words in [
        ({"category": "pgi"}, ("pgi", "pig")),
        ({"category": "../../etc/passwd"}, ("unknown category",)),
        ({"temperature": -1}, ("temperature",)),
        ({"temperature": "NaN"}, ("temperature",)),
        ({"seed": -1}, ("seed",)),
        ({"max_points": limits.MAX_POINTS + 1}, ("max_points",)),
        ({"latent": "prior"}, ("no encoder",)),
        ({"latent": "x"}, ("latent",)),
    ]:
        for path in ("/api/completions", "/api/completions/stream"):
            refused(port, path, {"strokes": STROKES, **fields}, 422, *words)


def test_other_hosts_are_refused(port):
    refused(port, "/api/model", None, 421, "evil.example", headers={"Host": "evil.example"})
    for name in ("localhost", f"localhost:{port}", "[::1]:80", "127.0.0.1"):
        assert ask(port, "/api/model", headers={"Host": name})[0] == 200


def test_a_body_of_a_hundred_megabytes_is_refused_and_forgotten(port):
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(b"POST /api/guess HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000000\r\n\r\n")
        assert b" 413 " in connection.recv(200)
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(b"POST /api/guess HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n")
        chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
        sent = 0
        try:
            while sent < 100_000_000:
                connection.sendall(chunk)
                sent += len(chunk)
        except OSError:
            pass
        assert sent < 20_000_000
    completed(port)


def test_clients_that_go_away_leave_nothing_behind(port):
    request = json.dumps({"strokes": STROKES, "count": 20, "max_points": 1000, "category": "pig"}).encode()
    head = f"POST /api/completions/stream HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(request)}\r\n"
    head = head.encode() + b"Content-Type: application/json\r\n\r\n"
    for part in (head[:20], head, head + request[:30], head + request):
        for manner in ("half", "reset", "close"):
            connection = socket.create_connection(("127.0.0.1", port))
            connection.sendall(part)
            if manner == "half":
                connection.shutdown(socket.SHUT_WR)
                connection.settimeout(0.05)
                with contextlib.suppress(OSError):
                    connection.recv(100)
            elif manner == "reset":
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.close()
    completed(port)


def test_slow_heads_are_cut_off(checkpoint, monkeypatch):
    monkeypatch.setattr(limits, "HEAD_SECONDS", 0.2)
    with serving(create_app(checkpoint, name="tiny")) as port:
        with socket.create_connection(("127.0.0.1", port)) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\nHo")
            connection.settimeout(10)
            assert connection.recv(200) == b""
        completed(port)


def test_slow_bodies_are_cut_off(checkpoint, monkeypatch):
    monkeypatch.setattr(limits, "BODY_SECONDS", 0.2)
    with serving(create_app(checkpoint, name="tiny")) as port:
        with socket.create_connection(("127.0.0.1", port)) as connection:
            connection.sendall(b"POST /api/guess HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{")
            assert b" 408 " in connection.recv(200)
        completed(port)


# work


@pytest.fixture
def slow(monkeypatch, checkpoint):
    """A server with one thread that takes a while for each step."""
    step = NumpyNetwork.step

    def slow_step(self, state, rows):
        time.sleep(0.01)
        return step(self, state, rows)

    monkeypatch.setattr(NumpyNetwork, "step", slow_step)
    monkeypatch.setattr(limits, "WAITING", 0)
    with serving(create_app(checkpoint, name="tiny", threads=1)) as port:
        yield port


def test_too_much_at_once_is_turned_away(slow):
    statuses = []
    body = {"strokes": STROKES, "category": "pig"}

    def ask_once():
        status, headers, _ = ask(slow, "/api/completions", body)
        statuses.append(status)
        assert status == 200 or headers["retry-after"] == "1"

    with ThreadPoolExecutor(6) as clients:
        for answer in [clients.submit(ask_once) for _ in range(6)]:
            answer.result()
    assert sorted(statuses) == [200, 429, 429, 429, 429, 429]


def test_work_without_end_is_ended(slow, monkeypatch):
    monkeypatch.setattr(limits, "WORK_SECONDS", 0.1)
    body = {"strokes": STROKES, "scale": 1, "category": "pig", "max_points": 1000}
    refused(slow, "/api/completions", body, 429, "0.1 s")
    events = [json.loads(line) for line in ask(slow, "/api/completions/stream", body)[2].splitlines()]
    assert events[0]["event"] == "start"
    assert events[-1]["event"] == "error"
    assert "0.1 s" in events[-1]["detail"]


@pytest.mark.parametrize("path", ["/api/completions", "/api/completions/stream"])
def test_work_stops_when_nobody_waits_for_it(slow, monkeypatch, path):
    steps = []
    step = NumpyNetwork.step
    monkeypatch.setattr(NumpyNetwork, "step", lambda *arguments: steps.append(1) or step(*arguments))
    body = {"strokes": STROKES, "category": "pig", "max_points": 1000, "count": 20, "scale": 1}
    with socket.create_connection(("127.0.0.1", slow)) as connection:
        content = json.dumps(body).encode()
        head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(content)}\r\n"
        connection.sendall(head.encode() + b"Content-Type: application/json\r\n\r\n" + content)
        while len(steps) < 20:
            time.sleep(0.01)
    time.sleep(0.5)
    stopped = len(steps)
    time.sleep(0.3)
    assert len(steps) == stopped < 900


# the document


def test_the_openapi_document_tells_all(port):
    document = json.loads(ask(port, "/api/openapi.json")[2])
    assert set(document["paths"]) == {"/api/model", "/api/guess", "/api/completions", "/api/completions/stream"}
    assert set(document["components"]["schemas"]) >= {"Event", "Started", "Drawn", "Ended", "Failed", "Error"}
    fields = document["components"]["schemas"]["CompletionRequest"]["properties"]
    options = {
        "category",
        "count",
        "temperature",
        "pen_temperature",
        "top_p",
        "guidance",
        "seed",
        "max_points",
        "latent",
        "pen",
    }
    assert set(fields) == {"strokes", "pen_down", "scale", *options}
    for operations in document["paths"].values():
        for operation in operations.values():
            assert "HTTPValidationError" not in json.dumps(operation)


def test_fuzzed_requests_are_answered_as_the_document_says(checkpoint):
    schemathesis = pytest.importorskip("schemathesis")

    schema = schemathesis.openapi.from_asgi("/api/openapi.json", create_app(checkpoint, name="tiny", threads=2))
    for operation in schema.get_all_operations():
        strategy = operation.ok().as_strategy()

        @settings(max_examples=4, suppress_health_check=list(HealthCheck))
        @given(case=strategy)
        def fuzz(case):
            answer = case.call()
            assert answer.status_code < 500
            case.validate_response(answer)

        fuzz()


def test_numbers_of_any_kind_are_numbers(port):
    strokes = np.random.default_rng(0).normal(0, 1e5, (3, 4, 2)).tolist()
    for extreme in (strokes, [[[0, 0], [0, 0]]], [[[-1e6, 1e6], [1e6, -1e6]]], [[[1e-300, 0]]]):
        answer = json.loads(completed(port, strokes=extreme))
        assert np.isfinite([point for stroke in answer["completions"][0]["strokes"] for point in stroke]).all()
    status, _, body = ask(port, "/api/guess", {"strokes": [[[0, 0], [5e-324, 0]]]})
    assert (status, json.loads(body)["detail"][:8]) == (422, "a prefix")


@pytest.mark.skipif(sys.platform != "linux", reason="threads share a priority elsewhere")
def test_drawing_gives_way_to_all_else(checkpoint):
    async def priorities():
        workers = Workers(NumpyNetwork(checkpoint), 1)
        of_drawing = await workers.run(lambda _: os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))
        workers.close()
        return of_drawing, os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

    before = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
    assert asyncio.run(priorities()) == (max(NICENESS, before), before)


def test_the_server_leaves_processors_to_the_browser(monkeypatch):
    threads = []

    class Server:
        def run(self, sockets):
            np.ones((2, 2)) @ np.ones((2, 2))
            threads.extend(one["num_threads"] for one in threadpool_info() if one["user_api"] == "blas")

    monkeypatch.setattr("sketchrnn.web.server.server_of", lambda app: Server())
    monkeypatch.setattr("sketchrnn.web.api.create_app", lambda *_, **__: None)
    with threadpool_limits(2, user_api="blas"):
        result = CliRunner().invoke(serve, ["--port", "0"])
    assert result.exit_code == 0, result.output
    assert set(threads) <= {1}

"""The server of the page. It only sends files from memory.

It is based on Python's own HTTP server, and adds a check of the Host header, strict headers, and limits for slow
clients.
"""

from __future__ import annotations

import gzip
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from sketchrnn.web.page_files import PageFile

HEAD_SECONDS = 10.0
"""Seconds in which a request must arrive, after the connection is opened or the previous request is answered."""
SEND_SECONDS = 20.0
"""Seconds after which a client that receives nothing is disconnected."""
PIECE = 1 << 16
CONNECTIONS = 512
"""Most open connections; further ones are closed."""
SHUTDOWN_SECONDS = 5.0
"""Seconds that answers have to finish when the server stops."""
COMPRESSION_GAIN = 0.95
"""A file is sent compressed if its size is then at most this share."""

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; style-src 'self'; "
    "img-src 'self' data: blob:; connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
LOOPBACK_NAMES = frozenset(["localhost", "127.0.0.1", "[::1]"])


@dataclass(frozen=True)
class _Answer:
    file: PageFile
    compressed: bytes | None


class PageServer(ThreadingHTTPServer):
    """Sends the files of a page."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(self, files: dict[str, PageFile], host: str, port: int) -> None:
        """Listen; :meth:`serve_forever` answers.

        Args:
            files: files by URL path.
            host: address to listen on. On a loopback address the server only answers requests for loopback names, which
                prevents DNS rebinding.
            port: 0 for any free port.

        Raises:
            OSError: the address cannot be listened on.
        """
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.answers = {path: _Answer(file, _compressed(file.content)) for path, file in files.items()}
        self.names = LOOPBACK_NAMES if is_loopback(host) else None
        self._waiting: dict[socket.socket, float] = {}  # deadline of the request of each connection
        self._open: set[socket.socket] = set()
        self._sending = 0
        self._closing = False
        self._lock = threading.Lock()
        super().__init__((host, port), _Handler)

    def verify_request(self, request: Any, client_address: Any) -> bool:
        """Refuse a connection if there are too many."""
        with self._lock:
            self._open.add(request)
            return len(self._open) <= CONNECTIONS

    def shutdown_request(self, request: Any) -> None:
        """Remove a connection that ends."""
        with self._lock:
            self._open.discard(request)
            self._waiting.pop(request, None)
        super().shutdown_request(request)

    def service_actions(self) -> None:
        """Close connections whose request is late; single bytes do not extend the time."""
        now = time.monotonic()
        with self._lock:
            late = [connection for connection, until in self._waiting.items() if until < now]
        for connection in late:
            with suppress(OSError):  # it can be closed already
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Log nothing if a client disconnects."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)

    def server_close(self) -> None:
        """Stop listening, and wait for answers that are being sent."""
        super().server_close()
        with self._lock:
            self._closing = True
        until = time.monotonic() + SHUTDOWN_SECONDS
        while self._sending and time.monotonic() < until:
            time.sleep(0.01)

    def expect_request(self, connection: socket.socket) -> None:
        """Limit the time in which the next request must arrive."""
        with self._lock:
            self._waiting[connection] = time.monotonic() + HEAD_SECONDS

    def request_arrived(self, connection: socket.socket) -> None:
        """Remove that limit."""
        with self._lock:
            self._waiting.pop(connection, None)

    @contextmanager
    def sending(self) -> Iterator[None]:
        """Count running answers; no new one starts while the server stops."""
        with self._lock:
            if self._closing:
                raise ConnectionAbortedError("the server is closing")
            self._sending += 1
        try:
            yield
        finally:
            with self._lock:
                self._sending -= 1


class _Handler(BaseHTTPRequestHandler):
    server: PageServer
    protocol_version = "HTTP/1.1"
    default_request_version = "HTTP/1.0"  # for an invalid first line: the error also needs a status line
    timeout = SEND_SECONDS
    disable_nagle_algorithm = True  # head and body are two writes: the second must not wait for an acknowledgment
    error_content_type = "text/plain; charset=utf-8"
    error_message_format = "%(code)d %(message)s\n"

    def handle_one_request(self) -> None:
        self.server.expect_request(self.connection)
        super().handle_one_request()

    def parse_request(self) -> bool:
        is_valid = super().parse_request()
        self.server.request_arrived(self.connection)
        return is_valid

    def do_GET(self) -> None:
        with self.server.sending():
            self._answer(with_body=True)

    def do_HEAD(self) -> None:
        with self.server.sending():
            self._answer(with_body=False)

    def _answer(self, *, with_body: bool) -> None:
        host = self.headers.get("Host", "").lower()
        if self.headers.get("Content-Length", "0") != "0" or "Transfer-Encoding" in self.headers:
            self.close_connection = True  # its body is not read
        if self.server.names is not None and without_port(host) not in self.server.names:
            self.send_error(HTTPStatus.MISDIRECTED_REQUEST)
            return
        answer = self.server.answers.get(self.path.partition("?")[0])
        if answer is None:
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        file = answer.file
        unchanged = file.etag in self.headers.get("If-None-Match", "")
        self.send_response(HTTPStatus.NOT_MODIFIED if unchanged else HTTPStatus.OK)
        self.send_header("ETag", file.etag)
        self.send_header("Cache-Control", "public, max-age=31536000, immutable" if file.immutable else "no-cache")
        self.send_header("Vary", "Accept-Encoding")
        if unchanged:
            self.end_headers()
            return
        content = file.content
        if answer.compressed is not None and accepts_gzip(self.headers.get("Accept-Encoding", "")):
            content = answer.compressed
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Type", file.media_type)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if with_body:
            # in pieces, because the time limit of a socket applies to a whole call
            for begin in range(0, len(content), PIECE):
                self.wfile.write(memoryview(content)[begin : begin + PIECE])

    def end_headers(self) -> None:
        for name, value in HEADERS.items():
            self.send_header(name, value)
        super().end_headers()

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        super().send_error(code)  # without text from the client

    def version_string(self) -> str:
        return "sketchrnn"

    def log_message(self, format: str, *args: Any) -> None:
        """Log nothing, for privacy."""


def is_loopback(host: str) -> bool:
    """Return whether only this machine can connect to an address.

    >>> is_loopback("127.0.0.1"), is_loopback("0.0.0.0")
    (True, False)
    """
    return host in ("localhost", "::1") or host.startswith("127.")


def without_port(host: str) -> str:
    """Return the name of a Host header.

    >>> without_port("localhost:8345"), without_port("[::1]:80"), without_port("[::1]")
    ('localhost', '[::1]', '[::1]')
    """
    name, colon, port = host.rpartition(":")
    return name if colon and port.isdigit() else host


def accepts_gzip(accepted: str) -> bool:
    """Return whether an Accept-Encoding header allows gzip.

    >>> accepts_gzip("br, gzip;q=0.8"), accepts_gzip("gzip;q=0"), accepts_gzip("")
    (True, False, False)
    """
    for choice in accepted.lower().split(","):
        name, _, quality = choice.partition(";")
        if name.strip() in ("gzip", "*"):
            return quality.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False


def _compressed(content: bytes) -> bytes | None:
    """Return a file, compressed if that is much smaller."""
    compressed = gzip.compress(content, mtime=0)
    return compressed if len(compressed) <= COMPRESSION_GAIN * len(content) else None

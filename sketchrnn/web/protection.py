"""What stands between the network and the API: who may ask, how much may be sent, and what browsers may do with it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from sketchrnn.web import limits

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
    "manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": CONTENT_SECURITY_POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
_READ_AND_REFUSED = 4 * limits.BODY_BYTES
"""A body up to this size is read to its end before it is refused: most clients look for an answer only then."""
LOOPBACK_NAMES = frozenset(["localhost", "127.0.0.1", "[::1]"])


def hosts_for(address: str) -> frozenset[str] | None:
    """Return the names that a server which listens on an address may be asked for by; None for any.

    >>> sorted(hosts_for("127.0.0.1")), hosts_for("0.0.0.0")
    (['127.0.0.1', '[::1]', 'localhost'], None)
    """
    return LOOPBACK_NAMES if address in ("localhost", "::1") or address.startswith("127.") else None


class Protection:
    """ASGI middleware: checks the Host header, limits the body's size and time, sets the headers."""

    def __init__(self, app: App, *, hosts: frozenset[str] | None = None) -> None:
        """Stand before an application.

        Args:
            app: the application.
            hosts: names under which it may be asked for, so that no page of another name that is made to point here
                (DNS rebinding) can use it; None for any.
        """
        self._app = app
        self._hosts = hosts

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Let a request through, or answer it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                present = {name for name, _ in message.get("headers", [])}
                added = [(name.encode(), value.encode()) for name, value in HEADERS.items()]
                message["headers"] = [*message.get("headers", []), *(pair for pair in added if pair[0] not in present)]
            await send(message)

        headers = dict(scope["headers"])
        host = headers.get(b"host", b"").decode("latin-1").lower()
        if self._hosts is not None and _without_port(host) not in self._hosts:
            await _refuse(send_with_headers, 421, f"this server is not {host[:100] or 'nameless'}")
            return
        declared = headers.get(b"content-length", b"0")
        if not declared.isdigit() or int(declared) > _READ_AND_REFUSED:
            await _refuse(send_with_headers, 413, f"expected a body of at most {limits.BODY_BYTES:,} bytes")
            return
        try:
            body = await asyncio.wait_for(_read_body(receive), limits.BODY_SECONDS)
        except asyncio.TimeoutError:
            await _refuse(send_with_headers, 408, f"expected the whole body within {limits.BODY_SECONDS:g} s")
            return
        if body is None:
            await _refuse(send_with_headers, 413, f"expected a body of at most {limits.BODY_BYTES:,} bytes")
            return
        messages = [body]

        async def receive_read() -> Message:
            return messages.pop() if messages else await receive()

        await self._app(scope, receive_read, send_with_headers)


async def _read_body(receive: Receive) -> Message | None:
    """Return the whole body as one message, or the client's goodbye; None if it is too large."""
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return message
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > limits.BODY_BYTES:
            parts.clear()
        if size > _READ_AND_REFUSED:
            return None
        if not message.get("more_body", False):
            return (
                None
                if size > limits.BODY_BYTES
                else {"type": "http.request", "body": b"".join(parts), "more_body": False}
            )


async def _refuse(send: Send, status: int, detail: str) -> None:
    content = json.dumps({"detail": detail}).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(content)).encode()),
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": content})


def _without_port(host: str) -> str:
    """Return the name of a Host header.

    >>> _without_port("localhost:8345"), _without_port("[::1]:80"), _without_port("[::1]")
    ('localhost', '[::1]', '[::1]')
    """
    name, colon, port = host.rpartition(":")
    return name if colon and port.isdigit() else host

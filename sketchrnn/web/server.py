"""Running the application: uvicorn, with a limit to how long a client may take to say what it wants."""

from __future__ import annotations

import asyncio
from typing import Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from sketchrnn.web import limits


class _PunctualProtocol(H11Protocol):
    """Closes a connection whose first request has not begun in time; uvicorn's own timer is for idle ones later."""

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._late: asyncio.TimerHandle = self.loop.call_later(limits.HEAD_SECONDS, transport.close)

    def handle_events(self) -> None:
        super().handle_events()
        if self.cycle is not None:
            self._late.cancel()

    def connection_lost(self, exc: Exception | None) -> None:
        self._late.cancel()
        super().connection_lost(exc)


def server_of(app: Any) -> uvicorn.Server:
    """Return a server for an ASGI application; run it on sockets that listen."""
    configuration = uvicorn.Config(
        app,
        http=_PunctualProtocol,
        log_level="warning",
        limit_concurrency=limits.CONNECTIONS,
        server_header=False,
        timeout_graceful_shutdown=2,
    )
    return uvicorn.Server(configuration)

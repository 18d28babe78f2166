"""Serves the application until it is told to stop, and then ends what is under way."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import uvicorn

from outboxbench.web.protocol import BoundedHttpProtocol

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator

    from starlette.types import ASGIApp

KEEP_ALIVE_S: Final = 75
"""For which a connection may be idle: longer than most proxies keep one, so that they close it."""

STOP_PATIENCE_S: Final = 15
"""For the requests that are under way when the service is told to stop."""


class HttpServer:
    """Answers on a socket that listens."""

    def __init__(self, app: ASGIApp, listener: socket.socket) -> None:
        self._listener = listener
        self._server = _Server(
            uvicorn.Config(
                app,
                http=BoundedHttpProtocol,
                ws="none",
                lifespan="off",
                log_config=None,
                # What clients do wrong is told to them.
                log_level="error",
                access_log=False,
                server_header=False,
                proxy_headers=False,
                timeout_keep_alive=KEEP_ALIVE_S,
                timeout_graceful_shutdown=STOP_PATIENCE_S,
            )
        )

    async def run(self) -> None:
        """Answer until told to stop; what is under way then is answered first."""
        await self._server.serve(sockets=[self._listener])

    def stop(self) -> None:
        """Accept nothing more, and have `run` return; at once, if told so a second time."""
        self._server.force_exit = self._server.should_exit
        self._server.should_exit = True


class _Server(uvicorn.Server):
    """Leaves signals to whoever runs it: who is asked to stop, and does, has not failed."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield

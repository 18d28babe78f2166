"""A proxy inside the test's own event loop, and a tap that remembers what passes it."""

from __future__ import annotations

import asyncio
import contextlib
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from types import TracebackType

    from outboxbench.harness.wire.proxy import Proxy


@asynccontextmanager
async def serving(proxy: Proxy) -> AsyncIterator[Proxy]:
    task = asyncio.create_task(proxy.serve())
    try:
        yield proxy
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


class Tap:
    """Forwards connections on a free port of 127.0.0.1."""

    def __init__(self, host: str, port: int) -> None:
        self._far = (host, port)
        self._connections: set[asyncio.Task[None]] = set()
        self.sent = bytearray()
        self.received = bytearray()

    async def __aenter__(self) -> Self:
        self._listener = await asyncio.start_server(self._accept, host="127.0.0.1", port=0)
        self.port: int = self._listener.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._listener.close()
        for connection in self._connections if error else ():
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=error is not None)
        await self._listener.wait_closed()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        far_reader, far_writer = await asyncio.open_connection(*self._far)
        try:
            await asyncio.gather(
                _forward(reader, far_writer, self.sent), _forward(far_reader, writer, self.received)
            )
        finally:
            writer.close()
            far_writer.close()


async def _forward(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, memory: bytearray
) -> None:
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(65536):
            memory += data
            writer.write(data)
            await writer.drain()
        writer.write_eof()

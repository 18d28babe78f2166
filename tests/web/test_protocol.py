"""HTTP on a bare socket: what no client library would send."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from outboxbench.web import protocol
from outboxbench.web.bodies import BODY_LIMIT_BYTES

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.web.conftest import Service

PATIENCE_S = 30.0


class Wire:
    """A connection on which bytes are sent as they are."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def send(self, *pieces: bytes) -> None:
        """Send each piece by itself, so that it is read by itself."""
        for piece in pieces:
            self.writer.write(piece)
            await self.writer.drain()
            await asyncio.sleep(0.05)

    async def answer(self) -> tuple[int, dict[str, Any]]:
        """Return the status and the content of the next answer."""
        async with asyncio.timeout(PATIENCE_S):
            head = await self.reader.readuntil(b"\r\n\r\n")
            status = int(head.split(b" ", 2)[1])
            if status == 100:
                return status, {}
            length = next(
                int(line.partition(b":")[2])
                for line in head.lower().split(b"\r\n")
                if line.startswith(b"content-length:")
            )
            return status, json.loads(await self.reader.readexactly(length))

    async def rest(self) -> bytes:
        """Return all that comes until the service ends the connection."""
        async with asyncio.timeout(PATIENCE_S):
            return await self.reader.read()


@asynccontextmanager
async def connected(service: Service) -> AsyncIterator[Wire]:
    reader, writer = await asyncio.open_connection(service.host, service.port)
    try:
        yield Wire(reader, writer)
    finally:
        writer.close()


def post(path: str, content: bytes, *headers: str) -> bytes:
    lines = [f"POST {path} HTTP/1.1", "Host: x", f"Content-Length: {len(content)}", *headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + content


async def test_what_is_no_http_is_told_so_and_ended(
    service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    async with connected(service) as wire:
        await wire.send(b"\x16\x03\x01 nonsense\r\n\r\n")

        status, problem = await wire.answer()

        assert (status, problem["detail"]) == (400, "send a request of HTTP/1.1")
        assert await wire.rest() == b""
    # Whoever sends it may not fill the service's log.
    assert caplog.records == []


async def test_a_head_that_never_ends_is_told_so_and_ended(service: Service) -> None:
    async with connected(service) as wire:
        await wire.send(b"GET /health/live HTTP/1.1\r\n")
        filler = b"X-Filler: " + b"x" * 1_000 + b"\r\n"
        await wire.send(filler * 8, filler * 8, filler * 8)

        status, problem = await wire.answer()

        assert (status, problem["detail"]) == (400, "send a head of at most 16384 bytes")
        assert await wire.rest() == b""


async def test_a_large_body_may_come_apart_from_its_head(service: Service) -> None:
    content = b'{"account_id": null}' + b" " * (BODY_LIMIT_BYTES - 20)
    whole = post("/accounts", content)
    head, half = whole.index(content), len(content) // 2
    async with connected(service) as wire:
        for _ in range(2):
            await wire.send(whole[:head], whole[head:half], whole[half:])

            assert (await wire.answer())[0] == 201


async def test_the_end_of_a_body_is_no_part_of_the_head_that_follows_it(service: Service) -> None:
    content = b"{}" + b" " * 40_000
    first, second = post("/accounts", content), post("/accounts", b"{}")
    async with connected(service) as wire:
        # The first read ends within a head, the second within the next one.
        await wire.send(first[:20], first[20:] + second[:20], second[20:])

        assert (await wire.answer())[0] == 201
        assert (await wire.answer())[0] == 201


async def test_requests_that_come_together_are_answered_in_their_order(service: Service) -> None:
    async with connected(service) as wire:
        await wire.send(post("/accounts", b"{}") + post("/orders", b"{}") + post("/x", b""))

        assert [(await wire.answer())[0] for _ in range(3)] == [201, 422, 404]


async def test_a_body_is_asked_for_where_its_sender_waits_for_that(service: Service) -> None:
    request = post("/accounts", b"{}", "Expect: 100-continue")
    async with connected(service) as wire:
        await wire.send(request[:-2])
        assert (await wire.answer())[0] == 100

        await wire.send(request[-2:])
        assert (await wire.answer())[0] == 201


@pytest.mark.parametrize("begun", [b"", b"GET /hea", post("/accounts", b"{}")[:-1]])
async def test_a_request_that_does_not_come_to_its_end_ends_the_connection(
    begun: bytes, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "REQUEST_TIMEOUT_S", 0.2)
    async with connected(service) as wire:
        if begun:
            await wire.send(begun)

        assert await wire.rest() == b""
    assert (await service.client.get("/health/live")).status_code == 200
    assert service.said == []


async def test_a_connection_that_is_idle_between_requests_is_kept(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "REQUEST_TIMEOUT_S", 0.2)
    async with connected(service) as wire:
        for _ in range(2):
            await wire.send(post("/accounts", b"{}"))
            assert (await wire.answer())[0] == 201
            await asyncio.sleep(0.5)


async def test_who_goes_away_in_the_middle_of_a_request_leaves_nothing_behind(
    service: Service,
) -> None:
    for _ in range(20):
        async with connected(service) as wire:
            await wire.send(post("/accounts", b"{}")[:-1])
    metrics = (await service.client.get("/metrics")).text

    assert "outboxbench_operations_in_flight 0.0" in metrics
    assert service.said == []

"""Where a connection is cut, to the byte, however its stream comes in pieces."""

from __future__ import annotations

import asyncio
import contextlib
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.harness.wire.pairs import Pair, joined, receive, send
from tests.harness.wire.streams import READY, STARTUP, typed

from outboxbench.harness.wire.commit_cut import CommitCuts
from outboxbench.harness.wire.faulty_link import Conditions, FaultyLink

if TYPE_CHECKING:
    import socket
    from collections.abc import AsyncIterator

    from outboxbench.harness.wire.commit_cut import When

OPEN = typed("Z", b"T")


def statement(text: str) -> bytes:
    return (
        typed("P", f"\0{text}\0".encode() + bytes(2)) + typed("B", bytes(8)) + typed("E", bytes(5))
    )


SYNC = typed("S")
WORK = typed("Q", b"INSERT INTO item VALUES (1)\0")
COMMIT = typed("Q", b"COMMIT\0")
MORE = typed("Q", b"SELECT 1\0")
PIPELINED = statement("BEGIN") + statement("INSERT INTO item VALUES (1)")
PIPELINED_COMMIT = statement("COMMIT")
# The Execute alone is what commits.
PREPARED_COMMIT, EXECUTED_COMMIT = PIPELINED_COMMIT[:-10], PIPELINED_COMMIT[-10:]


class Faulty:
    """The link between the ends of a pair."""

    def __init__(self) -> None:
        self.cuts = CommitCuts()
        self.link: FaultyLink | None = None

    async def join(self, client: socket.socket, server: socket.socket) -> None:
        self.link = FaultyLink(1, client, server, Conditions(self.cuts))
        self.link.resume()
        await self.link.run()


@contextlib.asynccontextmanager
async def begun(faulty: Faulty, status: bytes) -> AsyncIterator[Pair]:
    """A session that has begun, and that is in a block or not."""
    async with joined(faulty.join) as pair:
        await send(pair.client, STARTUP)
        await receive(pair.server, len(STARTUP))
        await send(pair.server, status)
        await receive(pair.client, len(status))
        yield pair


async def until_reset(connection: socket.socket) -> bytes:
    data = b""
    with contextlib.suppress(ConnectionResetError):
        while part := await asyncio.get_running_loop().sock_recv(connection, 65536):
            data += part
    return data


async def send_in_pieces(connection: socket.socket, stream: bytes, cuts: list[int]) -> None:
    places = [0, *sorted({min(cut, len(stream)) for cut in cuts}), len(stream)]
    with contextlib.suppress(ConnectionError):
        for begin, end in pairwise(places):
            await send(connection, stream[begin:end])
            # A turn of the loop is enough for what comes over this machine to be read by itself.
            await asyncio.sleep(0)
            await asyncio.sleep(0)


@pytest.mark.parametrize(
    ("work", "commit", "status"),
    [(WORK, COMMIT, OPEN), (PIPELINED + PREPARED_COMMIT, EXECUTED_COMMIT + SYNC, READY)],
)
@given(cuts=st.lists(st.integers(min_value=1, max_value=200), max_size=40))
@settings(max_examples=25, deadline=None)
def test_before_the_commit_all_has_left_but_the_commit(
    work: bytes, commit: bytes, status: bytes, cuts: list[int]
) -> None:
    async def work_through() -> None:
        faulty = Faulty()
        faulty.cuts.arm("before", 1)
        async with begun(faulty, status) as pair:
            seen = asyncio.create_task(until_reset(pair.server))
            await send_in_pieces(pair.client, work + commit + MORE, cuts)
            assert await until_reset(pair.client) == b""
            assert work.startswith(await seen)
        assert faulty.cuts.evidence() == {"cut": 1, "answers_dropped": 0}

    asyncio.run(work_through())


@pytest.mark.parametrize(
    ("work", "commit", "status", "answers_before"),
    [
        (WORK, COMMIT, OPEN, OPEN),
        (PIPELINED + PREPARED_COMMIT, EXECUTED_COMMIT + SYNC, READY, b""),
        (MORE + MORE, WORK, READY, READY + READY),
    ],
)
@given(
    cuts=st.lists(st.integers(min_value=1, max_value=200), max_size=40),
    answer_cuts=st.lists(st.integers(min_value=1, max_value=60), max_size=20),
)
@settings(max_examples=25, deadline=None)
def test_after_the_commit_its_answer_is_dropped_and_no_other(
    work: bytes,
    commit: bytes,
    status: bytes,
    answers_before: bytes,
    cuts: list[int],
    answer_cuts: list[int],
) -> None:
    async def work_through() -> None:
        faulty = Faulty()
        faulty.cuts.arm("after", 1)
        async with begun(faulty, status) as pair:
            await send_in_pieces(pair.client, work + commit + MORE, cuts)
            seen = await receive(pair.server, len(work + commit))
            assert seen == work + commit
            heard = asyncio.create_task(until_reset(pair.client))
            answer = typed("C", b"COMMIT\0") + READY
            await send_in_pieces(pair.server, answers_before + answer, answer_cuts)
            # Nothing of what came after the commit has left.
            assert await until_reset(pair.server) == b""
            assert await heard == answers_before
        assert faulty.cuts.evidence() == {"cut": 1, "answers_dropped": 1}

    asyncio.run(work_through())


@pytest.mark.parametrize("place", range(1, len(COMMIT)))
@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_cut_may_be_armed_in_the_midst_of_the_commit(place: int, when: When) -> None:
    faulty = Faulty()
    async with begun(faulty, OPEN) as pair:
        await send(pair.client, COMMIT[:place])
        assert await receive(pair.server, place) == COMMIT[:place]
        faulty.cuts.arm(when, 1)
        await send(pair.client, COMMIT[place:])
        if when == "after":
            assert await receive(pair.server, len(COMMIT) - place) == COMMIT[place:]
            await send(pair.server, READY)
        assert await until_reset(pair.client) == b""
        assert await until_reset(pair.server) == b""
    assert faulty.cuts.evidence() == {"cut": 1, "answers_dropped": int(when == "after")}


async def test_an_answer_that_does_not_come_is_not_waited_for_for_ever() -> None:
    faulty = Faulty()
    faulty.cuts.arm("after", 1)
    async with begun(faulty, OPEN) as pair:
        await send(pair.client, COMMIT)
        assert await until_reset(pair.client) == b""
    assert faulty.cuts.evidence() == {"cut": 1, "answers_dropped": 0}


async def test_a_connection_that_ends_at_its_commit_was_cut() -> None:
    faulty = Faulty()
    faulty.cuts.arm("after", 1)
    async with begun(faulty, OPEN) as pair:
        await send(pair.client, COMMIT)
        await receive(pair.server, len(COMMIT))
        pair.server.close()
        assert await until_reset(pair.client) == b""
    assert faulty.cuts.evidence() == {"cut": 1, "answers_dropped": 0}


async def test_disarmed_everything_passes() -> None:
    faulty = Faulty()
    faulty.cuts.arm("before", 1)
    faulty.cuts.disarm()
    async with begun(faulty, OPEN) as pair:
        await send(pair.client, COMMIT)
        assert await receive(pair.server, len(COMMIT)) == COMMIT

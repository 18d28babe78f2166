"""Evidence that no request brings the service down, however it is made.

A part is drawn by schemathesis from the service's own OpenAPI document, right and wrong by it; the
other part is bytes that no client library would send: requests cut off, mangled, smuggled, endless
or in pieces. None may be answered by a 5xx other than 503, and afterwards no operation is under
way, no connection of a client is left, and the pool has all of its own.
"""

from __future__ import annotations

import argparse
import os
import socket
import sys
import threading
import time
from collections import Counter
from contextlib import ExitStack, suppress
from random import Random
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from uuid import UUID

import psutil
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis import GenerationMode
from schemathesis.core.result import Ok

from outboxbench.harness.http.instance import Instance
from outboxbench.harness.janitor import Janitor
from outboxbench.harness.postgres.databases import Databases
from outboxbench.harness.postgres.server import connect, open_server

if TYPE_CHECKING:
    from collections.abc import Iterator

    from outboxbench.core.strategies.settings import DatabaseAddress

REQUESTS = 10_000
POOL_SIZE = 4
THREADS = 4
SOCKET_TIMEOUT_S = 0.5
SETTLES_WITHIN_S = 30.0
DRAWN_SHARE = 0.6


def main() -> int:
    """Print how requests were answered, and what is left of them; 1 if something may not be."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--requests", type=int, default=REQUESTS)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--strategy", default="asyncpg")
    options = parser.parse_args()
    with ExitStack() as stack:
        janitor = stack.enter_context(Janitor())
        server = stack.enter_context(open_server(None, None, janitor))
        databases = stack.enter_context(Databases(server, "malformed", go_with_server=True))
        address = databases.create("load")
        words = ("--pool-size", str(POOL_SIZE))
        instance = stack.enter_context(Instance(options.strategy, address, words, janitor))
        url = instance.url()
        began = _left(instance.pid, address)
        drawn = round(DRAWN_SHARE * options.requests)
        by_schema = _draw(url, drawn, options.seed)
        by_hand = _mangle(url, options.requests - drawn, options.seed)
        settled = _settle(url, instance.pid, address, began)
        said = instance.said()
        instance.stop()
    for name, counts in (("drawn by schemathesis", by_schema), ("bytes by hand", by_hand)):
        told = ", ".join(f"{count:,} × {status}" for status, count in sorted(counts.items()))
        print(f"{name}: {sum(counts.values()):,} requests: {told}")
    mistakes = [line for line in said.splitlines() if "serves at" not in line]
    server_errors = {
        status: count
        for counts in (by_schema, by_hand)
        for status, count in counts.items()
        if status.startswith("5") and status != "503"
    }
    findings = [
        (not server_errors, f"5xx but 503: {server_errors or 'none'}"),
        (
            settled == began,
            f"connections of clients that are gone, of the pool: {settled}, before it {began}",
        ),
        (not mistakes, f"what the service said of itself: {mistakes[:3] or 'nothing'}"),
    ]
    for holds, told in findings:
        print(f"{'holds ' if holds else 'FAILS '} {told}")
    return int(not all(holds for holds, _ in findings))


def _draw(url: str, number: int, seed_number: int) -> Counter[str]:
    """Send requests that are right and wrong by the schema, as many of each operation."""
    counts: Counter[str] = Counter()
    schema = schemathesis.openapi.from_url(f"{url}/openapi.json")
    operations = [each.ok() for each in schema.get_all_operations() if isinstance(each, Ok)]
    modes = (GenerationMode.NEGATIVE, GenerationMode.POSITIVE)
    each_time = -(-number // (len(operations) * len(modes)))
    with requests.Session() as session:
        for operation in operations:
            for mode in modes:
                with suppress(_CannotBeWrong):
                    _draw_of(operation, mode, url, session, each_time, seed_number, counts)
    # Some operations take nothing that could be wrong: the others make up for them.
    richest = [each for each in operations if each.body]
    while sum(counts.values()) < number:
        for operation in richest:
            missing = number - sum(counts.values())
            if missing > 0:
                seed_number += 1
                _draw_of(
                    operation,
                    GenerationMode.NEGATIVE,
                    url,
                    session,
                    min(missing, 200),
                    seed_number,
                    counts,
                )
    return counts


class _CannotBeWrong(Exception):
    """An operation takes nothing that could be wrong."""


def _draw_of(
    operation: Any,
    mode: GenerationMode,
    url: str,
    session: requests.Session,
    number: int,
    seed_number: int,
    counts: Counter[str],
) -> None:
    sent = 0

    @seed(seed_number)
    @settings(
        max_examples=number,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def send(case: Any) -> None:
        nonlocal sent
        sent += 1
        counts[str(case.call(base_url=url, session=session).status_code)] += 1

    try:
        send()
    except Exception:
        if sent:
            raise
        raise _CannotBeWrong from None


def _mangle(url: str, number: int, seed_number: int) -> Counter[str]:
    """Send bytes that are no requests, or not quite, over so many connections at a time."""
    counts: Counter[str] = Counter()
    lock = threading.Lock()

    def send_some(worker: int) -> None:
        random = Random(f"{seed_number}/{worker}")
        for _ in range(worker, number, THREADS):
            answer = _send(url, list(_pieces(random)))
            with lock:
                counts[answer] += 1

    threads = [threading.Thread(target=send_some, args=(each,)) for each in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return counts


def _pieces(random: Random) -> Iterator[bytes]:
    """Yield the bytes of a connection, piece by piece; an empty one ends what is sent."""
    key = str(UUID(int=random.getrandbits(128)))
    body = random.choice([b"{}", b'{"amount_cents": 5}', b"{", b"\xff" * 9, b"[" * 5_000, b""])
    path = random.choice(["/accounts", "/orders", f"/accounts/{key}/charges", "/%00", "*", "//"])
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nIdempotency-Key: {key}\r\n"
    whole = f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body
    match random.randrange(12):
        case 0:  # cut off, and gone
            yield whole[: random.randrange(len(whole))]
            yield b""
        case 1:  # a byte is another one
            place = random.randrange(len(whole))
            yield whole[:place] + bytes([random.randrange(256)]) + whole[place + 1 :]
        case 2:  # noise
            yield random.randbytes(random.randrange(1, 4_000))
        case 3:  # in pieces
            for begins in range(0, len(whole), 7):
                yield whole[begins : begins + 7]
        case 4:  # two lengths
            yield f"{head}Content-Length: 2\r\nContent-Length: 7\r\n\r\n".encode() + body
        case 5:  # a length and chunks
            chunked = b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
            yield head.encode() + chunked
        case 6:  # chunks that are none
            yield head.encode() + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n"
        case 7:  # a head without end
            yield head.encode()
            for _ in range(30):
                yield b"X-Filler: " + b"x" * 1_000 + b"\r\n"
        case 8:  # a length that no body has
            length = random.choice(["-1", "9" * 30, "x", ""])
            yield f"{head}Content-Length: {length}\r\n\r\n".encode()
        case 9:  # another protocol
            http_2, tls = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00"
            yield random.choice([http_2, tls])
        case 10:  # an upgrade that is not offered
            yield head.encode() + b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
        case _:  # several at once, the last one cut
            yield whole * random.randrange(1, 20) + whole[: random.randrange(len(whole))]


def _send(url: str, pieces: list[bytes]) -> str:
    """Return the status of the first answer, or how the connection ended without one."""
    parts = urlsplit(url)
    assert parts.hostname is not None
    assert parts.port is not None
    try:
        with socket.create_connection((parts.hostname, parts.port), SOCKET_TIMEOUT_S) as connection:
            for piece in pieces:
                if not piece:
                    return "gone"
                connection.sendall(piece)
            answer = connection.recv(4_096)
    except TimeoutError:
        # It waits for more: a request that has not come to its end.
        return "waited"
    except OSError:
        return "closed"
    return answer.split(b" ", 2)[1].decode("latin-1") if answer else "closed"


def _left(pid: int, address: DatabaseAddress) -> tuple[int, int]:
    """Return how many connections there are of clients that are gone, and how many to the database.

    What a library of ours keeps open for its next request is no client that is gone.
    """
    ours = {each.laddr.port for each in _connections(os.getpid())}
    clients = sum(each.raddr.port not in (address.port, *ours) for each in _connections(pid))
    with connect(address) as connection:
        row = connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            " AND application_name = 'outboxbench' AND pid <> pg_backend_pid()"
        ).fetchone()
    assert row is not None
    return clients, int(row[0])


def _connections(pid: int) -> list[Any]:
    return [
        each
        for each in psutil.Process(pid).net_connections(kind="tcp")
        if each.status == psutil.CONN_ESTABLISHED and each.raddr
    ]


def _settle(
    url: str, pid: int, address: DatabaseAddress, wanted: tuple[int, int]
) -> tuple[int, int]:
    """Wait until what is left is what there was, or for so long; return what there is then."""
    deadline_s = time.monotonic() + SETTLES_WITHIN_S
    while True:
        # It still answers.
        assert requests.get(f"{url}/health/ready", timeout=5).status_code == 200
        # The connection of this question is one as well, until it is closed.
        time.sleep(0.2)
        left = _left(pid, address)
        if left == wanted or time.monotonic() > deadline_s:
            return left


if __name__ == "__main__":
    sys.exit(main())

"""Times what a round trip takes by itself: an empty query over libpq on a blocking socket.

That depends on which cores the kernel has client and server on, and so changes with time: it is
timed again and again between the commands that it is held against.
"""

from __future__ import annotations

import statistics
import time
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg.pq import ConnStatus

from outboxbench.harness.postgres.counters import cpu_between, server_cpu_seconds
from outboxbench.harness.postgres.server import connect
from outboxbench.results.cost import BareRoundTrip

if TYPE_CHECKING:
    from collections.abc import Sequence

    from outboxbench.harness.postgres.server import Server

WARM_UPS = 50
ROUND_TRIPS = 200


def bare_round_trip(server: Server) -> BareRoundTrip:
    """Go to the server and back so often that the median says what it takes at this moment."""
    with connect(server.address) as connection:
        time_round_trips(connection, WARM_UPS)
        server_before = server_cpu_seconds(server.postmaster_pid)
        # Of this thread: another one draws the progress.
        client_cpu_ns = -time.thread_time_ns()
        times_ns = time_round_trips(connection, ROUND_TRIPS)
        client_cpu_ns += time.thread_time_ns()
        server_cpu_s = cpu_between(server_before, server_cpu_seconds(server.postmaster_pid))
    return BareRoundTrip(
        wall_us=statistics.median(times_ns) / 1000,
        client_cpu_us=client_cpu_ns / 1000 / ROUND_TRIPS,
        server_cpu_us=None if server_cpu_s is None else server_cpu_s * 1e6 / ROUND_TRIPS,
    )


def time_round_trips(connection: psycopg.Connection[Any], number: int) -> list[int]:
    """Go to the server and back so often; return how long each took, in nanoseconds.

    Raises:
        psycopg.OperationalError: the connection broke.
    """
    exchange = connection.pgconn.exec_
    times_ns = []
    for _ in range(number):
        began_ns = time.perf_counter_ns()
        exchange(b"")
        times_ns.append(time.perf_counter_ns() - began_ns)
    # An exchange over a broken connection returns at once, and raises nothing.
    if connection.pgconn.status != ConnStatus.OK:
        raise psycopg.OperationalError("the connection broke")
    return times_ns


def usual_round_trip(measured: Sequence[BareRoundTrip]) -> BareRoundTrip:
    """Return the one in the middle; its figures belong together."""
    return sorted(measured, key=lambda each: each.wall_us)[len(measured) // 2]

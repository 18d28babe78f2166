"""Measures how exact the delay of the network proxy is, with round trips that do nothing else."""

from __future__ import annotations

import statistics
from contextlib import ExitStack
from typing import TYPE_CHECKING

import psycopg

from outboxbench.harness.cost.bare_round_trip import WARM_UPS, time_round_trips
from outboxbench.harness.errors import CannotRun
from outboxbench.harness.postgres.server import connect
from outboxbench.harness.wire.proxy_process import NetworkProxy
from outboxbench.results.machine import NetworkDelay

if TYPE_CHECKING:
    from outboxbench.harness.janitor import Janitor
    from outboxbench.harness.postgres.server import Server

SAMPLES = 400
BATCHES = 8


def measure_delay(
    server: Server, rtt_ms: float, janitor: Janitor, *, samples: int = SAMPLES
) -> NetworkDelay:
    """Take so many round trips through a proxy that delays, and as many through one that does not.

    They take turns in batches: a machine that drifts favours neither.

    Raises:
        CannotRun: a proxy or the server ended meanwhile, or the address is none for the proxy.
    """
    try:
        without_ns, with_ns = _take_turns(server, rtt_ms, janitor, samples)
    except psycopg.OperationalError:
        raise CannotRun(
            "a connection broke while the delay of the network was measured: "
            "see that the server runs, and start the run again"
        ) from None
    median_without_ns = statistics.median(without_ns)
    return NetworkDelay(
        rtt_ms=rtt_ms,
        samples=len(with_ns),
        added_p50_us=(statistics.median(with_ns) - median_without_ns) / 1000,
        added_p99_us=(statistics.quantiles(with_ns, n=100)[-1] - median_without_ns) / 1000,
    )


def _take_turns(
    server: Server, rtt_ms: float, janitor: Janitor, samples: int
) -> tuple[list[int], list[int]]:
    with ExitStack() as stack:
        connections = [
            stack.enter_context(
                connect(
                    stack.enter_context(NetworkProxy(server.address, each_ms, janitor)).address(
                        server.address.database
                    )
                )
            )
            for each_ms in (0.0, rtt_ms)
        ]
        times_ns: tuple[list[int], list[int]] = ([], [])
        for connection in connections:
            time_round_trips(connection, WARM_UPS)
        for batch in range(BATCHES):
            # The last batches make up for what does not divide.
            number = samples * (batch + 1) // BATCHES - samples * batch // BATCHES
            for connection, times in zip(connections, times_ns, strict=True):
                times += time_round_trips(connection, number)
        return times_ns

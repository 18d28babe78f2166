"""Divides the wall time of an operation into the parts that are known, and what is left.

No time is told twice: the CPU that a bare round trip takes on both ends is part of the wire, and
the CPU in a sync of the log is part of what the server executes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from outboxbench.results.cost import CommandTime

if TYPE_CHECKING:
    from outboxbench.results.cost import BareRoundTrip, BareWalSync


@dataclass(frozen=True, slots=True)
class Timings:
    """What one operation took, on average; null where the platform cannot tell."""

    wall_us: float
    client_cpu_us: float
    server_cpu_us: float | None
    wal_syncs: float
    wal_sync_time_us: float
    """As the server tells it, the CPU in the syncs included."""


def split_time(
    timings: Timings, round_trips: float, round_trip: BareRoundTrip, wal_sync: BareWalSync
) -> CommandTime:
    """Return the parts with the remainder, which is the client's waiting.

    Where client and server work at the same time the parts exceed the wall time: then nothing is
    left, and by how much they exceed it is told as the overlap. Without one of the parts there is
    no telling either.
    """
    wire_us = round_trips * round_trip.wall_us
    client_us = max(0.0, timings.client_cpu_us - round_trips * round_trip.client_cpu_us)
    server_us = (
        None
        if timings.server_cpu_us is None or round_trip.server_cpu_us is None
        else max(0.0, timings.server_cpu_us - round_trips * round_trip.server_cpu_us)
    )
    sync_us = (
        None
        if wal_sync.server_cpu_us is None
        else max(0.0, timings.wal_sync_time_us - timings.wal_syncs * wal_sync.server_cpu_us)
    )
    remainder_us = (
        None
        if server_us is None or sync_us is None
        else timings.wall_us - server_us - sync_us - wire_us - client_us
    )
    return CommandTime(
        wall_us=timings.wall_us,
        server_executing_us=server_us,
        wal_sync_us=sync_us,
        wire_us=wire_us,
        client_executing_us=client_us,
        client_waiting_us=None if remainder_us is None else max(0.0, remainder_us),
        overlap_us=None if remainder_us is None else max(0.0, -remainder_us),
        client_cpu_us=timings.client_cpu_us,
        server_cpu_us=timings.server_cpu_us,
        wal_syncs=timings.wal_syncs,
    )

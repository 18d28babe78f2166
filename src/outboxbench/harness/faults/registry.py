"""The faults there are, by name, and why one is refused on a given server."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from outboxbench.harness.faults.backend_kill import BACKEND_KILL, BACKEND_KILL_ALL
from outboxbench.harness.faults.broker_down import BROKER_DOWN
from outboxbench.harness.faults.broker_slow import BROKER_SLOW
from outboxbench.harness.faults.connection_refusal import CONNECTION_REFUSAL
from outboxbench.harness.faults.deadlock import DEADLOCK
from outboxbench.harness.faults.disk_full import DISK_FULL
from outboxbench.harness.faults.failover import FAILOVER_ASYNC, FAILOVER_SYNC
from outboxbench.harness.faults.fault import HURTS_OTHERS
from outboxbench.harness.faults.held_xmin import HELD_XMIN
from outboxbench.harness.faults.hot_row import HOT_ROW
from outboxbench.harness.faults.network import NETWORK_FAULTS
from outboxbench.harness.faults.relay_freeze import RELAY_FREEZE
from outboxbench.harness.faults.relay_kill import RELAY_KILL
from outboxbench.harness.faults.serialisation_storm import SERIALISATION_STORM
from outboxbench.harness.faults.server_crash import SERVER_CRASH
from outboxbench.harness.faults.server_freeze import SERVER_FREEZE
from outboxbench.harness.faults.server_restart import SERVER_RESTART
from outboxbench.harness.faults.slow_close import SLOW_CLOSE
from outboxbench.harness.faults.slow_disk import SLOW_DISK
from outboxbench.harness.faults.worker_kill import WORKER_KILL
from outboxbench.harness.postgres.volume import HOW_TO_BE_ALLOWED, may_mount

if TYPE_CHECKING:
    from collections.abc import Mapping

    from outboxbench.harness.faults.fault import FaultKind
    from outboxbench.harness.postgres.server import Server

FAULTS: Final[Mapping[str, FaultKind]] = MappingProxyType(
    {
        kind.name: kind
        for kind in (
            BACKEND_KILL,
            BACKEND_KILL_ALL,
            CONNECTION_REFUSAL,
            SERVER_CRASH,
            SERVER_RESTART,
            SERVER_FREEZE,
            FAILOVER_ASYNC,
            FAILOVER_SYNC,
            WORKER_KILL,
            RELAY_KILL,
            RELAY_FREEZE,
            BROKER_DOWN,
            BROKER_SLOW,
            HELD_XMIN,
            HOT_ROW,
            DEADLOCK,
            SERIALISATION_STORM,
            SLOW_DISK,
            DISK_FULL,
            SLOW_CLOSE,
            *NETWORK_FAULTS,
        )
    }
)
NEEDS_SUPERUSER: Final = frozenset({CONNECTION_REFUSAL.name, SLOW_DISK.name})
"""One takes the slots that are reserved for superusers, the other changes a setting of theirs."""


def refuse_reason(kind: FaultKind, server: Server) -> str | None:
    """Return why the fault must not or cannot be injected on this server; None if it may be."""
    if server.cluster is None and kind.reach in HURTS_OTHERS:
        return (
            f"{kind.name} would hurt everybody on a server that outboxbench did not start: "
            "run without --dsn, or leave it out"
        )
    if kind.name in NEEDS_SUPERUSER and not server.is_superuser:
        return f"{kind.name} needs a superuser: connect as one, or leave it out"
    if kind.needs_volume and not may_mount():
        return f"{kind.name} mounts a small volume, and {HOW_TO_BE_ALLOWED}"
    return None

"""The machine, the software and the server that take part in a measurement."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import psycopg

from outboxbench.harness.postgres.sync_latency import server_fsync_us
from outboxbench.results import environment
from outboxbench.results.machine import Environment
from outboxbench.results.machine import Server as ServerDocument

if TYPE_CHECKING:
    from outboxbench.harness.postgres.server import Server


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the document says of them."""

    environment: Environment
    server: ServerDocument

    @classmethod
    def of(cls, server: Server, *, times_sync: bool = True) -> Surroundings:
        """Describe this machine, its software and a running server; nothing else must run yet.

        For a server of our own that syncs it takes some two seconds to see how long a sync takes.
        """
        cluster = server.cluster
        return cls(
            environment=environment.collect(
                libpq=_libpq_version(),
                psycopg_implementation=psycopg.pq.__impl__,
                data_folder=None if cluster is None else cluster.data_directory,
                fsync_us=server_fsync_us(server) if times_sync else None,
            ),
            server=server_document(server),
        )


def server_document(server: Server) -> ServerDocument:
    """Describe a running server."""
    return ServerDocument(version=server.version, origin=server.origin, settings=server.settings())


def _libpq_version() -> str:
    number = psycopg.pq.version()
    return f"{number // 10_000}.{number % 10_000}"

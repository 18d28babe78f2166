"""The server that a run measures against, whoever started it."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import psycopg
from psycopg.rows import class_row

from outboxbench.core.strategies.psycopg_connection import host_arguments
from outboxbench.harness.errors import BadInput, CannotRun
from outboxbench.harness.postgres.binaries import Binaries, binaries_in, embedded_binaries
from outboxbench.harness.postgres.cluster import Cluster
from outboxbench.harness.postgres.dsn import parse_dsn

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from psycopg.rows import TupleRow

    from outboxbench.core.strategies.settings import DatabaseAddress
    from outboxbench.harness.janitor import Janitor

Origin = Literal["embedded", "pg-bin", "dsn"]

OLDEST_VERSION = 15
CONNECT_TIMEOUT_S = 5

FACTS_SQL = """
    SELECT pg_is_in_recovery() AS is_standby,
           rolsuper AS is_superuser,
           rolsuper OR rolcreatedb AS can_create_databases,
           pg_has_role('pg_checkpoint', 'usage') AS can_checkpoint
    FROM pg_roles
    WHERE rolname = current_user
"""

# Two kinds: whatever differs from the built-in default, and what decides over durability even
# where it is the default. Left out is what this session, its role or its database brought along,
# what names a place or a person's secret, and where the server listens.
SETTINGS_SQL = r"""
    SELECT name, current_setting(name)
    FROM pg_settings
    WHERE name IN ('fsync', 'synchronous_commit', 'full_page_writes', 'wal_level', 'data_checksums')
       OR (setting IS DISTINCT FROM boot_val
           AND source NOT IN ('default', 'client', 'session', 'database', 'user', 'database user')
           AND category NOT IN ('File Locations', 'Error Handling')
           AND name !~ '(_file|_dir|_path|_directory|_directories|_command|_conninfo|_name)$'
           AND name !~ '(password|passphrase|secret|token|credential)'
           AND name NOT IN ('port', 'listen_addresses', 'in_hot_standby'))
    ORDER BY name
"""


@dataclass(frozen=True, slots=True)
class Server:
    """A running PostgreSQL server; `address` is that of its maintenance database.

    `binaries` are those to run pgbench from. `postmaster_pid` and `cluster` are None for a
    server that the user started.
    """

    origin: Origin
    address: DatabaseAddress
    version: str
    binaries: Binaries
    is_superuser: bool
    can_checkpoint: bool
    postmaster_pid: int | None = None
    cluster: Cluster | None = None

    @property
    def major(self) -> int:
        """The major version of the server, as 18."""
        return int(self.version.split(".")[0])

    def settings(self) -> dict[str, str]:
        """Return every setting that is not the default, without secrets and places."""
        with connect(self.address) as connection:
            rows = connection.execute(SETTINGS_SQL).fetchall()
        return {name: value for name, value in rows if not value.startswith("/")}


def connect(address: DatabaseAddress) -> psycopg.Connection[TupleRow]:
    """Return a connection in autocommit mode, for the harness's own errands.

    Raises:
        psycopg.OperationalError: the server does not answer, or refuses.
    """
    return psycopg.connect(
        **host_arguments(address),
        user=address.user,
        password=address.password,
        dbname=address.database,
        sslmode=address.sslmode,
        connect_timeout=CONNECT_TIMEOUT_S,
        application_name="outboxbench harness",
        autocommit=True,
    )


@contextmanager
def open_server(
    dsn: str | None,
    pg_bin: Path | None,
    janitor: Janitor,
    settings: Mapping[str, str] | None = None,
) -> Iterator[Server]:
    """Open the user's server (`dsn`), or start one with the programs of `pg_bin` or our own.

    One that is started has `settings` besides the usual ones; the user's is left as it is.

    Raises:
        BadInput: both are given; the DSN does not answer, or its role may not create databases;
            or `pg_bin` holds no PostgreSQL.
        CannotRun: the server is too old or cannot be started here.
    """
    if dsn is not None and pg_bin is not None:
        raise BadInput("a DSN and a folder of binaries exclude each other: give one of them")
    if dsn is not None:
        yield _users_server(parse_dsn(dsn))
        return
    binaries = embedded_binaries() if pg_bin is None else binaries_in(pg_bin)
    _refuse_old(binaries.version, binaries.major)
    with Cluster(binaries, janitor, settings) as cluster:
        yield Server(
            origin="embedded" if pg_bin is None else "pg-bin",
            address=cluster.address,
            version=binaries.version,
            binaries=binaries,
            is_superuser=True,
            can_checkpoint=True,
            postmaster_pid=cluster.postmaster_pid,
            cluster=cluster,
        )


@dataclass(frozen=True, slots=True)
class _Facts:
    is_standby: bool
    is_superuser: bool
    can_create_databases: bool
    can_checkpoint: bool


def _users_server(address: DatabaseAddress) -> Server:
    try:
        with connect(address) as connection:
            version = connection.info.parameter_status("server_version") or "of unknown version"
            _refuse_old(version, connection.info.server_version // 10_000)
            with connection.cursor(row_factory=class_row(_Facts)) as cursor:
                (facts,) = cursor.execute(FACTS_SQL).fetchall()
    except psycopg.OperationalError as error:
        raise BadInput(
            f"no PostgreSQL lets {address.user} in at {address.host}:{address.port} "
            f"({_reason(error)}): check the DSN, and that the server runs"
        ) from None
    if facts.is_standby:
        raise BadInput("the server is a standby, which only reads: name its primary in the DSN")
    if not facts.can_create_databases:
        raise BadInput(
            f"role {address.user} may not create databases: "
            "grant it that with ALTER ROLE … CREATEDB, or name another role"
        )
    return Server(
        origin="dsn",
        address=address,
        version=version.split()[0],
        binaries=embedded_binaries(),
        is_superuser=facts.is_superuser,
        can_checkpoint=facts.can_checkpoint,
    )


def _refuse_old(version: str, major: int) -> None:
    if major < OLDEST_VERSION:
        raise CannotRun(
            f"the server is PostgreSQL {version}: version {OLDEST_VERSION} or later is needed"
        )


def _reason(error: psycopg.OperationalError) -> str:
    """Return what libpq has to say, without the advice that follows in further lines."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    refusals = [line for line in lines if "FATAL:" in line]
    line = (refusals or lines or ["no reason given"])[0]
    return line.rpartition("FATAL:")[2].strip() if refusals else line.rpartition(": ")[2]

"""The databases of one run: made from a template, and none left behind.

On a user's server only names that begin with `outboxbench_` are ever created or dropped. The
databases of a run that was killed are dropped by the next one: a run holds an advisory lock on
its token as long as it lives, and each database says in its comment whose it is.
"""

from __future__ import annotations

import contextlib
import re
from typing import TYPE_CHECKING

import psycopg
from psycopg import sql

from outboxbench.core.replication.slot import drop_slots
from outboxbench.harness.postgres.server import connect

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Self

    from outboxbench.core.strategies.settings import DatabaseAddress
    from outboxbench.harness.postgres.server import Server

PREFIX = "outboxbench_"
COMMENT = "database of outboxbench run "
TEMPLATE_SUFFIX = "template"
NAME_PART = re.compile(r"[a-z0-9_]{1,24}")

# The lock is looked for in pg_locks and not tried, for two reasons: a lock belongs to one
# database, and the other run may use another maintenance database; and a try that succeeds would
# for a moment look like a live run to a third one.
LOCK_SQL = "SELECT pg_advisory_lock(hashtextextended(%s, 0))"
LEFTOVERS_SQL = """
    WITH ours AS (
        SELECT datname, shobj_description(oid, 'pg_database') AS comment
        FROM pg_database
        WHERE starts_with(datname, %(prefix)s) AND pg_has_role(datdba, 'usage')
    )
    SELECT datname
    FROM ours
    WHERE starts_with(comment, %(comment)s)
      AND NOT EXISTS (
          SELECT FROM pg_locks
          WHERE locktype = 'advisory' AND granted AND objsubid = 1
            AND (classid::bigint << 32) | objid::bigint = hashtextextended(comment, 0)
      )
"""


class Databases:
    """Context manager that creates databases for one run and drops every one of them at its end.

    Args:
        server: where they are.
        run_token: unique among all runs on the server: lower-case letters and digits.
        go_with_server: whether the server is removed right afterwards: then none is dropped.
    """

    def __init__(self, server: Server, run_token: str, *, go_with_server: bool = False) -> None:
        _refuse_name_part(run_token)
        self._server = server
        self._go_with_server = go_with_server
        self._token = run_token
        self._comment = f"{COMMENT}{run_token}"
        self._created: dict[str, DatabaseAddress] = {}
        self._template: str | None = None

    def __enter__(self) -> Self:
        self._connection = connect(self._server.address)
        try:
            self._connection.execute(LOCK_SQL, [self._comment])
            self._drop_leftovers()
        except BaseException:
            self._connection.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with contextlib.closing(self._connection):
            if self._go_with_server:
                return
            for name in self._created:
                self._drop_if_possible(name)

    def create_template(self, prepare: Callable[[DatabaseAddress], None]) -> DatabaseAddress:
        """Create the database that `prepare` fills and that all later ones are copies of.

        `prepare` must have closed its connections when it returns.
        """
        address = self.create(TEMPLATE_SUFFIX)
        prepare(address)
        self._template = address.database
        return address

    def create(self, name_suffix: str) -> DatabaseAddress:
        """Create a copy of the template, or an empty database where there is none.

        Raises:
            ValueError: the suffix is not made of lower-case letters, digits and underscores.
        """
        _refuse_name_part(name_suffix)
        address = self._server.address.with_database(f"{PREFIX}{self._token}_{name_suffix}")
        self._create(address)
        return address

    def checkpoint(self) -> bool:
        """Write all changes to disk now; return False where the role may not ask for it."""
        if self._server.can_checkpoint:
            self._connection.execute("CHECKPOINT")
        return self._server.can_checkpoint

    def drop(self, address: DatabaseAddress) -> None:
        """Drop a database with its replication slots, and end the connections to it first.

        Raises:
            ValueError: its name does not begin as the names of our databases do.
            psycopg.errors.ObjectInUse: a role with more rights is connected to it, or relays read
                its log again and again.
        """
        self._drop(address.database)
        self._created.pop(address.database, None)
        if address.database == self._template:
            self._template = None

    def drop_all(self) -> None:
        """Drop every database that was created here."""
        for address in list(self._created.values()):
            self.drop(address)

    def _create(self, address: DatabaseAddress) -> None:
        name = address.database
        _refuse_foreign(name)
        # An empty one is the same on every server, whatever the server's own template and
        # language: bytes decide the order of texts.
        origin = (
            sql.SQL("template0 ENCODING 'UTF8' LOCALE_PROVIDER libc LOCALE 'C'")
            if self._template is None
            else sql.Identifier(self._template)
        )
        self._created[name] = address
        self._connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), origin)
        )
        # A backend keeps its statistics for a while: what this wrote would be told during a block.
        self._connection.execute(
            sql.SQL("COMMENT ON DATABASE {} IS {}; SELECT pg_stat_force_next_flush()").format(
                sql.Identifier(name), self._comment
            )
        )

    def _drop(self, name: str) -> None:
        _refuse_foreign(name)
        # A database whose log is being read is not dropped, by force neither.
        drop_slots(self._connection, name)
        drop = sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(name))
        try:
            self._connection.execute(drop + sql.SQL(" WITH (FORCE)"))
        except psycopg.errors.InsufficientPrivilege:
            # Only a superuser may end an autovacuum by force; without force it is asked to yield.
            self._connection.execute(drop)

    def _drop_if_possible(self, name: str) -> None:
        # The server may be gone, or someone may be looking into the database: then the next run
        # drops it.
        with contextlib.suppress(psycopg.OperationalError):
            self._drop(name)

    def _drop_leftovers(self) -> None:
        pattern = {"prefix": PREFIX, "comment": COMMENT}
        for (name,) in self._connection.execute(LEFTOVERS_SQL, pattern).fetchall():
            self._drop_if_possible(name)


def _refuse_foreign(name: str) -> None:
    if not name.startswith(PREFIX):
        raise ValueError(f"{name} is not a database of outboxbench: it is left alone")


def _refuse_name_part(part: str) -> None:
    if not NAME_PART.fullmatch(part):
        raise ValueError(f"{part!r} must be 1 to 24 of the characters a-z, 0-9 and _")

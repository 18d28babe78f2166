"""What every strategy is opened with; the same values for all arms of a table."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

SslMode = Literal["disable", "allow", "prefer", "require", "verify-ca", "verify-full"]
Isolation = Literal["read committed", "repeatable read", "serializable"]
Profile = Literal["idiomatic", "matched"]

_ANSWER_MARGIN_S: Final = 1.0

OLDEST_WITH_TRANSACTION_TIMEOUT: Final = 17
"""Major version of PostgreSQL."""

TARGET_SESSION_ATTRS: Final = "read-write"
"""What a client asks for that knows several hosts: of these a standby does not serve it."""


@dataclass(frozen=True, slots=True)
class DatabaseAddress:
    """Where a database is. The password never shows in a representation.

    It may be on other hosts as well, each with its port: a standby of the server, or the one that
    took its place. Who connects looks for one that takes writes, in their order.
    """

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    database: str
    sslmode: SslMode = "disable"
    other_hosts: tuple[tuple[str, int], ...] = ()

    @classmethod
    def of_fields(cls, fields: dict[str, Any]) -> DatabaseAddress:
        """Return the address that `dataclasses.asdict` has taken apart, and JSON has carried."""
        others = tuple((host, port) for host, port in fields["other_hosts"])
        return cls(**{**fields, "other_hosts": others})

    @property
    def hosts(self) -> tuple[tuple[str, int], ...]:
        """All hosts, each with its port."""
        return ((self.host, self.port), *self.other_hosts)

    def with_database(self, database: str) -> DatabaseAddress:
        """Return the address of another database on the same server."""
        return replace(self, database=database)

    def or_at(self, other: DatabaseAddress) -> DatabaseAddress:
        """Return the address of a database that may as well be where the other one is."""
        return replace(self, other_hosts=(*self.other_hosts, *other.hosts))


@dataclass(frozen=True, slots=True)
class StrategySettings:
    """How a strategy is opened. Timeouts are enforced by the server, alike for every driver.

    But where nothing passes between the two any more, the server's do not reach the client: see
    `answer_timeout_s`, and `tcp_user_timeout` for the server's side of it.
    """

    address: DatabaseAddress
    profile: Profile = "matched"
    pool_size: int = 16
    isolation: Isolation = "read committed"
    statement_timeout_s: float = 10.0
    lock_timeout_s: float = 5.0
    connect_timeout_s: float = 10.0
    own_parameters: dict[str, str] = field(default_factory=dict)
    """Server parameters that a write plan asks for beside those of every arm."""
    server_major: int | None = None
    """The server's major version; None: nobody has asked, and what not all have is not set."""

    @classmethod
    def of_fields(cls, fields: dict[str, Any]) -> StrategySettings:
        """Return the settings that `dataclasses.asdict` has taken apart."""
        return cls(**{**fields, "address": DatabaseAddress.of_fields(fields["address"])})

    def for_relay(self, lease_s: float) -> StrategySettings:
        """Return the settings that a relay opens a strategy with.

        One that freezes in the middle of a transaction would hold its locks for ever, and with them
        up whoever has taken over: the server ends such a transaction with the lease. And where the
        outbox is all but empty for a while, a plan that reads all of it looks cheap, and is kept
        when it is not: relays go along the indexes.
        """
        return replace(
            self,
            own_parameters={
                **self.own_parameters,
                self._transaction_limit: f"{round(lease_s * 1000)}",
                "enable_seqscan": "off",
            },
        )

    @property
    def answer_timeout_s(self) -> float:
        """For how long a client waits for an answer, at least, before it gives its connection up.

        By then the server has ended any statement, unless it was never told of it. Its timeouts do
        not tell a client of that, and neither does TCP while somebody on the way acknowledges.
        """
        return self.statement_timeout_s + _ANSWER_MARGIN_S

    @property
    def session_parameters(self) -> dict[str, str]:
        """Server parameters that every connection starts with, sent in the startup packet."""
        return {
            "application_name": "outboxbench",
            "default_transaction_isolation": self.isolation,
            "statement_timeout": f"{round(self.statement_timeout_s * 1000)}",
            "lock_timeout": f"{round(self.lock_timeout_s * 1000)}",
            # A backend whose client is cut off keeps its locks until TCP has told it so, which
            # takes two hours by default, and for ever where somebody on the way acknowledges. The
            # client gives it up meanwhile, comes back, and waits for the locks of its former self.
            self._transaction_limit: f"{round(self.answer_timeout_s * 1000)}",
            "tcp_user_timeout": f"{round(self.answer_timeout_s * 1000)}",
            "tcp_keepalives_idle": f"{math.ceil(self.answer_timeout_s)}",
            "tcp_keepalives_interval": "1",
            "tcp_keepalives_count": "3",
            **self.own_parameters,
        }

    @property
    def _transaction_limit(self) -> str:
        """The server's parameter that ends transactions whose client does not go on.

        Before PostgreSQL 17 a hole remains. A client may be cut off in the middle of a command: a
        pipeline that has not come to its end, or a statement that was prepared, as asyncpg does at
        its first use on a connection. Neither the limit on idle transactions nor that on statements
        ends what waits there.
        """
        if (self.server_major or 0) >= OLDEST_WITH_TRANSACTION_TIMEOUT:
            return "transaction_timeout"
        return "idle_in_transaction_session_timeout"

    @property
    def startup_options(self) -> str:
        """The session parameters as libpq's `options` takes them."""
        return " ".join(
            "-c {}={}".format(name, value.replace("\\", "\\\\").replace(" ", "\\ "))
            for name, value in self.session_parameters.items()
        )

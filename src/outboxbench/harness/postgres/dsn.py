"""What a user's DSN means: an address, or one sentence that says why not."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict
from psycopg.pq import Conninfo

from outboxbench.core.strategies.settings import DatabaseAddress, SslMode
from outboxbench.harness.errors import BadInput

if TYPE_CHECKING:
    from typing import TypeGuard

KEYS = ("host", "port", "user", "password", "dbname", "sslmode")


def parse_dsn(dsn: str) -> DatabaseAddress:
    """Return the address that a DSN names, as a URI or as key=value pairs.

    What it leaves out comes from libpq's environment variables, then from libpq's defaults, but
    for the host: that is localhost, since every strategy connects over TCP.

    Raises:
        BadInput: it cannot be read, or asks for what not every driver here can do.
    """
    defaults = {
        option.keyword.decode(): option.val.decode()
        for option in Conninfo.get_defaults()
        if option.val
    }
    try:
        given = {key: str(value) for key, value in conninfo_to_dict(dsn).items() if value}
    except ProgrammingError:
        # Its message would quote the DSN, and with it the password.
        raise BadInput(
            "the DSN cannot be read: write postgresql://user:password@host:port/database, "
            "or key=value pairs such as host=127.0.0.1 user=me dbname=postgres"
        ) from None
    unknown = sorted(given.keys() - set(KEYS))
    if unknown:
        raise BadInput(f"the DSN may not set {', '.join(unknown)}: only {', '.join(KEYS)}")
    asked = defaults | given
    if "@" in asked.get("host", "") + asked.get("dbname", ""):
        # No part of the DSN is quoted here: what was read as a host is half a password.
        raise BadInput("the DSN holds an @ too many: write @ as %40 and / as %2F in a password")
    if "user" not in asked:
        raise BadInput(
            "the DSN names no user: name one, as in postgresql://user@host:port/database"
        )
    return DatabaseAddress(
        host=_host(asked.get("host", "localhost")),
        port=_port(asked["port"]),
        user=asked["user"],
        password=asked.get("password", ""),
        database=asked.get("dbname", asked["user"]),
        sslmode=_sslmode(asked["sslmode"]),
    )


def _host(host: str) -> str:
    if host.startswith(("/", "@")):
        raise BadInput("the DSN names a Unix socket: name a host, such as 127.0.0.1")
    if "," in host:
        raise BadInput("the DSN names several hosts: name the primary alone")
    return host


def _port(port: str) -> int:
    if not port.isascii() or not port.isdigit() or not 0 < int(port) < 65536:
        raise BadInput("the DSN's port must be a number from 1 to 65535")
    return int(port)


def _sslmode(mode: str) -> SslMode:
    if not _is_sslmode(mode):
        raise BadInput(f"the DSN's sslmode is {mode}: it must be {', '.join(get_args(SslMode))}")
    return mode


def _is_sslmode(mode: str) -> TypeGuard[SslMode]:
    return mode in get_args(SslMode)

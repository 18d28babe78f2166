"""Clients as strategies are to a server, and processes that can be hit."""

from __future__ import annotations

import subprocess
import sys
from contextlib import closing, contextmanager
from random import Random
from typing import TYPE_CHECKING, Any

import psycopg

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from outboxbench.core.strategies.settings import DatabaseAddress

CHILD = "import sys; print('ready', flush=True); sys.stdin.read()"


class NoLink:
    """A way to the server that nobody is expected to touch."""

    def ask(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        raise AssertionError(f"nobody was to ask for {request}")


def open_client(address: DatabaseAddress) -> psycopg.Connection[Any]:
    """Connect as a strategy does."""
    return psycopg.connect(
        host=address.host,
        port=address.port,
        user=address.user,
        password=address.password,
        dbname=address.database,
        application_name="outboxbench",
        connect_timeout=10,
        autocommit=True,
    )


def can_work(address: DatabaseAddress) -> bool:
    """Tell whether a fresh client gets in and can change something."""
    with closing(open_client(address)) as client:
        return client.execute("UPDATE accounts SET version = version + 1").rowcount > 0


def chance(seed: int) -> Random:
    """Return the source of a fault's choices."""
    return Random(seed)


@contextmanager
def child_process() -> Iterator[subprocess.Popen[str]]:
    """Start a process that does nothing until it is ended."""
    with subprocess.Popen(
        [sys.executable, "-c", CHILD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        try:
            assert child.stdout is not None
            assert child.stdout.readline() == "ready\n"
            yield child
        finally:
            child.kill()

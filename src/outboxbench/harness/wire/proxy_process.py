"""The harness's side of the proxy: starts it, asks it for its counts, and ends it in any case."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from outboxbench.harness.child_process import ChildProcess
from outboxbench.harness.errors import CannotRun
from outboxbench.harness.wire.counts import WireCounts

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType
    from typing import Self

    from outboxbench.core.strategies.settings import DatabaseAddress
    from outboxbench.harness.janitor import Janitor

ANSWER_TIMEOUT_S: Final = 60.0
"""For imports, on a machine that is slow or busy; a proxy that runs answers at once."""

_ENFORCED_TLS: Final = ("require", "verify-ca", "verify-full")


class _ProxyProcess:
    """Context manager around a proxy in front of the server that `server` is an address on.

    Args:
        name: what it is, as the user is told when it fails.
        server: where the proxy connects to, and how its clients are to talk through it.
        options: what the proxy is told besides.
        janitor: ends it should the harness be gone first.
    """

    def __init__(
        self, name: str, server: DatabaseAddress, options: dict[str, Any], janitor: Janitor
    ) -> None:
        self._name = name
        self._server = server
        self._options = options
        self._janitor = janitor

    def __enter__(self) -> Self:
        self._process = ChildProcess(
            self._name, "outboxbench.harness.wire.proxy", (), self._janitor
        )
        try:
            self._process.tell(
                json.dumps({"host": self._server.host, "port": self._server.port, **self._options})
            )
            self._port: int = self._hear("listening")["port"]
        except BaseException:
            self._process.end()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._process.end()

    @property
    def pid(self) -> int:
        """The process."""
        return self._process.pid

    def address(self, database: str) -> DatabaseAddress:
        """Return the address of a database of the server, as seen through the proxy."""
        return replace(self._server, host="127.0.0.1", port=self._port, database=database)

    def _hear(self, event: str) -> dict[str, Any]:
        message = self._process.hear(
            ANSWER_TIMEOUT_S,
            f"{self._name} did not answer within {ANSWER_TIMEOUT_S:g} s: start the run again",
        )
        assert message["event"] == event
        return message


class WireProxy(_ProxyProcess):
    """Counts what passes it, which goes without TLS.

    Raises:
        CannotRun: the address demands TLS, which the proxy could not look into.
    """

    def __init__(self, server: DatabaseAddress, janitor: Janitor) -> None:
        if server.sslmode in _ENFORCED_TLS:
            raise CannotRun(
                f"sslmode={server.sslmode} hides the messages that the wire proxy counts: "
                "name a server in the DSN that allows sslmode=disable"
            )
        super().__init__("the wire proxy", replace(server, sslmode="disable"), {}, janitor)

    def counts(self) -> WireCounts:
        """Return the totals so far: exact if every client has its answers.

        Raises:
            CannotRun: the proxy has ended, or does not answer.
        """
        self._process.tell(json.dumps({"request": "counts"}))
        return WireCounts.from_json(self._hear("counts")["counts"])


class NetworkProxy(_ProxyProcess):
    """Makes every round trip `rtt_ms` milliseconds longer. TLS, if asked for, passes untouched.

    Raises:
        CannotRun: the address demands that the server prove its name, which is not the proxy's.
    """

    def __init__(self, server: DatabaseAddress, rtt_ms: float, janitor: Janitor) -> None:
        if server.sslmode == "verify-full":
            raise CannotRun(
                "sslmode=verify-full checks the server's name, which clients of the network proxy "
                "know as 127.0.0.1: use sslmode=verify-ca in the DSN"
            )
        super().__init__("the network proxy", server, {"rtt_ms": rtt_ms}, janitor)


class FaultProxy(_ProxyProcess):
    """Injects network faults on request. It goes without TLS.

    Raises:
        CannotRun: the address demands TLS, in which the proxy could not find a commit.
    """

    def __init__(self, server: DatabaseAddress, janitor: Janitor) -> None:
        if server.sslmode in _ENFORCED_TLS:
            raise CannotRun(
                f"sslmode={server.sslmode} hides the commits that the fault proxy cuts: "
                "name a server in the DSN that allows sslmode=disable"
            )
        super().__init__(
            "the fault proxy", replace(server, sslmode="disable"), {"faults": True}, janitor
        )

    def ask(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """Have something done that `faulty` knows; return what proves it.

        Raises:
            CannotRun: the proxy has ended, does not answer, or knows no such request.
        """
        self._process.tell(json.dumps(dict(request)))
        evidence = self._hear("done")
        del evidence["event"]
        return evidence

"""The simulated networks of a run: a proxy for each delay, between all its clients and the server.

An arm that names a delay of 0 goes through a proxy as well: what a proxy costs by itself is then
the same for all that are compared.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

from outboxbench.harness.pinning import pin
from outboxbench.harness.wire.delay_check import measure_delay
from outboxbench.harness.wire.proxy_process import NetworkProxy

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from outboxbench.core.strategies.settings import DatabaseAddress
    from outboxbench.harness.janitor import Janitor
    from outboxbench.harness.postgres.server import Server
    from outboxbench.results.machine import NetworkDelay


class Networks:
    """Context manager around the proxies; `delays` is how exact each of them was."""

    def __init__(
        self,
        server: Server,
        rtts_ms: Iterable[float],
        janitor: Janitor,
        cores: Sequence[int] | None,
    ) -> None:
        self._server = server
        self._rtts_ms = sorted(set(rtts_ms))
        self._janitor = janitor
        self._cores = cores
        self._stack = ExitStack()
        self._proxies: dict[float, NetworkProxy] = {}
        self.delays: tuple[NetworkDelay, ...] = ()

    def __enter__(self) -> Networks:
        with ExitStack() as stack:
            self.delays = tuple(
                measure_delay(self._server, rtt_ms, self._janitor)
                for rtt_ms in self._rtts_ms
                if rtt_ms
            )
            for rtt_ms in self._rtts_ms:
                proxy = NetworkProxy(self._server.address, rtt_ms, self._janitor)
                self._proxies[rtt_ms] = stack.enter_context(proxy)
                pin(proxy.pid, self._cores)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def pids(self) -> list[int]:
        """The processes of the proxies."""
        return [proxy.pid for proxy in self._proxies.values()]

    def through(self, rtt_ms: float | None, address: DatabaseAddress) -> DatabaseAddress:
        """Return where clients find the database; the address itself where nothing is between."""
        if rtt_ms is None:
            return address
        return self._proxies[rtt_ms].address(address.database)

"""The client processes of a block: whoever is gone is replaced, whoever never ends is ended."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Final

from outboxbench.harness.faulting.job import ClientsJob
from outboxbench.harness.faulting.process import MemberProcess
from outboxbench.harness.load.job import OpenLoad, Window
from outboxbench.harness.pinning import pin

if TYPE_CHECKING:
    from pathlib import Path

    from outboxbench.core.strategies.settings import StrategySettings
    from outboxbench.harness.faulting.order import FaultOrder
    from outboxbench.harness.janitor import Janitor
    from outboxbench.harness.load.dataset import Dataset
    from outboxbench.results.machine import Pinning

_GRACE_S: Final = 15.0
"""For what is under way when the load ends; who is not back by then is wedged."""

CLIENTS_MODULE: Final = "outboxbench.harness.faulting.worker"


@dataclass(slots=True)
class Crew:
    """All client processes of a block, each with its share of the clients and of the load.

    Args:
        order: what they do.
        settings: how they reach the database.
        dataset: what it holds.
        journals: the folder for their records.
        janitor: ends them should the harness be gone first.
        pinning: where they run.
    """

    order: FaultOrder
    settings: StrategySettings
    dataset: Dataset
    journals: Path
    janitor: Janitor
    pinning: Pinning
    _members: list[MemberProcess] = field(default_factory=list)
    _started: int = 0
    _window: Window | None = None

    @property
    def pids(self) -> tuple[int, ...]:
        """Who is there now."""
        return tuple(member.pid for member in self._members)

    def start(self) -> None:
        """Start everybody, without waiting for them."""
        for place in range(self.order.workers):
            self._members.append(self._new(place))

    def wait_until_ready(self) -> None:
        """Wait until everybody is connected.

        Raises:
            CannotRun: somebody cannot connect.
        """
        for member in self._members:
            member.wait_until_ready()

    def go(self, window: Window) -> None:
        """Have everybody begin."""
        self._window = window
        for member in self._members:
            member.go(json.dumps(asdict(window)))

    def replace_gone(self) -> None:
        """Replace whoever is gone, as a supervisor would."""
        for place, member in enumerate(self._members):
            if not member.is_running:
                member.end()
                self._members[place] = self._replacement(place)

    def stop(self) -> int:
        """Have nobody begin anything more, and wait; return how many had to be ended.

        Raises:
            CannotRun: somebody failed by a fault of his own.
        """
        for member in self._members:
            member.stop()
        deadline_s = time.monotonic() + _GRACE_S
        return sum(
            member.ends_within(max(0.1, deadline_s - time.monotonic())) is None
            for member in self._members
        )

    def end(self) -> None:
        """End everybody, whatever they do."""
        for member in self._members:
            member.end()

    def _replacement(self, place: int) -> MemberProcess:
        member = self._new(place)
        assert self._window is not None
        # It connects when it can; what was due until then is skipped.
        now_ns = time.monotonic_ns()
        window = Window.of(now_ns, now_ns, max(self._window.closes_ns, now_ns + 1))
        member.go(json.dumps(asdict(window)))
        return member

    def _new(self, place: int) -> MemberProcess:
        order = self.order
        member = MemberProcess(
            f"the clients of {order.name}",
            CLIENTS_MODULE,
            order.strategy,
            self.janitor,
            order.environment,
        )
        pin(member.pid, self.pinning.client_cores)
        clients = order.clients // order.workers
        member.prepare(
            ClientsJob(
                settings=self.settings,
                loop=order.loop,
                mix=order.mix,
                clients=clients,
                first_client=place * clients,
                dataset=self.dataset,
                seed=order.seed,
                load=None
                if order.rate_per_s is None
                else OpenLoad(
                    "poisson",
                    order.rate_per_s / order.workers,
                    order.max_wait_s,
                    f"{order.seed}/arrivals/{self._started}",
                ),
                retrying=order.retrying,
                busy_wait_us=order.busy_wait_us,
                announces=order.relaying is not None and order.relaying.wake_up == "announce",
                worker=self._started,
                journal=str(self.journals),
            ).to_json()
        )
        self._started += 1
        return member

"""What the processes of a block of relays are told to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from outboxbench.core.strategies.settings import StrategySettings
from outboxbench.harness.load.dataset import Dataset
from outboxbench.harness.load.job import Job, OpenLoad
from outboxbench.harness.nats.server import USER
from outboxbench.harness.relaying.job import BrokerAddress, RelayJob
from outboxbench.harness.suite.relay_plan import ChainArm, DrainArm

if TYPE_CHECKING:
    from pathlib import Path

    from outboxbench.core.strategies.settings import DatabaseAddress
    from outboxbench.harness.nats.server import NatsServer
    from outboxbench.harness.postgres.server import Server
    from outboxbench.harness.relaying.job import WakeUp
    from outboxbench.harness.relaying.process import RelayProcess
    from outboxbench.harness.suite.model import Suite
    from outboxbench.harness.suite.relay_plan import RelayingArm

_OWN_CONNECTIONS = 2


@dataclass(frozen=True, slots=True)
class RelayJobs:
    """The jobs of one suite's relays, and of who gives them something to do.

    `nats` is None if no arm needs it.
    """

    suite: Suite
    server: Server
    nats: NatsServer | None

    def start(
        self,
        arm: RelayingArm,
        address: DatabaseAddress,
        relays: list[RelayProcess],
        records: Path,
    ) -> None:
        """Tell relays what to do, and wait until they are connected; they begin when told to.

        Args:
            arm: whose relays they are.
            address: where the messages are.
            relays: their processes.
            records: the folder for what they deliver and commit.

        Raises:
            CannotRun: a relay cannot connect.
        """
        handlers = arm.handlers if isinstance(arm, ChainArm) else 1
        alone = len(relays) == 1
        for number, relay in enumerate(relays):
            relay.prepare(
                RelayJob(
                    name=f"relay{number}",
                    settings=self._settings(address, handlers + _OWN_CONNECTIONS).for_relay(
                        arm.lease_s
                    ),
                    loop=arm.loop,
                    plan=arm.plan,
                    broker=self._broker(arm),
                    batch=arm.batch,
                    handlers=handlers,
                    busy_us=arm.busy_us if isinstance(arm, DrainArm) else 0.0,
                    wake_up=_wake_up(arm),
                    backlog=arm.backlog.messages if isinstance(arm, DrainArm) and alone else None,
                    lease_s=arm.lease_s,
                    records=str(records),
                )
            )
        for relay in relays:
            relay.wait_until_ready()

    def orders(self, arm: ChainArm, address: DatabaseAddress, commits: Path, seed: str) -> Job:
        """Return the job of whoever places the orders; its `commits` are recorded there."""
        return Job(
            settings=self._settings(address, arm.clients),
            loop=arm.loop,
            mix="place",
            clients=arm.clients,
            first_client=0,
            dataset=Dataset(self.suite.dataset.accounts, self.suite.dataset.orders),
            seed=seed,
            max_attempts=self.suite.max_attempts,
            open_load=OpenLoad("poisson", arm.orders_per_s, max_wait_s=1.0, seed=seed),
            commits=str(commits),
            announces=arm.wake_up == "announce",
        )

    def _settings(self, address: DatabaseAddress, pool_size: int) -> StrategySettings:
        return StrategySettings(
            address=address,
            pool_size=pool_size,
            statement_timeout_s=self.suite.statement_timeout_s,
            lock_timeout_s=self.suite.lock_timeout_s,
            connect_timeout_s=self.suite.connect_timeout_s,
            server_major=self.server.major,
        )

    def _broker(self, arm: RelayingArm) -> BrokerAddress:
        if arm.broker == "memory":
            return BrokerAddress("memory")
        assert self.nats is not None
        return BrokerAddress("nats", self.nats.url, USER, self.nats.password)


def _wake_up(arm: RelayingArm) -> WakeUp:
    """What wakes a relay, beside a log that rings by itself."""
    if isinstance(arm, ChainArm) and arm.wake_up != "stream":
        return arm.wake_up
    return "poll"

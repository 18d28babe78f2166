"""What the harness tells processes that are to live through faults: JSON, a line."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from outboxbench.core.strategies.settings import StrategySettings
from outboxbench.harness.load.dataset import Dataset
from outboxbench.harness.load.job import OpenLoad
from outboxbench.harness.load.retrying import Retrying
from outboxbench.harness.relaying.job import BrokerAddress

if TYPE_CHECKING:
    from outboxbench.core.application.outbox import RelayPlan
    from outboxbench.harness.load.job import Loop
    from outboxbench.harness.relaying.job import WakeUp


@dataclass(frozen=True, slots=True)
class ClientsJob:
    """The clients of one process, who ask in an open loop, or in a closed one without a `load`.

    Their records go to files in the folder `journal`, named after the number of the `worker`: one
    that takes the place of another has a number of its own. `first_client` is where their numbers
    begin.
    """

    settings: StrategySettings
    loop: Loop
    mix: str
    clients: int
    first_client: int
    dataset: Dataset
    seed: str
    load: OpenLoad | None
    retrying: Retrying
    busy_wait_us: float
    announces: bool
    worker: int
    journal: str

    def to_json(self) -> str:
        """Return the job as one line; it holds the password, so it goes through a pipe alone."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, line: str) -> ClientsJob:
        """Read a job back."""
        fields = json.loads(line)
        load = fields.pop("load")
        return cls(
            settings=StrategySettings.of_fields(fields.pop("settings")),
            dataset=Dataset(**fields.pop("dataset")),
            load=None if load is None else OpenLoad(**load),
            retrying=Retrying(**fields.pop("retrying")),
            **fields,
        )


@dataclass(frozen=True, slots=True)
class FaultRelayJob:
    """One relay, which delivers until it is told to stop.

    Its records go to files in the folder `journal`, named after its `number`: one that takes the
    place of another has a number of its own.
    """

    settings: StrategySettings
    loop: Loop
    plan: RelayPlan
    broker: BrokerAddress
    handlers: int
    batch: int
    wake_up: WakeUp
    lease_s: float
    number: int
    journal: str

    def to_json(self) -> str:
        """Return the job as one line; it holds passwords, so it goes through a pipe alone."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, line: str) -> FaultRelayJob:
        """Read a job back."""
        fields = json.loads(line)
        return cls(
            settings=StrategySettings.of_fields(fields.pop("settings")),
            broker=BrokerAddress(**fields.pop("broker")),
            **fields,
        )

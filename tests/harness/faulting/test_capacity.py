"""What clients can do at most is measured in a closed loop, by the processes of a faulted load."""

from __future__ import annotations

import secrets
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from outboxbench.core.strategies.settings import StrategySettings
from outboxbench.harness.errors import CannotRun
from outboxbench.harness.faulting import capacity
from outboxbench.harness.faulting.order import FaultOrder, Rhythm
from outboxbench.harness.faults.registry import FAULTS
from outboxbench.harness.load.dataset import Dataset
from outboxbench.harness.load.retrying import Retrying
from outboxbench.harness.postgres.server import connect
from outboxbench.harness.suite.model import DatasetSize
from outboxbench.harness.suite.template import prepare_template
from outboxbench.results.machine import Pinning

if TYPE_CHECKING:
    from collections.abc import Callable

    from outboxbench.core.strategies.settings import DatabaseAddress
    from outboxbench.harness.janitor import Janitor

DATASET = DatasetSize(accounts=200, orders=20)
WINDOW_S = 0.5
SLOWER_MS = 20.0

ORDER = FaultOrder(
    name="asyncpg",
    strategy="asyncpg",
    loop="uvloop",
    mix="charge",
    clients=4,
    workers=1,
    rate_per_s=1.0,
    busy_wait_us=0.0,
    max_wait_s=1.0,
    retrying=Retrying("none"),
    kind=FAULTS["reset"],
    rhythm=Rhythm(injections=1, clean_s=0.1, hold_s=0.0, recovery_s=0.1),
    seed=secrets.token_hex(4),
    about={},
)


@pytest.fixture
def measured_per_s(
    database: DatabaseAddress, janitor: Janitor, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., float]:
    """Measure a capacity within a moment, of an order or with settings that are changed."""
    monkeypatch.setattr(capacity, "WARM_UP_S", 0.2)
    monkeypatch.setattr(capacity, "WINDOW_S", WINDOW_S)
    prepare_template(database, DATASET)

    def measure(lock_timeout_s: float = 5.0, **changes: Any) -> float:
        order = replace(ORDER, **changes)
        settings = StrategySettings(
            database, pool_size=order.clients // order.workers, lock_timeout_s=lock_timeout_s
        )
        dataset = Dataset(DATASET.accounts, DATASET.orders)
        return capacity.measure_capacity(order, settings, dataset, janitor, Pinning())

    return measure


def test_clients_ask_again_at_once_whatever_rate_they_were_to_keep(
    measured_per_s: Callable[..., float],
) -> None:
    assert measured_per_s() > 20 * (ORDER.rate_per_s or 0)


@pytest.mark.parametrize("workers", [1, 2])
def test_a_process_does_no_more_than_its_core_allows(
    workers: int, measured_per_s: Callable[..., float]
) -> None:
    slowed_per_s = measured_per_s(workers=workers, busy_wait_us=1_000 * SLOWER_MS)
    # One that began before the window may end in it.
    most = workers * (WINDOW_S * 1_000 / SLOWER_MS + 1)
    assert 0 < slowed_per_s <= most / WINDOW_S


def test_where_nothing_succeeds_there_is_no_capacity(
    database: DatabaseAddress, measured_per_s: Callable[..., float]
) -> None:
    with closing(connect(database)) as locker:
        locker.autocommit = False
        locker.execute("LOCK TABLE accounts IN EXCLUSIVE MODE")
        with pytest.raises(CannotRun, match="did not commit a single operation"):
            measured_per_s(lock_timeout_s=0.05)

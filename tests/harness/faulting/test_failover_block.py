"""Blocks whose server fails over: what is lost is found, and is what the old primary still has."""

from __future__ import annotations

from contextlib import ExitStack
from functools import reduce
from typing import TYPE_CHECKING

import pytest
from tests.slow import one_is_quick

from outboxbench.analysis.history.judgement import judge
from outboxbench.analysis.history.operations import NONE_LOST
from outboxbench.core.strategies.settings import DatabaseAddress, StrategySettings
from outboxbench.harness.faulting.block import FaultBlock
from outboxbench.harness.faulting.order import FaultOrder, Rhythm
from outboxbench.harness.faults.doors import OneDoor, TwoDoors
from outboxbench.harness.faults.registry import FAULTS
from outboxbench.harness.faults.seat import ReplicatedSeat
from outboxbench.harness.load.dataset import Dataset
from outboxbench.harness.load.retrying import Retrying
from outboxbench.harness.postgres.databases import Databases
from outboxbench.harness.postgres.server import open_server
from outboxbench.harness.suite.model import DatasetSize
from outboxbench.harness.suite.template import prepare_template
from outboxbench.harness.wire.proxy_process import FaultProxy
from outboxbench.results.history import AttemptLine, FaultLine, MessageLine, read_history
from outboxbench.results.machine import Pinning

if TYPE_CHECKING:
    from pathlib import Path

    from outboxbench.harness.faults.doors import Doors, FindBy
    from outboxbench.harness.janitor import Janitor

DATASET = DatasetSize(accounts=200, orders=20)
LAGS_LONG = "5"
"""A seed with which the standby is behind for more than 0.17 s."""


def run(
    fault: str,
    strategy: str,
    path: Path,
    janitor: Janitor,
    *,
    find_by: FindBy = "proxy",
    injections: int = 1,
    recovery_s: float = 0.6,
) -> ReplicatedSeat:
    """Run a block on a server of its own, which is gone when this returns."""
    kind = FAULTS[fault]
    assert kind.replication is not None
    with ExitStack() as stack:
        server = stack.enter_context(open_server(None, None, janitor))
        address = stack.enter_context(Databases(server, "own")).create("block")
        prepare_template(address, DATASET)
        links = [
            stack.enter_context(FaultProxy(address, janitor))
            for _ in range(2 if find_by == "hosts" else 1)
        ]
        doors: Doors = TwoDoors(*links) if find_by == "hosts" else OneDoor(*links)
        known = [link.address(address.database) for link in links]
        seat = stack.enter_context(
            ReplicatedSeat(server, address, kind.replication, janitor, doors)
        )
        FaultBlock(
            order=FaultOrder(
                name=strategy,
                strategy=strategy,
                loop="uvloop",
                mix="charge",
                clients=4,
                workers=1,
                rate_per_s=200.0,
                busy_wait_us=0.0,
                max_wait_s=1.0,
                retrying=Retrying("safe"),
                kind=kind,
                rhythm=Rhythm(
                    injections=injections, clean_s=0.4, hold_s=0.1, recovery_s=recovery_s
                ),
                seed=LAGS_LONG,
                about={"strategy": strategy, "expected_findings": [NONE_LOST]},
            ),
            seat=seat,
            settings=StrategySettings(reduce(DatabaseAddress.or_at, known), pool_size=4),
            link=links[0],
            dataset=Dataset(DATASET.accounts, DATASET.orders),
            janitor=janitor,
            pinning=Pinning(),
        ).run(path)
        return seat


@pytest.mark.parametrize("strategy", one_is_quick(["asyncpg", "psycopg"]))
def test_an_asynchronous_failover_loses_what_the_old_primary_still_has(
    strategy: str, tmp_path: Path, janitor: Janitor
) -> None:
    path = tmp_path / "history"
    run("failover-async", strategy, path, janitor)

    judgement = judge(lambda: read_history(path))
    verdicts = {check.name: check.verdict for check in judgement.checks}
    assert {name for name, verdict in verdicts.items() if verdict != "pass"} == {NONE_LOST}
    assert verdicts[NONE_LOST] == "fail"
    assert judgement.expected_findings == (NONE_LOST,)
    lines = list(read_history(path))
    (fault,) = (line for line in lines if isinstance(line, FaultLine))
    assert fault.evidence["lag_ms"] > 170
    assert fault.evidence["lag_bytes"] > 0
    stored = {line.op_id for line in lines if isinstance(line, MessageLine)}
    told = {
        line.op_id
        for line in lines
        if isinstance(line, AttemptLine) and "ok" in (line.outcome, line.final)
    }
    assert set(judgement.loss.op_ids) == told - stored == told & set(fault.evidence["lost_op_ids"])
    assert judgement.loss.operations == judgement.loss.left_behind_acknowledged
    assert judgement.loss.operations > 0


@pytest.mark.parametrize("strategy", one_is_quick(["asyncpg", "psycopg"]))
def test_a_synchronous_failover_loses_nothing_that_was_acknowledged(
    strategy: str, tmp_path: Path, janitor: Janitor
) -> None:
    path = tmp_path / "history"
    run("failover-sync", strategy, path, janitor)

    judgement = judge(lambda: read_history(path))
    assert {check.verdict for check in judgement.checks} == {"pass"}
    assert (judgement.loss.operations, judgement.loss.left_behind_acknowledged) == (0, 0)
    # Whoever was at it when the standby fell behind had committed, and was never told so.
    assert judgement.loss.left_behind is not None


@pytest.mark.slow
def test_each_failover_has_a_standby_of_its_own_and_a_loss_of_its_own(
    tmp_path: Path, janitor: Janitor
) -> None:
    path = tmp_path / "history"
    run("failover-async", "asyncpg", path, janitor, injections=2)

    judgement = judge(lambda: read_history(path))
    faults = [line for line in read_history(path) if isinstance(line, FaultLine)]
    first, second = (set(fault.evidence["lost_op_ids"]) for fault in faults)
    assert first
    assert not first & second
    assert judgement.loss.left_behind == len(first | second)
    assert {check.name for check in judgement.checks if check.verdict != "pass"} == {NONE_LOST}


@pytest.mark.parametrize(
    "strategy",
    [
        "asyncpg",
        *(
            pytest.param(name, marks=pytest.mark.slow)
            for name in ("psycopg", "core-asyncpg", "orm-psycopg")
        ),
    ],
)
def test_clients_that_know_both_hosts_go_on_after_each_failover(
    strategy: str, tmp_path: Path, janitor: Janitor
) -> None:
    path = tmp_path / "history"
    run(
        "failover-sync",
        strategy,
        path,
        janitor,
        find_by="hosts",
        injections=2,
        recovery_s=1.0,
    )

    lines = list(read_history(path))
    assert {check.verdict for check in judge(lambda: read_history(path)).checks} == {"pass"}
    begun = [
        line.began_ns
        for line in lines
        if isinstance(line, AttemptLine) and line.outcome == "ok" and line.began_ns is not None
    ]
    first, second = (line for line in lines if isinstance(line, FaultLine))
    assert first.healed_ns is not None
    assert second.healed_ns is not None
    assert any(first.healed_ns < each < second.onset_ns for each in begun)
    assert any(second.healed_ns < each for each in begun)

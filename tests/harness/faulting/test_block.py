"""A block under faults leaves a history that is judged, whatever its clients went through."""

from __future__ import annotations

import os
import secrets
import signal
from contextlib import closing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest

from outboxbench.analysis.history.judgement import judge
from outboxbench.core.strategies.settings import StrategySettings
from outboxbench.harness.faulting.block import FaultBlock
from outboxbench.harness.faulting.order import FaultOrder, Rhythm
from outboxbench.harness.faults.fault import FaultKind
from outboxbench.harness.faults.seat import Seat
from outboxbench.harness.load.dataset import Dataset
from outboxbench.harness.load.retrying import Retrying
from outboxbench.harness.postgres.server import connect
from outboxbench.harness.suite.model import DatasetSize
from outboxbench.harness.suite.template import prepare_template
from outboxbench.results.history import AttemptLine, FaultLine, Header, read_history
from outboxbench.results.machine import Pinning

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from random import Random

    import psycopg

    from outboxbench.core.strategies.settings import DatabaseAddress
    from outboxbench.harness.faults.fault import Evidence
    from outboxbench.harness.faults.scene import Scene
    from outboxbench.harness.janitor import Janitor
    from outboxbench.harness.load.retrying import RetryMode
    from outboxbench.harness.postgres.server import Server

DATASET = DatasetSize(accounts=200, orders=20)


class NoLink:
    """The clients reach the server directly."""

    def ask(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        raise AssertionError(request)


@dataclass
class EndBackends:
    """Ends every connection of the clients."""

    scene: Scene

    def inject(self) -> Evidence:
        with connect(self.scene.address) as connection:
            ended = connection.execute(
                "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity"
                " WHERE datname = current_database() AND application_name = 'outboxbench'"
            ).fetchone()
        assert ended is not None
        return {"ended": ended[0]}

    def heal(self) -> Evidence:
        return {}


@dataclass
class KillWorker:
    """Kills a client process."""

    scene: Scene

    def inject(self) -> Evidence:
        os.kill(self.scene.workers[0], signal.SIGKILL)
        return {"pid": self.scene.workers[0]}

    def heal(self) -> Evidence:
        return {}


@dataclass
class Pretend:
    """Does nothing."""

    scene: Scene

    def inject(self) -> Evidence:
        return {}

    def heal(self) -> Evidence:
        return {}


@dataclass
class LockAccounts:
    """Has everybody wait who writes, until the block is over and its connections are ended."""

    scene: Scene
    locker: psycopg.Connection[Any]

    def inject(self) -> Evidence:
        self.locker.autocommit = False
        self.locker.execute("LOCK TABLE accounts IN EXCLUSIVE MODE")
        return {"locked": True}

    def heal(self) -> Evidence:
        return {}


def kind_of(fault: Any, *, lasts: bool = False) -> FaultKind:
    def make(scene: Scene, random: Random) -> Any:
        del random
        return fault(scene)

    return FaultKind(fault.__name__, "a fault", "connections", lasts, True, make)


@pytest.fixture
def block(database: DatabaseAddress, postgres_server: Server, janitor: Janitor) -> FaultBlock:
    prepare_template(database, DATASET)
    return FaultBlock(
        order=FaultOrder(
            name="asyncpg",
            strategy="asyncpg",
            loop="uvloop",
            mix="charge",
            clients=4,
            workers=1,
            rate_per_s=150.0,
            busy_wait_us=0.0,
            max_wait_s=1.0,
            retrying=Retrying("safe"),
            kind=kind_of(EndBackends),
            rhythm=Rhythm(injections=2, clean_s=0.4, hold_s=0.0, recovery_s=0.4),
            seed=secrets.token_hex(4),
            about={"strategy": "asyncpg"},
        ),
        seat=Seat(postgres_server, database),
        settings=StrategySettings(database, pool_size=4),
        link=NoLink(),
        dataset=Dataset(DATASET.accounts, DATASET.orders),
        janitor=janitor,
        pinning=Pinning(),
    )


def with_order(block: FaultBlock, **changes: Any) -> FaultBlock:
    return replace(block, order=replace(block.order, **changes))


def run(block: FaultBlock, path: Path) -> tuple[dict[str, str], list[Any]]:
    """Return the verdict of each check, and the lines of the history."""
    block.run(path)
    checks = judge(lambda: read_history(path)).checks
    return {check.name: check.verdict for check in checks}, list(read_history(path))


@pytest.mark.parametrize("mode", ["none", "conflicts", "safe"])
def test_connections_that_are_ended_cost_nothing_that_was_acknowledged(
    mode: RetryMode, block: FaultBlock, tmp_path: Path
) -> None:
    verdicts, lines = run(with_order(block, retrying=Retrying(mode)), tmp_path / "history")

    assert set(verdicts.values()) == {"pass"}
    assert lines[0] == Header({"strategy": "asyncpg"})
    faults = [line for line in lines if isinstance(line, FaultLine)]
    assert [fault.number for fault in faults] == [1, 2]
    for fault in faults:
        assert fault.evidence["ended"] >= 4
        assert fault.took_effect_ns is not None
        assert fault.healed_ns is not None
        assert 0 < fault.onset_ns <= fault.took_effect_ns <= fault.healed_ns
    attempts = [line for line in lines if isinstance(line, AttemptLine)]
    assert {attempt.client for attempt in attempts} == {0, 1, 2, 3}
    # The load goes on after the last fault.
    assert max(attempt.began_ns or 0 for attempt in attempts) > (faults[-1].healed_ns or 0)


def test_a_killed_worker_is_replaced_and_what_it_was_at_is_judged_too(
    block: FaultBlock, tmp_path: Path
) -> None:
    rhythm = Rhythm(injections=1, clean_s=0.4, hold_s=0.0, recovery_s=6.0)
    verdicts, lines = run(
        with_order(block, kind=kind_of(KillWorker), rhythm=rhythm), tmp_path / "history"
    )

    assert set(verdicts.values()) == {"pass"}
    attempts = [line for line in lines if isinstance(line, AttemptLine)]
    assert {attempt.operation >> 40 for attempt in attempts} == {0, 1}
    assert any(attempt.final == "ok" for attempt in attempts if attempt.operation >> 40 == 1)


def test_a_fault_without_evidence_leaves_the_verdict_unknown(
    block: FaultBlock, tmp_path: Path
) -> None:
    verdicts, _ = run(with_order(block, kind=kind_of(Pretend)), tmp_path / "history")
    assert {name for name, verdict in verdicts.items() if verdict != "pass"} == {
        "every fault took effect"
    }


def test_what_was_due_while_all_hung_to_the_end_is_skipped_and_not_forgotten(
    block: FaultBlock, tmp_path: Path
) -> None:
    with closing(connect(block.seat.address)) as locker:
        stuck = replace(
            with_order(
                block,
                kind=replace(
                    kind_of(LockAccounts), make=lambda scene, _: LockAccounts(scene, locker)
                ),
                rhythm=Rhythm(injections=1, clean_s=0.4, hold_s=0.0, recovery_s=1.0),
                retrying=Retrying("none"),
                max_wait_s=0.2,
            ),
            settings=replace(block.settings, lock_timeout_s=3.0),
        )
        _, lines = run(stuck, tmp_path / "history.jsonl.gz")

    (fault,) = (line for line in lines if isinstance(line, FaultLine))
    late = [
        line
        for line in lines
        if isinstance(line, AttemptLine) and line.due_ns > fault.onset_ns + 100_000_000
    ]
    # Of some 135 that are due in 0.9 s; all four clients wait for a lock by then.
    assert sum(line.final == "skipped" for line in late) > 60
    assert not any(line.final == "ok" for line in late)

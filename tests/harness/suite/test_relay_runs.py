"""A run of relays, from the empty server to the document, and what it leaves behind: nothing."""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from psycopg.conninfo import make_conninfo
from tests.processes import started_processes

from outboxbench.harness.errors import CannotRun
from outboxbench.harness.postgres.place import FOLDER_VARIABLE
from outboxbench.harness.postgres.server import connect
from outboxbench.harness.suite.model import Suite
from outboxbench.harness.suite.plan import make_plan
from outboxbench.harness.suite.relay_plan import plan_relays
from outboxbench.harness.suite.runner import RunRequest, run_suite
from outboxbench.results.run_file import read_run
from outboxbench.results.store import RunFolder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from outboxbench.harness.postgres.server import Server
    from outboxbench.results.block import Block
    from outboxbench.results.faults import FaultArm
    from outboxbench.results.model import Run
    from outboxbench.results.relay import RelayBlock

MESSAGES = 300


class Witness:
    """Notes what a run says of itself, and may stop it."""

    def __init__(self, stop: Callable[[int], None] = lambda _: None) -> None:
        self.started: list[str] = []
        self.finished: dict[str, list[Block | RelayBlock | FaultArm]] = {}
        self._stop = stop

    def preparing(self, what: str) -> None: ...

    def adding(self, blocks: int) -> None: ...

    def block_started(self, arm: str, round: int) -> None:
        self._stop(len(self.started))
        self.started.append(arm)

    def block_finished(self, arm: str, block: Block | RelayBlock | FaultArm) -> None:
        self.finished.setdefault(arm, []).append(block)


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    return RunFolder.create(tmp_path, "tiny", datetime.now(UTC))


def dsn_of(server: Server) -> str:
    address = server.address
    return make_conninfo(
        host=address.host,
        port=address.port,
        user=address.user,
        password=address.password,
        dbname=address.database,
    )


@pytest.fixture
def dsn(postgres_server: Server) -> str:
    return dsn_of(postgres_server)


def databases(server: Server) -> set[str]:
    with connect(server.address) as connection:
        return {row[0] for row in connection.execute("SELECT datname FROM pg_database")}


@pytest.fixture(autouse=True)
def leaves_nothing(
    postgres_server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """No database, process or folder outlives a run, however it ends."""
    private = tmp_path / "temporary"
    private.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(private))
    monkeypatch.setenv(FOLDER_VARIABLE, str(private))
    before, running = databases(postgres_server), started_processes()
    yield
    assert databases(postgres_server) == before
    assert started_processes() <= running
    assert list(private.iterdir()) == []


def run(folder: RunFolder, dsn: str, witness: Witness, **changes: Any) -> Run:
    suite = Suite.model_validate(
        {
            "name": "tiny",
            "description": "tiny",
            "rounds": 1,
            "window_s": 0.6,
            "warm_up_s": 0.1,
            "dataset": {"accounts": 50, "orders": 1},
            **changes,
        }
    )
    request = RunRequest(
        suite,
        make_plan(suite),
        folder,
        "outboxbench run tiny",
        relays=plan_relays(suite),
        dsn=dsn,
    )
    return run_suite(request, witness)


def drains(**changes: Any) -> list[dict[str, Any]]:
    return [{"strategies": ["asyncpg"], "messages": MESSAGES, "aggregates": 20, **changes}]


def chains(**changes: Any) -> list[dict[str, Any]]:
    return [{"strategies": ["asyncpg"], "orders_per_s": 50.0, "clients": 2, **changes}]


def test_drains_deliver_their_backlog_under_every_plan(folder: RunFolder, dsn: str) -> None:
    witness = Witness()

    document = run(folder, dsn, witness, drains=drains(), rounds=2)

    assert document == read_run(folder.path)
    assert (document.complete, document.verdict, document.arms) == (True, "pass", ())
    assert {arm.plan: arm.verdict for arm in document.relays} == dict.fromkeys(
        ("lease", "sharded", "delete"), "pass"
    )
    assert len(witness.started) == 6
    for arm in document.relays:
        assert list(arm.blocks) == witness.finished[arm.name]
        assert [block.round for block in arm.blocks] == [0, 1]
        assert (arm.scenario, arm.settings["messages"]) == ("drain", MESSAGES)
        for block in arm.blocks:
            assert block.delivered == MESSAGES
            assert block.delivered_per_s == pytest.approx(MESSAGES / block.seconds)
            assert (block.duplicates, block.inversions, block.refused, block.dead) == (0,) * 4
            assert block.relay_cpu_us_per_message
            assert block.backlog[0] <= MESSAGES
            assert list(block.backlog) == sorted(block.backlog, reverse=True)
            assert block.backlog[-1] == 0
            assert block.hops == ()
            assert block.writes_us is None
            assert len(block.checks) == 3
        summary = arm.summary
        assert summary is not None
        rates = sorted(block.delivered_per_s for block in arm.blocks)
        assert [summary.delivered_per_s_min, summary.delivered_per_s_max] == rates
        assert summary.delivered_per_s_median == pytest.approx(sum(rates) / 2)
        assert (summary.ratio is None) is (arm.plan == "lease")
        if summary.ratio is not None:
            assert "/lease/" in summary.ratio.base
            assert summary.ratio.low <= summary.ratio.ratio <= summary.ratio.high
    for number in range(2):
        assert sorted(arm.blocks[number].position for arm in document.relays) == [0, 1, 2]


def test_orders_are_charged_for_and_confirmed_while_they_come(folder: RunFolder, dsn: str) -> None:
    document = run(folder, dsn, Witness(), chains=chains(plans=["lease", "delete"]))

    assert document.verdict == "pass"
    assert {arm.plan for arm in document.relays} == {"lease", "delete"}
    for arm in document.relays:
        (block,) = arm.blocks
        assert arm.verdict == block.verdict == "pass"
        assert block.seconds == pytest.approx(0.6)
        hops = {each.hop: each.latency_us for each in block.hops}
        assert block.writes_us is not None
        # Of each order that was committed in the window, were it due before or not: its end, two
        # handlers, and two messages to the broker.
        orders = hops["chain"].samples
        assert orders >= block.writes_us.samples > 0
        assert hops["handler"].samples == hops["broker"].samples == 2 * orders
        assert hops["delivery"].samples == 4 * orders
        assert hops["chain"].max
        assert block.delivered >= 4 * orders
        assert block.backlog[-1] == 0
        assert block.backlog_interval_s == pytest.approx(0.01)
        # Where messages are deleted, nobody can count answers afterwards.
        assert len(block.checks) == (4 if arm.plan == "lease" else 3)
        assert arm.summary is not None
        assert arm.summary.ratio is None
        assert {each.hop: each.latency_us for each in arm.summary.hops} == hops


def test_a_log_is_drained_and_kept_up_with_beside_the_other_plans(
    folder: RunFolder, logical_server: Server
) -> None:
    before = databases(logical_server)
    plans = {"plans": ["lease", "log"]}

    document = run(
        folder, dsn_of(logical_server), Witness(), drains=drains(**plans), chains=chains(**plans)
    )

    assert document.verdict == "pass"
    assert document.server.settings["wal_level"] == "logical"
    arms = {(arm.scenario, arm.plan): arm for arm in document.relays}
    drain, chain = arms["drain", "log"], arms["chain", "log"]
    assert drain.blocks[0].delivered == MESSAGES
    assert drain.blocks[0].backlog[-1] == 0
    assert len(drain.blocks[0].checks) == 3
    assert chain.settings["wake_up"] == "stream"
    hops = {each.hop: each.latency_us.samples for each in chain.blocks[0].hops}
    assert hops["delivery"] == 4 * hops["chain"] > 0
    # What the log has told is not marked; the messages stay, and orders can be judged by them.
    assert len(chain.blocks[0].checks) == 4
    assert databases(logical_server) == before


def test_a_log_that_may_not_be_read_ends_the_run_with_what_to_do(
    folder: RunFolder, dsn: str
) -> None:
    with pytest.raises(CannotRun, match="start the server with wal_level=logical"):
        run(folder, dsn, Witness(), drains=drains(plans=["log"]))


def test_relays_deliver_to_a_real_broker(folder: RunFolder, dsn: str) -> None:
    common = {"brokers": ["nats"], "plans": ["lease"]}

    document = run(
        folder, dsn, Witness(), drains=drains(**common), chains=chains(**common, relays=[2])
    )

    assert document.verdict == "pass"
    drain, chain = document.relays
    assert (drain.broker, chain.broker, chain.relays) == ("nats", "nats", 2)
    assert drain.blocks[0].delivered == MESSAGES
    assert "chain" in {each.hop for each in chain.blocks[0].hops}


def test_an_interrupted_run_keeps_the_relays_that_it_measured(folder: RunFolder, dsn: str) -> None:
    def stop(started: int) -> None:
        if started == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(folder, dsn, Witness(stop), drains=drains(plans=["lease", "delete"]))

    document = read_run(folder.path)
    assert not document.complete
    assert len(document.relays) == 1

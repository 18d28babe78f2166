"""Relays beside the clients of a block: what breaks them costs no message, if they are right."""

from __future__ import annotations

import secrets
import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from outboxbench.analysis.history.availability import availability_of
from outboxbench.analysis.history.judgement import judge
from outboxbench.core.strategies.settings import StrategySettings
from outboxbench.harness.faulting import block, relay_crew
from outboxbench.harness.faulting.block import FaultBlock
from outboxbench.harness.faulting.draining import wait_until_delivered
from outboxbench.harness.faulting.order import FaultOrder, Relaying, Rhythm
from outboxbench.harness.faults.backend_kill import BACKEND_KILL
from outboxbench.harness.faults.broker_down import BROKER_DOWN
from outboxbench.harness.faults.broker_slow import BROKER_SLOW
from outboxbench.harness.faults.relay_freeze import RELAY_FREEZE
from outboxbench.harness.faults.relay_kill import RELAY_KILL
from outboxbench.harness.faults.seat import Seat
from outboxbench.harness.load.dataset import Dataset
from outboxbench.harness.load.retrying import Retrying
from outboxbench.harness.nats.server import NatsServer
from outboxbench.harness.postgres.kept_messages import keep_messages
from outboxbench.harness.postgres.server import connect
from outboxbench.harness.relay_database import prepare_database
from outboxbench.harness.suite.model import DatasetSize
from outboxbench.harness.suite.template import prepare_template
from outboxbench.results.history import (
    DeliveryLine,
    FaultLine,
    HistoryLine,
    MessageLine,
    RelayLine,
    read_history,
)
from outboxbench.results.machine import Pinning

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from outboxbench.core.application.outbox import RelayPlan
    from outboxbench.core.strategies.settings import DatabaseAddress
    from outboxbench.harness.faulting.draining import Drained
    from outboxbench.harness.faults.fault import FaultKind
    from outboxbench.harness.janitor import Janitor
    from outboxbench.harness.postgres.server import Server

PLANTED_SOURCES = Path(__file__).parents[3] / "bench" / "planted-bugs" / "src"
DATASET = DatasetSize(accounts=200, orders=20)
DELIVERED = "every committed message is delivered"
EFFECTS = "internal effects happen exactly once"
RELAYING = Relaying(
    relays=2,
    plan="lease",
    broker="memory",
    wake_up="notify",
    handlers=4,
    batch=100,
    lease_s=2.0,
)
RHYTHM = Rhythm(injections=1, clean_s=0.8, hold_s=0.3, recovery_s=0.8)

STORE = """
    INSERT INTO outbox
        (op_id, ordinal, aggregate_type, aggregate_id, version, topic, audience, state)
    VALUES (gen_random_uuid(), 0, 'order', gen_random_uuid(), 1, 'order.line_changed', 2, '{}')"""
REFUSE_FOR_EVER = """
    INSERT INTO relay_refusals
    SELECT aggregate_type, aggregate_id, version, ordinal, 8, NULL, 'for a test' FROM outbox"""
DELIVER_ONE = """
    UPDATE outbox SET delivered_at = now() WHERE op_id = (
        SELECT op_id FROM outbox WHERE delivered_at IS NULL LIMIT 1)"""
DEAD_AT_BIRTH = """
    CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO relay_refusals VALUES
            (NEW.aggregate_type, NEW.aggregate_id, NEW.version, NEW.ordinal, 8, NULL, 'for a test');
        RETURN NULL;
    END $$;
    CREATE TRIGGER refuse AFTER INSERT ON outbox FOR EACH ROW
    WHEN (NEW.topic = 'order.placed') EXECUTE FUNCTION refuse()"""


class NoLink:
    """The way to the server is direct."""

    def ask(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        raise AssertionError(request)


@pytest.fixture
def make_block(
    database: DatabaseAddress, postgres_server: Server, janitor: Janitor
) -> Callable[..., FaultBlock]:
    def make(
        kind: FaultKind, *, broker: NatsServer | None = None, rhythm: Rhythm = RHYTHM, **relays: Any
    ) -> FaultBlock:
        relaying = replace(RELAYING, **relays)
        prepare_template(database, DATASET)
        prepare_database(database, relaying.plan, announces=True)
        if relaying.plan == "delete":
            with connect(database) as connection:
                keep_messages(connection)
        return FaultBlock(
            order=FaultOrder(
                name="asyncpg",
                strategy="asyncpg",
                loop="uvloop",
                mix="place",
                clients=4,
                workers=1,
                rate_per_s=40.0,
                busy_wait_us=0.0,
                max_wait_s=1.0,
                retrying=Retrying("safe"),
                kind=kind,
                rhythm=rhythm,
                seed=secrets.token_hex(4),
                about={"strategy": "asyncpg"},
                relaying=relaying,
            ),
            seat=Seat(postgres_server, database),
            settings=StrategySettings(database, pool_size=4),
            link=NoLink(),
            dataset=Dataset(DATASET.accounts, DATASET.orders),
            janitor=janitor,
            pinning=Pinning(),
            broker=broker,
        )

    return make


class Result:
    """What a block has left: its verdicts by check, and its lines by kind."""

    def __init__(self, block: FaultBlock, path: Path) -> None:
        block.run(path)
        checks = judge(lambda: read_history(path)).checks
        self.verdicts = {check.name: check.verdict for check in checks}
        self.details = {check.name: check.detail for check in checks}
        self._lines: list[HistoryLine] = list(read_history(path))
        (self.injection,) = availability_of(lambda: read_history(path)).injections

    @property
    def failed(self) -> set[str]:
        return {name for name, verdict in self.verdicts.items() if verdict != "pass"}

    def evidence(self) -> dict[str, Any]:
        (fault,) = [line for line in self._lines if isinstance(line, FaultLine)]
        return fault.evidence

    def deliveries(self) -> list[DeliveryLine]:
        return [line for line in self._lines if isinstance(line, DeliveryLine)]

    def messages(self) -> list[MessageLine]:
        return [line for line in self._lines if isinstance(line, MessageLine)]

    def relays(self) -> list[RelayLine]:
        return [line for line in self._lines if isinstance(line, RelayLine)]


@pytest.mark.parametrize("plan", ["lease", "sharded", "delete"])
def test_a_relay_that_is_killed_amid_its_deliveries_loses_nothing(
    plan: RelayPlan, make_block: Callable[..., FaultBlock], tmp_path: Path
) -> None:
    result = Result(make_block(RELAY_KILL, plan=plan), tmp_path / "history")

    assert not result.failed, result.details
    assert {DELIVERED, EFFECTS} <= result.verdicts.keys()
    assert result.evidence()["deliveries_cut"] > 0
    # One of two was killed, and a third has taken its place.
    assert {line.relay for line in result.relays()} in ({0, 2}, {1, 2})
    topics = {message.topic for message in result.messages() if not message.is_older}
    assert {"order.placed", "account.charged", "order.confirmed"} <= topics
    assert len(result.deliveries()) >= sum(
        bool(message.audience) and not message.is_older for message in result.messages()
    )
    assert result.injection.deliveries is not None
    assert result.injection.deliveries.first_ms is not None
    assert result.injection.deliveries.longest_gap_ms is not None


def test_a_relay_that_stood_still_past_its_lease_is_refused_what_it_settles(
    make_block: Callable[..., FaultBlock], tmp_path: Path
) -> None:
    rhythm = replace(RHYTHM, hold_s=2.5)
    result = Result(make_block(RELAY_FREEZE, rhythm=rhythm), tmp_path / "history")

    assert not result.failed, result.details
    assert result.evidence()["deliveries_held"] > 0
    assert result.evidence()["still_for_s"] >= rhythm.hold_s
    assert sum(line.late for line in result.relays()) > 0


@pytest.mark.parametrize("kind", [BROKER_DOWN, BROKER_SLOW], ids=lambda kind: kind.name)
def test_an_outage_of_the_broker_costs_no_attempt_and_no_message(
    kind: FaultKind, make_block: Callable[..., FaultBlock], janitor: Janitor, tmp_path: Path
) -> None:
    with NatsServer(janitor) as broker:
        address = broker.address
        block = make_block(kind, broker=broker)
        result = Result(block, tmp_path / "history")
        assert broker.is_running
        assert broker.address == address

    assert not result.failed, result.details
    assert result.verdicts["an outage of the broker costs no attempt"] == "pass"
    assert result.evidence()["attempts_spent"] == 0
    assert sum(line.dead for line in result.relays()) == 0
    if kind is BROKER_DOWN:
        assert result.evidence()["pid_gone"] != result.evidence()["pid_back"]
        assert sum(line.outages for line in result.relays()) > 0
    else:
        assert result.evidence()["pauses"] > 0
        assert result.evidence()["still_s"] > 0


def test_a_relay_that_settles_before_it_delivers_is_convicted(
    make_block: Callable[..., FaultBlock], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay_crew, "RELAY_MODULE", "tests.harness.faulting.broken_relay_worker")
    monkeypatch.setenv("PYTHONPATH", str(PLANTED_SOURCES))
    result = Result(make_block(RELAY_KILL), tmp_path / "history")

    assert result.evidence()["deliveries_cut"] > 0
    assert result.verdicts[DELIVERED] == "fail"


@pytest.mark.slow
def test_a_message_that_is_dead_is_a_finding_and_no_error(
    make_block: Callable[..., FaultBlock], tmp_path: Path
) -> None:
    block = make_block(RELAY_KILL)
    with connect(block.seat.address) as connection:
        connection.execute(DEAD_AT_BIRTH)
    result = Result(block, tmp_path / "history")

    assert result.verdicts["every fault took effect"] == "pass"
    assert DELIVERED in result.failed


@pytest.mark.parametrize(
    ("stored", "drained"),
    [("", "through"), (STORE, "stuck"), (f"{STORE}; {REFUSE_FOR_EVER}", "stuck")],
    ids=["nothing waits", "nobody delivers", "it is dead"],
)
def test_a_wait_for_deliveries_ends_whatever_becomes_of_them(
    stored: str, drained: Drained, database: DatabaseAddress
) -> None:
    prepare_database(database, "lease", announces=False)
    if stored:
        with connect(database) as connection:
            connection.execute(stored.encode())
    # A message that is dead is not waited for.
    patience_s = 300.0 if "refusals" in stored else 0.2
    assert wait_until_delivered(database, (), patience_s) == drained


class OneDeliveryAtATime:
    """Delivers a message now and then, and leaves another in its place as long as some are to come.

    Args:
        address: where it finds them.
        following: how many are stored by what handles the others.
    """

    def __init__(self, address: DatabaseAddress, following: int) -> None:
        self._address = address
        self._following = following
        self._next_s = 0.0

    def replace_gone(self) -> None:
        if time.monotonic() < self._next_s:
            return
        self._next_s = time.monotonic() + 0.3
        with connect(self._address) as connection, connection.transaction():
            connection.execute(DELIVER_ONE)
            if self._following:
                self._following -= 1
                connection.execute(STORE)


def test_relays_that_come_forward_are_waited_for_however_slow_they_are(
    database: DatabaseAddress,
) -> None:
    prepare_database(database, "lease", announces=False)
    with connect(database) as connection:
        connection.execute(f"{STORE}; {STORE}".encode())
    # For a while as many wait as before, and longer than the patience in all.
    slow = OneDeliveryAtATime(database, following=3)
    assert wait_until_delivered(database, (slow,), patience_s=1.2) == "through"


def test_relays_that_never_come_to_the_end_are_not_waited_for_without_end(
    database: DatabaseAddress,
) -> None:
    prepare_database(database, "lease", announces=False)
    with connect(database) as connection:
        connection.execute(STORE)
    endless = OneDeliveryAtATime(database, following=1_000_000)
    assert wait_until_delivered(database, (endless,), 30.0, longest_s=0.8) == "under way"


def test_what_time_ran_out_for_is_no_loss_and_no_proof_either(
    make_block: Callable[..., FaultBlock], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_once = partial(wait_until_delivered, longest_s=0.0)
    monkeypatch.setattr(block, "wait_until_delivered", at_once)
    monkeypatch.setattr(relay_crew, "RELAY_MODULE", "tests.harness.faulting.slow_relay_worker")
    result = Result(make_block(BACKEND_KILL, batch=1), tmp_path / "history")

    assert 0 < len(result.deliveries()) < len(result.messages())
    assert result.failed == {DELIVERED, EFFECTS}
    assert result.verdicts[DELIVERED] == result.verdicts[EFFECTS] == "unknown"
    assert "lower rate_per_s" in result.details[DELIVERED]

"""A relay does its job and answers, or one sentence says why not; in no case does it stay."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, get_args

import psutil
import pytest
from tests.processes import started_processes

from outboxbench.core.application.outbox import RelayPlan
from outboxbench.core.strategies.settings import StrategySettings
from outboxbench.harness.errors import CannotRun
from outboxbench.harness.postgres.final_state import wait_until_unused
from outboxbench.harness.postgres.server import connect
from outboxbench.harness.relay_database import prepare_database
from outboxbench.harness.relaying.backlog import Backlog, fill
from outboxbench.harness.relaying.due import due_messages, received
from outboxbench.harness.relaying.job import BrokerAddress, RelayJob
from outboxbench.harness.relaying.process import RelayProcess
from outboxbench.harness.relaying.records import COMMIT, DELIVERY, read_records

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from outboxbench.core.strategies.settings import DatabaseAddress
    from outboxbench.harness.janitor import Janitor

PLANS: tuple[RelayPlan, ...] = get_args(RelayPlan)
PATIENCE_S = 60.0
BACKLOG = Backlog(200, 10)


@pytest.fixture
def job(database: DatabaseAddress, tmp_path: Path) -> RelayJob:
    return RelayJob(
        name="relay0",
        settings=StrategySettings(database, pool_size=3, own_parameters={"jit": "off"}),
        loop="asyncio",
        plan="lease",
        broker=BrokerAddress("memory"),
        batch=50,
        handlers=1,
        busy_us=0.0,
        wake_up="poll",
        backlog=BACKLOG.messages,
        lease_s=10.0,
        records=str(tmp_path),
    )


@pytest.fixture
def relay(janitor: Janitor) -> Iterator[RelayProcess]:
    with RelayProcess("0 of an arm", "asyncpg", janitor) as relay:
        yield relay


def started(relay: RelayProcess, job: RelayJob) -> RelayProcess:
    relay.prepare(job)
    relay.wait_until_ready()
    relay.go()
    return relay


def test_a_job_is_read_as_it_was_written(job: RelayJob) -> None:
    over_nats = replace(job, broker=BrokerAddress("nats", "nats://127.0.0.1:1", "me", "secret"))

    for each in (job, over_nats):
        line = each.to_json()
        assert "\n" not in line
        assert RelayJob.from_json(line) == each


@pytest.mark.parametrize("plan", PLANS)
def test_a_relay_drains_a_backlog_and_leaves_all_of_it_on_record(
    plan: RelayPlan, relay: RelayProcess, job: RelayJob, tmp_path: Path
) -> None:
    address = job.settings.address
    prepare_database(address, plan, announces=False)
    with connect(address) as connection:
        fill(connection, BACKLOG)
        due = due_messages(connection, "-infinity")

    started(relay, replace(job, plan=plan, busy_us=10.0)).wait_until_settled(PATIENCE_S)
    result = relay.result()
    wait_until_unused(address)

    assert result.delivered == len(due) == BACKLOG.messages
    assert (result.refused, result.dead, result.late, result.outages) == (0, 0, 0, 0)
    assert result.ended_ns > result.began_ns
    records = read_records(tmp_path / "relay0.deliveries", DELIVERY)
    assert set(received(due, records).received) == due.keys()
    assert (records["handed_ns"] + 10_000 <= records["delivered_ns"]).all()
    assert (records["handed_ns"] >= result.began_ns).all()
    assert (records["delivered_ns"] <= result.ended_ns).all()
    # Nobody handles these messages here: they are for the broker alone.
    assert len(read_records(tmp_path / "relay0.commits", COMMIT)) == 0


@pytest.mark.parametrize("announced", [True, False])
def test_a_relay_that_does_not_drain_goes_on_until_it_is_told_to_stop(
    announced: bool, relay: RelayProcess, job: RelayJob
) -> None:
    address = job.settings.address
    prepare_database(address, "lease", announces=announced)
    started(relay, replace(job, backlog=None, wake_up="notify" if announced else "poll"))
    # What is committed while it runs is delivered as well, and does not end it.
    with connect(address) as connection:
        fill(connection, BACKLOG)
        while connection.execute(
            "SELECT EXISTS (SELECT FROM outbox WHERE delivered_at IS NULL)"
        ).fetchone() == (True,):
            assert psutil.pid_exists(relay.pid)

    relay.stop()
    relay.wait_until_settled(PATIENCE_S)

    assert relay.result().delivered == BACKLOG.messages


def test_a_relay_that_cannot_connect_is_one_sentence_and_is_gone(
    janitor: Janitor, job: RelayJob
) -> None:
    nowhere = job.settings.address.with_database("outboxbench_not_there")
    before = started_processes()
    with RelayProcess("0 of an arm", "asyncpg", janitor) as relay:
        relay.prepare(replace(job, settings=replace(job.settings, address=nowhere)))
        with pytest.raises(CannotRun) as caught:
            relay.wait_until_ready()

    message = str(caught.value)
    assert message.startswith("the relay 0 of an arm cannot be measured: ")
    assert "outboxbench_not_there" in message
    assert "\n" not in message
    assert nowhere.password not in message
    assert started_processes() <= before


def test_a_relay_whose_broker_is_not_there_is_one_sentence(
    relay: RelayProcess, job: RelayJob
) -> None:
    prepare_database(job.settings.address, "lease", announces=False)
    # Nobody listens on the port of a service that no machine offers.
    relay.prepare(replace(job, broker=BrokerAddress("nats", "nats://127.0.0.1:1", "me", "secret")))
    with pytest.raises(CannotRun, match="cannot be measured") as caught:
        relay.wait_until_ready()

    assert "\n" not in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_relay_that_takes_too_long_is_told(relay: RelayProcess, job: RelayJob) -> None:
    prepare_database(job.settings.address, "lease", announces=False)
    started(relay, replace(job, backlog=None))
    with pytest.raises(
        CannotRun, match=r"took longer than 0\.2 s to settle all of it: have it deliver less"
    ):
        relay.wait_until_settled(0.2)

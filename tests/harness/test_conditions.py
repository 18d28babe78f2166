"""What went on during a window is told from two readings at its edges."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import psutil
import pytest

from outboxbench.harness.conditions import (
    ConditionsReading,
    MachineCpu,
    conditions_between,
    machine_cpu,
    read_conditions,
)
from outboxbench.harness.postgres.activity import checkpoints_begun
from outboxbench.harness.postgres.server import connect

if TYPE_CHECKING:
    from outboxbench.harness.postgres.server import Server

BURN = """
import time
while time.process_time() < 1.0:
    pass
print(time.process_time())
"""
OPENED = ConditionsReading(MachineCpu(total_s=100.0, busy_s=50.0, steal_s=1.0), 0.5, 7)
CLOSED = ConditionsReading(MachineCpu(total_s=120.0, busy_s=62.0, steal_s=2.0), 1.5, 9)


def test_work_of_neither_server_nor_clients_is_foreign() -> None:
    before = read_conditions(None)
    burnt_s = float(subprocess.check_output([sys.executable, "-c", BURN]))
    after = read_conditions(None)

    foreign = conditions_between(before, after, server_cpu_s=0.0, client_cpu_s=0.0)
    known = conditions_between(before, after, server_cpu_s=0.0, client_cpu_s=burnt_s)

    total_s = after.cpu.total_s - before.cpu.total_s
    assert foreign.foreign_cpu_share is not None
    assert known.foreign_cpu_share is not None
    # The machine's clock counts whole ticks.
    assert foreign.foreign_cpu_share * total_s > 0.9 * burnt_s
    assert known.foreign_cpu_share < foreign.foreign_cpu_share


def test_shares_are_of_all_cores_together() -> None:
    conditions = conditions_between(OPENED, CLOSED, server_cpu_s=6.0, client_cpu_s=4.0)

    assert conditions.foreign_cpu_share == pytest.approx(2 / 20)
    assert conditions.steal_share == pytest.approx(1 / 20)
    assert conditions.load_average == 1.5
    assert conditions.checkpoints == 2
    assert conditions.autovacuums is None


def test_a_share_is_never_negative() -> None:
    conditions = conditions_between(OPENED, CLOSED, server_cpu_s=9.0, client_cpu_s=4.0)

    assert conditions.foreign_cpu_share == 0.0


@pytest.mark.parametrize(("server_cpu_s", "client_cpu_s"), [(None, 1.0), (1.0, None)])
def test_what_is_foreign_is_unknown_where_the_cpu_of_a_side_is(
    server_cpu_s: float | None, client_cpu_s: float | None
) -> None:
    conditions = conditions_between(
        OPENED, CLOSED, server_cpu_s=server_cpu_s, client_cpu_s=client_cpu_s
    )

    assert conditions.foreign_cpu_share is None
    assert conditions.steal_share is not None


def test_what_was_not_read_stays_unknown() -> None:
    cpu = replace(OPENED.cpu, steal_s=None)
    before = ConditionsReading(cpu, None, None)
    conditions = conditions_between(before, before, server_cpu_s=0.0, client_cpu_s=0.0)

    assert not conditions.model_dump(exclude_none=True)


def test_checkpoints_are_unknown_when_their_count_was_reset_meanwhile() -> None:
    conditions = conditions_between(
        OPENED, replace(CLOSED, checkpoints=0), server_cpu_s=None, client_cpu_s=None
    )

    assert conditions.checkpoints is None


def test_a_reading_knows_the_servers_checkpoints(postgres_server: Server) -> None:
    with connect(postgres_server.address) as connection:
        reading = read_conditions(connection)
        assert reading.checkpoints == checkpoints_begun(connection)

    assert reading.load_average is not None
    assert reading.cpu.total_s >= reading.cpu.busy_s > 0


@pytest.mark.parametrize(
    ("irq_s", "busy_s"),
    [(0.0, 7.0), (1.0, 6.0)],
    ids=["interrupts are in the time of processes", "interrupts have a clock of their own"],
)
def test_only_what_processes_use_is_busy(
    irq_s: float, busy_s: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    times = psutil.cpu_times()._replace(
        **dict.fromkeys(psutil.cpu_times()._fields, 0.0),
    )
    times = times._replace(
        user=4.0, nice=1.0, system=1.0, idle=10.0, iowait=2.0, irq=irq_s, softirq=1.0, guest=3.0
    )
    monkeypatch.setattr(psutil, "cpu_times", lambda: times)

    cpu = machine_cpu()

    assert cpu.busy_s == busy_s
    assert cpu.total_s == 19.0 + irq_s

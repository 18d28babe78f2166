"""Clients of an arm that names a network reach the server through it; no proxy outlives its run."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import psutil
import pytest
from tests.processes import command_line

from outboxbench.harness.errors import CannotRun
from outboxbench.harness.postgres.server import connect
from outboxbench.harness.suite import networks as module
from outboxbench.harness.suite.networks import Networks
from outboxbench.harness.wire import proxy as proxy_program

if TYPE_CHECKING:
    from collections.abc import Sequence

    from outboxbench.core.strategies.settings import DatabaseAddress
    from outboxbench.harness.janitor import Janitor
    from outboxbench.harness.postgres.server import Server

RTT_MS = 2.0


def proxies() -> set[int]:
    """The proxies that this process has started and that still run."""
    return {
        child.pid
        for child in psutil.Process().children()
        if proxy_program.__name__ in command_line(child)
    }


@pytest.fixture
def earlier() -> set[int]:
    """Proxies of other tests."""
    return proxies()


def test_clients_go_through_a_network_that_is_named_also_through_one_of_0_ms(
    postgres_server: Server, database: DatabaseAddress, janitor: Janitor, earlier: set[int]
) -> None:
    with Networks(postgres_server, [RTT_MS, 0.0, RTT_MS], janitor, None) as networks:
        near, far = networks.through(0.0, database), networks.through(RTT_MS, database)

        assert len({address.port for address in (database, near, far)}) == 3
        assert {near.database, far.database} == {database.database}
        assert set(networks.pids) == proxies() - earlier
        assert len(networks.pids) == 2
        for address in (near, far):
            with connect(address) as connection:
                began_s = time.monotonic()
                row = connection.execute("SELECT current_database()").fetchone()
                took_s = time.monotonic() - began_s
            assert row == (database.database,)
        assert took_s >= RTT_MS / 1000
    assert proxies() == earlier


def test_without_a_network_the_address_is_as_it_was(
    postgres_server: Server, database: DatabaseAddress, janitor: Janitor, earlier: set[int]
) -> None:
    with Networks(postgres_server, [], janitor, None) as networks:
        assert networks.through(None, database) is database
        assert networks.pids == []
        assert networks.delays == ()
        assert proxies() == earlier


def test_beside_a_network_an_arm_may_do_without(
    postgres_server: Server, database: DatabaseAddress, janitor: Janitor
) -> None:
    with Networks(postgres_server, [0.0], janitor, None) as networks:
        assert networks.through(None, database) is database


def test_delays_are_measured_for_those_that_have_one(
    postgres_server: Server, janitor: Janitor
) -> None:
    with Networks(postgres_server, [3.0, 0.0, 1.0], janitor, None) as networks:
        delays = networks.delays

    assert [delay.rtt_ms for delay in delays] == [1.0, 3.0]
    assert all(delay.samples and delay.added_p50_us > 0 for delay in delays)


def test_a_proxy_stays_on_the_cores_of_the_server(
    postgres_server: Server, janitor: Janitor
) -> None:
    cores = [max(os.sched_getaffinity(0))]
    with Networks(postgres_server, [0.0], janitor, cores) as networks:
        assert [os.sched_getaffinity(pid) for pid in networks.pids] == [set(cores)]


def test_no_proxy_is_left_after_an_error_inside(
    postgres_server: Server, janitor: Janitor, earlier: set[int]
) -> None:
    with (
        pytest.raises(RuntimeError, match="inside"),
        Networks(postgres_server, [0.0], janitor, None),
    ):
        raise RuntimeError("inside")

    assert proxies() == earlier


def test_no_proxy_is_left_when_one_cannot_be_started(
    postgres_server: Server, janitor: Janitor, earlier: set[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[int] = []

    def refuse_the_second(pid: int, _cores: Sequence[int] | None) -> None:
        started.append(pid)
        if len(started) == 2:
            raise CannotRun("no second one")

    # There is no delay to measure among them.
    monkeypatch.setattr(module, "measure_delay", lambda *_: None)
    monkeypatch.setattr(module, "pin", refuse_the_second)

    with (
        pytest.raises(CannotRun, match="no second one"),
        Networks(postgres_server, [0.0, 1.0], janitor, None),
    ):
        pass

    assert len(started) == 2
    assert proxies() == earlier


def test_nothing_is_left_when_a_delay_cannot_be_measured(
    postgres_server: Server, janitor: Janitor, earlier: set[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise CannotRun("a connection broke")

    monkeypatch.setattr(module, "measure_delay", fail)

    with (
        pytest.raises(CannotRun, match="a connection broke"),
        Networks(postgres_server, [1.0], janitor, None),
    ):
        pass

    assert proxies() == earlier

"""A failover moves the seat of the server, once and provably, and cleans up what it had."""

from __future__ import annotations

import secrets
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING, Any

import asyncpg
import psycopg
import pytest
from tests.harness.faults.clients import NoLink, can_work, chance, open_client
from tests.harness.running import runs

from outboxbench.core.strategies.asyncpg_connection import connect_arguments
from outboxbench.core.strategies.settings import StrategySettings
from outboxbench.harness.errors import CannotRun
from outboxbench.harness.faults.doors import OneDoor, TwoDoors
from outboxbench.harness.faults.failover import FAILOVER_ASYNC, FAILOVER_SYNC
from outboxbench.harness.faults.scene import Scene
from outboxbench.harness.faults.seat import ReplicatedSeat
from outboxbench.harness.postgres.databases import Databases
from outboxbench.harness.postgres.server import connect, open_server
from outboxbench.harness.suite.model import DatasetSize
from outboxbench.harness.suite.template import prepare_template
from outboxbench.harness.wire.proxy_process import FaultProxy

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from outboxbench.core.strategies.settings import DatabaseAddress
    from outboxbench.harness.faults.fault import FaultKind
    from outboxbench.harness.janitor import Janitor
    from outboxbench.harness.postgres.server import Server

STORE = """
    INSERT INTO outbox
        (op_id, ordinal, aggregate_type, aggregate_id, version, topic, audience, state)
    VALUES (%s, 0, 'account', gen_random_uuid(), 1, 'account.opened', 0, '{}')"""


class AnyLink:
    """A way to a server that nobody goes."""

    def ask(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        return {}


@pytest.fixture
def primary(janitor: Janitor) -> Iterator[tuple[Server, DatabaseAddress]]:
    """A server, and a database on it."""
    with ExitStack() as stack:
        server = stack.enter_context(open_server(None, None, janitor))
        databases = stack.enter_context(Databases(server, f"failover{secrets.token_hex(4)}"))
        address = databases.create("block")
        prepare_template(address, DatasetSize(accounts=12, orders=5))
        yield server, address


@pytest.fixture
def seat(primary: tuple[Server, DatabaseAddress], janitor: Janitor) -> Iterator[ReplicatedSeat]:
    with ReplicatedSeat(*primary, "asynchronous", janitor, OneDoor(AnyLink())) as seat:
        yield seat


async def ports_found(address: DatabaseAddress) -> set[int]:
    """Return the ports of the servers that clients over libpq and asyncpg take, some of each."""
    query = "SELECT inet_server_port()"
    ports: set[int] = set()
    for _ in range(5):
        with connect(address) as over_libpq:
            ports.update(port for (port,) in over_libpq.execute(query.encode()))
        over_asyncpg = await open_asyncpg(address)
        try:
            ports.add(await over_asyncpg.fetchval(query))
        finally:
            over_asyncpg.terminate()
    return ports


async def open_asyncpg(address: DatabaseAddress) -> asyncpg.Connection:
    return await asyncpg.connect(**connect_arguments(StrategySettings(address)))


def test_clients_find_the_promoted_server_where_they_found_the_dead_one(
    primary: tuple[Server, DatabaseAddress], janitor: Janitor
) -> None:
    _, first = primary
    with (
        FaultProxy(first, janitor) as link,
        ReplicatedSeat(*primary, "asynchronous", janitor, OneDoor(link)) as seat,
    ):
        seat.prepare()
        through = link.address(seat.address.database)
        scene = Scene(seat, link)
        fault = FAILOVER_ASYNC.make(scene, chance(1))
        with closing(open_client(through)) as client:
            evidence = fault.inject()
            assert not any(map(runs, evidence["pids_gone"]))
            with pytest.raises(psycopg.OperationalError):
                client.execute("SELECT 1")
        with pytest.raises(psycopg.OperationalError):
            open_client(through)
        assert fault.inject() == {}
        assert fault.heal()["server_ready_monotonic_ns"] > 0
        assert can_work(through)
        assert scene.address == seat.address
        assert seat.address.port != first.port
        assert scene.server.postmaster_pid == seat.cluster.postmaster_pid
        assert fault.heal() == {}


async def test_clients_that_know_both_hosts_find_the_promoted_server_each_time(
    primary: tuple[Server, DatabaseAddress], janitor: Janitor
) -> None:
    _, address = primary
    with (
        FaultProxy(address, janitor) as one,
        FaultProxy(address, janitor) as other,
        ReplicatedSeat(*primary, "asynchronous", janitor, TwoDoors(one, other)) as seat,
    ):
        hosts = [link.address(address.database) for link in (one, other)]
        orders = [hosts[0].or_at(hosts[1]), hosts[1].or_at(hosts[0])]
        served = []
        # The second time the dead one's host has the standby.
        for _ in range(2):
            seat.prepare()
            served.append(seat.address.port)
            for known in orders:
                assert await ports_found(known) == {seat.address.port}
            fault = FAILOVER_ASYNC.make(Scene(seat, NoLink()), chance(1))
            fault.inject()
            for known in orders:
                with pytest.raises(psycopg.OperationalError):
                    connect(known)
                with pytest.raises((OSError, asyncpg.InternalClientError)):
                    await open_asyncpg(known)
            fault.heal()
            for known in orders:
                assert await ports_found(known) == {seat.address.port}
        assert len({*served, seat.address.port}) == 3


def test_each_former_primary_tells_what_its_successor_lacks(seat: ReplicatedSeat) -> None:
    lost = []
    for number in range(2):
        kept, behind = (secrets.token_hex(16) for _ in range(2))
        with connect(seat.address) as connection:
            connection.execute(STORE, [kept])
        seat.prepare()
        seat.fall_behind(chance(number))
        with connect(seat.address) as connection:
            connection.execute(STORE, [behind])
        seat.take_down()
        seat.promote()
        lost.append([behind])
    assert seat.left_behind() == lost


def test_what_served_is_gone_in_the_end_however_it_ends(janitor: Janitor) -> None:
    folders: list[Path] = []
    pids: list[int] = []

    def fail_over(stack: ExitStack) -> None:
        server = stack.enter_context(open_server(None, None, janitor))
        seat = ReplicatedSeat(server, server.address, "synchronous", janitor, OneDoor(NoLink()))
        stack.enter_context(seat)
        folders.append(seat.cluster.data_directory.parent)
        seat.prepare()
        fault = FAILOVER_SYNC.make(Scene(seat, NoLink()), chance(1))
        seat.fall_behind(chance(1))
        pids.append(seat.cluster.postmaster_pid)
        fault.inject()
        # The link that this would ask is none: it fails half-way.
        fault.heal()

    with ExitStack() as stack, pytest.raises(AssertionError, match="nobody was to ask"):
        fail_over(stack)
    assert not any(folder.exists() for folder in folders)
    assert not any(map(runs, pids))


@pytest.mark.parametrize("kind", [FAILOVER_ASYNC, FAILOVER_SYNC], ids=lambda kind: kind.name)
def test_a_server_without_a_standby_is_never_taken_down(kind: FaultKind, scene: Scene) -> None:
    fault = kind.make(scene, chance(1))
    with pytest.raises(CannotRun, match="has no standby"):
        fault.inject()
    assert fault.heal() == {}
    assert can_work(scene.address)


def test_a_standby_takes_over_once(seat: ReplicatedSeat) -> None:
    with pytest.raises(CannotRun, match="no standby follows"):
        seat.promote()

"""Faults that end connections or keep them silent, and faults that come together."""

from __future__ import annotations

import contextlib
import threading
from time import monotonic, sleep
from typing import TYPE_CHECKING

import pytest
from tests.harness.wire.faults import BROKEN, PATIENCE_S, asyncpg_over, psycopg_over
from tests.harness.wire.wires import HELLO, QUERY, assert_silent, assert_works, new_wire, wire_of

from outboxbench.harness.errors import CannotRun
from outboxbench.harness.postgres.server import connect
from outboxbench.harness.wire.proxy_process import FaultProxy

if TYPE_CHECKING:
    from outboxbench.core.strategies.settings import DatabaseAddress
    from outboxbench.harness.janitor import Janitor


async def test_a_reset_ends_what_is_there_and_no_more(
    fault_proxy: FaultProxy, faulty: DatabaseAddress
) -> None:
    one, other = psycopg_over(faulty), await asyncpg_over(faulty)

    assert fault_proxy.ask({"do": "reset"}) == {"connections": 2}

    with wire_of(one) as wire, pytest.raises(ConnectionResetError):
        wire.recv(1)
    with pytest.raises(BROKEN):
        await other.fetchval("SELECT 1")
    one.close()
    other.terminate()
    assert_works(faulty)


def test_a_reset_reaches_the_server(
    fault_proxy: FaultProxy, faulty: DatabaseAddress, database: DatabaseAddress
) -> None:
    alive = "SELECT count(*) FROM pg_stat_activity WHERE pid = %s"
    with connect(database) as direct, contextlib.closing(psycopg_over(faulty)) as connection:
        pid = connection.info.backend_pid
        assert direct.execute(alive, [pid]).fetchone() == (1,)

        fault_proxy.ask({"do": "reset"})

        deadline_s = monotonic() + PATIENCE_S
        while direct.execute(alive, [pid]).fetchone() != (0,):
            assert monotonic() < deadline_s
            sleep(0.01)


def test_a_black_hole_says_nothing_and_keeps_what_it_has(
    fault_proxy: FaultProxy, faulty: DatabaseAddress
) -> None:
    with (
        contextlib.closing(psycopg_over(faulty)) as connection,
        wire_of(connection) as present,
    ):
        assert fault_proxy.ask({"do": "black-hole"}) == {}
        assert fault_proxy.ask({"do": "black-hole"}) == {}
        with new_wire(faulty) as late:
            present.sendall(QUERY)
            late.sendall(HELLO)
            assert_silent(present)
            assert_silent(late)

            healed = fault_proxy.ask({"do": "heal"})

            assert healed == {"connections": 2, "held_bytes": len(QUERY) + len(HELLO)}
            assert_works(faulty)
            # Neither comes back, or is told.
            present.sendall(QUERY)
            assert_silent(present)
            assert_silent(late)
            assert fault_proxy.ask({"do": "heal"}) == {}

            assert fault_proxy.ask({"do": "forget"}) == {"connections": 2}

            for each in (present, late):
                each.settimeout(PATIENCE_S)
                with pytest.raises(ConnectionResetError):
                    each.recv(1)
    assert fault_proxy.ask({"do": "forget"}) == {"connections": 0}


def test_all_who_connect_to_a_black_hole_are_forgotten(
    fault_proxy: FaultProxy, faulty: DatabaseAddress
) -> None:
    fault_proxy.ask({"do": "black-hole"})
    with contextlib.ExitStack() as stack:
        wires = [stack.enter_context(new_wire(faulty)) for _ in range(50)]
        assert fault_proxy.ask({"do": "heal"})["connections"] == len(wires)
        wires[-1].sendall(HELLO)
        assert_silent(wires[-1])
    assert_works(faulty)


def test_the_server_believes_in_what_a_black_hole_took(
    fault_proxy: FaultProxy, faulty: DatabaseAddress, database: DatabaseAddress
) -> None:
    states = "SELECT state FROM pg_stat_activity WHERE pid = %s"
    connection = psycopg_over(faulty, autocommit=False)
    connection.execute("SELECT 1")
    pid = connection.info.backend_pid
    fault_proxy.ask({"do": "black-hole"})
    connection.close()
    fault_proxy.ask({"do": "heal"})

    with connect(database) as direct:
        assert direct.execute(states, [pid]).fetchone() == ("idle in transaction",)


def test_what_a_stall_holds_goes_on_when_it_is_healed(
    fault_proxy: FaultProxy, faulty: DatabaseAddress
) -> None:
    with contextlib.closing(psycopg_over(faulty)) as connection:
        with wire_of(connection) as present:
            fault_proxy.ask({"do": "stall"})
            with new_wire(faulty) as late:
                present.sendall(QUERY[:5])
                present.sendall(QUERY[5:])
                late.sendall(HELLO)
                assert_silent(present)
                assert_silent(late)

                healed = fault_proxy.ask({"do": "heal"})

                assert healed == {"held_bytes": len(QUERY) + len(HELLO)}
                late.settimeout(PATIENCE_S)
                assert late.recv(1) in b"NS"
            present.settimeout(PATIENCE_S)
            answer = b""
            while not answer.endswith(b"Z\0\0\0\x05I"):
                answer += present.recv(4096)
            assert answer[:1] == b"T"
        assert connection.execute("SELECT 2").fetchone() == (2,)


def test_a_stall_in_the_midst_of_much_loses_nothing(
    fault_proxy: FaultProxy, faulty: DatabaseAddress
) -> None:
    answers: list[int] = []

    def read() -> None:
        with connect(faulty) as connection:
            statement = "SELECT n, repeat('x', 1000) FROM generate_series(1, 20000) AS n"
            answers.extend(number for number, _ in connection.execute(statement))

    reader = threading.Thread(target=read)
    reader.start()
    for _ in range(20):
        fault_proxy.ask({"do": "stall"})
        fault_proxy.ask({"do": "heal"})
    reader.join(PATIENCE_S)

    assert answers == list(range(1, 20001))


def test_a_slow_close_leaves_the_client_waiting(
    fault_proxy: FaultProxy, faulty: DatabaseAddress, database: DatabaseAddress
) -> None:
    fault_proxy.ask({"do": "slow-close"})
    with contextlib.closing(psycopg_over(faulty)) as connection, wire_of(connection) as wire:
        with connect(database) as direct:
            direct.execute("SELECT pg_terminate_backend(%s, 30000)", [connection.info.backend_pid])
        wire.settimeout(PATIENCE_S)
        # The last word of the server is no end.
        assert b"terminating connection" in wire.recv(4096)
        assert_silent(wire)
        wire.sendall(QUERY)
        assert_silent(wire)

        assert fault_proxy.ask({"do": "heal"}) == {"withheld_ends": 1}

        wire.settimeout(PATIENCE_S)
        with contextlib.suppress(ConnectionResetError):
            assert wire.recv(1) == b""


def test_a_slow_close_is_none_for_a_client_that_says_goodbye(
    fault_proxy: FaultProxy, faulty: DatabaseAddress
) -> None:
    fault_proxy.ask({"do": "slow-close"})
    assert_works(faulty)

    assert fault_proxy.ask({"do": "heal"}) == {"withheld_ends": 0}


def test_faults_may_come_together(fault_proxy: FaultProxy, faulty: DatabaseAddress) -> None:
    with contextlib.closing(psycopg_over(faulty)) as connection:
        fault_proxy.ask({"do": "latency", "delay_ms": 2, "jitter_ms": 2, "seed": 1})
        fault_proxy.ask({"do": "bandwidth", "bytes_per_s": 100_000})
        fault_proxy.ask({"do": "slow-close"})
        fault_proxy.ask({"do": "commit-cut", "when": "before", "count": 1})
        assert connection.execute("SELECT 1").fetchone() == (1,)
        fault_proxy.ask({"do": "stall"})
        with new_wire(faulty) as early:
            early.sendall(HELLO)
            fault_proxy.ask({"do": "black-hole"})
            with new_wire(faulty) as late:
                late.sendall(HELLO)
                healed = fault_proxy.ask({"do": "heal"})
                assert_silent(early)
                assert_silent(late)

    assert (healed["connections"], healed["held_bytes"]) == (3, 2 * len(HELLO))
    assert set(healed) == {
        *("chunks", "delayed_ms_mean", "passed_bytes", "waited_s", "withheld_ends"),
        *("cut", "answers_dropped", "connections", "held_bytes"),
    }
    assert_works(faulty)


def test_healing_what_is_well_changes_nothing(
    fault_proxy: FaultProxy, faulty: DatabaseAddress
) -> None:
    with connect(faulty) as connection:
        assert fault_proxy.ask({"do": "heal"}) == {}
        assert connection.execute("SELECT 1").fetchone() == (1,)
        assert fault_proxy.ask({"do": "heal"}) == {}


def test_what_is_no_request_is_told(janitor: Janitor, database: DatabaseAddress) -> None:
    with FaultProxy(database, janitor) as proxy, pytest.raises(CannotRun, match="fault proxy"):
        proxy.ask({"do": "harm"})

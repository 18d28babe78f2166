"""Faults that make a network slow: what they take from it, and that nothing is lost."""

from __future__ import annotations

import contextlib
import threading
from time import monotonic, sleep
from typing import TYPE_CHECKING

from tests.harness.wire.faults import PATIENCE_S, psycopg_over
from tests.harness.wire.wires import QUERY, SILENCE_S, assert_silent, wire_of

from outboxbench.harness.postgres.server import connect

if TYPE_CHECKING:
    from outboxbench.core.strategies.settings import DatabaseAddress
    from outboxbench.harness.wire.proxy_process import FaultProxy


def test_latency_is_added_both_ways(fault_proxy: FaultProxy, faulty: DatabaseAddress) -> None:
    with connect(faulty) as connection:
        fault_proxy.ask({"do": "latency", "delay_ms": 40, "jitter_ms": 20, "seed": 7})
        began_s = monotonic()
        for number in range(5):
            assert connection.execute("SELECT %s::int", [number]).fetchone() == (number,)
        took_s = monotonic() - began_s
        healed = fault_proxy.ask({"do": "heal"})
        assert connection.execute("SELECT 1").fetchone() == (1,)

    assert took_s >= 5 * 0.040
    assert healed["chunks"] >= 10
    assert healed["delayed_ms_mean"] >= 20


def test_latency_keeps_the_order(fault_proxy: FaultProxy, faulty: DatabaseAddress) -> None:
    fault_proxy.ask({"do": "latency", "delay_ms": 2, "jitter_ms": 20, "seed": 7})
    with connect(faulty) as connection, connection.pipeline() as pipeline:
        cursors = []
        for number in range(50):
            cursors.append(connection.execute("SELECT %s::int", [number]))
            pipeline.sync()
        assert [cursor.fetchone() for cursor in cursors] == [(number,) for number in range(50)]


def test_healing_lets_through_what_is_still_on_its_way(
    fault_proxy: FaultProxy, faulty: DatabaseAddress
) -> None:
    with contextlib.closing(psycopg_over(faulty)) as connection:
        fault_proxy.ask({"do": "latency", "delay_ms": 3_600_000, "jitter_ms": 0, "seed": 7})
        with wire_of(connection) as wire:
            wire.sendall(QUERY)
            assert_silent(wire)
            fault_proxy.ask({"do": "heal"})
            wire.settimeout(PATIENCE_S)
            assert wire.recv(1) == b"T"


def test_bandwidth_is_shared_and_kept(fault_proxy: FaultProxy, faulty: DatabaseAddress) -> None:
    size_bytes = 1_000_000
    with connect(faulty) as connection:
        fault_proxy.ask({"do": "bandwidth", "bytes_per_s": 1_000_000})
        began_s = monotonic()
        (text,) = connection.execute("SELECT repeat('x', %s)", [size_bytes]).fetchone() or ("",)
        took_s = monotonic() - began_s
        healed = fault_proxy.ask({"do": "heal"})

    assert len(text) == size_bytes
    assert took_s >= 0.8
    assert healed["passed_bytes"] > size_bytes
    assert healed["waited_s"] > 0


def test_a_narrow_link_is_wide_again_once_it_is_healed(
    fault_proxy: FaultProxy, faulty: DatabaseAddress
) -> None:
    texts: list[str] = []

    def read() -> None:
        with connect(faulty) as connection:
            ((text,),) = connection.execute("SELECT repeat('x', 1000000)").fetchall()
            texts.append(text)

    fault_proxy.ask({"do": "bandwidth", "bytes_per_s": 2000})
    reader = threading.Thread(target=read)
    reader.start()
    sleep(SILENCE_S)
    # At that pace it would take minutes.
    fault_proxy.ask({"do": "heal"})
    reader.join(PATIENCE_S)

    assert texts == ["x" * 1_000_000]

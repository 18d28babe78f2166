"""Connections whose end does not come through: clients sit on what looks alive."""

from __future__ import annotations

import os
import socket
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from tests.harness.faults.clients import can_work, chance, open_client

from outboxbench.harness.faults import slow_close
from outboxbench.harness.faults.probes import wait_until
from outboxbench.harness.faults.slow_close import SLOW_CLOSE
from outboxbench.harness.wire.proxy_process import FaultProxy

if TYPE_CHECKING:
    from collections.abc import Iterator

    import psycopg

    from outboxbench.harness.faults.scene import Scene
    from outboxbench.harness.janitor import Janitor

A_WHILE_S = 0.3


@pytest.fixture
def link(scene: Scene, janitor: Janitor) -> Iterator[FaultProxy]:
    with FaultProxy(scene.address, janitor) as link:
        yield link


def has_ended(client: psycopg.Connection[Any]) -> bool:
    """Read all that has come for a client, and tell whether the end of it has."""
    with socket.socket(fileno=os.dup(client.fileno())) as its:
        its.setblocking(False)
        try:
            while its.recv(4096):
                pass
        except BlockingIOError:
            return False
        except ConnectionError:
            return True
        return True


def test_clients_do_not_hear_of_the_end_of_their_connections_until_it_is_healed(
    scene: Scene, link: FaultProxy
) -> None:
    address = link.address(scene.address.database)
    with closing(open_client(address)) as client:
        pid = client.info.backend_pid
        fault = SLOW_CLOSE.make(replace(scene, link=link), chance(1))
        try:
            assert fault.inject() == {}
            assert not wait_until(lambda: has_ended(client), A_WHILE_S)
            # Who connects meanwhile is served.
            assert can_work(address)
        finally:
            healed = fault.heal()
        assert healed == {"withheld_ends": 1, "pids_gone": [pid]}
        assert wait_until(lambda: has_ended(client))
    assert fault.heal() == {}
    assert can_work(address)


def test_where_nobody_is_connected_nothing_is_proved(
    scene: Scene, link: FaultProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slow_close, "wait_until", lambda condition: condition())
    fault = SLOW_CLOSE.make(replace(scene, link=link), chance(1))
    assert fault.inject() == {}
    assert fault.heal() == {}

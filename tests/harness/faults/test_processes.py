"""Faults of processes of ours: a worker or a relay is killed, or stands still."""

from __future__ import annotations

import signal
import time
from contextlib import ExitStack
from itertools import chain, repeat
from typing import TYPE_CHECKING, Any

import psutil
import pytest
from tests.harness.faults.clients import NoLink, chance, child_process

from outboxbench.harness.errors import CannotRun
from outboxbench.harness.faults import process_choice, worker_kill
from outboxbench.harness.faults.probes import wait_until
from outboxbench.harness.faults.relay_freeze import RELAY_FREEZE
from outboxbench.harness.faults.relay_kill import RELAY_KILL
from outboxbench.harness.faults.scene import Scene
from outboxbench.harness.faults.worker_kill import WORKER_KILL
from outboxbench.harness.postgres.process_tree import is_gone

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import psycopg

    from outboxbench.harness.faults.fault import FaultKind

KINDS = pytest.mark.parametrize(
    "kind", [WORKER_KILL, RELAY_KILL, RELAY_FREEZE], ids=lambda kind: kind.name
)

MESSAGES = [f"message/{ordinal}" for ordinal in range(5)]


def impatient(condition: Callable[[], bool]) -> bool:
    return wait_until(condition, 1.0)


def with_processes(
    scene: Scene, kind: FaultKind, pids: Sequence[int], in_hand: Sequence[int] = (3,)
) -> Scene:
    """`in_hand` is how much a relay has in hand whenever somebody looks, the last for ever."""
    workers, relays = (pids, ()) if kind is WORKER_KILL else ((), pids)
    looks = chain(in_hand, repeat(in_hand[-1]))
    return Scene(scene.seat, NoLink(), workers, relays, lambda _: MESSAGES[: next(looks)])


def test_a_worker_is_killed_while_a_transaction_is_open(
    scene: Scene, client: psycopg.Connection[Any]
) -> None:
    with child_process() as child, client.transaction():
        fault = WORKER_KILL.make(with_processes(scene, WORKER_KILL, [child.pid]), chance(1))
        assert fault.inject() == {"pid_gone": child.pid, "transaction_seen": True}
        assert fault.heal() == {}
        # Its end is left for whoever started it to learn of.
        assert child.wait() == -signal.SIGKILL
        assert fault.heal() == {}


def test_a_relay_is_killed_once_it_has_messages_in_hand(scene: Scene) -> None:
    # It had some when it was first looked at, and none once it stood still.
    in_hand = (0, 2, 0, 5, 4)
    with child_process() as child:
        fault = RELAY_KILL.make(with_processes(scene, RELAY_KILL, [child.pid], in_hand), chance(1))
        assert fault.inject() == {"pid_gone": child.pid, "deliveries_cut": 4}
        assert fault.heal() == {}
        assert child.wait() == -signal.SIGKILL


def test_a_relay_is_killed_even_if_it_never_has_a_message_in_hand(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process_choice, "wait_until", impatient)
    with child_process() as child:
        fault = RELAY_KILL.make(with_processes(scene, RELAY_KILL, [child.pid], (0,)), chance(1))
        assert fault.inject() == {"pid_gone": child.pid, "deliveries_cut": 0}


def test_a_process_is_killed_even_if_no_transaction_comes(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_kill, "wait_until", impatient)
    with child_process() as child:
        fault = WORKER_KILL.make(with_processes(scene, WORKER_KILL, [child.pid]), chance(1))
        assert fault.inject() == {"pid_gone": child.pid, "transaction_seen": False}


@pytest.mark.parametrize("seed", range(3))
def test_the_same_seed_hits_the_same_process(
    seed: int, scene: Scene, client: psycopg.Connection[Any]
) -> None:
    hit = []
    for _ in range(2):
        with ExitStack() as stack, client.transaction():
            pids = [stack.enter_context(child_process()).pid for _ in range(3)]
            fault = WORKER_KILL.make(with_processes(scene, WORKER_KILL, pids), chance(seed))
            hit.append(pids.index(fault.inject()["pid_gone"]))
    assert hit[0] == hit[1]


def test_a_relay_stands_still_until_it_is_healed(scene: Scene) -> None:
    with child_process() as child:
        fault = RELAY_FREEZE.make(with_processes(scene, RELAY_FREEZE, [child.pid]), chance(1))
        try:
            assert fault.inject() == {
                "pid_still": child.pid,
                "deliveries_held": 3,
                "messages_held": MESSAGES[:3],
            }
            assert psutil.Process(child.pid).status() == psutil.STATUS_STOPPED
        finally:
            healed = fault.heal()
        assert healed["still_for_s"] > 0
        assert healed["still_until_monotonic_ns"] <= time.monotonic_ns()
        assert fault.heal() == {}
        # It hears that its input ends, and goes as it would have.
        child.communicate()
        assert child.returncode == 0


def test_a_relay_that_was_killed_while_it_stood_still_is_healed(scene: Scene) -> None:
    with child_process() as child:
        fault = RELAY_FREEZE.make(with_processes(scene, RELAY_FREEZE, [child.pid]), chance(1))
        assert fault.inject()
        child.kill()
        child.wait()
        assert fault.heal() == {}


@pytest.mark.parametrize("is_waited_for", [True, False])
@KINDS
def test_a_process_that_ended_by_itself_proves_nothing(
    kind: FaultKind, is_waited_for: bool, scene: Scene
) -> None:
    with child_process() as child:
        process = psutil.Process(child.pid)
        child.kill()
        assert wait_until(lambda: is_gone(process))
        if is_waited_for:
            child.wait()
        fault = kind.make(with_processes(scene, kind, [child.pid]), chance(1))
        assert fault.inject() == {}
        assert fault.heal() == {}


@KINDS
def test_there_must_be_a_process_to_hit(kind: FaultKind, scene: Scene) -> None:
    fault = kind.make(with_processes(scene, kind, []), chance(1))
    with pytest.raises(CannotRun, match="no process that could be hit"):
        fault.inject()
    assert fault.heal() == {}

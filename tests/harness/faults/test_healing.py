"""Every fault is healed in any case: never injected, injected in vain, or overtaken by a crash."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from tests.harness.faults.clients import can_work, chance

from outboxbench.harness.errors import CannotRun
from outboxbench.harness.faults.network import NETWORK_FAULTS
from outboxbench.harness.faults.registry import FAULTS
from outboxbench.harness.faults.seat import Seat
from outboxbench.harness.postgres.postmaster import free_port
from outboxbench.harness.wire.proxy_process import FaultProxy

if TYPE_CHECKING:
    from outboxbench.harness.faults.scene import Scene
    from outboxbench.harness.janitor import Janitor

OUTAGES = {"server-crash", "server-restart", "server-freeze"}
OF_THE_LINK = {kind.name for kind in NETWORK_FAULTS}


@pytest.mark.parametrize("name", sorted(OF_THE_LINK))
def test_a_link_that_was_never_harmed_is_healed(name: str, scene: Scene, janitor: Janitor) -> None:
    with FaultProxy(scene.address, janitor) as link:
        fault = FAULTS[name].make(replace(scene, link=link), chance(1))
        assert fault.heal() == {}
        assert fault.heal() == {}


@pytest.mark.parametrize("name", sorted(FAULTS.keys() - OF_THE_LINK))
def test_what_was_never_injected_is_healed(name: str, scene: Scene) -> None:
    fault = FAULTS[name].make(scene, chance(1))
    assert fault.heal() == {}
    assert fault.heal() == {}


@pytest.mark.parametrize("name", sorted(FAULTS.keys() - OUTAGES - OF_THE_LINK))
def test_what_cannot_be_injected_for_want_of_a_server_is_healed(name: str, scene: Scene) -> None:
    nowhere = replace(scene, seat=Seat(scene.server, replace(scene.address, port=free_port())))
    fault = FAULTS[name].make(nowhere, chance(1))
    with pytest.raises(CannotRun):
        fault.inject()
    assert fault.heal() == {}
    assert fault.heal() == {}


@pytest.mark.parametrize(
    "name",
    ["connection-refusal", "held-xmin", "hot-row", "deadlock", "serialisation-storm", "slow-disk"],
)
def test_what_a_crash_overtook_is_healed_before_and_after_recovery(name: str, scene: Scene) -> None:
    cluster = scene.server.cluster
    assert cluster is not None
    fault = FAULTS[name].make(scene, chance(1))
    assert fault.inject()
    cluster.crash()
    try:
        fault.heal()
    finally:
        cluster.start_again()
        fault.heal()
    assert fault.heal() == {}
    assert can_work(scene.address)
    again = FAULTS[name].make(scene, chance(1))
    try:
        assert again.inject()
    finally:
        again.heal()

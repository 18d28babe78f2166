"""The broker is killed, and comes back with what its streams had stored."""

from __future__ import annotations

import signal
import socket
from typing import TYPE_CHECKING, Final

from outboxbench.harness.faults.broker_outage import attempts_spent, own_broker
from outboxbench.harness.faults.fault import FaultKind
from outboxbench.harness.faults.probes import EFFECT_PATIENCE_S
from outboxbench.results.history import PID_GONE

if TYPE_CHECKING:
    from outboxbench.harness.faults.fault import Evidence
    from outboxbench.harness.faults.scene import Scene
    from outboxbench.harness.nats.server import NatsServer


class BrokerDown:
    """Nobody answers at the broker's address until it is healed."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene

    def inject(self) -> Evidence:
        """Kill the broker, and return once it is gone."""
        broker = own_broker(self._scene)
        pid = broker.pid
        broker.stop(signal.SIGKILL)
        return {PID_GONE: pid} if not _answers(broker) else {}

    def heal(self) -> Evidence:
        """Start the broker on the same port, with the same store; tell what the outage has cost."""
        broker = self._scene.broker
        if broker is None or broker.is_running:
            return {}
        try:
            spent = attempts_spent(self._scene)
        finally:
            broker.start()
        return {"pid_back": broker.pid, "attempts_spent": spent}


def _answers(broker: NatsServer) -> bool:
    try:
        socket.create_connection(broker.address, timeout=EFFECT_PATIENCE_S).close()
    except OSError:
        return False
    return True


BROKER_DOWN: Final = FaultKind(
    name="broker-down",
    description="kill the broker; start it again, with its store, when healed",
    reach="broker",
    lasts=True,
    depends_on_strategy=False,
    make=lambda scene, _chance: BrokerDown(scene),
)

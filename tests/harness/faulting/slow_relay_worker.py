"""A relay that takes its time over every delivery, run as the right one is."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

from outboxbench.harness.faulting import relay_worker
from outboxbench.harness.faulting.delivery_journal import JournaledReceiver

if TYPE_CHECKING:
    from outboxbench.core.application.outbox import OutboxMessage

PAUSE_S = 0.2


class SlowReceiver(JournaledReceiver):
    async def deliver(self, message: OutboxMessage) -> None:
        await asyncio.sleep(PAUSE_S)
        await super().deliver(message)


if __name__ == "__main__":
    relay_worker.JournaledReceiver = SlowReceiver  # type: ignore[attr-defined]
    sys.exit(relay_worker.main())

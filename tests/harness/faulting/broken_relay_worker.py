"""A relay that notes messages as delivered before they are, run as the right one is."""

from __future__ import annotations

import sys
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tests.core.relays.broken import SettlesBeforeItDelivers

from outboxbench.harness.faulting import relay_worker
from outboxbench.harness.relay_outbox import open_relay_outbox

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from outboxbench.harness.relay_outbox import OpenOutbox


@asynccontextmanager
async def open_broken_outbox(*arguments: Any, **options: Any) -> AsyncIterator[OpenOutbox]:
    async with open_relay_outbox(*arguments, **options) as opened:
        broken: Any = SettlesBeforeItDelivers(opened.outbox)
        yield replace(opened, outbox=broken)


if __name__ == "__main__":
    relay_worker.open_relay_outbox = open_broken_outbox  # type: ignore[attr-defined]
    sys.exit(relay_worker.main())

"""A relay that notes messages as delivered before they are, run as the right one is."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from outboxbench.harness.faulting import relay_worker
from outboxbench_planted.settles_first import SETTLES_FIRST

if TYPE_CHECKING:
    from outboxbench.core.strategies.registry import Strategy


def load_broken_strategy(name: str) -> Strategy:
    del name
    return SETTLES_FIRST


if __name__ == "__main__":
    relay_worker.load_strategy = load_broken_strategy  # type: ignore[attr-defined]
    sys.exit(relay_worker.main())

"""What clients can do at most when nothing fails: in a closed loop, on record as under faults."""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

import numpy as np

from outboxbench.analysis.history.operations import GOOD
from outboxbench.harness.errors import CannotRun
from outboxbench.harness.faulting.crew import Crew
from outboxbench.harness.load.job import Window
from outboxbench.harness.load.journal import OUTCOMES, read_attempts

if TYPE_CHECKING:
    from outboxbench.core.strategies.settings import StrategySettings
    from outboxbench.harness.faulting.order import FaultOrder
    from outboxbench.harness.janitor import Janitor
    from outboxbench.harness.load.dataset import Dataset
    from outboxbench.results.machine import Pinning

WARM_UP_S: Final = 1.0
"""Until every connection has prepared what it sends, of the slowest strategies as well."""
WINDOW_S: Final = 2.0

_GOOD_CODES: Final = [code for code, name in enumerate(OUTCOMES) if name in GOOD]


def measure_capacity(
    order: FaultOrder,
    settings: StrategySettings,
    dataset: Dataset,
    janitor: Janitor,
    pinning: Pinning,
) -> float:
    """Return how many operations a second end well, where clients ask again at once.

    Args:
        order: who asks for what; its rate, its faults and its relays are of no account.
        settings: how clients reach a database of their own, through a link that nobody disturbs.
        dataset: what the database holds.
        janitor: ends the clients should the harness be gone first.
        pinning: where they run.

    Raises:
        CannotRun: the clients cannot run, hang, or did not have a single operation end well.
    """
    with ExitStack() as stack:
        journals = Path(stack.enter_context(TemporaryDirectory(prefix="outboxbench-capacity-")))
        crew = Crew(replace(order, rate_per_s=None), settings, dataset, journals, janitor, pinning)
        stack.callback(crew.end)
        crew.start()
        crew.wait_until_ready()
        begins_ns = time.monotonic_ns()
        opens_ns = begins_ns + round(WARM_UP_S * 1e9)
        window = Window.of(begins_ns, opens_ns, opens_ns + round(WINDOW_S * 1e9))
        crew.go(window)
        time.sleep(max(0.0, (window.closes_ns - time.monotonic_ns()) / 1e9))
        if crew.stop():
            raise CannotRun(
                f"the clients of {order.name} hang although nothing fails, so what they can do at "
                "most is not known: see server.log in the run folder"
            )
        good = _ended_well(journals, window)
    if not good:
        raise CannotRun(
            f"the clients of {order.name} did not commit a single operation in a closed loop, so "
            "what they can do at most is not known: see why with a suite of [[arms]]"
        )
    return good / window.seconds


def _ended_well(journals: Path, window: Window) -> int:
    """Count the operations that ended well inside the window, over all that were on record."""
    return sum(
        int(
            np.count_nonzero(
                np.isin(records["final"], _GOOD_CODES)
                & (records["ended_ns"] >= window.opens_ns)
                & (records["ended_ns"] < window.closes_ns)
            )
        )
        for records in read_attempts(journals)
    )

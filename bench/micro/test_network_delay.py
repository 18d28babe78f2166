"""How exact the delay of the network proxy is, on a machine that does nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from outboxbench.harness.janitor import Janitor
from outboxbench.harness.postgres.server import open_server
from outboxbench.harness.wire.delay_check import measure_delay

if TYPE_CHECKING:
    from collections.abc import Iterator

    from outboxbench.harness.postgres.server import Server

MOST_DEVIATION_SHARE = 0.10
MOST_DEVIATION_US = 50.0


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Janitor() as janitor, open_server(None, None, janitor) as server:
        yield server


@pytest.mark.parametrize("rtt_ms", [0.5, 2.0])
def test_a_round_trip_takes_longer_by_what_was_asked(server: Server, rtt_ms: float) -> None:
    asked_us = rtt_ms * 1000
    with Janitor() as janitor:
        measured = measure_delay(server, rtt_ms, janitor)
    print(
        f"\n{rtt_ms:g} ms asked: {measured.added_p50_us:.0f} µs added in the median, "
        f"{measured.added_p99_us:.0f} µs at the 99th percentile of {measured.samples}"
    )
    deviation_us = abs(measured.added_p50_us - asked_us)
    assert deviation_us <= max(MOST_DEVIATION_US, asked_us * MOST_DEVIATION_SHARE)

from __future__ import annotations

from dataclasses import replace

import pytest

from outboxbench.analysis.time_split import Timings, split_time
from outboxbench.results.cost import BareRoundTrip, BareWalSync

TIMINGS = Timings(
    wall_us=1000, client_cpu_us=400, server_cpu_us=300, wal_syncs=1, wal_sync_time_us=150
)
ROUND_TRIP = BareRoundTrip(wall_us=40, client_cpu_us=20, server_cpu_us=15)
WAL_SYNC = BareWalSync(time_us=100, server_cpu_us=60)


def test_no_time_is_told_twice() -> None:
    time = split_time(TIMINGS, 5, ROUND_TRIP, WAL_SYNC)

    assert time.wire_us == 5 * 40
    assert time.client_executing_us == 400 - 5 * 20
    assert time.server_executing_us == 300 - 5 * 15
    assert time.wal_sync_us == 150 - 60
    assert time.client_waiting_us == 1000 - 200 - 300 - 225 - 90
    assert time.overlap_us == 0
    assert (time.client_cpu_us, time.server_cpu_us) == (400, 300)


def test_parts_that_exceed_the_wall_time_are_told_as_overlap() -> None:
    time = split_time(replace(TIMINGS, wall_us=700), 5, ROUND_TRIP, WAL_SYNC)

    assert time.client_waiting_us == 0
    assert time.overlap_us == 200 + 300 + 225 + 90 - 700


@pytest.mark.parametrize(("round_trips", "wall_us"), [(0, 1000), (5, 700), (100, 1000)])
def test_the_parts_less_the_overlap_are_the_wall_time(round_trips: float, wall_us: float) -> None:
    time = split_time(replace(TIMINGS, wall_us=wall_us), round_trips, ROUND_TRIP, WAL_SYNC)

    assert time.server_executing_us is not None
    assert time.wal_sync_us is not None
    assert time.client_waiting_us is not None
    assert time.overlap_us is not None
    parts = (
        time.server_executing_us,
        time.wal_sync_us,
        time.wire_us,
        time.client_executing_us,
        time.client_waiting_us,
    )
    assert sum(parts) - time.overlap_us == pytest.approx(wall_us)
    assert min(parts) >= 0


def test_without_the_servers_cpu_nothing_is_made_up() -> None:
    time = split_time(
        replace(TIMINGS, server_cpu_us=None),
        5,
        ROUND_TRIP.model_copy(update={"server_cpu_us": None}),
        WAL_SYNC.model_copy(update={"server_cpu_us": None}),
    )

    assert time.server_executing_us is None
    assert time.wal_sync_us is None
    assert time.client_waiting_us is None
    assert time.overlap_us is None
    assert time.client_executing_us == 300

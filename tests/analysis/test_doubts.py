"""A run says what speaks against its figures, and what to do; a sound one says nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.analysis.fault_arms import fault_arm, injection
from tests.analysis.runs import NOW, arm, block, ceiling, environment, run

from outboxbench.analysis.comparison import compare_arms
from outboxbench.analysis.warnings import run_warnings
from outboxbench.results.block import Conditions, Counters, LatencyUs, OutcomeCounts
from outboxbench.results.machine import NetworkDelay, Pinning, Server

if TYPE_CHECKING:
    from outboxbench.results.model import Arm, Run


def codes(run: Run) -> set[str]:
    warnings = run_warnings(run)
    assert all(warning.message and warning.advice for warning in warnings)
    return {warning.code for warning in warnings}


def rounds(count: int = 6, **changes: Any) -> Arm:
    return arm("asyncpg/uvloop", [block(number, **changes) for number in range(count)])


def open_loop(lag_p99_us: float = 100.0, skipped: int = 0, cpu_share: float = 0.5) -> Arm:
    blocks = [
        block(
            number,
            outcomes=OutcomeCounts(ok=1000 - skipped, skipped=skipped),
            counters=Counters(client_cpu_share=cpu_share),
        )
        for number in range(6)
    ]
    made = arm("asyncpg/uvloop", blocks, offered_per_s=1000.0)
    assert made.summary is not None
    lag = LatencyUs(samples=6000, p50=30.0, p99=lag_p99_us)
    return made.model_copy(
        update={"summary": made.summary.model_copy(update={"generator_lag_us": lag})}
    )


def test_a_sound_run_gives_no_reason_for_doubt() -> None:
    assert codes(run()) == set()
    assert codes(run(open_loop())) == set()


@pytest.mark.parametrize(
    ("doubtful", "code"),
    [
        (run(environment=environment(data_filesystem="tmpfs")), "data-in-memory"),
        (run(environment=environment(fsync_us=4.0)), "sync-too-fast"),
        (run(environment=environment(cpu_governor="powersave")), "cpu-governor"),
        (run(environment=environment(cpu_limit_cores=1.5)), "cpu-limit"),
        (
            run(server=Server(version="18.6", origin="dsn", settings={"fsync": "off"})),
            "not-durable",
        ),
        (
            run(
                network=(NetworkDelay(rtt_ms=0.5, samples=400, added_p50_us=800, added_p99_us=900),)
            ),
            "network-inexact",
        ),
        (run(rounds(conditions=Conditions(steal_share=0.1))), "stolen-time"),
        (run(rounds(conditions=Conditions(foreign_cpu_share=0.2))), "busy-machine"),
        (run(rounds(counters=Counters(harness_idle_share=0.05))), "harness-in-the-way"),
        (run(rounds(latencies_clamped=2)), "latencies-clamped"),
        (run(open_loop(skipped=20)), "skipped-arrivals"),
        (run(open_loop(cpu_share=0.95)), "client-saturated"),
        (run(open_loop(lag_p99_us=5000.0)), "generator-late"),
        (run(rounds=3), "few-rounds"),
        (
            run(
                rounds(counters=Counters(server_cpu_us_per_op=950.0)),
                pinning=Pinning(server_cores=(0,)),
            ),
            "server-saturated",
        ),
    ],
)
def test_each_doubt_is_told_alone(doubtful: Run, code: str) -> None:
    assert codes(doubtful) == {code}


@pytest.mark.parametrize("setting", ["fsync", "synchronous_commit", "full_page_writes"])
def test_each_setting_that_may_lose_a_commit_is_told(setting: str) -> None:
    lossy = Server(version="18.6", origin="dsn", settings={setting: "off"})

    (warning,) = run_warnings(run(server=lossy))

    assert warning.code == "not-durable"
    assert f"{setting} = off" in warning.message
    assert warning.advice == f"set {setting} = on"


@pytest.mark.parametrize(
    "sound",
    [
        run(environment=environment(fsync_us=20.0)),
        run(environment=environment(fsync_us=None, data_filesystem=None)),
        run(environment=environment(cpu_governor="performance")),
        run(environment=environment(cpu_limit_cores=2.0)),
        run(server=Server(version="18.6", origin="dsn", settings={"fsync": "on"})),
        run(network=(NetworkDelay(rtt_ms=0.5, samples=400, added_p50_us=549, added_p99_us=900),)),
        run(rounds(conditions=Conditions())),
        run(rounds(conditions=Conditions(steal_share=0.02, foreign_cpu_share=0.05))),
        run(rounds(counters=Counters(harness_idle_share=0.01))),
        run(open_loop(skipped=1)),
        run(open_loop(cpu_share=0.9)),
        run(open_loop(lag_p99_us=2000.0)),
        # A closed loop is meant to use its core up.
        run(rounds(counters=Counters(client_cpu_share=1.0))),
        run(rounds=5),
        # Nobody is pinned, so the server could have had more.
        run(rounds(counters=Counters(server_cpu_us_per_op=950.0))),
        run(
            rounds(counters=Counters(server_cpu_us_per_op=950.0)),
            pinning=Pinning(server_cores=(0, 1)),
        ),
    ],
)
def test_what_is_within_its_limit_or_unknown_is_not_told(sound: Run) -> None:
    assert codes(sound) == set()


def test_in_memory_it_says_no_more_that_a_sync_is_fast() -> None:
    assert codes(run(environment=environment(data_filesystem="tmpfs", fsync_us=1.0))) == {
        "data-in-memory"
    }


def test_what_could_not_keep_up_is_told_for_that_alone() -> None:
    assert codes(run(open_loop(skipped=20, cpu_share=1.0, lag_p99_us=9000.0))) == {
        "skipped-arrivals"
    }


def test_a_generator_that_is_late_for_want_of_cpu_is_told_as_such() -> None:
    assert codes(run(open_loop(cpu_share=0.95, lag_p99_us=9000.0))) == {"client-saturated"}


def test_clients_on_several_cores_may_use_them() -> None:
    on_two = open_loop(cpu_share=1.5).model_copy(update={"settings": {"clients": 8, "workers": 2}})

    assert codes(run(on_two)) == set()


def test_a_ceiling_is_meant_to_saturate_the_server() -> None:
    busy = [block(number, counters=Counters(server_cpu_us_per_op=950.0)) for number in range(6)]

    assert codes(run(ceiling(busy), rounds(), pinning=Pinning(server_cores=(0,)))) == set()


def test_the_worst_of_all_blocks_is_named_with_its_arm() -> None:
    blocks = [
        block(number, conditions=Conditions(steal_share=0.3 if number == 4 else 0.05))
        for number in range(6)
    ]

    (warning,) = run_warnings(run(rounds(), arm("psycopg/uvloop", blocks)))

    assert warning.code == "stolen-time"
    assert "up to 30% " in warning.message
    assert "(psycopg/uvloop)" in warning.message


def test_a_drift_takes_four_rounds_to_show() -> None:
    def falling(count: int) -> Arm:
        rates = [1000.0, 990.0, 830.0, 820.0][-count:]
        return arm("asyncpg/uvloop", [block(number, rate) for number, rate in enumerate(rates)])

    assert codes(run(falling(4))) == {"drifting-machine"}
    assert codes(run(falling(3))) == set()


def test_a_machine_that_becomes_faster_drifts_as_well() -> None:
    rates = (900.0, 900.0, 1000.0, 1080.0, 1080.0)
    rising = arm("asyncpg/uvloop", [block(number, rate) for number, rate in enumerate(rates)])

    (warning,) = run_warnings(run(rising, rounds=5))

    assert warning.code == "drifting-machine"
    assert "faster than the first" in warning.message


def test_an_open_loop_does_not_drift_as_its_rate_is_given() -> None:
    blocks = [block(number, 1000.0 - 180 * (number > 2)) for number in range(6)]

    assert codes(run(arm("asyncpg/uvloop", blocks, offered_per_s=1000.0))) == set()


def test_an_arm_without_a_single_block_is_no_error() -> None:
    assert codes(run(rounds().model_copy(update={"blocks": (), "summary": None}))) == set()


def test_a_spread_and_a_drift_are_told() -> None:
    falling = arm("asyncpg/uvloop", [block(number, 1000.0 - 100 * number) for number in range(6)])

    assert codes(run(falling)) == {"wide-spread", "drifting-machine"}


@pytest.mark.parametrize("what", ["checkpoints", "autovacuums"])
def test_what_the_server_did_in_some_arms_alone_is_told(what: str) -> None:
    burden = Conditions.model_validate({what: 1})
    burdened = rounds(conditions=burden)
    other = arm("psycopg/uvloop", [block(number) for number in range(6)])

    assert codes(run(burdened, other)) == {f"{what.removesuffix('s')}-in-block"}
    assert codes(run(burdened, burdened)) == set()


def test_comparisons_that_say_little_are_told() -> None:
    base = arm("asyncpg/uvloop", [block(number) for number in range(6)])
    head = arm(
        "psycopg/uvloop", [block(number, 1000 * (1 + 0.1 * (number % 3))) for number in range(6)]
    )
    comparisons = compare_arms([(base, head)], lambda *_: 0.05)

    compared = run(base, head, comparisons=comparisons)
    assert codes(compared) == {"not-calibrated", "inconclusive"}
    assert codes(compared.model_copy(update={"calibrated_at": NOW})) == {"inconclusive"}


def compared(*ratios: float, **changes: Any) -> Run:
    """A calibrated run of two arms whose throughput differs by these ratios round by round."""
    base = arm("asyncpg/uvloop", [block(number) for number in range(len(ratios))])
    head = arm(
        "psycopg/uvloop",
        [block(number, 1000 * ratio) for number, ratio in enumerate(ratios)],
    )
    comparisons = compare_arms([(base, head)], lambda *_: 0.05)
    return run(base, head, comparisons=comparisons, calibrated_at=NOW, **changes)


def test_comparisons_that_say_enough_are_not_told() -> None:
    assert codes(compared(*[0.8, 0.805, 0.795, 0.8, 0.805, 0.795])) == set()


def test_a_wide_interval_is_told_with_the_arm_and_the_metric_that_has_it() -> None:
    warnings = {each.code: each for each in run_warnings(compared(0.5, 0.9, 0.5, 0.9, 0.5, 0.9))}

    assert "wide-interval" in warnings
    assert "psycopg/uvloop" in warnings["wide-interval"].message


def test_rounds_that_were_added_in_vain_are_told() -> None:
    ratios = (0.9, 1.0, 0.95, 0.9, 1.0, 0.95)

    (before,) = run_warnings(compared(*ratios))
    (after,) = run_warnings(compared(*ratios, rounds_added=3))

    assert before.code == after.code == "inconclusive"
    assert after.message == f"{before.message}, after 3 added rounds"


def test_an_advisory_metric_alone_is_no_reason_to_calibrate() -> None:
    whole = compared(0.9, 1.0, 0.95, 0.9, 1.0, 0.95)
    advisory = tuple(each.model_copy(update={"is_advisory": True}) for each in whole.comparisons)

    assert codes(whole.model_copy(update={"comparisons": advisory, "calibrated_at": None})) == set()


def test_clients_that_a_fault_has_put_out_of_action_are_told_of_with_the_worst_arm() -> None:
    wedging = fault_arm("psycopg", injections=(injection(wedged_clients=3), injection(2)))
    worse = fault_arm("asyncpg", injections=tuple(injection(n, wedged_clients=2) for n in (1, 2)))
    sound = fault_arm("core-asyncpg", injections=(injection(wedged_clients=0),))
    (warning,) = run_warnings(run(faults=(wedging, worse, sound)))
    assert warning.code == "wedged-clients"
    assert "7 clients" in warning.message
    assert "2 of 3 arms" in warning.message
    assert worse.name in warning.message
    assert codes(run(faults=(sound,))) == set()

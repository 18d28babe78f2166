"""Two runs are compared when they may be, each arm against its own ceiling first."""

from __future__ import annotations

from math import isclose
from typing import TYPE_CHECKING, Any

import pytest
from tests.analysis.fault_arms import fault_arm
from tests.analysis.runs import arm, block, ceiling, environment, run

from outboxbench.analysis.calibration import noise_of
from outboxbench.analysis.noise import unpaired_margin
from outboxbench.analysis.same_machine import machine_differences
from outboxbench.analysis.two_runs import compare_runs, obstacles, software_differences
from outboxbench.results.machine import Pinning, Server

if TYPE_CHECKING:
    from outboxbench.results.model import Arm, Run

NOISE = (0.0, 0.02, -0.02, 0.01, -0.01, 0.015)


def measured(speed: float = 1.0, machine: float = 1.0, **changes: Any) -> Run:
    """A run of one arm and its ceiling, on a machine that is so many times as fast."""
    noise = list(enumerate(NOISE))
    return run(
        ceiling([block(number, 3000 * machine * (1 - wobble)) for number, wobble in noise]),
        arm(
            "asyncpg/uvloop",
            [block(number, 1000 * speed * machine * (1 + wobble)) for number, wobble in noise],
        ),
        **changes,
    )


def test_a_slower_head_is_a_regression() -> None:
    found = {each.metric: each for each in compare_runs(measured(), measured(0.7), None)}

    assert found["ok_per_s"].decision == "regression"
    assert isclose(found["ok_per_s"].ratio, 0.7, rel_tol=1e-6)
    assert found["ok_per_s"].control == "pgbench"
    assert found["latency_p50"].decision == "regression"


def test_a_slower_machine_is_none() -> None:
    (found, *_) = compare_runs(measured(), measured(machine=0.7), None)

    assert found.decision == "same"
    assert isclose(found.ratio, 1.0, rel_tol=1e-6)


def test_like_runs_have_no_obstacle() -> None:
    assert obstacles(measured(), measured()) == obstacles(measured(), measured(0.5))
    assert obstacles(measured(), measured()).fatal == ()
    assert obstacles(measured(), measured()).serious == ()


@pytest.mark.parametrize(
    ("head", "reason"),
    [
        (measured(suite="plans"), "they ran different suites, quick and plans"),
        (
            run(arm("psycopg/uvloop", [block(number) for number in range(6)])),
            "they have no arm in common that both measured",
        ),
    ],
)
def test_what_has_nothing_in_common_is_never_compared(head: Run, reason: str) -> None:
    assert obstacles(measured(), head).fatal == (reason,)


def test_a_run_is_not_compared_with_itself() -> None:
    same = measured(sha256="abc")

    assert obstacles(same, same).fatal == ("they are the same run",)


@pytest.mark.parametrize(
    ("head", "reason"),
    [
        (measured(complete=False), "the head is not complete, it was interrupted"),
        (measured(verdict="fail"), "the verdict of the head is fail"),
        (measured(verdict="unknown"), "the verdict of the head is unknown"),
        (measured(warm_up_s=0.5), "they differ in warm_up_s: 0 → 0.5"),
        (
            measured(environment=environment(kernel="Linux 6.2", cores=4)),
            "they differ in cores: 2 → 4; kernel: Linux 6.1 → Linux 6.2",
        ),
        (
            measured(
                server=Server(version="18.6", origin="embedded", settings={"work_mem": "1GB"})
            ),
            "they differ in work_mem: default → 1GB",
        ),
        (measured(rounds=3), "one of them has 3 rounds, and 5 are the least"),
        (measured(window_s=2.0), "they differ in window_s: 1.0 → 2.0"),
        (
            measured(server=Server(version="15.14", origin="embedded", settings={})),
            "they differ in PostgreSQL: 18.6 → 15.14",
        ),
        (
            measured(server=Server(version="18.6", origin="dsn", settings={"fsync": "off"})),
            "they differ in fsync: default → off",
        ),
        (
            measured(environment=environment(cpu_model="Another")),
            "they differ in cpu_model: A Processor → Another",
        ),
    ],
)
def test_what_makes_a_ratio_doubtful_is_told(head: Run, reason: str) -> None:
    found = obstacles(measured(), head)

    assert found.fatal == ()
    assert found.serious == (reason,)


def test_a_difference_in_pinning_is_told() -> None:
    (reason,) = obstacles(measured(), measured(pinning=Pinning(client_cores=(1,)))).serious

    assert reason == (
        "they differ in pinning: server on any core, clients on any core → "
        "server on any core, clients on core 1"
    )


def test_what_is_wrong_with_the_base_is_told_as_such() -> None:
    base = measured(complete=False, verdict="fail")

    assert obstacles(base, measured()).serious == (
        "the base is not complete, it was interrupted",
        "the verdict of the base is fail",
    )


def test_five_rounds_are_enough() -> None:
    assert obstacles(measured(rounds=5), measured(rounds=5)).serious == ()


def test_copies_of_the_same_run_are_the_same_and_others_are_not() -> None:
    base = measured(sha256="abc")

    assert obstacles(base, measured(sha256="abd")).fatal == ()
    # Read from nowhere, neither has one.
    assert obstacles(measured(), measured()).fatal == ()


def test_an_arm_that_one_run_did_not_come_to_is_not_in_common() -> None:
    arms = [each.model_copy(update={"blocks": ()}) for each in measured().arms]

    assert obstacles(measured(), run(*arms)).fatal == (
        "they have no arm in common that both measured",
    )


def with_arms(made: Run, **changes: Any) -> Run:
    arms = tuple(each.model_copy(update=changes) for each in made.arms)
    return made.model_copy(update={"arms": arms})


def test_a_suite_that_was_edited_in_between_is_told() -> None:
    base = with_arms(measured(), settings={"clients": 8, "accounts": 10_000})
    head = with_arms(measured(), settings={"clients": 8, "accounts": 50, "max_attempts": 3})

    assert obstacles(base, head).serious == (
        "they differ in accounts: 10000 → 50; max_attempts: None → 3",
    )


def test_shares_of_other_capacities_are_other_loads() -> None:
    base, near, far = (
        with_arms(measured(), offered_per_s=rate) for rate in (1000.0, 1049.0, 800.0)
    )

    assert obstacles(base, near).serious == ()
    (reason,) = obstacles(base, far).serious
    assert reason.startswith("they differ in the rate offered to ")
    assert reason.endswith(": 1000 → 800 per s")


def test_other_software_is_told_and_no_obstacle() -> None:
    head = measured(environment=environment(packages={"asyncpg": "0.33.0", "uvloop": "0.22"}))

    assert obstacles(measured(), head).serious == ()
    assert software_differences(measured(), head) == [
        "asyncpg 0.32.0 → 0.33.0",
        "uvloop none → 0.22",
    ]


def test_a_machine_is_the_same_with_a_little_more_memory() -> None:
    assert machine_differences(environment(), environment(memory_bytes=8_010_000_000)) == []
    assert machine_differences(environment(), environment(memory_bytes=16_000_000_000)) == [
        "memory_bytes: 8000000000 → 16000000000"
    ]


def test_a_machine_is_another_with_another_processor_limit_or_disk() -> None:
    changes: list[dict[str, Any]] = [
        {"cpu_model": "Another"},
        {"cores": 4},
        {"cpu_limit_cores": 1.5},
        {"kernel": "Linux 6.2"},
        {"data_filesystem": "xfs"},
    ]
    for change in changes:
        (name,) = change
        (difference,) = machine_differences(environment(), environment(**change))
        assert difference.startswith(f"{name}: ")


def test_a_machine_is_the_same_with_other_software() -> None:
    other = environment(
        python="3.13.0", packages={}, libpq=None, psycopg_implementation="c", implementation="PyPy"
    )

    assert machine_differences(environment(), other) == []
    assert machine_differences(environment(), environment(fsync_us=70.0, cpu_mhz=2000.0)) == []


def ceilings(*plans: str) -> list[Arm]:
    names = {plan: "pgbench" if plan == "statements" else f"pgbench-{plan}" for plan in plans}
    blocks = [block(number, 3000.0) for number in range(6)]
    return [ceiling(blocks, name=name, write_plan=plan) for plan, name in names.items()]


def single(**changes: Any) -> Arm:
    blocks = [block(number, 1000.0 + 10 * (number % 2)) for number in range(6)]
    return arm("asyncpg-single/uvloop", blocks, write_plan="single", **changes)


@pytest.mark.parametrize(
    ("plans", "control"),
    [
        (("statements", "single", "pipeline"), "pgbench-single"),
        (("single", "statements"), "pgbench-single"),
        (("statements",), "pgbench"),
        ((), None),
    ],
)
def test_the_control_is_the_ceiling_of_the_same_write_plan(
    plans: tuple[str, ...], control: str | None
) -> None:
    one, other = run(*ceilings(*plans), single()), run(*ceilings(*plans), single())

    compared = compare_runs(one, other, None)

    assert {each.control for each in compared if each.metric == "ok_per_s"} == {control}


def test_a_ceiling_that_only_one_run_has_is_no_control() -> None:
    one, other = run(*ceilings("statements"), single()), run(*ceilings("single"), single())

    assert {each.control for each in compare_runs(one, other, None)} == {None}


def test_an_open_loop_is_compared_without_a_ceiling_and_not_by_what_it_was_offered() -> None:
    blocks = [block(number, 900.0 + number) for number in range(6)]
    load = {"clients": 8, "rate": "900 per s"}
    paced = arm("asyncpg/uvloop/900 per s", blocks, offered_per_s=900.0, settings=load)
    one = run(*ceilings("statements"), paced)

    compared = {each.metric: each for each in compare_runs(one, one, None)}

    assert "ok_per_s" not in compared
    assert compared["latency_p50"].control is None


def test_the_margin_is_that_of_the_calibration_of_two_runs_apart() -> None:
    twins = [
        arm(f"asyncpg/uvloop{suffix}", blocks, copy_number=number)
        for number, (suffix, blocks) in enumerate(
            [
                ("", [block(number, 1000.0) for number in range(8)]),
                ("/copy 2", [block(number, 1000.0 * 1.3 ** (number % 2)) for number in range(8)]),
            ],
            1,
        )
    ]
    noise = noise_of(run(*twins))

    blind = {each.margin for each in compare_runs(measured(), measured(0.9), None)}
    seeing = {each.metric: each for each in compare_runs(measured(), measured(0.9), noise)}

    assert blind == {0.05}
    assert seeing["ok_per_s"].margin > 0.05
    assert seeing["ok_per_s"].margin == unpaired_margin(noise.metrics["ok_per_s"], 6)


def test_runs_of_faults_alone_are_not_said_to_have_nothing_in_common() -> None:
    run = measured().model_copy(update={"arms": (), "faults": (fault_arm(),)})

    assert obstacles(run, run).fatal == (
        "they measured no throughput and no latency, and nothing else is compared",
    )

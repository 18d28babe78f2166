"""pgbench does what the strategies do: the same statements, messages and retries."""

from __future__ import annotations

import re
import tempfile
import time
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, get_args

import numpy as np
import psutil
import pytest

from outboxbench.analysis.checks import judge_block
from outboxbench.analysis.latency import percentiles
from outboxbench.analysis.verdict import combine
from outboxbench.core.application.bootstrap import bootstrap
from outboxbench.core.application.retry import RetryPolicy, run_operation
from outboxbench.core.strategies import statements
from outboxbench.core.strategies.registry import load_strategy
from outboxbench.core.strategies.settings import Isolation, StrategySettings
from outboxbench.harness.errors import CannotRun
from outboxbench.harness.load.ceiling import SCRIPTED_WORKLOADS, Ceiling, CeilingJob, CeilingPlan
from outboxbench.harness.load.command_mix import CommandMix
from outboxbench.harness.load.dataset import LINES_PER_ORDER, Dataset
from outboxbench.harness.load.job import Window
from outboxbench.harness.postgres.binaries import embedded_binaries
from outboxbench.harness.postgres.final_state import read_final_state, wait_until_unused
from outboxbench.harness.postgres.server import connect
from outboxbench.harness.suite.measurement import Measurement, Surveillance, from_ceiling
from outboxbench.results.block import Conditions
from outboxbench.results.histograms import merge, to_hdr

if TYPE_CHECKING:
    from collections.abc import Iterator

    from outboxbench.core.strategies.settings import DatabaseAddress
    from outboxbench.harness.janitor import Janitor

DATASET = Dataset(accounts=12, orders=5)
CLIENTS = 4
LAST_MESSAGES = """
    SELECT ordinal, aggregate_type, topic, audience,
           (SELECT array_agg(key ORDER BY key) FROM jsonb_object_keys(state) AS key)
    FROM outbox
    WHERE op_id = (SELECT op_id FROM outbox ORDER BY created_at DESC, op_id LIMIT 1)
    ORDER BY ordinal
"""


def job(
    address: DatabaseAddress,
    workload: str,
    *,
    write_plan: CeilingPlan = "statements",
    accounts: int = DATASET.accounts,
    isolation: Isolation = "read committed",
    max_attempts: int = 10,
) -> CeilingJob:
    return CeilingJob(
        program=embedded_binaries().path("pgbench"),
        write_plan=write_plan,
        workload=workload,
        settings=StrategySettings(address, isolation=isolation),
        clients=CLIENTS,
        dataset=Dataset(accounts, DATASET.orders),
        seed="1/0/pgbench",
        max_attempts=max_attempts,
    )


@contextmanager
def running(job: CeilingJob, janitor: Janitor) -> Iterator[tuple[Ceiling, Window]]:
    now_ns = time.monotonic_ns()
    with Ceiling(job, 1.3, janitor) as ceiling:
        # Long enough that something ends in it, and meets with others, on a busy machine too.
        yield ceiling, Window.of(now_ns, now_ns + 200_000_000, now_ns + 1_300_000_000)


def measure(job: CeilingJob, janitor: Janitor) -> Measurement:
    with running(job, janitor) as (ceiling, window):
        result = ceiling.result(window)
    wait_until_unused(job.settings.address)
    return from_ceiling(job.workload, result, Surveillance(None, None, Conditions()))


# Long enough for the samples that a 99th percentile takes, on a slow machine as well.
WINDOW_US = 4_000_000


def test_percentiles_are_those_of_pgbenchs_own_log_but_for_the_buckets(
    seeded: DatabaseAddress, janitor: Janitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    wall_ns, monotonic_ns = time.time_ns(), time.monotonic_ns()
    opens_ns = monotonic_ns + 500_000_000
    window = Window.of(monotonic_ns, opens_ns, opens_ns + WINDOW_US * 1000)
    with Ceiling(job(seeded, "place"), WINDOW_US / 1e6 + 0.7, janitor) as ceiling:
        # Both have to take the wall clock for the same: a microsecond may decide at the edges.
        clocks = SimpleNamespace(time_ns=lambda: wall_ns, monotonic_ns=lambda: monotonic_ns)
        monkeypatch.setattr("outboxbench.harness.load.ceiling.time", clocks)
        result = ceiling.result(window)
        logs = [path.read_text() for path in Path(ceiling._folder.name).glob("log.*")]
    opens_us = window.opens_ns // 1000 + (wall_ns - monotonic_ns) // 1000
    logged = [line.split() for log in logs for line in log.splitlines()]
    latencies_us = np.sort(
        [
            int(latency_us)
            for _, _, latency_us, _, ended_s, ended_us, *_ in logged
            if 0 <= int(ended_s) * 1_000_000 + int(ended_us) - opens_us < WINDOW_US
        ]
    )

    ours = percentiles(merge(to_hdr(counts) for counts in result.latency_counts))

    assert ours.samples == result.window_committed == len(latencies_us)
    for percent, value_us in ((50, ours.p50), (90, ours.p90), (99, ours.p99)):
        nearest_rank = (percent * len(latencies_us) + 50) // 100
        logged_us = latencies_us[nearest_rank - 1]
        assert value_us is not None, f"too few samples: {ours.samples}"
        # The upper edge of a bucket that is exact below 2,048 µs, and 0.1% wide above.
        assert logged_us <= value_us <= logged_us * (1 if logged_us < 2_048 else 1.001)
    assert ours.max is not None
    assert latencies_us[-1] <= ours.max <= latencies_us[-1] * 1.001


@pytest.mark.parametrize("isolation", ["read committed", "serializable"])
@pytest.mark.parametrize("workload", sorted(SCRIPTED_WORKLOADS))
@pytest.mark.parametrize("write_plan", get_args(CeilingPlan))
def test_what_pgbench_counts_is_what_the_database_holds(
    write_plan: CeilingPlan,
    workload: str,
    isolation: Isolation,
    seeded: DatabaseAddress,
    janitor: Janitor,
) -> None:
    before = read_final_state(seeded)

    measured = measure(job(seeded, workload, write_plan=write_plan, isolation=isolation), janitor)

    after = read_final_state(seeded)
    checks = judge_block(measured.tally, before, after)
    assert combine(check.verdict for check in checks) == "pass", checks
    assert 0 < measured.outcomes["ok"] < measured.tally.count("ok")
    counted = sum(sum(counts.values()) for counts in measured.latency_counts["ok"])
    assert counted == measured.outcomes["ok"]


@pytest.mark.parametrize("isolation", ["read committed", "repeatable read"])
@pytest.mark.parametrize("write_plan", ["statements", "single"])
def test_clients_that_fight_for_one_account_try_again_and_lose_nothing(
    write_plan: CeilingPlan, isolation: Isolation, seeded: DatabaseAddress, janitor: Janitor
) -> None:
    before = read_final_state(seeded)

    contended = job(seeded, "charge", write_plan=write_plan, accounts=1, isolation=isolation)
    measured = measure(contended, janitor)

    checks = judge_block(measured.tally, before, read_final_state(seeded))
    assert combine(check.verdict for check in checks) == "pass", checks
    assert measured.attempts > measured.outcomes["ok"] + measured.outcomes["failed"]


def test_a_pipeline_misses_no_version_even_where_all_want_one_account(
    seeded: DatabaseAddress, janitor: Janitor
) -> None:
    before = read_final_state(seeded)

    measured = measure(job(seeded, "charge", write_plan="pipeline", accounts=1), janitor)

    checks = judge_block(measured.tally, before, read_final_state(seeded))
    assert combine(check.verdict for check in checks) == "pass", checks
    assert measured.outcomes["ok"] > 0
    assert measured.attempts == measured.outcomes["ok"]


@pytest.mark.parametrize("write_plan", ["statements", "single"])
def test_an_update_that_misses_its_version_is_counted_as_failed_and_stores_nothing(
    write_plan: CeilingPlan, seeded: DatabaseAddress, janitor: Janitor
) -> None:
    before = read_final_state(seeded)

    once = job(seeded, "charge", write_plan=write_plan, accounts=1, max_attempts=1)
    measured = measure(once, janitor)

    checks = judge_block(measured.tally, before, read_final_state(seeded))
    assert combine(check.verdict for check in checks) == "pass", checks
    failed = measured.outcomes["failed"]
    assert failed > 0
    assert measured.failures == {"serialisation": failed}
    assert measured.attempts == measured.outcomes["ok"] + failed


@pytest.mark.parametrize("workload", sorted(SCRIPTED_WORKLOADS))
@pytest.mark.parametrize("write_plan", get_args(CeilingPlan))
async def test_it_leaves_the_same_messages_as_a_strategy(
    write_plan: CeilingPlan, workload: str, seeded: DatabaseAddress, janitor: Janitor
) -> None:
    request = CommandMix(workload, DATASET, "1").next()
    persistence = await load_strategy("asyncpg").open(StrategySettings(seeded, pool_size=1))
    try:
        await run_operation(bootstrap(persistence), request.command, request.op_id, RetryPolicy(1))
    finally:
        await persistence.close()
    with connect(seeded) as connection:
        by_strategy = connection.execute(LAST_MESSAGES).fetchall()
    measure(job(seeded, workload, write_plan=write_plan), janitor)
    with connect(seeded) as connection:
        by_pgbench = connection.execute(LAST_MESSAGES).fetchall()

    assert by_pgbench == by_strategy


@pytest.mark.parametrize("write_plan", get_args(CeilingPlan))
def test_an_order_has_all_its_lines(
    write_plan: CeilingPlan, seeded: DatabaseAddress, janitor: Janitor
) -> None:
    with connect(seeded) as connection:
        before = connection.execute("SELECT count(*) FROM order_lines").fetchall()

    measured = measure(job(seeded, "place", write_plan=write_plan), janitor)

    with connect(seeded) as connection:
        after = connection.execute("SELECT count(*) FROM order_lines").fetchall()
    assert after[0][0] - before[0][0] == LINES_PER_ORDER * measured.tally.count("ok")
    assert read_final_state(seeded).order_lines_off_messages == 0


def test_its_statements_are_those_of_the_strategies() -> None:
    assert scripted("charge") == [
        "BEGIN",
        normalised(statements.SELECT_ACCOUNT),
        normalised(statements.UPDATE_ACCOUNT),
        insertion(statements.INSERT_MESSAGE),
        "COMMIT",
    ]
    assert scripted("place") == [
        "BEGIN",
        insertion(statements.INSERT_ORDER),
        insertion(statements.INSERT_ORDER_LINE),
        insertion(statements.INSERT_MESSAGE),
        "COMMIT",
    ]


def scripted(workload: str) -> list[str]:
    """Return the statements of a transaction that meets no other."""
    script = resources.files("outboxbench.harness.load").joinpath(
        "pgbench", "statements", f"{workload}.sql"
    )
    text = script.read_text(encoding="utf-8").partition("\\else")[0]
    lines = [line for line in text.splitlines() if not line.startswith(("--", "\\"))]
    return [
        insertion(line) if line.startswith("INSERT") else normalised(line) for line in lines
    ] + (["COMMIT"] if "COMMIT;" not in lines else [])


def normalised(statement: str) -> str:
    """Put `?` for each parameter and leave out what pgbench needs to know of the answer."""
    statement = re.sub(r"lpad\(:account::text, 32, '0'\)::uuid|:\w+|\$\d+", "?", statement)
    return re.sub(r"( RETURNING 1 AS hit)? *(;|\\gset|\\aset)$", "", statement)


def insertion(statement: str) -> str:
    """Return the table and the columns that a statement inserts into."""
    return statement.partition(")")[0]


def test_a_script_that_fails_is_told_in_one_sentence(
    seeded: DatabaseAddress, janitor: Janitor
) -> None:
    with connect(seeded) as connection:
        connection.execute("DROP TABLE outbox")

    with pytest.raises(CannotRun, match=r"^pgbench failed: .*outbox") as caught:
        measure(job(seeded, "charge"), janitor)

    assert "\n" not in str(caught.value)


def arguments_of(pid: int) -> list[str]:
    """Wait for them: the kernel has the new program run before it shows what it was given."""
    process = psutil.Process(pid)
    while not (arguments := process.cmdline()):
        time.sleep(0.001)
    return arguments


def test_the_password_is_no_argument_and_in_no_file(
    seeded: DatabaseAddress, janitor: Janitor
) -> None:
    with running(job(seeded, "charge"), janitor) as (ceiling, _):
        arguments = arguments_of(ceiling.pid)
        (folder,) = {Path(each.partition("=")[2]).parent for each in arguments if "--file=" in each}
        texts = [path.read_text(encoding="utf-8") for path in folder.iterdir()]

    assert not any(seeded.password in each for each in [*arguments, *texts])
    assert not folder.exists()


def test_leaving_ends_pgbench_and_removes_its_log(
    seeded: DatabaseAddress, janitor: Janitor
) -> None:
    before = set(Path(tempfile.gettempdir()).glob("outboxbench-pgbench-*"))

    def interrupted() -> int:
        with Ceiling(job(seeded, "charge"), 3600, janitor) as ceiling:
            pids.append(ceiling.pid)
            raise KeyboardInterrupt

    pids: list[int] = []
    with pytest.raises(KeyboardInterrupt):
        interrupted()

    assert not psutil.pid_exists(pids[0])
    assert set(Path(tempfile.gettempdir()).glob("outboxbench-pgbench-*")) <= before

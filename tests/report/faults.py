"""Made-up arms under faults, as a machine with two cores might leave them, with their histories."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

from tests.analysis import runs

from outboxbench.analysis.history.availability import SERVER_READY, availability_of
from outboxbench.analysis.verdict import combine
from outboxbench.results.faults import FaultArm
from outboxbench.results.history import AttemptLine, FaultLine, Header, HistoryWriter, sha256_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from outboxbench.results.document import Profile, Verdict
    from outboxbench.results.history import HistoryLine
    from outboxbench.results.model import Run
    from outboxbench.results.store import RunFolder

MS = 1_000_000
CYCLE_MS = 2000
ONSET_MS = 500
"""Since the begin of a cycle."""
HOLD_MS = 300
EVERY_MS = 5
MAX_WAIT_S = 1.0

STRATEGIES = (
    "asyncpg",
    "psycopg",
    "core-asyncpg",
    "core-psycopg",
    "orm-asyncpg",
    "orm-psycopg",
    "asyncpg-single",
    "asyncpg-group",
    "psycopg-single",
    "psycopg-pipeline",
    "core-asyncpg-single",
    "[b]a-strategy-of-somebody-else-with-a-long-name",
)


def lines(
    *,
    injections: int = 2,
    outage_ms: int = 400,
    is_for_good: bool = False,
    server_ready_ms: int | None = None,
    fault: str = "reset",
) -> Iterator[HistoryLine]:
    """A history: after each onset nothing succeeds for `outage_ms`, then all goes on as before.

    What was due in an outage ends as soon as it is over; of it every tenth is in doubt for ever,
    another skipped, another recovered, another failed. After the last onset nothing succeeds any
    more if the fault is `is_for_good`.
    """
    yield Header({})
    for number in range(injections * CYCLE_MS // EVERY_MS):
        due_ms = number * EVERY_MS
        cycle, since_ms = divmod(due_ms, CYCLE_MS)
        is_over = is_for_good and cycle == injections - 1
        left_ms = outage_ms - (since_ms - ONSET_MS) if since_ms >= ONSET_MS else 0
        if since_ms >= ONSET_MS and (left_ms > 0 or is_over):
            yield _attempt(number, due_ms, _bad(number, is_over=is_over), max(left_ms, 100))
        else:
            yield _attempt(number, due_ms, "ok", 2 + number % 7)
    for number in range(1, injections + 1):
        onset_ms = (number - 1) * CYCLE_MS + ONSET_MS
        evidence: dict[str, Any] = {"seen": True}
        if server_ready_ms is not None:
            evidence[SERVER_READY] = (onset_ms + server_ready_ms) * MS
        healed_ms = onset_ms + HOLD_MS
        yield FaultLine(number, fault, onset_ms * MS, onset_ms * MS + 1, healed_ms * MS, evidence)


def arm(
    strategy: str = "asyncpg",
    fault: str = "reset",
    *,
    verdict: Verdict = "pass",
    profile: Profile = "matched",
    retries: str = "safe",
    **history: Any,
) -> FaultArm:
    """An arm with that history."""
    name = f"{fault}/{strategy}/uvloop/{profile}/{retries} retries/charge/200 per s"
    return FaultArm(
        name=name,
        fault=fault,
        strategy=strategy,
        write_plan="statements",
        driver="psycopg" if "psycopg" in strategy else "asyncpg",
        loop="uvloop",
        profile=profile,
        retries=retries,
        workload="charge",
        settings={"rate_per_s": 1000 / EVERY_MS, "max_wait_s": MAX_WAIT_S, "injections": 2},
        history="history/none.jsonl.gz",
        history_sha256="",
        checks=(),
        verdict=verdict,
        availability=availability_of(lambda: lines(fault=fault, **history)),
    )


def run(*arms: FaultArm, **changes: Any) -> Run:
    """A run of faults alone."""
    verdict = combine(arm.verdict for arm in arms)
    return runs.run().model_copy(
        update={"suite": "faults", "arms": (), "faults": arms, "verdict": verdict, **changes}
    )


def many(strategies: int, faults: int) -> Iterator[FaultArm]:
    """Arms of up to 12 strategies, under faults that differ in name; some did not do well."""
    outcomes = [
        arm(
            strategy,
            verdict="fail" if number == 2 else "unknown" if number == 3 else "pass",
            outage_ms=3 * 4**number % 1100,
            is_for_good=number % 4 == 1,
            server_ready_ms=200 if number % 2 else None,
        )
        for number, strategy in enumerate(islice(STRATEGIES, strategies))
    ]
    for number in range(faults):
        for each in outcomes:
            fault = f"a-fault-{number}"
            name = f"{fault}/{each.name}"
            yield each.model_copy(update={"fault": fault, "name": name})


def record(folder: RunFolder, measured: FaultArm, **history: Any) -> FaultArm:
    """Write the history of an arm as the harness does; returns the arm that names it."""
    path = folder.new_history(measured.name)
    with HistoryWriter(path) as writer:
        for line in lines(fault=measured.fault, **history):
            writer.write(line)
    name = path.relative_to(folder.path).as_posix()
    return measured.model_copy(update={"history": name, "history_sha256": sha256_of(path)})


def _bad(number: int, *, is_over: bool) -> str | None:
    """What becomes of an operation of an outage."""
    worst = {0: None, 2: "skipped", 4: "failed"}
    return worst.get(number % 10, "failed" if is_over else "ok_recovered" if number % 3 else "ok")


def _attempt(number: int, due_ms: int, final: str | None, lasts_ms: int) -> AttemptLine:
    is_skipped = final == "skipped"
    has_end = final is not None and not is_skipped
    return AttemptLine(
        operation=number,
        attempt=0 if is_skipped else 1,
        op_id=f"{number:032x}",
        command="charge",
        aggregate_id="ac" * 16,
        cents=10,
        client=number % 4,
        due_ns=due_ms * MS,
        began_ns=None if is_skipped else due_ms * MS,
        commit_sent_ns=None,
        ended_ns=(due_ms + lasts_ms) * MS if has_end else None,
        stage=0,
        outcome="indeterminate" if final == "ok_recovered" else final,
        final=final,
        failure=None,
    )

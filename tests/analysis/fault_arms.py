"""Arms under faults as documents have them, made of the few figures that a test is about."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from outboxbench.results.availability import (
    Ambiguity,
    Baseline,
    BlockAvailability,
    Injection,
    Timeline,
)
from outboxbench.results.block import Check, OutcomeCounts
from outboxbench.results.faults import FaultArm

if TYPE_CHECKING:
    from outboxbench.results.document import Verdict

CHECK = "nothing is lost"
SERVICES_MS = (1.0, 2.0, 4.0, 8.0, 16.0)


def injection(
    number: int = 1,
    *,
    service_ms: float = 2.0,
    rate_per_s: float = 200.0,
    in_flight: int = 1,
    interrupted: int = 0,
    outcomes: OutcomeCounts | None = None,
    **figures: Any,
) -> Injection:
    return Injection(
        number=number,
        fault=figures.pop("fault", "reset"),
        onset_ms=1_000.0 * number,
        span_ms=1_000.0,
        baseline=Baseline(
            seconds=1.0, good_per_s=rate_per_s, due_per_s=rate_per_s, service_ms=service_ms
        ),
        outcomes=outcomes or OutcomeCounts(ok=200),
        in_flight_at_onset=in_flight,
        in_flight_outcomes=OutcomeCounts(ok=in_flight - interrupted, failed=interrupted),
        ambiguity=Ambiguity(),
        **figures,
    )


def fault_arm(
    strategy: str = "asyncpg",
    fault: str = "reset",
    injections: tuple[Injection, ...] = (),
    *,
    rate_per_s: float = 200.0,
    busy_wait_us: float = 0.0,
    verdict: Verdict = "pass",
    expected_findings: tuple[str, ...] = (),
    **changes: Any,
) -> FaultArm:
    return FaultArm(
        name=f"{fault}/{strategy}/{rate_per_s:g}/{busy_wait_us:g}",
        fault=fault,
        strategy=strategy,
        write_plan="statements",
        driver="asyncpg",
        loop="uvloop",
        profile="matched",
        retries=changes.pop("retries", "none"),
        workload="charge",
        settings={"rate_per_s": rate_per_s, "busy_wait_us": busy_wait_us, "injections": 1},
        history="history/x.jsonl.gz",
        history_sha256="0" * 64,
        checks=(Check(name=CHECK, verdict=verdict, detail="a detail"),),
        verdict=verdict,
        expected_findings=expected_findings,
        availability=BlockAvailability(
            outcomes_before=OutcomeCounts(ok=200),
            injections=injections or (injection(),),
            timeline=Timeline(begins_ms=0.0, bin_ms=100.0, good=(20,) * 10),
        ),
        **changes,
    )


def arms_of_speeds(fault: str = "reset", *, sign: int = 1) -> tuple[FaultArm, ...]:
    """Arms whose harm rises with their service time, or falls if the sign is negative.

    Their headroom falls with it in either case, and the time that they take to catch up rises.
    """
    return tuple(
        fault_arm(
            fault=fault,
            busy_wait_us=1_000 * service_ms,
            injections=(
                injection(
                    service_ms=service_ms,
                    in_flight=place + len(SERVICES_MS),
                    interrupted=place if sign > 0 else len(SERVICES_MS) - 1 - place,
                    on_time=200 - sign * 10 * place - 50,
                    caught_up_ms=100.0 * (1 + place),
                    first_ok_after_effect_ms=100.0,
                    outcomes=OutcomeCounts(ok=190 - place, failed=10 + place),
                ),
            ),
            capacity_per_s=4_000.0 / service_ms,
        )
        for place, service_ms in enumerate(SERVICES_MS)
    )

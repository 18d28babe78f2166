"""Verdicts in words, and what nobody may overlook beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.text import Text

from outboxbench.analysis.comparable import changed_durability

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from outboxbench.results.block import Check
    from outboxbench.results.document import Verdict
    from outboxbench.results.model import Run

INCOMPLETE: Final = (
    "INCOMPLETE: this run was interrupted and shows what it had; do not decide anything on it."
)

VERDICTS: Final[dict[Verdict, Text]] = {
    "pass": Text("pass", style="green"),
    "fail": Text("FAIL", style="bold red"),
    "unknown": Text("unknown", style="bold yellow"),
}


def failed_check(check: Check, expected_findings: Collection[str] = ()) -> str:
    """One line on a check that did not pass, which says so where that was expected."""
    how = ", as expected" if check.verdict == "fail" and check.name in expected_findings else ""
    return f"{check.verdict}{how}: {check.name}: {check.detail}"


def cautions(run: Run) -> Iterator[str]:
    """What concerns every figure of a run, and so nobody may overlook."""
    if not run.complete:
        yield INCOMPLETE
    if durability := changed_durability(run.server):
        yield f"Not the usual durability: {', '.join(durability)}."

"""Verdicts as they stand in a table on the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Collection

    from outboxbench.results.block import Check
    from outboxbench.results.document import Verdict

VERDICTS: Final[dict[Verdict, Text]] = {
    "pass": Text("pass", style="green"),
    "fail": Text("FAIL", style="bold red"),
    "unknown": Text("unknown", style="bold yellow"),
}


def failed_check(check: Check, expected_findings: Collection[str] = ()) -> str:
    """One line on a check that did not pass, which says so where that was expected."""
    how = ", as expected" if check.verdict == "fail" and check.name in expected_findings else ""
    return f"{check.verdict}{how}: {check.name}: {check.detail}"

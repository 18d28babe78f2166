"""One verdict out of many: a run is as good as its worst part."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from outboxbench.results.block import Check
    from outboxbench.results.document import Verdict


def combine(verdicts: Iterable[Verdict]) -> Verdict:
    """`fail` if any failed, else `unknown` if any is unknown or there is none, else `pass`."""
    seen = set(verdicts)
    if "fail" in seen:
        return "fail"
    return "pass" if seen == {"pass"} else "unknown"


def as_expected(checks: Iterable[Check], expected_findings: Collection[str]) -> Verdict:
    """Combine checks for the run: one that was expected to fail, and did, is nothing against it.

    Where it did not fail there was nothing to be found, and where it is unknown it stays so.
    """
    return combine(
        "pass" if check.verdict == "fail" and check.name in expected_findings else check.verdict
        for check in checks
    )

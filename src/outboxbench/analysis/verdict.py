"""One verdict out of many: a run is as good as its worst part."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from outboxbench.results.document import Verdict


def combine(verdicts: Iterable[Verdict]) -> Verdict:
    """`fail` if any failed, else `unknown` if any is unknown or there is none, else `pass`."""
    seen = set(verdicts)
    if "fail" in seen:
        return "fail"
    return "pass" if seen == {"pass"} else "unknown"

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from outboxbench.analysis.verdict import combine

if TYPE_CHECKING:
    from outboxbench.results.document import Verdict


@pytest.mark.parametrize(
    ("verdicts", "expected"),
    [
        ([], "unknown"),
        (["pass"], "pass"),
        (["pass", "pass"], "pass"),
        (["pass", "unknown"], "unknown"),
        (["unknown", "fail", "pass"], "fail"),
        (["fail"], "fail"),
    ],
)
def test_a_run_is_as_good_as_its_worst_part(verdicts: list[Verdict], expected: Verdict) -> None:
    assert combine(verdicts) == expected

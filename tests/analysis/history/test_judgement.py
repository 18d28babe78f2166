"""A judgement as a whole: in parts, with what was expected, and of what is no history."""

from __future__ import annotations

import pytest
from tests.analysis.history.shop import ALL, EFFECT, LOST, TWICE, judge, sound

from outboxbench.analysis.history.judgement import judge as judge_history
from outboxbench.analysis.verdict import as_expected, combine
from outboxbench.results.history import FaultLine, Header, HistoryDamaged


@pytest.mark.parametrize("lines_per_pass", [1, 3, 1_000])
def test_a_sound_history_passes_in_however_many_parts_it_is_read(lines_per_pass: int) -> None:
    checks = judge(sound(), lines_per_pass)
    assert {check.name: check.verdict for check in checks} == dict.fromkeys(ALL, "pass")
    assert judge(sound()) == checks


def test_what_was_expected_is_told_by_the_history_and_counts_as_passed() -> None:
    shop = sound()
    shop.attempt("indeterminate", final="ok_recovered")
    lines = [Header({"expected_findings": [LOST]}), *shop.lines()[1:]]
    judgement = judge_history(lambda: lines)
    assert judgement.expected_findings == (LOST,)
    assert combine(check.verdict for check in judgement.checks) == "fail"
    assert as_expected(judgement.checks, judgement.expected_findings) == "pass"
    assert as_expected(judgement.checks, (TWICE,)) == "fail"
    shop.faults.append(FaultLine(2, "reset", 5, 6, 7, {}))
    assert as_expected(judge(shop), (LOST, EFFECT)) == "unknown"


def test_what_says_nothing_of_itself_is_no_history() -> None:
    with pytest.raises(HistoryDamaged, match="does not say what it is of"):
        judge_history(lambda: sound().lines()[1:])

"""What the ratios of a table are divided by, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from outboxbench.report.numbers import BLANK

if TYPE_CHECKING:
    from outboxbench.analysis.comparable import ComparableArms
    from outboxbench.results.model import Arm, Run

_SEVERAL: Final = "base"


def place(arm: Arm) -> str | None:
    """Return the version or the server that tells an arm from others of its strategy."""
    parts = [] if arm.environment is None else [arm.environment.name]
    parts += [arm.server] if arm.server else []
    return ", ".join(parts) or None


def divisor(run: Run, arms: ComparableArms) -> str:
    """Return the arm that all of a table are held against, or `base` where there are several."""
    labels = {arms.label(base) for base, _ in _pairs(run, arms)}
    if len(labels) > 1:
        return _SEVERAL
    return next(iter(labels), run.reference or BLANK)


def divisor_note(run: Run, arms: ComparableArms) -> str:
    """Return in a clause what each arm of a table is held against."""
    pairs = _pairs(run, arms)
    places = {place(base) for base, _ in pairs}
    if len(places) != 1 or (first := next(iter(places))) is None:
        return "÷: same loop"
    is_across = any(base.strategy != head.strategy for base, head in pairs)
    there = f", and there {run.reference}" if is_across else ""
    return f"÷: the same strategy with {first}{there}; same loop"


def _pairs(run: Run, arms: ComparableArms) -> list[tuple[Arm, Arm]]:
    """Base and head of every comparison of the table."""
    named = {arm.name: arm for arm in run.arms}
    heads = {arm.name for arm in arms.strategies}
    return [(named[each.base], named[each.head]) for each in run.comparisons if each.head in heads]

"""The verdict of a run, in a sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from outboxbench.report.fault_matrix import sign_of

if TYPE_CHECKING:
    from outboxbench.report.fault_matrix import Sign
    from outboxbench.results.model import Run


def verdict_sentence(run: Run) -> str:
    """Say how many arms passed, and what that means for their figures."""
    signs: list[Sign] = [arm.verdict for arm in run.arms]
    signs += [arm.verdict for arm in run.relays]
    signs += map(sign_of, run.faults)
    failed, unknown, expected = (signs.count(sign) for sign in ("fail", "unknown", "expected"))
    arms = f"{len(signs)} arm{'' if len(signs) == 1 else 's'}"
    aside = f" {expected} failed as they are there to." if expected else ""
    if not signs:
        return "Nothing was measured, so nothing can be said."
    if run.verdict == "pass":
        return f"Every check of {arms} held.{aside}"
    if run.verdict == "fail":
        also = f", and for {unknown} it cannot be told" if unknown else ""
        return f"{failed} of {arms} broke a check{also}: do not use their figures.{aside}"
    return f"For {unknown} of {arms} it cannot be told whether every check held.{aside}"

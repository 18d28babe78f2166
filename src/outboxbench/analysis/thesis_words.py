"""What a run says of the thesis, in one paragraph that is made of its figures."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

from outboxbench.analysis.thesis import CLAIMS, Answer, findings, thesis_points

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from outboxbench.analysis.thesis import Claim, Finding, ThesisPoint
    from outboxbench.results.model import Run


def asks_for_the_thesis(run: Run) -> bool:
    """Whether a run was made to put the thesis to the test: one strategy at several speeds."""
    return any(point.slower_us for point in thesis_points(run))


def paragraph(run: Run) -> str:
    """Say in words what held and what did not, with its figures; empty where nothing is known."""
    points = thesis_points(run)
    if not points:
        return ""
    found = findings(points)
    sentences = [
        _little(points),
        _headroom(points),
        *(_answers(claim, [each for each in found if each.claim is claim]) for claim in CLAIMS),
        _elsewhere(points),
        *_fastest_and_slowest(points),
    ]
    return " ".join(sentence for sentence in sentences if sentence)


def _little(points: Sequence[ThesisPoint]) -> str:
    ratio = sum(point.in_flight for point in points) / sum(
        point.expected_in_flight for point in points
    )
    return (
        f"Over all {len(points)} arms, {ratio:.2f} times as many operations were in flight at an "
        "onset as Little's law expects."
    )


def _headroom(points: Sequence[ThesisPoint]) -> str:
    known = [point.headroom for point in points if point.headroom is not None]
    if not known:
        return ""
    return (
        f"Headroom, which is what clients did in a closed loop beyond the load, went from "
        f"{min(known):.1f} to {max(known):.1f} times the load."
    )


def _answers(claim: Claim, found: Sequence[Finding]) -> str:
    parts = []
    for answer in get_args(Answer):
        of_answer = [each for each in found if each.answer == answer]
        if of_answer:
            parts.append(f"{answer} under {_listed([_with_rho(each) for each in of_answer])}")
    return f"That {claim.says} {'; it '.join(parts)}."


def _with_rho(finding: Finding) -> str:
    if finding.rho is None:
        return f"{finding.fault} ({finding.reason})"
    return f"{finding.fault} (ρ {finding.rho:.2f}, {finding.points} arms)"


def _elsewhere(points: Sequence[ThesisPoint]) -> str:
    """How much of the harm speed could not have spared: what came when nobody was served."""
    parts = []
    for fault in sorted({point.fault for point in points}):
        of_fault = [point for point in points if point.fault == fault]
        hurt = sum(point.hurt for point in of_fault)
        if hurt:
            share = min(1.0, sum(point.interrupted for point in of_fault) / hurt)
            parts.append(f"{share:.0%} under {fault}")
    if not parts:
        return "Nothing failed, stayed in doubt or was skipped."
    return (
        "Of all operations that failed, stayed in doubt or were skipped, so many had been in "
        f"flight at the onset: {_listed(parts)}; the others came while nobody was served."
    )


def _fastest_and_slowest(points: Sequence[ThesisPoint]) -> Iterable[str]:
    for fault in sorted({point.fault for point in points}):
        highest = max(point.rate_per_s for point in points if point.fault == fault)
        ranked = sorted(
            (point for point in points if (point.fault, point.rate_per_s) == (fault, highest)),
            key=lambda point: point.service_ms,
        )
        if len(ranked) > 1:
            yield (
                f"Under {fault} at {highest:g}/s the fastest, {_told(ranked[0])}; "
                f"the slowest, {_told(ranked[-1])}."
            )


def _told(point: ThesisPoint) -> str:
    on_time = "" if point.on_time is None else f" and served {point.on_time:.1%} in time"
    return (
        f"{point.name} ({point.service_ms:,.1f} ms), lost {point.hurt:.1f} operations an injection"
        f"{on_time}"
    )


def _listed(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"

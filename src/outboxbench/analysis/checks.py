"""Was anything lost, invented, or applied twice? The client's own count against the database's.

Pure functions: `before` is the database as it was handed to the clients, `after` as they left it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from outboxbench.analysis.relay_checks import judge_chain, judge_deliveries
from outboxbench.results.block import Check

if TYPE_CHECKING:
    from collections.abc import Mapping

    from outboxbench.results.deliveries import Relayed
    from outboxbench.results.final_state import ClientTally, FinalState


def judge_block(
    tally: ClientTally, before: FinalState, after: FinalState, relayed: Relayed | None = None
) -> tuple[Check, ...]:
    """Return every check over one block, passed or not.

    Where relays have followed up what the clients did, `relayed` is what they made of it.
    """
    handled = 0
    if relayed is not None:
        handled = relayed.handled
        # What follows from what a client did is no doing of its own, and judged by itself.
        own = {topic for command in tally.outcomes for topic in tally.topics[command]}
        tally = replace(tally, charged_cents=None)
        after = replace(after, messages_by_topic=_only(after.messages_by_topic, own))
        before = replace(before, messages_by_topic=_only(before.messages_by_topic, own))
    checks = (
        _did_something(tally),
        _operations_stored(tally, before, after, handled),
        _messages_stored(tally, before, after),
        _versions_match_messages(after),
        _lines_match_messages(after),
        _money_conserved(tally, before, after),
    )
    if relayed is None:
        return checks
    return (*checks, *judge_deliveries(relayed.to_broker), judge_chain(relayed.chain))


def _only(counts: Mapping[str, int], topics: set[str]) -> dict[str, int]:
    return {topic: count for topic, count in counts.items() if topic in topics}


def _did_something(tally: ClientTally) -> Check:
    ok = tally.count("ok", "ok_recovered")
    # A block without a single success proves nothing, so it passes nothing.
    return Check(
        name="operations succeeded",
        verdict="pass" if ok else "unknown",
        detail=f"{ok} operations ended ok",
    )


def _operations_stored(
    tally: ClientTally, before: FinalState, after: FinalState, handled: int
) -> Check:
    stored = after.operations - before.operations - handled
    ok = tally.count("ok", "ok_recovered")
    unclear = tally.count("indeterminate")
    return Check.of(
        "every ok operation is stored, and no other",
        passed=ok <= stored <= ok + unclear,
        detail=f"{ok} ok and {unclear} indeterminate for the clients, {stored} in the outbox",
    )


def _messages_stored(tally: ClientTally, before: FinalState, after: FinalState) -> Check:
    least: dict[str, int] = {}
    most: dict[str, int] = {}
    for command, counts in tally.outcomes.items():
        ok = counts.get("ok", 0) + counts.get("ok_recovered", 0)
        for topic in tally.topics[command]:
            least[topic] = least.get(topic, 0) + ok
            most[topic] = most.get(topic, 0) + ok + counts.get("indeterminate", 0)
    stored = {
        topic: count - before.messages_by_topic.get(topic, 0)
        for topic, count in after.messages_by_topic.items()
        if count != before.messages_by_topic.get(topic, 0)
    }
    wrong = [
        f"{stored.get(topic, 0)} {topic} stored, {least.get(topic, 0)} to {most.get(topic, 0)} due"
        for topic in sorted(least.keys() | stored.keys())
        if not least.get(topic, 0) <= stored.get(topic, 0) <= most.get(topic, 0)
    ]
    total = sum(stored.values())
    return Check.of(
        "every operation stored all its messages",
        passed=not wrong,
        detail="; ".join(wrong) or f"{total} messages of {len(stored)} topics",
    )


def _versions_match_messages(after: FinalState) -> Check:
    faults = {
        "aggregates whose versions and messages differ": after.aggregates_with_gaps,
        "messages without an aggregate": after.orphaned_messages,
        "operations with a gap in their messages": after.operations_with_gaps,
    }
    found = [f"{count} {fault}" for fault, count in faults.items() if count]
    return Check.of(
        "versions are contiguous and one-to-one with messages",
        passed=not found,
        detail="; ".join(found) or "no gap, no orphan",
    )


def _lines_match_messages(after: FinalState) -> Check:
    off = after.order_lines_off_messages
    return Check.of(
        "order lines are as their messages tell",
        passed=off == 0,
        detail=f"{off} lines differ" if off else "no line differs",
    )


def _money_conserved(tally: ClientTally, before: FinalState, after: FinalState) -> Check:
    taken = before.balance_cents - after.balance_cents
    detail = f"{taken} cents left the accounts"
    passed = after.accounts_off_balance == 0
    if not passed:
        detail += f", {after.accounts_off_balance} accounts differ from their messages"
    if tally.charged_cents is not None:
        detail += f", {tally.charged_cents} by the clients' count"
        # What an indeterminate charge took is known to its message alone.
        if tally.count("indeterminate"):
            passed = passed and taken >= tally.charged_cents
        else:
            passed = passed and taken == tally.charged_cents
    return Check.of("money is conserved", passed=passed, detail=detail)

"""How much memory it takes to judge a history, however long it is.

Writes the history of a block that goes well, of so many seconds at 200 operations a second, as the
harness would; judges it and measures its availability; and prints what that took at its peak.
"""

from __future__ import annotations

import argparse
import resource
import time
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from outboxbench.analysis.history.availability import availability_of
from outboxbench.analysis.history.judgement import judge
from outboxbench.results.history import (
    AggregateLine,
    AttemptLine,
    FaultLine,
    Header,
    HistoryWriter,
    MessageLine,
    read_history,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from outboxbench.results.history import HistoryLine

RATE_PER_S = 200
ACCOUNTS = 1_000
CLIENTS = 16
CENTS = 10
FAULT_EVERY_S = 10
# Of those around an onset one in so many is in doubt, and found to be committed.
IN_DOUBT_ONE_OF = 5
NS_PER_S = 1_000_000_000


def op_id(operation: int) -> str:
    # Spread over all of its digits, as drawn ones are.
    return f"{operation * 0x9E3779B97F4A7C15F39CC0605CEDC835 % 2**128:032x}"


def account(operation: int) -> str:
    return f"{operation % ACCOUNTS:032x}"


def lines(seconds: int) -> Iterator[HistoryLine]:
    """The history of charges, each account's in its turn, with a fault every ten seconds."""
    operations = range(1, seconds * RATE_PER_S + 1)
    yield Header({"arm": "synthetic", "slo_ms": 100.0})
    yield from map(attempt, operations)
    for number, at_s in enumerate(range(FAULT_EVERY_S // 2, seconds, FAULT_EVERY_S), 1):
        onset_ns = at_s * NS_PER_S
        evidence = {"connections": CLIENTS}
        yield FaultLine(number, "reset", onset_ns, onset_ns + 1, onset_ns + 2, evidence)
    for operation in operations:
        version = (operation - 1) // ACCOUNTS + 1
        yield MessageLine(
            op_id(operation),
            0,
            "account",
            account(operation),
            version,
            "account.charged",
            2,
            -CENTS,
            is_older=False,
        )
    for number in range(ACCOUNTS):
        charges = len(range(number or ACCOUNTS, len(operations) + 1, ACCOUNTS))
        if charges:
            yield AggregateLine("account", account(number), charges, -CENTS * charges)


def attempt(operation: int) -> AttemptLine:
    due_ns = operation * NS_PER_S // RATE_PER_S
    of_its_cycle_s = due_ns / NS_PER_S % FAULT_EVERY_S
    is_hit = 0 <= of_its_cycle_s - FAULT_EVERY_S / 2 < 1 and operation % IN_DOUBT_ONE_OF == 0
    return AttemptLine(
        operation=operation,
        attempt=1,
        op_id=op_id(operation),
        command="charge",
        aggregate_id=account(operation),
        cents=CENTS,
        client=operation % CLIENTS,
        due_ns=due_ns,
        began_ns=due_ns + 100_000,
        commit_sent_ns=due_ns + 2_000_000,
        ended_ns=due_ns + 3_000_000,
        stage=3,
        outcome="indeterminate" if is_hit else "ok",
        final="ok_recovered" if is_hit else "ok",
        failure="connection" if is_hit else None,
    )


def peak_mib() -> float:
    # Linux counts it in KiB.
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--seconds", type=int, default=3600, help="length of the block")
    seconds = arguments.parse_args().seconds
    with TemporaryDirectory() as folder:
        path = Path(folder) / "history.jsonl.gz"
        with HistoryWriter(path) as writer:
            count = 0
            for line in lines(seconds):
                writer.write(line)
                count += 1
        written_mib = peak_mib()
        began_s = time.monotonic()
        judgement = judge(partial(read_history, path))
        judged_s, judged_mib = time.monotonic() - began_s, peak_mib()
        availability = availability_of(partial(read_history, path))
        measured_s, measured_mib = time.monotonic() - began_s - judged_s, peak_mib()
        assert {check.verdict for check in judgement.checks} == {"pass"}, judgement.checks
        print(f"{count} lines, {path.stat().st_size / 1024**2:.1f} MiB")
    print(f"{len(availability.injections)} injections over {seconds} s")
    print(f"written: peak {written_mib:.0f} MiB")
    print(f"judged in {judged_s:.0f} s: peak {judged_mib:.0f} MiB")
    print(f"measured in {measured_s:.0f} s: peak {measured_mib:.0f} MiB")


if __name__ == "__main__":
    main()

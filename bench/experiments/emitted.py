"""The outbox without a table: messages that a transaction writes into the log alone.

    python bench/experiments/emitted.py --rounds 8

A reader of the write-ahead log needs no rows: pg_logical_emit_message puts a message into the log
within the transaction, and nothing of it has to be stored, indexed and removed. Two questions, each
answered in rounds, a fresh database for each block and the two ways in random order:

Writers: pgbench charges accounts, once with the statements that strategies send, and once with the
one that stores the message replaced by one that emits it. Commits are durable. The outbox is empty
at first, which flatters it: one that has grown costs more. Nobody reads the log meanwhile: a reader
would take the writers' processor, and the more of it the more they write, so that the faster way
would be slowed down more. What reading costs is the second question.

Delivery: a relay of the plan `log` delivers a backlog that was committed one by one.

In both, and for both ways, the slot is there before the first message. Ratios are geometric means
over the rounds, with their 95% interval.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections import defaultdict
from contextlib import ExitStack
from dataclasses import dataclass, field
from math import log
from random import Random
from statistics import median
from typing import TYPE_CHECKING, get_args

from emitted_database import Kind
from emitted_drains import Drains
from emitted_writers import Writers
from outboxbench.analysis.intervals import Paired
from outboxbench.analysis.verdict import combine
from outboxbench.harness.janitor import Janitor
from outboxbench.harness.pinning import pin, plan_pinning
from outboxbench.harness.postgres.databases import Databases
from outboxbench.harness.postgres.server import open_server
from outboxbench.harness.postgres.tuning import LOG_RELAY_SETTINGS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from outboxbench.results.block import Check

WHAT_IS_GIVEN_UP = """\
What one gives up without the table: nothing refuses a repeated operation any
more, unless its op_id is kept elsewhere, which costs part of what was saved.
There is nothing to look at with SQL, neither what waits nor what was sent.
If the slot is lost, so is every message that was not delivered: there is
nothing to deliver again from. And a message that was refused has to be parked
in a table after all, or it holds up the log."""


@dataclass
class Results:
    """A number a round for each way, by what was measured, and all that was checked."""

    figures: dict[str, dict[Kind, list[float]]] = field(
        default_factory=lambda: defaultdict(lambda: {"stored": [], "emitted": []})
    )
    outbox_bytes: list[float] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)

    def add_writers(self, writers: Writers, kind: Kind, clients: int) -> None:
        """Measure a block of writers."""
        written = writers.measure(kind, clients)
        who = "1 client" if clients == 1 else f"{clients} clients"
        self.figures[f"{who}: charges/s"][kind].append(written.per_s)
        self.figures[f"{who}: WAL bytes/charge"][kind].append(written.wal_bytes)
        if kind == "stored":
            self.outbox_bytes.append(written.outbox_bytes)
        self.checks += written.checks

    def add_drain(self, drains: Drains, kind: Kind) -> None:
        """Measure a drain."""
        drained = drains.measure(kind)
        self.figures["delivery: messages/s"][kind].append(drained.per_s)
        self.figures["delivery: relay's CPU µs/message"][kind].append(drained.cpu_us)
        self.checks += drained.checks


def measure(writers: Writers, drains: Drains, options: argparse.Namespace) -> Results:
    """Measure all rounds; who comes first is drawn for each pair of blocks."""
    results = Results()
    order = Random(options.seed)
    kinds: tuple[Kind, ...] = get_args(Kind)
    for number in range(options.rounds):
        for clients in options.clients:
            for kind in order.sample(kinds, len(kinds)):
                results.add_writers(writers, kind, clients)
        for kind in order.sample(kinds, len(kinds)):
            results.add_drain(drains, kind)
        print(f"  round {number + 1} of {options.rounds} done", flush=True)
    return results


def report(results: Results) -> bool:
    """Print the table and what was checked; return whether all of it passed."""
    print(f"{'median':34}{'stored':>10}{'emitted':>10}  emitted ÷ stored")
    for name in results.figures:
        stored, emitted = results.figures[name]["stored"], results.figures[name]["emitted"]
        ratios = [log(new) - log(old) for old, new in zip(stored, emitted, strict=True)]
        ratio, low, high = Paired(ratios).mean().t_interval()
        print(
            f"{name:34}{median(stored):>10,.0f}{median(emitted):>10,.0f}"
            f"  {ratio:.2f} [{low:.2f}, {high:.2f}]"
        )
    print(
        f"The table and its indexes grow by {median(results.outbox_bytes):,.0f} bytes a message "
        "that is stored.\nImages of full pages, of which a table causes more, are not in the WAL "
        "bytes.\n"
    )
    for name in dict.fromkeys(check.name for check in results.checks):
        checks = [check for check in results.checks if check.name == name]
        print(f"{combine(check.verdict for check in checks):8}{name}: {len(checks)} blocks")
        for check in checks:
            if check.verdict != "pass":
                print(f"        {check.detail}")
    return combine(check.verdict for check in results.checks) == "pass"


def _names(cores: Sequence[int] | None) -> str:
    return "any" if cores is None else ", ".join(map(str, cores))


def main() -> int:
    """Measure and report; the exit code is 1 if a message was lost, repeated or misplaced."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=8, help="2 at least")
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 8, 64])
    parser.add_argument("--seconds", type=int, default=3, help="of a block of writers")
    parser.add_argument("--messages", type=int, default=50_000, help="of a backlog")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    if options.rounds < 2:
        parser.error("an interval needs two rounds at least")
    with ExitStack() as stack:
        janitor = stack.enter_context(Janitor())
        server = stack.enter_context(open_server(None, None, janitor, LOG_RELAY_SETTINGS))
        pinning = plan_pinning("auto", workers=1, owns_server=True)
        assert server.postmaster_pid is not None
        pin(server.postmaster_pid, pinning.server_cores)
        # Whoever is started from here on, pgbench or a relay, inherits it.
        pin(os.getpid(), pinning.client_cores)
        print(
            f"PostgreSQL {server.version}; cores of the server: {_names(pinning.server_cores)}; "
            f"of its clients: {_names(pinning.client_cores)}"
        )
        writers = Writers(
            server, stack.enter_context(Databases(server, "emitwriters")), options.seconds
        )
        drains = Drains(
            stack.enter_context(Databases(server, "emitdrains")), janitor, options.messages
        )
        results = measure(writers, drains, options)
    is_sound = report(results)
    print(f"\n{WHAT_IS_GIVEN_UP}")
    return 0 if is_sound else 1


if __name__ == "__main__":
    sys.exit(main())

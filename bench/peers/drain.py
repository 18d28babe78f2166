"""A backlog drained by our relay and by two job queues, side by side on one server.

    python bench/peers/drain.py --rounds 5

In each round every contestant drains a backlog once, in random order, each in a process of its own
on a fresh database; the clock runs from the word go until the last message is settled. PgQueuer
drains the workload of its own benchmark. At which batch size, number of tasks and concurrency the
peers are fastest is searched first; procrastinate claims one job at a time, so its backlog is
smaller.
"""

from __future__ import annotations

import sys
from random import Random
from typing import TYPE_CHECKING

from arena import OUR_BATCH, Contestant, open_arena
from best_setting import best_setting
from contest import compete, options_of, print_ratios, print_table, print_versions

if TYPE_CHECKING:
    from arena import Result
    from outboxbench.core.application.outbox import RelayPlan

OUR_PLANS: tuple[RelayPlan, ...] = ("lease", "sharded", "delete")
PGQUEUER_BATCHES = (10, 50, 100, 250, 500, 1_000)
PGQUEUER_TASKS = (1, 2, 5)
PROCRASTINATE_CONCURRENCY = (1, 2, 10, 20)

WHAT_THEY_DO = """
outboxbench      at least once, in the order of each aggregate; marks (lease) or
                 deletes what is delivered; a refused message holds its aggregate
PgQueuer         at least once, no order promised; moves finished jobs to a log
procrastinate    at least once, order by `lock` if asked for (not here); marks
                 finished jobs, one UPDATE and one event row for each change
"""


def pgqueuer_settings(messages: int) -> list[Contestant]:
    return [
        Contestant(
            "pgqueuer", f"batch {batch}, {tasks} task{'s' * (tasks > 1)}", messages, batch, tasks
        )
        for batch in PGQUEUER_BATCHES
        for tasks in PGQUEUER_TASKS
    ]


def procrastinate_settings(messages: int) -> list[Contestant]:
    few = max(100, messages // 20)
    return [
        Contestant("procrastinate", f"concurrency {concurrency}", few, 1, concurrency)
        for concurrency in PROCRASTINATE_CONCURRENCY
    ]


def main() -> int:
    options = options_of(__doc__)
    order = Random(options.seed)
    with open_arena("peers") as arena:

        def drain(contestant: Contestant) -> Result:
            ours = contestant.plan is not None
            return arena.drain_ours(contestant) if ours else arena.drain_queue(contestant)

        pgqueuer = best_setting(drain, pgqueuer_settings(options.messages), order)
        procrastinate = best_setting(drain, procrastinate_settings(options.messages), order)
        contestants = [
            *(
                Contestant("outboxbench", plan, options.messages, OUR_BATCH, plan=plan)
                for plan in OUR_PLANS
            ),
            pgqueuer,
            procrastinate,
        ]
        results = compete(drain, contestants, options.rounds, order)
        version = arena.server_version
    print_versions(version, ("outboxbench", "pgqueuer", "procrastinate", "asyncpg", "psycopg"))
    sound = print_table(results)
    print_ratios(results, pgqueuer)
    print(WHAT_THEY_DO)
    return 0 if sound else 1


if __name__ == "__main__":
    sys.exit(main())

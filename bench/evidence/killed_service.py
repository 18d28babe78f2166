"""Evidence that nothing is lost or done twice when instances, or the database, die under load.

Two instances serve Locust's users. Again and again one of them is killed and another started in its
place on its port; then the server of the database is killed and comes back. At the end the database
is held against what the clients were told.
"""

from __future__ import annotations

import argparse
import sys
import threading
import time
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from outboxbench.analysis.history.judgement import judge
from outboxbench.harness.faulting.history_file import write_history
from outboxbench.harness.http.instance import Instance
from outboxbench.harness.http.load_plan import LoadPlan
from outboxbench.harness.http.locust_process import LocustProcess
from outboxbench.harness.janitor import Janitor
from outboxbench.harness.postgres.databases import Databases
from outboxbench.harness.postgres.final_state import wait_until_unused
from outboxbench.harness.postgres.server import connect, open_server
from outboxbench.harness.relay_database import prepare_database
from outboxbench.harness.suite.measurement import Surveillance, from_workers
from outboxbench.harness.suite.model import DatasetSize
from outboxbench.harness.suite.template import prepare_template
from outboxbench.results.block import Conditions
from outboxbench.results.history import PID_GONE, FaultLine, read_history

INSTANCES = 2
USERS = 16
SIZE = DatasetSize(accounts=1_000, orders=1_000)
PAUSE_S = (2.0, 5.0)


def main() -> int:
    """Print what was killed when, what became of operations, and every check; 1 if one fails."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--strategy", default="asyncpg")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    random = Random(options.seed)
    with ExitStack() as stack:
        janitor = stack.enter_context(Janitor())
        server = stack.enter_context(open_server(None, None, janitor))
        assert server.cluster is not None
        databases = stack.enter_context(Databases(server, "killed", go_with_server=True))
        address = databases.create("load")
        prepare_template(address, SIZE)
        prepare_database(address, "lease", announces=False)
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="outboxbench-killed-")))
        journals = folder / "journals"
        journals.mkdir()
        with connect(address) as connection:
            row = connection.execute("SELECT clock_timestamp()").fetchone()
        assert row is not None

        def start(port: str) -> Instance:
            words = ("--pool-size", str(USERS), "--in-flight", str(4 * USERS), "--port", port)
            return stack.enter_context(Instance(options.strategy, address, words, janitor))

        instances = [start("0") for _ in range(INSTANCES)]
        urls = [each.url() for each in instances]
        plan = LoadPlan(
            "mixed",
            SIZE.accounts,
            SIZE.orders,
            str(options.seed),
            warm_up_s=1.0,
            window_s=options.seconds,
            workers=2,
            journals=str(journals),
        )
        locust = stack.enter_context(LocustProcess(plan, USERS, urls, janitor))
        window = locust.window()
        faults: list[FaultLine] = []

        def note(fault: str, onset_ns: int, evidence: dict[str, object]) -> None:
            healed_ns = time.monotonic_ns() - window.begins_ns
            onset_ns -= window.begins_ns
            faults.append(FaultLine(len(faults), fault, onset_ns, onset_ns, healed_ns, evidence))

        def kill_until_the_end() -> None:
            assert server.cluster is not None
            while True:
                time.sleep(random.uniform(*PAUSE_S))
                onset_ns = time.monotonic_ns()
                if onset_ns > window.closes_ns - 3_000_000_000:
                    return
                if random.random() < 0.7:
                    number = random.randrange(INSTANCES)
                    instances[number].kill()
                    gone = instances[number].pid
                    instances[number] = start(urls[number].rpartition(":")[2])
                    instances[number].url()
                    note("instance-kill", onset_ns, {PID_GONE: gone})
                else:
                    gone_pids = server.cluster.crash()
                    server.cluster.start_again()
                    note("server-crash", onset_ns, {"pids_gone": list(gone_pids)})

        killer = threading.Thread(target=kill_until_the_end)
        killer.start()
        result = locust.result()
        killer.join()
        for instance in instances:
            instance.stop()
        wait_until_unused(address)
        history = folder / "history.jsonl.gz"
        write_history(
            history,
            {"fault": "instances and servers killed", "strategy": options.strategy},
            journals,
            faults,
            address,
            began_ns=window.begins_ns,
            began=row[0],
            messages="outbox",
        )
        checks = judge(partial(read_history, history)).checks
    measured = from_workers(result.workers, Surveillance(None, None, Conditions()))
    kinds = [each.fault for each in faults]
    killed = {kind: kinds.count(kind) for kind in ("instance-kill", "server-crash")}
    print(f"injections: {killed}")
    counts = {
        outcome: measured.tally.count(outcome) for outcome in ("ok", "failed", "indeterminate")
    }
    print("operations:", ", ".join(f"{count:,} {name}" for name, count in counts.items()))
    for check in checks:
        print(f"{check.verdict:<8} {check.name}: {check.detail}")
    enough = killed["instance-kill"] > 1 and killed["server-crash"] > 0
    if not enough:
        print("FAILS    too little was killed to say anything: run it for longer")
    return int(not enough or any(check.verdict != "pass" for check in checks))


if __name__ == "__main__":
    sys.exit(main())

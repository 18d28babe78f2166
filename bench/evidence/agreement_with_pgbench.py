"""Evidence that the ceiling arm is pgbench and nothing else: against pgbench as run by hand.

Both run the same script with the same clients on fresh copies of one database, in turns; the
ceiling's throughput comes from its log and our window, the other's from what pgbench itself says
of each second, without the first, as there is a warm-up before our window too.

There are as many rounds as it takes until the interval is narrow, wherever it lies: one that stops
for its width alone still covers as often as it says (Chow and Robbins 1965, "On the Asymptotic
Theory of Fixed-Width Sequential Confidence Intervals for the Mean").
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
from contextlib import ExitStack
from importlib import resources
from math import log
from pathlib import Path
from random import Random
from statistics import fmean
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from outboxbench.analysis.intervals import Paired
from outboxbench.harness.janitor import Janitor
from outboxbench.harness.load.command_mix import HIGHEST_CHARGE_CENTS
from outboxbench.harness.postgres.databases import Databases
from outboxbench.harness.postgres.server import Server, connect, open_server
from outboxbench.harness.suite.blocks import BlockOrder, BlockRunner
from outboxbench.harness.suite.model import ArmMatrix, DatasetSize, Suite
from outboxbench.harness.suite.networks import Networks
from outboxbench.harness.suite.plan import CeilingArm
from outboxbench.harness.suite.template import prepare_template
from outboxbench.harness.suite.workers_ahead import WorkersAhead
from outboxbench.results.machine import Pinning

if TYPE_CHECKING:
    from outboxbench.core.strategies.settings import DatabaseAddress

FEWEST_ROUNDS = 16
MOST_ROUNDS = 160
NARROW = 0.025
"""Half of the interval's width, as a share."""
CLIENTS = 8
WARM_UP_S = 1
WINDOW_S = 2
TOLERANCE = 0.05


def main() -> int:
    """Print a round a line and the interval; the exit code is 1 if it leaves the tolerance."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--most-rounds", type=int, default=MOST_ROUNDS)
    most_rounds = max(FEWEST_ROUNDS, parser.parse_args().most_rounds)
    suite = Suite(
        name="agreement",
        description="The ceiling against pgbench by hand.",
        warm_up_s=float(WARM_UP_S),
        window_s=float(WINDOW_S),
        dataset=DatasetSize(accounts=10_000, orders=1),
        arms=(ArmMatrix(strategies=("asyncpg",)),),
    )
    arm = CeilingArm("statements", "charge", "matched", "read committed", CLIENTS)
    ratios = []
    with ExitStack() as stack:
        janitor = stack.enter_context(Janitor())
        server = stack.enter_context(open_server(None, None, janitor))
        databases = stack.enter_context(Databases(server, "agreement"))
        databases.create_template(lambda address: prepare_template(address, suite.dataset))
        runner = BlockRunner(
            suite,
            server,
            databases,
            janitor,
            stack.enter_context(WorkersAhead(janitor)),
            stack.enter_context(Networks(server, (), janitor, None)),
            Pinning(),
            stack.enter_context(connect(server.address)),
        )
        print("round  ceiling arm  by hand  ratio")
        for number in range(most_rounds):
            # Who comes second may find the machine in another state.
            if Random(number).random() < 0.5:
                ours = _ceiling(runner, arm, number)
                theirs = _by_hand(databases, server, number)
            else:
                theirs = _by_hand(databases, server, number)
                ours = _ceiling(runner, arm, number)
            ratios.append(ours / theirs)
            print(f"{number + 1:5}  {ours:11,.0f}  {theirs:7,.0f}  {ratios[-1]:.3f}", flush=True)
            if number + 1 >= FEWEST_ROUNDS:
                found = Paired([log(ratio) for ratio in ratios]).mean().t_interval()
                if log(found.high / found.low) <= 2 * NARROW:
                    break
    print(f"ceiling arm / by hand: {found.ratio:.3f} [{found.low:.3f}, {found.high:.3f}]")
    return int(not 1 - TOLERANCE <= found.low <= found.high <= 1 + TOLERANCE)


def _ceiling(runner: BlockRunner, arm: CeilingArm, number: int) -> float:
    raw = runner.measure(BlockOrder(arm, f"ours_{number}", str(number), ""))
    return raw.measurement.ended_good / raw.window.seconds


def _by_hand(databases: Databases, server: Server, number: int) -> float:
    address = databases.create(f"hand_{number}")
    databases.checkpoint()
    try:
        with TemporaryDirectory() as folder:
            script = Path(folder) / "charge.sql"
            packaged = resources.files("outboxbench.harness.load") / "pgbench/statements/charge.sql"
            script.write_text(packaged.read_text(encoding="utf-8"), encoding="utf-8")
            return _tps(server, address, script, number)
    finally:
        databases.drop(address)


def _tps(server: Server, address: DatabaseAddress, script: Path, number: int) -> float:
    done = subprocess.run(
        [
            str(server.binaries.path("pgbench")),
            "--no-vacuum",
            "--protocol=prepared",
            f"--client={CLIENTS}",
            f"--time={WARM_UP_S + WINDOW_S}",
            "--progress=1",
            f"--random-seed={number + 1}",
            "--define=accounts=10000",
            f"--define=highest_charge_cents={HIGHEST_CHARGE_CENTS}",
            f"--file={script}",
            "--max-tries=10",
            address.database,
        ],
        env={
            **os.environ,
            "PGHOST": address.host,
            "PGPORT": str(address.port),
            "PGUSER": address.user,
            "PGPASSWORD": address.password,
        },
        check=True,
        capture_output=True,
        text=True,
    )
    each = re.findall(r"^progress: [0-9.]+ s, ([0-9.]+) tps", done.stderr, re.MULTILINE)
    return fmean(map(float, each[WARM_UP_S : WARM_UP_S + WINDOW_S]))


if __name__ == "__main__":
    sys.exit(main())

"""Evidence that the harness can be believed: ten A/A comparisons, and ten with a planted slowdown.

A busy wait is calibrated until it takes 15% more time an operation, as the goodput shows it. Then
ten runs measure an arm, its twin, and the same slowed, with as many rounds as `outboxbench
calibrate` has named. Arms of one comparison have to be as near to each other as they were there: a
machine that others use changes within tens of seconds, and what lies that far apart shares less.
"""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from rich import box
from rich.console import Console
from rich.table import Table

from outboxbench.analysis.noise import rounds_to_see
from outboxbench.analysis.verdict import combine
from outboxbench.cli.run import carry_out
from outboxbench.harness.suite.model import ArmMatrix, DatasetSize, Suite
from outboxbench.harness.suite.plan import make_plan
from outboxbench.harness.suite.runner import RunRequest
from outboxbench.report.numbers import METRIC_NAMES, interval
from outboxbench.results.noise_store import NOISE_FILE, read_noise
from outboxbench.results.store import RunFolder

if TYPE_CHECKING:
    from outboxbench.results.comparison import Comparison
    from outboxbench.results.model import Run
    from outboxbench.results.noise import Noise

SLOWDOWN = 0.15
PAIRS = 10
FEWEST_ROUNDS = 12
"""A machine that was quiet while it was calibrated need not stay so."""
MOST_ROUNDS = 100
FIRST_WAIT_US = 80.0
CALIBRATION_ROUNDS = 24
CALIBRATION_STEPS = 2
"""The first is taken to be in proportion, which holds the better the nearer it is."""


def main() -> int:
    """Print both tables; the exit code is 1 if the harness failed either."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--noise", type=Path, default=NOISE_FILE)
    parser.add_argument("--out", type=Path, default=Path("results/runs"))
    arguments = parser.parse_args()
    noise = read_noise(arguments.noise)
    if noise is None:
        print(f"{arguments.noise} is missing: run `outboxbench calibrate` first", file=sys.stderr)
        return 2
    named = [
        rounds_to_see(noise.metrics[metric], SLOWDOWN).to_be_called or MOST_ROUNDS
        for metric in ("ok_per_s", "latency_p50")
    ]
    rounds = max(FEWEST_ROUNDS, *named)
    wait_us = _calibrated_wait_us(noise, arguments.out)
    runs = [
        _run(
            noise,
            arguments.out,
            rounds,
            _arms(noise, copies=2),
            _arms(noise, copies=1, busy_wait_us=wait_us),
            seed=number,
        )
        for number in range(1, PAIRS + 1)
    ]
    alike = [[each for each in run.comparisons if not _is_planted(each, run)] for run in runs]
    planted = [[each for each in run.comparisons if _is_planted(each, run)] for run in runs]
    console = Console(width=100)
    console.print(_table(f"A/A, {rounds} rounds of {noise.window_s:g} s", alike))
    console.print(_table(f"planted: {wait_us:.0f} µs busy, {SLOWDOWN:.0%} more time each", planted))
    false_alarms, found = (sum(map(_is_called, pairs)) for pairs in (alike, planted))
    verdict = combine(run.verdict for run in runs)
    console.print(
        f"A/A: {false_alarms} of {PAIRS} called a regression; "
        f"planted: {found} of {PAIRS} found; verdict of the runs: {verdict}"
    )
    return int(bool(false_alarms) or found < PAIRS - 1 or verdict != "pass")


def _calibrated_wait_us(noise: Noise, out: Path) -> float:
    """Time an operation grows in proportion to the wait, as long as the client's core is busy."""
    wait_us = FIRST_WAIT_US
    for step in range(CALIBRATION_STEPS):
        run = _run(
            noise,
            out,
            CALIBRATION_ROUNDS,
            _arms(noise, copies=1),
            _arms(noise, copies=1, busy_wait_us=wait_us),
            seed=step,
        )
        (measured,) = (each for each in run.comparisons if each.metric == "ok_per_s")
        more = 1 / measured.ratio - 1
        print(f"{wait_us:.0f} µs busy: {interval(measured)} of the ok/s, {more:.0%} more time each")
        wait_us = round(wait_us * SLOWDOWN / more, 1)
    return wait_us


def _arms(noise: Noise, *, copies: int, busy_wait_us: float = 0.0) -> ArmMatrix:
    return ArmMatrix(
        strategies=(noise.strategy,),
        loops=(noise.loop,),
        workloads=(noise.workload,),
        clients=(noise.clients,),
        copies=copies,
        busy_wait_us=(busy_wait_us,),
    )


def _run(noise: Noise, out: Path, rounds: int, *arms: ArmMatrix, seed: int) -> Run:
    suite = Suite(
        name="planted",
        description="Twins that differ in nothing, and twins that differ by a busy wait.",
        seed=seed,
        rounds=rounds,
        window_s=noise.window_s,
        warm_up_s=0.2,
        ceiling=False,
        pin="none" if noise.pinning.client_cores is None else "auto",
        dataset=DatasetSize(accounts=10_000, orders=1),
        arms=arms,
    )
    folder = RunFolder.create(out, suite.name, datetime.now(UTC))
    command = "python bench/evidence/planted_slowdown.py"
    return carry_out(RunRequest(suite, make_plan(suite), folder, command, noise=noise))


def _is_planted(comparison: Comparison, run: Run) -> bool:
    return comparison.head in {arm.name for arm in run.arms if arm.busy_wait_us}


def _is_called(comparisons: list[Comparison]) -> bool:
    return any(each.decision == "regression" and not each.is_advisory for each in comparisons)


def _table(title: str, pairs: list[list[Comparison]]) -> Table:
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for column in ("pair", "metric", "head/base", "δ", "decision"):
        table.add_column(column)
    for number, comparisons in enumerate(pairs, 1):
        for each in comparisons:
            if not each.is_advisory:
                table.add_row(
                    str(number),
                    METRIC_NAMES[each.metric],
                    interval(each),
                    f"{each.margin:.1%}",
                    each.decision,
                )
    return table


if __name__ == "__main__":
    sys.exit(main())

"""Measures a plan: the capacities first, then its rounds, then once more what is inconclusive."""

from __future__ import annotations

from collections import defaultdict
from itertools import zip_longest
from random import Random
from time import monotonic
from typing import TYPE_CHECKING

from outboxbench.analysis.comparison import inconclusive
from outboxbench.harness.postgres.final_state import read_final_state
from outboxbench.harness.suite.block_document import make_block
from outboxbench.harness.suite.blocks import BlockOrder
from outboxbench.harness.suite.capacities import arms_to_size, offered_rates
from outboxbench.harness.suite.document import Measured, compare, make_run
from outboxbench.harness.suite.order import random_rounds
from outboxbench.harness.suite.plan import ServiceArm, StrategyArm, table_of
from outboxbench.harness.suite.relay_document import MeasuredRelays
from outboxbench.harness.suite.template import prepare_template

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from outboxbench.harness.suite.blocks import BlockRunner
    from outboxbench.harness.suite.document import RunContext
    from outboxbench.harness.suite.fault_blocks import FaultRunner
    from outboxbench.harness.suite.further_rounds import FurtherRounds
    from outboxbench.harness.suite.plan import PlannedArm
    from outboxbench.harness.suite.relay_blocks import RelayRunner
    from outboxbench.harness.suite.runner import RunObserver
    from outboxbench.harness.suite.server_versions import ServerVersion
    from outboxbench.results.block import Block
    from outboxbench.results.faults import FaultArm
    from outboxbench.results.store import RunFolder

CAPACITY_ROUNDS = 2
"""How often the capacity of an arm is measured; the mean counts."""


class Session:
    """One run while it measures; what it has measured so far can be read at any time.

    `faults_measured` are those that an earlier part of the same run has measured.
    """

    def __init__(
        self,
        context: RunContext,
        folder: RunFolder,
        runners: Mapping[ServerVersion | None, BlockRunner],
        relay_runner: RelayRunner,
        fault_runner: FaultRunner,
        observer: RunObserver,
        further: FurtherRounds,
        faults_measured: Sequence[FaultArm] = (),
    ) -> None:
        self._context = context
        self._folder = folder
        self._runners = runners
        self._relay_runner = relay_runner
        self._fault_runner = fault_runner
        self._observer = observer
        self._further = further
        self._relays = MeasuredRelays(context.relays.arms, context.suite.reference)
        self._faults = list(faults_measured)
        self._blocks: dict[PlannedArm, list[Block]] = defaultdict(list)
        self._capacities_per_s: dict[StrategyArm, float] = {}
        self._offered_per_s: dict[StrategyArm, float] = {}
        self._rounds_added = 0
        self._looks = 1
        self._seconds_a_block = 0.0
        self._complete = False

    @property
    def has_measured(self) -> bool:
        """Whether there is a block to report."""
        return bool(self._blocks or self._relays or self._faults)

    @property
    def measured(self) -> Measured:
        """What there is to report."""
        return Measured(
            blocks=self._blocks,
            relays=self._relays.documents(),
            faults=self._faults,
            capacities_per_s=self._capacities_per_s,
            offered_per_s=self._offered_per_s,
            rounds_added=self._rounds_added,
            looks=self._looks,
            complete=self._complete,
        )

    def measure_all(self) -> None:
        """Measure every block.

        Raises:
            CannotRun: an arm cannot be measured.
            RunWriteError: a histogram cannot be written.
        """
        suite, plan = self._context.suite, self._context.plan
        self._observer.preparing("filling the template database")
        for runner in self._runners.values():
            template = runner.databases.create_template(
                lambda address: prepare_template(address, suite.dataset)
            )
            # The same on every server: what it holds is determined by its size.
            self._before = read_final_state(template)
        self._find_rates()
        self._measure_rounds(plan.rounds, first_round=0)
        self._measure_relays()
        self._measure_faults()
        self._measure_further_rounds()
        self._complete = True

    def _measure_further_rounds(self) -> None:
        """Measure more of what is inconclusive, as long as that is wanted."""
        suite = self._context.suite
        random = Random(f"{suite.seed}/extra")  # noqa: S311 - an order, no secret
        while doubtful := self._inconclusive_arms():
            rounds = suite.rounds + self._rounds_added
            wanted = self._further.after(rounds, self._looks, self._round_s(doubtful))
            if not wanted:
                return
            self._observer.adding(wanted * len(doubtful))
            extra = random_rounds(doubtful, table_of, wanted, random)
            self._measure_rounds(extra, first_round=rounds)
            self._rounds_added += wanted
            self._looks += 1

    def _find_rates(self) -> None:
        arms = arms_to_size(self._context.plan)
        found: dict[StrategyArm, list[float]] = defaultdict(list)
        for number in range(CAPACITY_ROUNDS):
            for position, arm in enumerate(arms):
                self._observer.preparing(f"finding the capacity of {arm.name}")
                order = self._order(arm, f"c{number}_b{position}", "capacity")
                raw = self._runners[arm.server].measure(order)
                found[arm].append(raw.measurement.ended_good / raw.window.seconds)
        self._capacities_per_s = {arm: sum(rates) / len(rates) for arm, rates in found.items()}
        self._offered_per_s = offered_rates(self._context.plan, self._capacities_per_s)

    def _measure_rounds(self, rounds: Sequence[Sequence[PlannedArm]], *, first_round: int) -> None:
        blocks = [
            (round_number, position, arm)
            for round_number, order in enumerate(rounds, first_round)
            for position, arm in enumerate(order)
        ]
        began_s = monotonic()
        for (round_number, position, arm), following in zip_longest(blocks, blocks[1:]):
            self._observer.block_started(arm.name, round_number)
            order = self._order(arm, f"r{round_number}_b{position}", str(round_number))
            raw = self._runner_of(arm).measure(order, None if following is None else following[2])
            block = make_block(
                self._folder, arm, raw, self._before, round_number=round_number, position=position
            )
            self._blocks[arm].append(block)
            self._observer.block_finished(arm.name, block)
        if blocks:
            self._seconds_a_block = (monotonic() - began_s) / len(blocks)

    def _runner_of(self, arm: PlannedArm) -> BlockRunner:
        return self._runners[None if isinstance(arm, ServiceArm) else arm.server]

    def _round_s(self, arms: Sequence[PlannedArm]) -> float:
        """Return how long a round of these arms takes, by the blocks that were measured last."""
        return self._seconds_a_block * len(arms)

    def _measure_relays(self) -> None:
        for round_number, order in enumerate(self._context.relays.rounds):
            for position, arm in enumerate(order):
                self._observer.block_started(arm.name, round_number)
                raw = self._relay_runner.measure(
                    arm,
                    f"r{round_number}_q{position}",
                    f"{self._context.suite.seed}/{round_number}/{arm.name}",
                )
                block = self._relays.add(arm, raw, round_number=round_number, position=position)
                self._observer.block_finished(arm.name, block)

    def _measure_faults(self) -> None:
        measured_before = {arm.name for arm in self._faults}
        for number, arm in enumerate(self._context.faults):
            if arm.name in measured_before:
                continue
            if self._fault_runner.lacks_capacity(arm):
                self._observer.preparing(f"finding the capacity of {arm.name}")
                self._fault_runner.find_capacity(arm, f"f{number}_capacity")
            self._observer.block_started(arm.name, 0)
            measured = self._fault_runner.measure(arm, f"f{number}")
            self._faults.append(measured)
            # So that a run which is killed can be resumed from here.
            self._folder.write_run(make_run(self._context, self.measured, self._folder))
            self._observer.block_finished(arm.name, measured)

    def _order(self, arm: PlannedArm, name: str, round_name: str) -> BlockOrder:
        seed = f"{self._context.suite.seed}/{round_name}"
        return BlockOrder(
            arm=arm,
            name=name,
            seed=f"{seed}/{arm.name}",
            arrival_seed=f"{seed}/arrivals",
            offered_per_s=self._offered_per_s.get(arm) if isinstance(arm, StrategyArm) else None,
        )

    def _inconclusive_arms(self) -> list[PlannedArm]:
        """The arms whose comparison with their base needs more rounds, and their bases."""
        names = {
            name
            for comparison in inconclusive(compare(self._context, self.measured))
            for name in (comparison.base, comparison.head)
        }
        return [arm for arm in self._context.plan.arms if arm.name in names]

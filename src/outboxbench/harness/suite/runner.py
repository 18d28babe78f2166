"""Runs a suite: rounds of interleaved blocks, each judged, gathered into the run document."""

from __future__ import annotations

import secrets
from collections import defaultdict
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

from outboxbench.harness.janitor import Janitor
from outboxbench.harness.postgres.databases import Databases
from outboxbench.harness.postgres.final_state import read_final_state
from outboxbench.harness.postgres.server import open_server
from outboxbench.harness.suite.blocks import BlockRunner
from outboxbench.harness.suite.document import RunContext, make_block, make_run
from outboxbench.harness.suite.template import prepare_template
from outboxbench.harness.suite.workers_ahead import WorkersAhead
from outboxbench.results.folders import RunWriteError

if TYPE_CHECKING:
    from pathlib import Path

    from outboxbench.harness.postgres.server import Server
    from outboxbench.harness.suite.model import Suite
    from outboxbench.harness.suite.plan import Plan, PlannedArm
    from outboxbench.results.block import Block
    from outboxbench.results.model import Run
    from outboxbench.results.store import RunFolder


class RunObserver(Protocol):
    """Hears how a run comes along."""

    def preparing(self, what: str) -> None:
        """Something untimed takes a moment."""
        ...

    def block_started(self, arm: str, round: int) -> None:
        """The next block begins; rounds count from 0."""
        ...

    def block_finished(self, arm: str, block: Block) -> None:
        """A block is measured and judged."""
        ...


@dataclass(frozen=True, slots=True)
class RunRequest:
    """What to run, on what, and where it leaves its results."""

    suite: Suite
    plan: Plan
    folder: RunFolder
    command: str
    dsn: str | None = None
    pg_bin: Path | None = None


@dataclass(slots=True)
class _Progress:
    """What is measured so far; what an interrupted run is made of."""

    blocks: dict[PlannedArm, list[Block]] = field(default_factory=lambda: defaultdict(list))
    complete: bool = False


def run_suite(request: RunRequest, observer: RunObserver) -> Run:
    """Measure every block of the plan and write the run document.

    An interruption (KeyboardInterrupt) or a failure is raised again after what was measured so far
    is written and marked incomplete; nothing is written when no block was finished.

    Raises:
        BadInput: the server that was asked for cannot be used.
        CannotRun: this machine or that server cannot do it.
        RunWriteError: the results cannot be written.
    """
    progress = _Progress()

    def keep_log(kind: type[BaseException] | None, *_: object) -> None:
        # It may tell why a block failed; a run stopped before its first block leaves nothing.
        if progress.blocks or kind is not KeyboardInterrupt:
            _copy_log(server, request.folder)

    with ExitStack() as stack:
        janitor = stack.enter_context(Janitor())
        observer.preparing("starting PostgreSQL" if request.dsn is None else "connecting")
        server = stack.enter_context(open_server(request.dsn, request.pg_bin, janitor))
        stack.push(keep_log)
        context = RunContext.of(request.suite, request.command, server, datetime.now(UTC))
        databases = stack.enter_context(Databases(server, secrets.token_hex(4)))
        workers = stack.enter_context(WorkersAhead(janitor))
        runner = BlockRunner(request.suite, server, databases, janitor, workers)
        try:
            _measure_all(request, runner, databases, observer, progress)
        finally:
            if progress.blocks:
                observer.preparing("writing the results")
                run = make_run(
                    context,
                    request.plan,
                    progress.blocks,
                    request.folder,
                    complete=progress.complete,
                )
                request.folder.write_run(run)
    return run


def _copy_log(server: Server, folder: RunFolder) -> None:
    if server.cluster is None:
        return
    path = folder.path / "server.log"
    try:
        server.cluster.copy_log(path)
    except OSError as error:
        raise RunWriteError(
            f"cannot write {path} ({error.strerror}): free some space and repeat the run"
        ) from error


def _measure_all(
    request: RunRequest,
    runner: BlockRunner,
    databases: Databases,
    observer: RunObserver,
    progress: _Progress,
) -> None:
    suite = request.suite
    observer.preparing("filling the template database")
    before = read_final_state(
        databases.create_template(lambda address: prepare_template(address, suite.dataset))
    )
    blocks = [
        (round_number, position, arm)
        for round_number, order in enumerate(request.plan.rounds)
        for position, arm in enumerate(order)
    ]
    upcoming = (*(arm for _, _, arm in blocks[1:]), None)
    for (round_number, position, arm), following in zip(blocks, upcoming, strict=True):
        observer.block_started(arm.name, round_number)
        raw = runner.measure(
            arm,
            name=f"r{round_number}_b{position}",
            seed=f"{suite.seed}/{round_number}/{arm.name}",
            upcoming=following,
        )
        block = make_block(
            request.folder, arm, raw, before, round_number=round_number, position=position
        )
        progress.blocks[arm].append(block)
        observer.block_finished(arm.name, block)
    progress.complete = True

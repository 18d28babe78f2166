"""Whether a run that was interrupted can go on: the same suite, machine and server, cell by cell.

A fault is injected into one arm at a time, and its figures are compared with no other block's. The
speeds of a round are compared with each other, so a round that is half measured proves nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from outboxbench.analysis.same_machine import machine_differences
from outboxbench.harness.errors import BadInput
from outboxbench.harness.suite.fault_blocks import settings_of
from outboxbench.results.folders import RunReadError
from outboxbench.results.run_file import read_run
from outboxbench.results.store import RunFolder

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from outboxbench.harness.suite.fault_plan import FaultArm, Sizing
    from outboxbench.harness.suite.model import Suite
    from outboxbench.harness.suite.surroundings import Surroundings
    from outboxbench.results.faults import FaultArm as FaultArmDocument
    from outboxbench.results.model import Run


def run_to_resume(folder: Path, suite: Suite, planned: Sequence[FaultArm]) -> Run:
    """Return the run of a folder, if what is planned is what it had begun.

    Raises:
        BadInput: it is complete, or was of something else.
        RunReadError: it cannot be read, or a history is not as it was written.
    """
    if suite.arms or suite.drains or suite.chains:
        raise BadInput(
            f"the suite {suite.name} compares speeds within its rounds, so it cannot be resumed: "
            "run it anew"
        )
    earlier = read_run(folder)
    if earlier.complete:
        raise BadInput(f"the run {folder} is complete: there is nothing to resume")
    if (earlier.suite, earlier.seed) != (suite.name, suite.seed):
        raise BadInput(
            f"the run {folder} was of the suite {earlier.suite} with the seed {earlier.seed}, not "
            f"of {suite.name} with {suite.seed}: repeat its command, and add --resume"
        )
    known = {arm.name: arm for arm in planned}
    files = RunFolder(folder if folder.is_dir() else folder.parent)
    for arm in earlier.faults:
        if arm.name not in known or not _is_as_planned(arm, known[arm.name], suite):
            raise BadInput(
                f"the run {folder} measured {arm.name} with other settings, or the suite has it no "
                "more: run the suite anew"
            )
        try:
            files.check_history(arm)
        except RunReadError as error:
            raise RunReadError(f"{error}; run the suite anew") from error
    return earlier


def capacities_known(
    planned: Sequence[FaultArm], measured: Sequence[FaultArmDocument]
) -> dict[Sizing, float]:
    """Return the capacities that an earlier part of a run has found, for the arms still to come."""
    found = {arm.name: arm.capacity_per_s for arm in measured}
    return {
        arm.sizing: capacity_per_s
        for arm in planned
        if (capacity_per_s := found.get(arm.name)) is not None
    }


def _is_as_planned(measured: FaultArmDocument, planned: FaultArm, suite: Suite) -> bool:
    has_capacity = measured.capacity_per_s is not None
    return (
        settings_of(planned, suite) == measured.settings
        and planned.measures_capacity == has_capacity
    )


def refuse_other_surroundings(earlier: Run, surroundings: Surroundings) -> None:
    """Raise BadInput where a run has begun on another machine or server."""
    differences = machine_differences(earlier.environment, surroundings.environment)
    if earlier.server.version != surroundings.server.version:
        differences.append(f"server: {earlier.server.version} → {surroundings.server.version}")
    if differences:
        raise BadInput(
            f"the run began elsewhere ({'; '.join(differences)}): go on there, or run it anew"
        )

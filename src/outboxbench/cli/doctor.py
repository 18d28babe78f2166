"""`outboxbench doctor`: what this machine can and cannot do, and why."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

import typer
from rich.console import Console
from rich.text import Text

from outboxbench.analysis.doubts.machine import MEMORY_FILESYSTEMS
from outboxbench.core.strategies.registry import BrokenStrategy, load_strategy, strategy_names
from outboxbench.harness.errors import HarnessError
from outboxbench.harness.janitor import Janitor
from outboxbench.harness.postgres.server import open_server
from outboxbench.harness.postgres.sync_latency import server_fsync_us
from outboxbench.results.disk import data_device, filesystem_type
from outboxbench.results.limits import cpu_limit_cores
from outboxbench.results.processor import cpu_governor, first_usable_core, usable_cores

if TYPE_CHECKING:
    from collections.abc import Callable

State: TypeAlias = Literal["ok", "warning", "missing"]

_STYLES: dict[State, str] = {"ok": "green", "warning": "yellow", "missing": "bold red"}
_ENOUGH_DISK_BYTES = 5 * 2**30

# Anything faster has most likely ended in memory.
_CREDIBLE_SYNC_US = 20.0


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at, and what to do if it is not as it should be."""

    topic: str
    state: State
    detail: str


def doctor(
    *,
    dsn: Annotated[str | None, typer.Option(help="Look at this server instead.")] = None,
    pg_bin: Annotated[
        Path | None,
        typer.Option("--pg-bin", metavar="DIR", help="Look at the PostgreSQL of this folder."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Say what this machine can and cannot do, and why; exit with 3 if it cannot measure.

    Example: outboxbench doctor
    """
    examinations: tuple[Callable[[], list[Finding]], ...] = (
        _cores,
        _cpu_limit,
        _governor,
        _strategies,
        _event_loops,
        lambda: _server(dsn, pg_bin),
        _disk,
    )
    findings = [finding for examine in examinations for finding in examine()]
    if as_json:
        typer.echo(json.dumps([asdict(finding) for finding in findings], indent=2))
    else:
        console = Console()
        for finding in findings:
            console.print(
                Text.assemble(
                    (f"{finding.state:8}", _STYLES[finding.state]),
                    f"{finding.topic}: {finding.detail}",
                ),
                soft_wrap=True,
            )
    if any(finding.state == "missing" for finding in findings):
        raise typer.Exit(3)


def _cores() -> list[Finding]:
    cores = usable_cores()
    if cores < 2:
        return [
            Finding(
                "cores",
                "warning",
                "one: client and server share it, so figures tell of both together",
            )
        ]
    return [Finding("cores", "ok", f"{cores}: client and server need not share one")]


def _cpu_limit() -> list[Finding]:
    cores, limit = usable_cores(), cpu_limit_cores()
    if limit is None or limit >= cores:
        return [Finding("CPU limit", "ok", f"none below the {cores} cores")]
    return [
        Finding(
            "CPU limit",
            "warning",
            f"a control group allows the time of {limit:g} of {cores} cores and stops everything "
            "once it is used up: raise the limit (docker run --cpus), or choose cores instead "
            "(--cpuset-cpus)",
        )
    ]


def _governor() -> list[Finding]:
    governor = cpu_governor(first_usable_core())
    if governor is None:
        # As in virtual machines: the host decides, and nothing can be done about it from here.
        return []
    if governor == "performance":
        return [Finding("CPU governor", "ok", governor)]
    return [
        Finding(
            "CPU governor",
            "warning",
            f"{governor} changes how fast the cores run, so blocks may differ: "
            "run `sudo cpupower frequency-set -g performance`",
        )
    ]


def _strategies() -> list[Finding]:
    findings = []
    for name in strategy_names():
        try:
            strategy = load_strategy(name)
        except BrokenStrategy as error:
            findings.append(Finding(f"strategy {name}", "missing", str(error)))
        else:
            findings.append(
                Finding(f"strategy {name}", "ok", f"{strategy.library} over {strategy.driver}")
            )
    return findings


def _event_loops() -> list[Finding]:
    try:
        return [Finding("uvloop", "ok", version("uvloop"))]
    except PackageNotFoundError:
        return [Finding("uvloop", "missing", "not installed: run `pip install uvloop`")]


def _server(dsn: str | None, pg_bin: Path | None) -> list[Finding]:
    try:
        with Janitor() as janitor, open_server(dsn, pg_bin, janitor) as server:
            detail = f"{server.version} answers ({server.origin})"
            findings = [Finding("PostgreSQL", "ok", detail)]
            if not server.can_checkpoint:
                findings.append(
                    Finding(
                        "checkpoints",
                        "warning",
                        f"role {server.address.user} may not ask for one, so one may fall into a "
                        "block: GRANT pg_checkpoint to it",
                    )
                )
            if server.postmaster_pid is None:
                findings.append(
                    Finding(
                        "server CPU",
                        "warning",
                        "not readable for a server that is not ours; it stays blank in tables",
                    )
                )
            if server.cluster is not None:
                findings.append(_data_folder(server.cluster.data_directory))
                findings.append(_sync(server_fsync_us(server)))
            return findings
    except HarnessError as error:
        return [Finding("PostgreSQL", "missing", str(error))]


def _data_folder(path: Path) -> Finding:
    filesystem = filesystem_type(path)
    if filesystem in MEMORY_FILESYSTEMS:
        return Finding(
            "data folder",
            "warning",
            f"{path.parent} is on {filesystem}, where a commit waits for no disk: name a folder "
            "on a disk in OUTBOXBENCH_TMPDIR",
        )
    device = data_device(path) or "an unknown disk"
    where = f"{device}, {filesystem}" if filesystem else device
    return Finding("data folder", "ok", f"{path.parent} on {where}")


def _sync(sync_us: float | None) -> Finding:
    topic = "sync of the log"
    if sync_us is None:
        return Finding(topic, "warning", "not measured: PostgreSQL's pg_test_fsync does not do it")
    takes = f"one sync of the log takes {sync_us:.0f} µs"
    if sync_us >= _CREDIBLE_SYNC_US:
        return Finding(topic, "ok", takes)
    return Finding(
        topic,
        "warning",
        f"{takes}, too fast for a disk that keeps what it is told: name a folder on one that does "
        "in OUTBOXBENCH_TMPDIR",
    )


def _disk() -> list[Finding]:
    free = shutil.disk_usage(Path.cwd()).free
    enough = free >= _ENOUGH_DISK_BYTES
    return [
        Finding(
            "disk",
            "ok" if enough else "warning",
            f"{free / 2**30:.1f} GiB free" + ("" if enough else ": a long run may need more"),
        )
    ]

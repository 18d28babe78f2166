"""`outboxbench run`: a suite, from the plan to the charts."""

from __future__ import annotations

import shlex
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.console import Console

from outboxbench.cli.names import names_in
from outboxbench.cli.progress import show_progress
from outboxbench.harness.environments.versions import parse_wish, version_environments
from outboxbench.harness.errors import BadInput
from outboxbench.harness.suite.fault_plan import plan_faults
from outboxbench.harness.suite.model import Suite, load_suite, override
from outboxbench.harness.suite.plan import make_plan
from outboxbench.harness.suite.relay_plan import plan_relays
from outboxbench.harness.suite.resuming import run_to_resume
from outboxbench.harness.suite.runner import RunRequest, run_suite
from outboxbench.harness.suite.server_versions import server_versions
from outboxbench.report.document import Told, report_html
from outboxbench.report.terminal import print_report
from outboxbench.results.noise_store import NOISE_FILE, read_noise
from outboxbench.results.run_file import read_run
from outboxbench.results.store import RunFolder

if TYPE_CHECKING:
    from collections.abc import Sequence

    from outboxbench.results.model import Run

DEFAULT_OUT = Path("results/runs")
DRAWING_PATIENCE_S: Final = 60.0
"""After it no further chart is begun: who waits for a run waits for its figures first."""


def run(
    suite: Annotated[
        str, typer.Argument(help="The name of a suite (see `list suites`), or a TOML file.")
    ],
    *,
    only: Annotated[
        str | None,
        typer.Option(help="Measure these strategies alone, named by the suite or not: a,b,c."),
    ] = None,
    duration: Annotated[
        float | None, typer.Option(metavar="S", help="Seconds of each block's window.")
    ] = None,
    rounds: Annotated[
        int | None, typer.Option(metavar="N", help="How often each arm is measured.")
    ] = None,
    with_: Annotated[
        list[str] | None,
        typer.Option(
            "--with",
            metavar="PACKAGE==VERSION",
            help="Measure all of it with another version, or with python=/path/of/python, as arms "
            "of the same run; several times to compare each with the first.",
        ),
    ] = None,
    seed: Annotated[
        int | None, typer.Option(metavar="N", help="Determines the load and the order of blocks.")
    ] = None,
    reference: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Compare the others with this strategy."),
    ] = None,
    noise: Annotated[
        Path, typer.Option(metavar="FILE", help="What `calibrate` has found on this machine.")
    ] = NOISE_FILE,
    dsn: Annotated[
        str | None,
        typer.Option(help="Use this server; only databases outboxbench_* are touched."),
    ] = None,
    pg_bin: Annotated[
        list[Path] | None,
        typer.Option(
            "--pg-bin",
            metavar="DIR",
            help="Start the PostgreSQL of this folder; several times to measure all of it on each.",
        ),
    ] = None,
    out: Annotated[
        Path, typer.Option(metavar="DIR", help="Where the run's folder is made.")
    ] = DEFAULT_OUT,
    resume: Annotated[
        Path | None,
        typer.Option(
            metavar="RUN", help="Go on with an interrupted run of faults, in its own folder."
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the run document instead of tables.")
    ] = False,
) -> None:
    """Run a suite, judge it, and draw it.

    Example: outboxbench run quick --only asyncpg,psycopg --rounds 10
    """
    chosen = override(
        load_suite(suite), window_s=duration, rounds=rounds, seed=seed, reference=reference
    )
    names = names_in("--only", only) or frozenset()
    wishes = [parse_wish(text) for text in with_ or ()]
    folders = pg_bin or []
    servers = server_versions(folders) if len(folders) > 1 else ()
    if servers and dsn is not None:
        raise BadInput("--dsn is one server and --pg-bin names several: give one or the other")
    if (wishes or servers) and (chosen.services or chosen.drains or chosen.chains or chosen.faults):
        raise BadInput(
            f"the suite {chosen.name} measures more than [[arms]], which alone can be measured in "
            "several versions: take the suite versions"
        )
    environments = version_environments(wishes, _say) if wishes else ()
    plan, relays = make_plan(chosen, names, environments, servers), plan_relays(chosen, names)
    faults = plan_faults(chosen, names)
    recorded = read_noise(noise)
    earlier = None if resume is None else run_to_resume(resume, chosen, faults)
    folder = (
        RunFolder.create(out, chosen.name, datetime.now(UTC))
        if resume is None
        else RunFolder.reopen(resume)
    )
    request = RunRequest(
        suite=chosen,
        plan=plan,
        relays=relays,
        faults=faults,
        folder=folder,
        command=_command(chosen, suite, only, with_ or (), dsn, folders),
        noise=recorded,
        earlier=earlier,
        dsn=dsn,
        pg_bin=folders[0] if folders else None,
        servers=servers,
    )
    document = carry_out(request)
    if as_json:
        # As it is, in whatever encoding the terminal may be: JSON is UTF-8.
        sys.stdout.buffer.write(folder.run_file.read_bytes())
    else:
        print_report(Console(), document, folder.path)
    if document.verdict != "pass":
        raise typer.Exit(1)


def carry_out(request: RunRequest) -> Run:
    """Run a suite with its progress shown, and draw what it measured.

    An interrupted run is reported, as far as it came, before the interruption is raised again.
    """
    folder = request.folder
    messages = Console(stderr=True)
    try:
        with show_progress(messages, request.blocks) as observer:
            document = run_suite(request, observer)
            observer.preparing("drawing the charts")
            # What draws takes longer to import than most commands take.
            from outboxbench.report.charts.render import render_charts

            charts = render_charts(document, folder, patience_s=DRAWING_PATIENCE_S)
            report_html(Told(document, folder, charts))
    except KeyboardInterrupt:
        if folder.run_file.exists():
            print_report(messages, read_run(folder.path), folder.path)
        raise
    finally:
        folder.remove_if_empty()
    return document


def _command(
    chosen: Suite,
    suite: str,
    only: str | None,
    versions: Sequence[str],
    dsn: str | None,
    folders: Sequence[Path],
) -> str:
    """Return the command that repeats this run; a DSN may hold a password and is left out."""
    words = ["outboxbench", "run", suite]
    if only is not None:
        words += ["--only", only]
    for version in versions:
        words += ["--with", version]
    words += ["--duration", f"{chosen.window_s:g}", "--rounds", str(chosen.rounds)]
    words += ["--seed", str(chosen.seed), "--reference", chosen.reference]
    for folder in folders:
        words += ["--pg-bin", str(folder)]
    return shlex.join(words) + (" --dsn DSN" if dsn is not None else "")


def _say(what: str) -> None:
    typer.echo(f"outboxbench: {what}", err=True)

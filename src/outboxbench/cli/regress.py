"""`outboxbench regress`: this checkout against another revision, interleaved in one run."""

from __future__ import annotations

import re
import shlex
import sys
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.console import Console

from outboxbench.cli.names import names_in
from outboxbench.cli.progress import show_cost_progress, show_progress
from outboxbench.harness.errors import BadInput
from outboxbench.harness.regress.check import RegressionCheck
from outboxbench.harness.regress.revisions import Repository
from outboxbench.harness.regress.sides import two_sides
from outboxbench.harness.suite.model import load_suite
from outboxbench.report.regression.exports import bencher_metrics, junit, smaller_is_better
from outboxbench.report.regression.markdown import regression_markdown
from outboxbench.report.regression.terminal import print_regression
from outboxbench.results.folders import make_folder, write_whole
from outboxbench.results.noise_store import NOISE_FILE, read_noise
from outboxbench.results.regression import REGRESSION_FILE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from outboxbench.cli.progress import CostProgress, ProgressObserver
    from outboxbench.harness.suite.model import Suite
    from outboxbench.results.regression import Regression

DEFAULT_OUT: Final = Path("results/regressions")
_BUDGET: Final = re.compile(r"(\d+(?:\.\d+)?)(s|m|h)")
_SECONDS: Final = {"s": 1.0, "m": 60.0, "h": 3600.0}


def regress(
    *,
    base: Annotated[
        str, typer.Option(metavar="REF", help="The revision that this checkout is held against.")
    ],
    suite: Annotated[
        str, typer.Option(help="What is measured: the name of a suite, or a TOML file.")
    ] = "ci",
    only: Annotated[
        str | None, typer.Option(help="Measure these strategies alone, separated by commas.")
    ] = None,
    budget: Annotated[
        str, typer.Option(metavar="TIME", help="After it no further round is begun: 90s, 10m, 1h.")
    ] = "10m",
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit with 1 for what is not decided as well.")
    ] = False,
    markdown: Annotated[
        Path | None, typer.Option(metavar="FILE", help="For a job's summary or a pull request.")
    ] = None,
    junit_file: Annotated[
        Path | None, typer.Option("--junit", metavar="FILE", help="For what shows test reports.")
    ] = None,
    json_file: Annotated[
        Path | None,
        typer.Option("--json", metavar="FILE", help="For github-action-benchmark."),
    ] = None,
    bmf: Annotated[
        Path | None, typer.Option(metavar="FILE", help="In Bencher Metric Format.")
    ] = None,
    noise: Annotated[
        Path, typer.Option(metavar="FILE", help="What `calibrate` has found on this machine.")
    ] = NOISE_FILE,
    pg_bin: Annotated[
        Path | None,
        typer.Option("--pg-bin", metavar="DIR", help="Start the PostgreSQL of this folder."),
    ] = None,
    out: Annotated[
        Path, typer.Option(metavar="DIR", help="Where the folder of the results is made.")
    ] = DEFAULT_OUT,
) -> None:
    """Hold this checkout against another revision; exit with 1 if it is worse, or wrong.

    Example: outboxbench regress --base origin/main --markdown summary.md
    """
    started_s, started_at = monotonic(), datetime.now(UTC)
    budget_s = seconds_of(budget)
    chosen = load_suite(suite)
    repository = Repository.around(Path.cwd())
    against = repository.resolve(base)
    head = repository.resolve("HEAD")
    repository.require_clean()
    names = strategies_of(chosen, names_in("--only", only))
    recorded = read_noise(noise)
    with two_sides(repository, against, names, _say) as sides:
        both = tuple(name for name in names if name not in sides.new)
        if not both:
            raise BadInput(
                f"the base {base} has none of {', '.join(names)}: name others with --only, or a "
                "later base"
            )
        folder = make_folder(out, started_at, f"{against.short}-{head.short}")
        document = RegressionCheck(
            base=against,
            head=head,
            suite=chosen,
            strategies=both,
            folder=folder,
            command=_command(base, suite, only, budget, strict=strict),
            budget_s=budget_s,
            deadline_s=started_s + budget_s,
            started_at=started_at,
            noise=recorded,
            pg_bin=pg_bin,
            notes=tuple(
                f"the base has no {name}, which is compared with nothing" for name in sides.new
            ),
        ).carry_out(sides, _Progress())
    _write(document, folder, strict=strict)
    for path, text in (
        (markdown, regression_markdown(document, strict=strict)),
        (junit_file, junit(document, strict=strict)),
        (json_file, smaller_is_better(document)),
        (bmf, bencher_metrics(document)),
    ):
        if path is not None:
            write_whole(path, text)
    print_regression(Console(), document, folder, strict=strict)
    if document.decision == "regression" or (strict and document.decision == "inconclusive"):
        raise typer.Exit(1)


def seconds_of(budget: str) -> float:
    """Return how many seconds `90s`, `10m` or `1h` are.

    Raises:
        BadInput: it is none of these.
    """
    found = _BUDGET.fullmatch(budget.strip())
    seconds = 0.0 if found is None else float(found[1]) * _SECONDS[found[2]]
    if seconds <= 0:
        raise BadInput(f"--budget {budget!r} is no time: write it as 90s, 10m or 1h")
    return seconds


def strategies_of(suite: Suite, only: frozenset[str] | None) -> tuple[str, ...]:
    """Return the strategies to measure, in the order of their names.

    Raises:
        BadInput: the suite measures what cannot be held against another revision.
    """
    if suite.services or suite.drains or suite.chains or not suite.arms:
        raise BadInput(
            f"the suite {suite.name} cannot be held against another revision: it needs [[arms]], "
            "and may have [[faults]], but nothing else"
        )
    named = {
        *(name for matrix in suite.arms for name in matrix.strategies),
        *(name for matrix in suite.faults for name in matrix.strategies),
    }
    return tuple(sorted(only or named))


class _Progress:
    """Shows each part of a check on standard error."""

    @contextmanager
    def counting(self, steps: int) -> Iterator[CostProgress]:
        with show_cost_progress(Console(stderr=True), steps) as progress:
            yield progress

    @contextmanager
    def running(self, blocks: int) -> Iterator[ProgressObserver]:
        with show_progress(Console(stderr=True), blocks) as observer:
            yield observer


def _write(document: Regression, folder: Path, *, strict: bool) -> None:
    write_whole(folder / REGRESSION_FILE, document.model_dump_json(indent=2) + "\n")
    write_whole(folder / "summary.md", regression_markdown(document, strict=strict))


def _command(base: str, suite: str, only: str | None, budget: str, *, strict: bool) -> str:
    words = ["outboxbench", "regress", "--base", base, "--suite", suite]
    if only is not None:
        words += ["--only", only]
    words += ["--budget", budget]
    if strict:
        words.append("--strict")
    return shlex.join(words)


def _say(what: str) -> None:
    sys.stderr.write(f"outboxbench regress: {what}\n")

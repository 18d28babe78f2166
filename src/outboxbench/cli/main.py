"""The commands, and what an error looks like to whoever typed one."""

from __future__ import annotations

import sys
from enum import IntEnum
from importlib.metadata import version
from typing import Annotated, NoReturn

import typer
from typer.exceptions import TyperException

from outboxbench.cli import (
    calibrate,
    compare,
    cost,
    doctor,
    listing,
    reference,
    regress,
    relay,
    report,
    run,
    serve,
    trend,
    verify,
)
from outboxbench.core.strategies.registry import BrokenStrategy
from outboxbench.harness.errors import BadInput, HarnessError
from outboxbench.harness.signals import raise_on_sigterm
from outboxbench.report.plain import write_plainly
from outboxbench.results.folders import RunFolderError, RunReadError

app = typer.Typer(
    name="outboxbench",
    help="Measure what a Python persistence layer costs an event-driven service on PostgreSQL.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


class ExitCode(IntEnum):
    """What the shell is told; 0 is fine, and 1 a verdict other than `pass`."""

    BAD_INPUT = 2
    CANNOT_RUN = 3
    INTERRUPTED = 130


_DEBUG = "--debug"


def _show_version(asked: bool) -> None:
    if asked:
        typer.echo(f"outboxbench {version('outboxbench')}")
        raise typer.Exit


@app.callback()
def outboxbench(
    *,
    show_version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Say which it is."),
    ] = False,
    debug: Annotated[bool, typer.Option(_DEBUG, help="Show the traceback of an error.")] = False,
) -> None:
    """Measure what a Python persistence layer costs an event-driven service on PostgreSQL."""


app.command("run")(run.run)
app.command("serve")(serve.serve)
app.command("cost")(cost.cost)
app.command("compare")(compare.compare)
app.command("regress")(regress.regress)
app.command("report")(report.report)
app.command("reference")(reference.reference)
app.command("verify")(verify.verify_)
app.command("trend")(trend.trend_)
app.command("calibrate")(calibrate.calibrate)
app.add_typer(relay.app, name="relay")
app.command("list")(listing.list_)
app.command("doctor")(doctor.doctor)


def main() -> None:
    """Run the command line; every error is one sentence on standard error."""
    write_plainly((sys.stdout, sys.stderr))
    try:
        with raise_on_sigterm():
            # Not standalone, typer returns the exit code, also that of an interrupted command.
            code = app(standalone_mode=False) or 0
    except KeyboardInterrupt:
        code = ExitCode.INTERRUPTED
    except TyperException as error:
        message = error.format_message().replace("Value error, ", "").rstrip(".")
        _fail(f"{message[0].lower()}{message[1:]}: see `outboxbench --help`", ExitCode.BAD_INPUT)
    except Exception as error:
        if _DEBUG in sys.argv:
            raise
        match error:
            case BadInput() | RunReadError():
                _fail(str(error), ExitCode.BAD_INPUT)
            case HarnessError() | RunFolderError() | BrokenStrategy():
                _fail(str(error), ExitCode.CANNOT_RUN)
            case _:
                _fail(
                    f"unexpected {type(error).__name__}: {error}; "
                    f"repeat with `outboxbench {_DEBUG} …` to see where it comes from",
                    ExitCode.CANNOT_RUN,
                )
    if code == ExitCode.INTERRUPTED:
        _fail("interrupted", ExitCode.INTERRUPTED)
    sys.exit(code)


def _fail(message: str, code: ExitCode) -> NoReturn:
    typer.echo(f"outboxbench: {message}", err=True)
    sys.exit(code)

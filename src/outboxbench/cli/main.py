"""The commands, and what an error looks like to whoever typed one."""

from __future__ import annotations

import sys
from enum import IntEnum
from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Annotated, Final, NoReturn

import typer
from typer.exceptions import TyperException

from outboxbench.core.strategies.registry import BrokenStrategy
from outboxbench.harness.errors import BadInput, HarnessError
from outboxbench.harness.signals import raise_on_sigterm
from outboxbench.report.plain import write_plainly
from outboxbench.results.folders import RunFolderError, RunReadError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

COMMANDS: Final[Mapping[str, str]] = {
    "run": "run:run",
    "serve": "serve:serve",
    "cost": "cost:cost",
    "compare": "compare:compare",
    "regress": "regress:regress",
    "report": "report:report",
    "reference": "reference:reference",
    "verify": "verify:verify_",
    "trend": "trend:trend_",
    "calibrate": "calibrate:calibrate",
    "relay": "relay:app",
    "list": "listing:list_",
    "doctor": "doctor:doctor",
}
"""In the order in which they are told of; of each the module, and what in it is called."""


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


def outboxbench(
    *,
    show_version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Say which it is."),
    ] = False,
    debug: Annotated[bool, typer.Option(_DEBUG, help="Show the traceback of an error.")] = False,
) -> None:
    """Measure what a Python persistence layer costs an event-driven service on PostgreSQL."""


def command_line(names: Iterable[str] = COMMANDS) -> typer.Typer:
    """Return the command line with these commands; what they need is imported now."""
    app = typer.Typer(
        name="outboxbench",
        help=outboxbench.__doc__,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(outboxbench)
    for name in names:
        module, _, called = COMMANDS[name].partition(":")
        command = getattr(import_module(f"outboxbench.cli.{module}"), called)
        if isinstance(command, typer.Typer):
            app.add_typer(command, name=name)
        else:
            app.command(name)(command)
    return app


def _asked_for(words: Iterable[str]) -> Iterable[str]:
    """Return the command that is asked for, so that a service need not import what draws charts."""
    first = next((word for word in words if not word.startswith("-")), "")
    return [first] if first in COMMANDS else COMMANDS


def main() -> None:
    """Run the command line; every error is one sentence on standard error."""
    write_plainly((sys.stdout, sys.stderr))
    try:
        with raise_on_sigterm():
            # Not standalone, typer returns the exit code, also that of an interrupted command.
            code = command_line(_asked_for(sys.argv[1:]))(standalone_mode=False) or 0
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

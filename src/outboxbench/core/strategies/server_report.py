"""From a library's exception to what it means, by what the server said and never by class alone.

Libraries wrap, mask and rename errors, so the whole chain of an exception is searched: `orig`,
`__cause__` and `__context__`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from outboxbench.core.application.outcome import (
    FailureKind,
    PersistenceError,
    kind_of_sqlstate,
)
from outboxbench.core.strategies import rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

UNIQUE_VIOLATION = "23505"


@dataclass(frozen=True, slots=True)
class ServerReport:
    """What an error says of itself; `severity` is None where the server itself said nothing."""

    sqlstate: str
    severity: str | None
    constraint: str | None = None


def chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an exception and all that it wraps or followed from, nearest first.

    What an earlier unit of work raised is left out: it was being handled, and is not the cause.
    """
    waiting: list[BaseException] = [error]
    seen: set[int] = set()
    while waiting:
        current = waiting.pop(0)
        if id(current) in seen or isinstance(current, PersistenceError):
            continue
        seen.add(id(current))
        yield current
        wrapped = (getattr(current, "orig", None), current.__cause__, current.__context__)
        waiting.extend(other for other in wrapped if isinstance(other, BaseException))


def translate(
    error: Exception,
    report_of: Callable[[BaseException], ServerReport | None],
    *,
    timeouts: tuple[type[BaseException], ...] = (),
    disconnections: tuple[type[BaseException], ...] = (),
) -> PersistenceError:
    """Say what an exception means.

    Args:
        error: what the library raised.
        report_of: reads the server's report off an exception of the driver.
        timeouts: what the library raises when its pool has no connection in time.
        disconnections: what the library raises without a SQLSTATE when a connection is lost.
    """
    reports = [report for each in chain(error) if (report := report_of(each)) is not None]
    report = next((report for report in reports if report.severity), None) or next(
        iter(reports), None
    )
    if report is not None:
        return PersistenceError(
            f"{report.sqlstate}: {error}",
            _kind(report),
            sqlstate=report.sqlstate,
            answered=report.severity == "ERROR",
        )
    if any(isinstance(each, (*timeouts, TimeoutError)) for each in chain(error)):
        kind = FailureKind.TIMEOUT
    elif any(isinstance(each, (*disconnections, OSError, EOFError)) for each in chain(error)):
        kind = FailureKind.CONNECTION
    else:
        kind = FailureKind.OTHER
    return PersistenceError(f"{type(error).__name__}: {error}", kind)


def _kind(report: ServerReport) -> FailureKind:
    match report.sqlstate, report.constraint:
        case "23505", (
            rows.OPERATION_CONSTRAINT | rows.KEPT_OPERATION_CONSTRAINT | rows.INBOX_CONSTRAINT
        ):
            return FailureKind.DUPLICATE_OPERATION
        case "23505", rows.HISTORY_CONSTRAINT:
            return FailureKind.VERSION_CONFLICT
    if report.severity in ("FATAL", "PANIC"):
        return FailureKind.CONNECTION
    return kind_of_sqlstate(report.sqlstate)

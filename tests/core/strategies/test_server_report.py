"""What an exception means is read off the server's report, wherever in the chain that is."""

from __future__ import annotations

import asyncpg
import psycopg
import pytest
from sqlalchemy.exc import DBAPIError

from outboxbench.core.application.outcome import FailureKind, PersistenceError
from outboxbench.core.strategies import asyncpg_report, psycopg_report
from outboxbench.core.strategies.server_report import ServerReport, chain, translate


class Reported(Exception):
    """An exception of a driver that carries a report."""

    def __init__(self, sqlstate: str, severity: str | None, constraint: str | None = None) -> None:
        super().__init__(sqlstate)
        self.report = ServerReport(sqlstate, severity, constraint)


class PoolIsEmpty(Exception):
    pass


class Gone(Exception):
    pass


def report_of(error: BaseException) -> ServerReport | None:
    return error.report if isinstance(error, Reported) else None


def translated(error: Exception) -> PersistenceError:
    return translate(error, report_of, timeouts=(PoolIsEmpty,), disconnections=(Gone,))


@pytest.mark.parametrize(
    ("error", "kind", "answered"),
    [
        (Reported("40001", "ERROR"), FailureKind.SERIALISATION, True),
        (Reported("23505", "ERROR", "outbox_operation"), FailureKind.DUPLICATE_OPERATION, True),
        (Reported("23505", "ERROR", "outbox_history"), FailureKind.VERSION_CONFLICT, True),
        (Reported("23505", "ERROR", "accounts_pkey"), FailureKind.CONSTRAINT, True),
        (Reported("57P01", "FATAL"), FailureKind.CONNECTION, False),
        (Reported("25P03", "FATAL"), FailureKind.CONNECTION, False),
        (Reported("XX000", "PANIC"), FailureKind.CONNECTION, False),
        (Reported("08003", None), FailureKind.CONNECTION, False),
        (PoolIsEmpty(), FailureKind.TIMEOUT, False),
        (TimeoutError(), FailureKind.TIMEOUT, False),
        (Gone(), FailureKind.CONNECTION, False),
        (ConnectionResetError(), FailureKind.CONNECTION, False),
        (EOFError(), FailureKind.CONNECTION, False),
        (ValueError("a bug"), FailureKind.OTHER, False),
    ],
    ids=repr,
)
def test_an_error_is_told_by_sqlstate_and_severity(
    error: Exception, kind: FailureKind, answered: bool
) -> None:
    failure = translated(error)
    assert (failure.kind, failure.answered) == (kind, answered)


def test_a_report_is_found_behind_a_wrapper() -> None:
    cause = DBAPIError("COMMIT", None, Reported("40001", "ERROR"))
    assert translated(_raised_from(RuntimeError(), cause)).kind is FailureKind.SERIALISATION


def test_a_report_is_found_behind_the_error_that_masked_it() -> None:
    assert translated(_raised_while(Gone(), Reported("57P01", "FATAL"))).sqlstate == "57P01"


def test_what_the_server_said_counts_more_than_what_the_driver_made_up() -> None:
    error = _raised_while(Reported("08003", None), Reported("40P01", "ERROR"))
    assert translated(error).kind is FailureKind.DEADLOCK


def test_the_failure_of_an_earlier_unit_of_work_is_not_this_ones() -> None:
    answer = Reported("23505", "ERROR", "outbox_operation")
    earlier = _raised_from(translated(answer), answer)
    failure = translated(_raised_while(Gone(), earlier))
    assert (failure.kind, failure.answered) == (FailureKind.CONNECTION, False)


def test_exceptions_that_refer_to_each_other_are_each_looked_at_once() -> None:
    first, second = RuntimeError(), RuntimeError()
    first.__context__, second.__context__ = second, first
    assert list(chain(first)) == [first, second]


def test_an_error_that_asyncpg_made_up_has_no_severity() -> None:
    error = asyncpg.ConnectionDoesNotExistError("connection was closed")
    assert asyncpg_report.report_of(error) == ServerReport("08003", None)


def test_an_error_of_psycopg_without_a_sqlstate_has_no_report() -> None:
    assert psycopg_report.report_of(psycopg.OperationalError("gone")) is None


def _raised_from(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


def _raised_while(error: Exception, handled: Exception) -> Exception:
    error.__context__ = handled
    return error

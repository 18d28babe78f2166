"""What an answer, or its absence, says of an operation: the outcomes of all operations, over HTTP.

The service tells whether anything was done. Where it tells nothing, the request may have been
carried out, unless it was never sent.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from outboxbench.core.application.outcome import FailureKind, Outcome

if TYPE_CHECKING:
    from collections.abc import Mapping

_NOT_DONE: Final[Mapping[str, FailureKind]] = {
    "overloaded": FailureKind.REFUSED,
    "unavailable": FailureKind.CONNECTION,
    "version-conflict": FailureKind.VERSION_CONFLICT,
    "refused": FailureKind.REFUSED,
    "already-exists": FailureKind.CONSTRAINT,
    "not-found": FailureKind.NOT_FOUND,
}
"""The problems after which nothing was done, by what their type ends with."""

_PROBLEM_TYPE: Final = re.compile(rb'"type": ?"urn:outboxbench:problem:([a-z-]+)"')
_PART: Final = re.compile(r"(\w+);dur=([\d.]+)")
_FIRST_CLIENT_ERROR: Final = 400
_FIRST_SERVER_ERROR: Final = 500


@dataclass(frozen=True, slots=True)
class Verdict:
    """An outcome, and why where it is not `ok`."""

    outcome: Outcome
    failure: FailureKind | None = None


_OK: Final = Verdict(Outcome.OK)


def judge_answer(status: int, body: bytes) -> Verdict:
    """Return what became of an operation whose request was answered."""
    if status < _FIRST_CLIENT_ERROR:
        return _OK
    found = _PROBLEM_TYPE.search(body)
    problem = found[1].decode() if found else ""
    if problem in _NOT_DONE:
        return Verdict(Outcome.FAILED, _NOT_DONE[problem])
    if status < _FIRST_SERVER_ERROR:
        return Verdict(Outcome.FAILED, FailureKind.REFUSED)
    return Verdict(Outcome.INDETERMINATE, FailureKind.OTHER)


def judge_silence(error: BaseException | None) -> Verdict:
    """Return what became of an operation whose request was not answered."""
    if _was_refused(error):
        # There was no connection on which it could have been sent.
        return Verdict(Outcome.FAILED, FailureKind.CONNECTION)
    kind = FailureKind.TIMEOUT if isinstance(error, TimeoutError) else FailureKind.CONNECTION
    return Verdict(Outcome.INDETERMINATE, kind)


def _was_refused(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, ConnectionRefusedError):
            return True
        error = error.__cause__ or error.__context__
    return False


def server_times_us(header: str | None) -> dict[str, int]:
    """Return the parts of a Server-Timing header, in µs; none where there is no header."""
    if not header:
        return {}
    return {name: round(float(ms) * 1000) for name, ms in _PART.findall(header)}

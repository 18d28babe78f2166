"""Runs what is asked within a deadline, so many at a time: who comes beyond is told so at once.

The answer waits for the deadline and no longer. What has not come to an end by then goes on being
cancelled behind it, and counts as under way until it is gone: where the database does not answer,
a service that took more would only pile up what it cannot do.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from time import monotonic_ns
from typing import TYPE_CHECKING, Final, TypeVar
from uuid import uuid4

from outboxbench.core.application.bootstrap import bootstrap
from outboxbench.core.application.outcome import (
    FailureKind,
    Outcome,
    PersistenceError,
    Stage,
)
from outboxbench.core.application.retry import OperationResult, RetryPolicy, run_operation
from outboxbench.web import problems
from outboxbench.web.timed_attempt import TimedAttempt

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine
    from typing import Any
    from uuid import UUID

    from outboxbench.core.application.inbox import InboxEntry
    from outboxbench.core.application.ports import Persistence, UnitOfWork, UnitsOfWork
    from outboxbench.core.domain.message import Command
    from outboxbench.web.meters import Meters

T = TypeVar("T")

_POLICY: Final = RetryPolicy()

_PERHAPS_OUR_OWN_DOING: Final = frozenset(
    {FailureKind.CONSTRAINT, FailureKind.REFUSED, FailureKind.VERSION_CONFLICT}
)
"""What refuses a repeated operation whose first try was committed, before its `op_id` does."""

REPEATED: Final = "repeated"
"""The outcome of a request that repeats what is committed already."""

_PROBE_TIMEOUT_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is done at a time, and how long an answer may take, in seconds."""

    most_in_flight: int
    deadline_s: float = 5.0


@dataclass(slots=True)
class Watched:
    """An operation under way: how far it is, and what it has waited for."""

    attempt: TimedAttempt | None = None
    began_ns: int = field(default_factory=monotonic_ns)
    pool_wait_ns: int = 0

    def __call__(self, op_id: UUID, inbox: InboxEntry | None = None) -> TimedAttempt:
        """Return the next attempt."""
        self._add_up()
        self.attempt = TimedAttempt(op_id, inbox)
        return self.attempt

    def end(self) -> None:
        """Note that no further attempt follows."""
        self._add_up()
        self.attempt = None

    @property
    def holds_connection(self) -> bool:
        """Whether the attempt under way has a connection."""
        return self.attempt is not None and self.attempt.stage > Stage.ACQUIRE

    @property
    def may_have_committed(self) -> bool:
        """Whether the attempt under way has sent its commit."""
        return self.attempt is not None and self.attempt.stage is Stage.COMMIT_SENT

    def _add_up(self) -> None:
        attempt = self.attempt
        if attempt is not None:
            acquired_ns = attempt.acquired_ns or monotonic_ns()
            self.pool_wait_ns += acquired_ns - attempt.began_ns


@dataclass(frozen=True, slots=True)
class Done:
    """What a command has come to: it is committed, by this request or by an earlier one."""

    was_repeated: bool
    pool_wait_ns: int
    took_ns: int


class Operations:
    """Runs commands and reads. One for each instance of the service.

    Args:
        persistence: what looks operations up, and tells whether the database is there.
        units: its units of work, which ring for relays.
        limits: how many at a time, and for how long.
        meters: what counts them.
    """

    def __init__(
        self, persistence: Persistence, units: UnitsOfWork, limits: Limits, meters: Meters
    ) -> None:
        self._persistence = persistence
        self._units = units
        self._bus = bootstrap(units)
        self._limits = limits
        self._meters = meters
        self._under_way: dict[asyncio.Task[Any], Watched] = {}
        self._probe: asyncio.Task[bool] | None = None

    @property
    def in_flight(self) -> int:
        """How many operations are under way, those too whose answer is given."""
        return len(self._under_way)

    @property
    def connections(self) -> int:
        """How many of them hold a connection."""
        return sum(watched.holds_connection for watched in self._under_way.values())

    def require_room(self) -> None:
        """Turn a request away where too many are under way, before anything is read of it.

        Raises:
            Problem: there is no room.
        """
        if len(self._under_way) >= self._limits.most_in_flight:
            self._meters.count_shed()
            raise problems.overloaded()

    async def run(self, command: Command, op_id: UUID, *, may_be_repetition: bool) -> Done:
        """Run a command to its outcome.

        Args:
            command: what to do.
            op_id: what it is done under, at most once.
            may_be_repetition: whether the client has chosen `op_id`, and may have sent it before.

        Raises:
            Problem: it was not done, or nobody can tell; never after the deadline.
        """
        watched = Watched()
        try:
            result, was_repeated = await self._within_deadline(
                self._run(command, op_id, watched, may_be_repetition=may_be_repetition), watched
            )
        except TimeoutError:
            if watched.may_have_committed:
                self._count(command, Outcome.INDETERMINATE, watched)
                raise problems.in_doubt(op_id) from None
            self._count(command, Outcome.FAILED, watched)
            raise problems.unavailable() from None
        took_ns = self._count(command, REPEATED if was_repeated else result.outcome, watched)
        if not was_repeated:
            _refuse_what_is_not_done(result, op_id)
        return Done(was_repeated, watched.pool_wait_ns, took_ns)

    async def read(self, load: Callable[[UnitOfWork], Awaitable[T]]) -> T:
        """Read something in a unit of work of its own.

        Raises:
            Problem: it does not exist, or cannot be read before the deadline.
        """
        watched = Watched()
        try:
            return await self._within_deadline(self._read(load, watched), watched)
        except TimeoutError:
            raise problems.unavailable() from None
        except PersistenceError as error:
            raise _problem_of(error.kind, error) from error

    async def was_committed(self, op_id: UUID) -> bool:
        """Tell whether an operation is committed; one that is under way may be so yet.

        Raises:
            Problem: nobody can tell before the deadline.
        """
        try:
            return await self._within_deadline(self._look_up(op_id), Watched())
        except (PersistenceError, TimeoutError):
            raise problems.unavailable() from None

    async def reaches_database(self) -> bool:
        """Tell whether the database answers; who asks meanwhile shares the answer."""
        if self._probe is None or self._probe.done():
            self._probe = asyncio.create_task(self._ask_database())
        return await asyncio.shield(self._probe)

    async def close(self) -> None:
        """Cancel what is still under way, and wait until it is gone."""
        tasks = [*self._under_way, *([] if self._probe is None else [self._probe])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _count(self, command: Command, outcome: str, watched: Watched) -> int:
        """Count an operation, and return how long it took, in ns."""
        took_ns = monotonic_ns() - watched.began_ns
        self._meters.count(type(command).__name__, outcome, took_ns / 1e9)
        return took_ns

    async def _run(
        self, command: Command, op_id: UUID, watched: Watched, *, may_be_repetition: bool
    ) -> tuple[OperationResult, bool]:
        result = await run_operation(
            self._bus,
            command,
            op_id,
            _POLICY,
            was_committed=self._persistence.was_committed,
            new_attempt=watched,
        )
        if result.failure is FailureKind.DUPLICATE_OPERATION:
            return result, True
        if may_be_repetition and result.failure in _PERHAPS_OUR_OWN_DOING:
            with suppress(PersistenceError):
                return result, await self._persistence.was_committed(op_id)
        return result, False

    async def _look_up(self, op_id: UUID) -> bool:
        return await self._persistence.was_committed(op_id)

    async def _read(self, load: Callable[[UnitOfWork], Awaitable[T]], watched: Watched) -> T:
        async with self._units.unit_of_work(watched(uuid4())) as unit:
            return await load(unit)

    async def _within_deadline(self, work: Coroutine[Any, Any, T], watched: Watched) -> T:
        loop = asyncio.get_running_loop()
        task = loop.create_task(work)
        self._under_way[task] = watched
        task.add_done_callback(self._forget)
        # What asyncio.wait does for one task, for two thirds of what that takes.
        over = loop.create_future()
        task.add_done_callback(partial(_end, over))
        timer = loop.call_later(self._limits.deadline_s, _end, over)
        try:
            await over
        finally:
            timer.cancel()
        if not task.done():
            task.cancel()
            raise TimeoutError
        return task.result()

    def _forget(self, task: asyncio.Task[Any]) -> None:
        watched = self._under_way.pop(task)
        watched.end()
        if not task.cancelled():
            # Of one that nobody waits for any more nobody else asks how it ended.
            task.exception()

    async def _ask_database(self) -> bool:
        try:
            async with asyncio.timeout(_PROBE_TIMEOUT_S):
                await self._persistence.was_committed(uuid4())
        except (PersistenceError, TimeoutError):
            return False
        return True


def _end(over: asyncio.Future[None], _: object = None) -> None:
    if not over.done():
        over.set_result(None)


def _refuse_what_is_not_done(result: OperationResult, op_id: UUID) -> None:
    match result.outcome:
        case Outcome.OK | Outcome.OK_RECOVERED:
            return
        case Outcome.INDETERMINATE:
            raise problems.in_doubt(op_id) from result.error
        case _:
            raise _problem_of(result.failure, result.error) from result.error


def _problem_of(failure: FailureKind | None, error: Exception | None) -> problems.Problem:
    match failure:
        case FailureKind.NOT_FOUND:
            return problems.not_found(str(error))
        case FailureKind.REFUSED:
            return problems.refused(str(error))
        case FailureKind.VERSION_CONFLICT | FailureKind.SERIALISATION | FailureKind.DEADLOCK:
            return problems.version_conflict()
        case FailureKind.CONSTRAINT:
            return problems.already_exists()
        case FailureKind.CONNECTION | FailureKind.TIMEOUT:
            return problems.unavailable()
        case _:
            return problems.unexpected()

"""One process of a load: hands operations to its users, and counts what became of each.

Nothing here knows Locust. Where its greenlets run, sleeping lets the others go on.
"""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path
from time import monotonic_ns
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from outboxbench.core.application.outcome import FailureKind, Outcome, Stage
from outboxbench.core.application.retry import OperationResult
from outboxbench.harness.http.asking import as_http
from outboxbench.harness.http.judging import (
    Verdict,
    judge_answer,
    judge_silence,
    server_times_us,
)
from outboxbench.harness.http.load_plan import arrival_times_ns
from outboxbench.harness.http.request_times import RequestTime, RequestTimes
from outboxbench.harness.load.arrivals import Arrival
from outboxbench.harness.load.client_on_record import begin_on_record, record_skipped
from outboxbench.harness.load.command_mix import CommandMix
from outboxbench.harness.load.dataset import Dataset
from outboxbench.harness.load.journal import Journal
from outboxbench.harness.load.recorder import Recorder, result_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias
    from uuid import UUID

    from outboxbench.harness.http.asking import HttpRequest
    from outboxbench.harness.http.load_plan import LoadPlan
    from outboxbench.harness.load.command_mix import Request
    from outboxbench.harness.load.job import Window


OUTAGE_PAUSE_S: Final = 0.1
"""For which a user of a closed loop waits whom an outage has met, as people do: who asks again at
once only takes the processor from what is coming back."""

_OUTAGES: Final = frozenset({FailureKind.CONNECTION, FailureKind.TIMEOUT})


class Reply(NamedTuple):
    """What came back: a status and a body, or the error where nothing did (status 0)."""

    status: int
    body: bytes = b""
    server_timing: str | None = None
    error: BaseException | None = None


Ask: TypeAlias = "Callable[[HttpRequest, UUID], Reply]"
"""Sends a request under its operation's id, and waits for the answer."""


class NotAnsweredWell(Exception):
    """Stands for whatever an operation met whose request was not answered as it was hoped."""


class LoadSession:
    """What one of the plan's workers does in a window."""

    def __init__(self, plan: LoadPlan, window: Window, worker: int) -> None:
        self._plan = plan
        self._window = window
        self._worker = worker
        self._is_open = plan.rate_per_s is not None
        self._recorder = Recorder(window, "start" if self._is_open else "end")
        self._times = RequestTimes(f"{plan.seed}/{worker}/times")
        self._arrivals = arrival_times_ns(plan, window, worker) if self._is_open else iter(())
        self._journal = None if plan.journals is None else Journal(Path(plan.journals), worker)
        self._clients = 0
        self.in_doubt: list[UUID] = []

    def new_mix(self) -> CommandMix:
        """Return what another user of this process asks for."""
        self._clients += 1
        dataset = Dataset(self._plan.accounts, self._plan.orders)
        seed = f"{self._plan.seed}/{self._worker}/{self._clients}"
        return CommandMix(self._plan.mix, dataset, seed)

    def run_next(self, mix: CommandMix, ask: Ask) -> bool:
        """Run the next operation that falls to a user; return whether there may be another one."""
        if self._is_open:
            return self._run_next_arrival(mix, ask)
        began_ns = monotonic_ns()
        if began_ns < self._window.begins_ns:
            time.sleep((self._window.begins_ns - began_ns) / 1e9)
            began_ns = monotonic_ns()
        if began_ns >= self._window.closes_ns:
            return False
        verdict = self._operate(mix.next(), began_ns, ask)
        if verdict.failure in _OUTAGES:
            time.sleep(OUTAGE_PAUSE_S)
        return True

    def result(self) -> dict[str, Any]:
        """Return all that was counted, as JSON can carry it."""
        return {
            "worker": self._worker,
            "counts": asdict(result_of(self._recorder)),
            "times": self._times.kept(),
            "in_doubt": [str(each) for each in self.in_doubt],
        }

    def _run_next_arrival(self, mix: CommandMix, ask: Ask) -> bool:
        due_ns = next(self._arrivals, None)
        if due_ns is None:
            return False
        now_ns = monotonic_ns()
        if now_ns < due_ns:
            time.sleep((due_ns - now_ns) / 1e9)
            now_ns = monotonic_ns()
            arrival = Arrival(due_ns, now_ns)
        else:
            # It was due while all were busy, which is no fault of the generator.
            arrival = Arrival(due_ns, due_ns)
        if now_ns - due_ns > self._plan.max_wait_s * 1e9:
            self._recorder.skip(arrival)
            if self._journal is not None:
                record_skipped(mix.next(), self._journal, arrival, self._worker)
            return True
        self._operate(mix.next(), due_ns, ask)
        self._recorder.record_lag(arrival, now_ns)
        return True

    def _operate(self, request: Request, due_ns: int, ask: Ask) -> Verdict:
        end = self._put_on_record(request, due_ns)
        sent_ns = monotonic_ns()
        verdict = Verdict(Outcome.INDETERMINATE, FailureKind.TIMEOUT)
        try:
            reply = ask(as_http(request), request.op_id)
            if reply.status:
                verdict = judge_answer(reply.status, reply.body)
            else:
                verdict = judge_silence(reply.error)
        finally:
            # Also where a user is ended while it waits: what was sent may have been done.
            ended_ns = monotonic_ns()
            result = OperationResult(verdict.outcome, 1, verdict.failure)
            self._recorder.record(request, result, due_ns, ended_ns)
            end(verdict)
            if verdict.outcome is Outcome.INDETERMINATE:
                self.in_doubt.append(request.op_id)
        window = self._window
        if verdict.outcome is Outcome.OK and window.opens_ns <= ended_ns < window.closes_ns:
            self._keep_times(reply, (ended_ns - sent_ns) // 1000)
        return verdict

    def _put_on_record(self, request: Request, due_ns: int) -> Callable[[Verdict], None]:
        """Begin the record of an operation, and return what ends it."""
        if self._journal is None:
            return lambda _: None
        operation = begin_on_record(request, self._journal, due_ns, self._worker)
        attempt = operation(request.op_id, None)
        # Whoever sends the request does not see the commit, which may follow at any moment.
        attempt.stage = Stage.COMMIT_SENT

        def end(verdict: Verdict) -> None:
            if verdict.failure is None:
                operation.end(OperationResult(verdict.outcome, 1))
                return
            attempt.failed(verdict.outcome, verdict.failure)
            operation.end(OperationResult(verdict.outcome, 1, verdict.failure, NotAnsweredWell()))

        return end

    def _keep_times(self, reply: Reply, total_us: int) -> None:
        parts = server_times_us(reply.server_timing)
        if parts:
            self._times.add(
                RequestTime(total_us, parts["pool"], parts["transaction"], parts["service"])
            )

"""What is on record of an attempt, at every moment of its life and after its writer's death."""

from __future__ import annotations

import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import numpy as np
import pytest

from outboxbench.core.application.bootstrap import bootstrap
from outboxbench.core.application.handlers import COMMAND_HANDLERS
from outboxbench.core.application.message_bus import MessageBus
from outboxbench.core.application.outcome import (
    Attempt,
    FailureKind,
    PersistenceError,
    Stage,
)
from outboxbench.core.application.retry import OUTAGES, RetryPolicy, run_operation
from outboxbench.core.domain.payments import Deposit, OpenAccount
from outboxbench.core.strategies.memory.persistence import MemoryPersistence
from outboxbench.harness import segments
from outboxbench.harness.load.journal import FAILURES, OUTCOMES, Journal, read_attempts

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from outboxbench.core.application.ports import UnitOfWork

ACCOUNT = uuid4()
ONCE = RetryPolicy(1)


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    journal = Journal(tmp_path, worker=3)
    yield journal
    journal.close()


@pytest.fixture
async def memory() -> MemoryPersistence:
    memory = MemoryPersistence()
    await bootstrap(memory).handle(OpenAccount(account_id=ACCOUNT), Attempt(uuid4()))
    return memory


def records(folder: Path) -> NDArray[Any]:
    return np.concatenate(list(read_attempts(folder)))


async def deposit(
    bus: MessageBus,
    journal: Journal,
    policy: RetryPolicy = ONCE,
    cents: int = 5,
    op_id: UUID | None = None,
) -> int:
    operation = journal.operation(7, ACCOUNT, cents, due_ns=11, client=2)
    command = Deposit(account_id=ACCOUNT, amount_cents=cents)
    result = await run_operation(bus, command, op_id or uuid4(), policy, new_attempt=operation)
    return operation.end(result)


async def test_an_operation_that_succeeds_is_on_record_from_end_to_end(
    journal: Journal, memory: MemoryPersistence, tmp_path: Path
) -> None:
    op_id = uuid4()
    ended_ns = await deposit(bootstrap(memory), journal, op_id=op_id)

    (record,) = records(tmp_path)
    assert record["op_id"].tobytes() == op_id.bytes
    assert record["aggregate_id"].tobytes() == ACCOUNT.bytes
    assert (record["cents"], record["due_ns"], record["client"]) == (5, 11, 2)
    assert (record["attempt"], record["command"]) == (1, 7)
    assert record["stage"] == Stage.COMMIT_SENT
    assert 0 < record["began_ns"] <= record["commit_sent_ns"] <= record["ended_ns"] == ended_ns
    assert OUTCOMES[record["outcome"]] == OUTCOMES[record["final"]] == "ok"
    assert FAILURES[record["failure"]] == ""


async def test_each_attempt_has_a_record_and_the_last_tells_how_the_operation_ended(
    journal: Journal, memory: MemoryPersistence, tmp_path: Path
) -> None:
    failures = [
        PersistenceError("gone", FailureKind.CONNECTION),
        PersistenceError("late", FailureKind.TIMEOUT),
    ]

    def unit_of_work(attempt: Attempt) -> UnitOfWork:
        if failures:
            attempt.stage = Stage.WORK if len(failures) == 2 else Stage.COMMIT_SENT
            raise failures.pop(0)
        return memory.unit_of_work(attempt)

    bus = MessageBus(unit_of_work, COMMAND_HANDLERS, {})
    await deposit(bus, journal, RetryPolicy(5, OUTAGES, in_doubt="go_on"))

    found = records(tmp_path)
    assert [OUTCOMES[code] for code in found["outcome"]] == ["failed", "indeterminate", "ok"]
    assert [OUTCOMES[code] for code in found["final"]] == ["", "", "ok"]
    assert [FAILURES[code] for code in found["failure"]] == ["connection", "timeout", ""]
    assert list(found["stage"]) == [Stage.WORK, Stage.COMMIT_SENT, Stage.COMMIT_SENT]
    assert list(found["attempt"]) == [1, 2, 3]
    assert len(set(found["operation"])) == 1
    assert found["commit_sent_ns"][0] == 0 < found["commit_sent_ns"][1]


async def test_an_operation_that_fails_keeps_the_outcome_of_its_last_attempt(
    journal: Journal, memory: MemoryPersistence, tmp_path: Path
) -> None:
    await deposit(bootstrap(memory), journal, cents=-1)
    (record,) = records(tmp_path)
    assert OUTCOMES[record["outcome"]] == OUTCOMES[record["final"]] == "failed"
    assert FAILURES[record["failure"]] == "refused"


def test_a_commit_that_turns_out_never_to_have_left_was_not_sent(
    journal: Journal, tmp_path: Path
) -> None:
    attempt = journal.operation(7, ACCOUNT, 5, due_ns=11, client=2)(uuid4(), None)
    attempt.stage = Stage.COMMIT_SENT
    sent_ns = records(tmp_path)[0]["commit_sent_ns"]
    attempt.stage = Stage.COMMIT_SENT
    assert records(tmp_path)[0]["commit_sent_ns"] == sent_ns > 0
    attempt.stage = Stage.WORK
    (record,) = records(tmp_path)
    assert (record["stage"], record["commit_sent_ns"]) == (Stage.WORK, 0)


def test_what_was_skipped_is_on_record_as_such(journal: Journal, tmp_path: Path) -> None:
    journal.operation(1, ACCOUNT, 0, due_ns=5, client=0).skip(uuid4())
    (record,) = records(tmp_path)
    assert (record["began_ns"], record["attempt"], record["ended_ns"]) == (0, 0, 0)
    assert OUTCOMES[record["final"]] == "skipped"
    assert record["due_ns"] == 5


async def test_a_full_file_is_followed_by_another_and_nothing_is_lost(
    tmp_path: Path, memory: MemoryPersistence, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(segments, "SEGMENT_RECORDS", 4)
    journal = Journal(tmp_path, worker=1)
    begun = journal.operation(7, ACCOUNT, 1, due_ns=0, client=0)
    attempt = begun(uuid4(), None)
    for _ in range(9):
        await deposit(bootstrap(memory), journal)
    attempt.stage = Stage.COMMIT_SENT
    journal.close()

    assert [len(each) for each in read_attempts(tmp_path)] == [4, 4, 2]
    found = records(tmp_path)
    assert len(set(found["operation"])) == 10
    first = found[found["operation"] == found["operation"].min()][0]
    assert (first["stage"], first["ended_ns"], OUTCOMES[first["final"]]) == (3, 0, "")


def test_operations_of_different_workers_are_never_confused(tmp_path: Path) -> None:
    for worker in (0, 1, 2):
        journal = Journal(tmp_path, worker)
        for _ in range(3):
            journal.operation(1, ACCOUNT, 0, due_ns=5, client=0).skip(uuid4())
        journal.close()
    assert len(set(records(tmp_path)["operation"])) == 9


KILLED = """
import sys
from pathlib import Path
from uuid import UUID
from outboxbench.core.application.outcome import Stage
from outboxbench.harness.load.journal import Journal
journal = Journal(Path(sys.argv[1]), worker=0)
attempt = journal.operation(7, UUID(int=1), 5, due_ns=11, client=2)(UUID(int=2), None)
attempt.stage = Stage.COMMIT_SENT
print("sent", flush=True)
sys.stdin.read()
"""


def test_a_writer_that_is_killed_leaves_an_attempt_without_an_end(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", KILLED, tmp_path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"sent\n"
        writer.send_signal(signal.SIGKILL)
    (record,) = records(tmp_path)
    assert record["op_id"].tobytes() == UUID(int=2).bytes
    assert record["stage"] == Stage.COMMIT_SENT
    assert 0 < record["began_ns"] <= record["commit_sent_ns"]
    assert (record["ended_ns"], OUTCOMES[record["final"]]) == (0, "")

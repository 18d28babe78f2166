"""A child answers in lines, or one sentence says why not; it is gone whenever we say so."""

from __future__ import annotations

import os
import signal
import sys
import time
from typing import TYPE_CHECKING

import psutil
import pytest

from outboxbench.harness.child_process import ChildProcess
from outboxbench.harness.errors import CannotRun

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from outboxbench.harness.janitor import Janitor

SCRIPT = """
import json, sys, time
from outboxbench.harness.child_answers import exit_code_of, say

def work():
    for line in sys.stdin:
        match json.loads(line):
            case "name": say("argument", name=sys.argv[1])
            case "hang": time.sleep(600)
            case "fail": raise ExceptionGroup("two", [ValueError("one"), OSError("other")])
            case "crash": sys.exit("it broke\\nfor good")

sys.exit(exit_code_of(work))
"""


@pytest.fixture
def process(
    tmp_path: Path, janitor: Janitor, monkeypatch: pytest.MonkeyPatch
) -> Iterator[ChildProcess]:
    (tmp_path / "some_child.py").write_text(SCRIPT)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    process = ChildProcess("the child", "some_child", ("argument",), janitor)
    try:
        yield process
    finally:
        process.end()
    assert not psutil.pid_exists(process.pid)


def test_it_answers_what_it_is_told(process: ChildProcess) -> None:
    for _ in range(2):
        process.tell('"name"')
        assert process.hear(60, "too late") == {"event": "argument", "name": "argument"}


def test_it_says_what_went_wrong(process: ChildProcess) -> None:
    process.tell('"fail"')

    message = process.hear(60, "too late")

    assert message == {"event": "error", "message": "ValueError: one; OSError: other"}


def test_one_that_ends_is_told_with_its_last_words(process: ChildProcess) -> None:
    process.tell('"crash"')

    with pytest.raises(CannotRun) as caught:
        process.hear(60, "too late")

    told = "the child ended without an answer (for good): start the run again"
    assert str(caught.value) == told


def test_one_that_has_ended_is_told_when_it_is_spoken_to(process: ChildProcess) -> None:
    os.kill(process.pid, signal.SIGKILL)

    def speak() -> None:
        while True:
            process.tell('"name"')

    with pytest.raises(CannotRun, match=r"the child ended without an answer \(exit status -9\)"):
        speak()


def test_one_that_takes_too_long_is_ended(process: ChildProcess) -> None:
    process.tell('"hang"')
    began_s = time.monotonic()

    with pytest.raises(CannotRun, match=r"^it took too long$"):
        process.hear(0.2, "it took too long")

    assert time.monotonic() - began_s < 60


def test_it_runs_on_the_interpreter_of_the_harness(process: ChildProcess) -> None:
    # Before it has begun its command line may not be there yet.
    process.tell('"name"')
    process.hear(60, "too late")
    assert psutil.Process(process.pid).cmdline()[:3] == [sys.executable, "-m", "some_child"]

"""A history is read as it was written, or not at all."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outboxbench.results.history import (
    AggregateLine,
    AttemptLine,
    DeliveryLine,
    FaultLine,
    Header,
    HistoryDamaged,
    HistoryWriter,
    InboxLine,
    MessageLine,
    read_history,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

LINES = (
    Header({"strategy": "asyncpg", "seed": 1}),
    AttemptLine(1, 1, "a" * 32, "charge", "b" * 32, 5, 0, 10, 11, 12, 13, 3, "ok", "ok", None),
    AttemptLine(
        2, 0, "c" * 32, "place", "d" * 32, 0, 1, 10, None, None, None, 0, None, "skipped", None
    ),
    FaultLine(1, "reset", 5, 6, None, {"connections": 4}),
    DeliveryLine("a" * 32, 0, "b" * 32, 3, 99),
    MessageLine("a" * 32, 0, "account", "b" * 32, 3, "account.charged", 1, -5, False),
    AggregateLine("account", "b" * 32, 3, 95),
    InboxLine("confirm", "a" * 32, 0),
)


@pytest.fixture
def history(tmp_path: Path) -> Path:
    path = tmp_path / "history.jsonl.gz"
    with HistoryWriter(path) as writer:
        for line in LINES:
            writer.write(line)
    return path


def changed(path: Path, change: Callable[[list[bytes]], list[bytes]]) -> Path:
    lines = gzip.decompress(path.read_bytes()).splitlines(keepends=True)
    path.write_bytes(gzip.compress(b"".join(change(lines))))
    return path


def test_a_history_is_read_as_it_was_written(history: Path) -> None:
    assert tuple(read_history(history)) == LINES


@given(number=st.integers(0, len(LINES) - 1))
def test_a_line_that_is_missing_is_noticed(
    number: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("history") / "history.jsonl.gz"
    with HistoryWriter(path) as writer:
        for line in LINES:
            writer.write(line)
    changed(path, lambda lines: lines[:number] + lines[number + 1 :])
    with pytest.raises(HistoryDamaged, match="was changed after it was written"):
        list(read_history(path))


def test_a_line_that_was_changed_is_noticed(history: Path) -> None:
    changed(history, lambda lines: [line.replace(b'"ok"', b'"failed"') for line in lines])
    with pytest.raises(HistoryDamaged, match="was changed after it was written"):
        list(read_history(history))


def test_a_history_that_was_cut_between_lines_is_noticed(history: Path) -> None:
    changed(history, lambda lines: lines[:-1])
    with pytest.raises(HistoryDamaged, match="has no end: it was cut after line 8"):
        list(read_history(history))


def test_a_file_that_was_cut_anywhere_is_noticed(history: Path) -> None:
    whole = history.read_bytes()
    for length in range(len(whole)):
        history.write_bytes(whole[:length])
        with pytest.raises(HistoryDamaged):
            list(read_history(history))


def test_what_follows_the_end_is_noticed(history: Path) -> None:
    changed(history, lambda lines: [*lines, lines[0]])
    with pytest.raises(HistoryDamaged, match="goes on after its end"):
        list(read_history(history))


@pytest.mark.parametrize(
    "line", [b"no JSON\n", b"[]\n", b"{}\n", b'["other"]\n', b'["inbox"]\n', b"1\n"]
)
def test_what_is_no_history_is_told_so(history: Path, line: bytes) -> None:
    changed(history, lambda lines: [lines[0], line, *lines[1:]])
    with pytest.raises(HistoryDamaged, match="cannot be read beyond line 1"):
        list(read_history(history))


def test_a_history_whose_writer_failed_has_no_end(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl.gz"

    def fail() -> None:
        with HistoryWriter(path) as writer:
            writer.write(LINES[0])
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    with pytest.raises(HistoryDamaged, match="it was cut after line 1"):
        list(read_history(path))

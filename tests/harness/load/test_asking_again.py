"""A closed loop stands where arrivals do: something is due at once, until it is over."""

from __future__ import annotations

from time import monotonic_ns

from outboxbench.harness.load.asking_again import AskingAgain


async def test_something_is_due_whenever_somebody_asks() -> None:
    with AskingAgain() as arrivals:
        for _ in range(3):
            before_ns = monotonic_ns()
            arrival = await arrivals.take()
            assert arrival is not None
            assert before_ns <= arrival.due_ns <= monotonic_ns()


async def test_nothing_is_due_once_it_is_over_and_nothing_was_left_waiting() -> None:
    with AskingAgain() as arrivals:
        arrivals.stop()
        assert await arrivals.take() is None
        assert list(arrivals.abandon()) == []

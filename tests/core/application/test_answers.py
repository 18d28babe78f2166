"""Connections that wait too long are given up, and no others."""

from __future__ import annotations

import asyncio
import time

from outboxbench.core.application.answers import LOOKS, AnswerWatch

LIMIT_S = 0.08
PATIENCE_S = 30.0


async def _overdue(watch: AnswerWatch) -> None:
    """Return once a request that was made just now has been given up."""
    is_given_up = asyncio.Event()
    awaited = watch.awaited(is_given_up.set)
    awaited.looks = 0
    async with asyncio.timeout(PATIENCE_S):
        await is_given_up.wait()


async def test_what_is_never_answered_is_given_up_once_and_not_before_the_limit() -> None:
    watch = AnswerWatch(LIMIT_S)
    given_up: list[float] = []
    awaited = watch.awaited(lambda: given_up.append(time.monotonic()))
    asked_at = time.monotonic()
    awaited.looks = 0
    await _overdue(watch)
    await _overdue(watch)
    (at,) = given_up
    # The first look may come at once.
    assert at - asked_at > LIMIT_S * (LOOKS - 1) / LOOKS


async def test_what_was_answered_is_not_given_up() -> None:
    watch = AnswerWatch(LIMIT_S)
    given_up: list[str] = []
    answered = watch.awaited(lambda: given_up.append("answered"))
    never_asked = watch.awaited(lambda: given_up.append("never asked"))
    answered.looks = 0
    answered.looks = None
    await _overdue(watch)
    assert not given_up
    del never_asked


async def test_each_request_has_a_limit_of_its_own() -> None:
    watch = AnswerWatch(LIMIT_S)
    given_up: list[str] = []
    busy = watch.awaited(lambda: given_up.append("busy"))

    async def keep_asking() -> None:
        while True:
            busy.looks = 0
            await asyncio.sleep(0)

    asking = asyncio.create_task(keep_asking())
    await _overdue(watch)
    await _overdue(watch)
    asking.cancel()
    assert not given_up


async def test_a_process_that_stood_still_still_takes_the_answers_that_came_meanwhile() -> None:
    watch = AnswerWatch(LIMIT_S)
    given_up: list[str] = []
    awaited = watch.awaited(lambda: given_up.append("late"))
    awaited.looks = 0
    time.sleep(3 * LIMIT_S)  # noqa: ASYNC251 - nothing runs meanwhile, as where a process is frozen
    # The timer is due now, and runs before what comes in the next turn.
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    awaited.looks = None
    await _overdue(watch)
    assert not given_up


async def test_a_connection_that_is_gone_is_watched_no_more() -> None:
    watch = AnswerWatch(LIMIT_S)
    given_up: list[str] = []
    gone = watch.awaited(lambda: given_up.append("gone"))
    gone.looks = 0
    del gone
    await _overdue(watch)
    assert not given_up

"""Measures what is asynchronous inside one event loop, whose set-up is in no figure.

pytest-benchmark calls a function again and again, and decides itself how often. The whole of that
runs in a greenlet of a loop that stands already: each call hands its coroutine over to the loop and
is given back what came of it, as SQLAlchemy does it. That costs about a microsecond, where
`asyncio.run` takes a hundred and more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy.util import await_only, greenlet_spawn

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from pytest_benchmark.fixture import BenchmarkFixture


async def measure(benchmark: BenchmarkFixture, operation: Callable[[], Awaitable[Any]]) -> None:
    """Have the benchmark call an operation as often as it likes, in the loop that runs."""
    await greenlet_spawn(benchmark, lambda: await_only(operation()))


async def measure_prepared(
    benchmark: BenchmarkFixture,
    prepare: Callable[[], Awaitable[Any]],
    operation: Callable[[Any], Awaitable[Any]],
    *,
    rounds: int,
) -> None:
    """Have each call of the operation prepared; it is given what came of that, and timed alone."""

    def prepared() -> tuple[tuple[Any], dict[str, Any]]:
        return (await_only(prepare()),), {}

    await greenlet_spawn(
        benchmark.pedantic,
        lambda each: await_only(operation(each)),
        setup=prepared,
        rounds=rounds,
    )

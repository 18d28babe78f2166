from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import asyncpg
import psycopg
import pytest

from outboxbench.core.strategies.registry import load_strategy
from outboxbench.testing.measurement import OperationFailed
from outboxbench.testing.transaction import Transaction

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from outboxbench.testing.persistence_benchmark import PersistenceBenchmark

SCHEMA = """
    CREATE TABLE stock (sku text PRIMARY KEY, pieces integer NOT NULL CHECK (pieces >= 0));
    INSERT INTO stock VALUES ('tea', 100000);
"""
SELL = "UPDATE stock SET pieces = pieces - 1 WHERE sku = 'tea'"
OVERSELL = "UPDATE stock SET pieces = -1 WHERE sku = 'tea'"
FEW = 25
"""Operations: enough for a median."""


async def sell(connection: asyncpg.Connection) -> None:
    async with connection.transaction():
        await connection.execute(SELL)


async def sell_by_psycopg(connection: psycopg.AsyncConnection[Any]) -> None:
    async with connection.transaction():
        await connection.execute(SELL)


async def oversell(connection: asyncpg.Connection) -> None:
    await connection.execute(OVERSELL)


def test_what_passes_the_wire_is_counted_exactly(
    persistence_benchmark: PersistenceBenchmark,
) -> None:
    result = persistence_benchmark(sell, schema=SCHEMA, setup=asyncpg.connect, operations=FEW)

    # BEGIN, UPDATE and COMMIT, each a simple query.
    assert result.round_trips == result.statements == 3
    assert result.frontend_messages == {"Query": 3}
    assert result.backend_messages == {"CommandComplete": 3, "ReadyForQuery": 3}
    assert result.messages == 9
    assert (result.commits, result.rollbacks) == (1, 0)
    # A message is its type, four bytes of length, and here a text that ends with a zero.
    assert result.bytes_sent == sum(6 + len(text) for text in ("BEGIN;", SELL, "COMMIT;"))
    assert result.wal_records is not None
    assert result.wal_bytes is not None
    assert 0 < result.wal_records < result.wal_bytes
    assert result.latency_us.p50 is not None
    assert result.latency_us.p50 > 0
    assert result.outcomes == {"ok": 2 * FEW}
    assert result.verdict == "pass"


def test_it_takes_any_driver(persistence_benchmark: PersistenceBenchmark) -> None:
    result = persistence_benchmark(
        sell_by_psycopg, schema=SCHEMA, setup=psycopg.AsyncConnection.connect, operations=FEW
    )

    assert result.round_trips == 3


def test_a_setup_may_be_an_async_context_manager_around_a_pool(
    persistence_benchmark: PersistenceBenchmark,
) -> None:
    events = []

    @asynccontextmanager
    async def pool(dsn: str) -> AsyncIterator[asyncpg.Pool]:
        async with asyncpg.create_pool(dsn, min_size=1, max_size=1) as opened:
            events.append("opened")
            yield opened
        events.append("closed")

    async def sell_from_pool(pool: asyncpg.Pool) -> None:
        await pool.execute(SELL)

    result = persistence_benchmark(sell_from_pool, schema=SCHEMA, setup=pool, operations=FEW)

    # The second one resets the connection when it is given back.
    assert result.round_trips == 2
    assert events == ["opened", "closed"] * 2


def test_without_a_setup_a_transaction_is_given_the_dsn(
    persistence_benchmark: PersistenceBenchmark,
) -> None:
    async def connect_and_sell(dsn: str) -> None:
        async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:
            await connection.execute(SELL)

    result = persistence_benchmark(connect_and_sell, schema=SCHEMA, operations=FEW)

    assert result.statements == 1


def test_a_registered_strategy_is_judged_by_what_it_left(
    persistence_benchmark: PersistenceBenchmark,
) -> None:
    result = persistence_benchmark("asyncpg-single", workload="charge", operations=FEW)

    assert result.round_trips == 2
    assert result.verdict == "pass"
    assert "money is conserved" in {check.name for check in result.checks}


def test_a_strategy_need_not_be_registered(persistence_benchmark: PersistenceBenchmark) -> None:
    mine = replace(load_strategy("psycopg"), name="mine")

    result = persistence_benchmark(mine, profile="idiomatic", operations=FEW)

    assert result.name == "mine charge"
    assert result.round_trips == 5


def test_an_operation_that_fails_fails_the_test_with_the_reason(
    persistence_benchmark: PersistenceBenchmark,
) -> None:
    with pytest.raises(OperationFailed, match=r"^oversell ended failed .*stock_pieces_check") as e:
        persistence_benchmark(oversell, schema=SCHEMA, setup=asyncpg.connect)

    assert isinstance(e.value.__cause__, asyncpg.CheckViolationError)
    assert "allow_failures=True" in str(e.value)


def test_failures_that_are_allowed_are_outcomes_and_no_figures(
    persistence_benchmark: PersistenceBenchmark,
) -> None:
    result = persistence_benchmark(
        oversell, schema=SCHEMA, setup=asyncpg.connect, operations=FEW, allow_failures=True
    )

    assert result.outcomes == {"failed": FEW}
    assert result.latency_us.p50 is None
    assert result.verdict == "unknown"


def test_what_raises_before_its_commit_has_failed(
    persistence_benchmark: PersistenceBenchmark,
) -> None:
    async def think_better_of_it(connection: asyncpg.Connection) -> None:
        async with connection.transaction():
            await connection.execute(SELL)
            raise KeyError("tea")

    result = persistence_benchmark(
        think_better_of_it,
        schema=SCHEMA,
        setup=asyncpg.connect,
        operations=FEW,
        allow_failures=True,
    )

    assert result.outcomes == {"failed": FEW}


def test_what_raises_after_its_commit_is_in_doubt(
    persistence_benchmark: PersistenceBenchmark,
) -> None:
    async def fail_too_late(connection: asyncpg.Connection) -> None:
        await sell(connection)
        raise KeyError("tea")

    result = persistence_benchmark(
        fail_too_late, schema=SCHEMA, setup=asyncpg.connect, operations=FEW, allow_failures=True
    )

    assert result.outcomes == {"indeterminate": FEW}
    assert result.verdict == "unknown"


def test_a_commit_that_is_missing_is_found(persistence_benchmark: PersistenceBenchmark) -> None:
    async def forget_to_commit(connection: psycopg.AsyncConnection[Any]) -> None:
        await connection.execute(SELL)

    with pytest.raises(OperationFailed, match="left it open: is a commit missing"):
        persistence_benchmark(
            forget_to_commit,
            schema=SCHEMA,
            setup=psycopg.AsyncConnection.connect,
            operations=FEW,
        )


async def swallow(connection: psycopg.AsyncConnection[Any]) -> None:
    await connection.execute(SELL)
    await connection.rollback()


def test_a_rollback_that_nobody_is_told_of_is_found(
    persistence_benchmark: PersistenceBenchmark,
) -> None:
    with pytest.raises(OperationFailed, match="returned, and were rolled back"):
        persistence_benchmark(
            swallow, schema=SCHEMA, setup=psycopg.AsyncConnection.connect, operations=FEW
        )


def test_what_only_reads_may_be_rolled_back(persistence_benchmark: PersistenceBenchmark) -> None:
    async def read(connection: psycopg.AsyncConnection[Any]) -> None:
        await connection.execute("SELECT FROM stock")
        await connection.rollback()

    result = persistence_benchmark(
        read, schema=SCHEMA, setup=psycopg.AsyncConnection.connect, operations=FEW
    )

    assert result.verdict == "pass"
    assert result.rollbacks == 1


async def read_at_once(connection: asyncpg.Connection) -> None:
    await connection.execute("SELECT FROM stock")


async def wait_a_bit(connection: asyncpg.Connection) -> None:
    await connection.execute("SELECT pg_sleep(0.05)")


def test_a_head_that_is_slower_is_a_regression(persistence_benchmark: PersistenceBenchmark) -> None:
    ratio = persistence_benchmark.compare(
        Transaction(read_at_once, schema=SCHEMA, name="quick"),
        wait_a_bit,
        setup=asyncpg.connect,
        rounds=3,
        operations=5,
    )

    assert (ratio.base, ratio.head, ratio.rounds) == ("quick", "wait_a_bit", 3)
    assert 1 < ratio.low < ratio.ratio < ratio.high
    assert ratio.base_us < ratio.head_us
    assert ratio.decision == "regression"


def test_a_difference_within_the_margin_is_none(
    persistence_benchmark: PersistenceBenchmark,
) -> None:
    ratio = persistence_benchmark.compare(
        wait_a_bit, wait_a_bit, setup=asyncpg.connect, rounds=3, operations=3, margin=50
    )

    assert ratio.decision == "same"


def test_an_operation_that_fails_is_never_compared(
    persistence_benchmark: PersistenceBenchmark,
) -> None:
    with pytest.raises(OperationFailed, match="oversell ended failed"):
        persistence_benchmark.compare(sell, oversell, schema=SCHEMA, setup=asyncpg.connect)


async def no_transaction(_: object) -> None:
    pass


@pytest.mark.parametrize(
    ("measured", "arguments", "sentence"),
    [
        ("asyncgp", {}, "there is no strategy 'asyncgp'; registered are asyncpg, "),
        ("memory", {}, "the strategy memory needs no server"),
        ("asyncpg", {"workload": "pay"}, "there is no workload 'pay': it is one of amend, "),
        ("asyncpg", {"profile": "fast"}, "there is no profile 'fast': it is one of idiomatic"),
        ("asyncpg", {"schema": SCHEMA}, "a strategy brings its own tables: leave out schema"),
        (no_transaction, {"operations": 0}, "operations is 0: it must be at least 1"),
        (no_transaction, {"schema": "CREATE TABEL"}, 'no_transaction.*syntax error.*"TABEL"'),
        (no_transaction, {"setup": lambda _: 3}, "setup returned int, .* write it as `async def`"),
        (lambda _: 3, {}, "<lambda> returned int, .* write it as `async def`"),
        (3, {}, "3 cannot be measured: give an `async def`"),
    ],
)
def test_a_mistake_is_one_sentence_that_says_what_to_do(
    measured: Any,
    arguments: dict[str, Any],
    sentence: str,
    persistence_benchmark: PersistenceBenchmark,
) -> None:
    with pytest.raises(pytest.fail.Exception, match=sentence):
        persistence_benchmark(measured, **arguments)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"rounds": 1}, "rounds is 1: it must be at least 2"),
        ({"margin": 0}, "margin is 0: it must be more than 0"),
    ],
)
def test_a_comparison_needs_rounds_and_a_margin(
    arguments: dict[str, Any], sentence: str, persistence_benchmark: PersistenceBenchmark
) -> None:
    with pytest.raises(pytest.fail.Exception, match=sentence):
        persistence_benchmark.compare(no_transaction, no_transaction, **arguments)


async def test_in_an_event_loop_it_asks_for_a_plain_test(
    persistence_benchmark: PersistenceBenchmark,
) -> None:
    assert asyncio.get_running_loop()
    with pytest.raises(pytest.fail.Exception, match="call it from a plain `def test_…`"):
        persistence_benchmark(no_transaction)

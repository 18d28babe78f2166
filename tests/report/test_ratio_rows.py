"""What rows of ratios are called where versions or servers are compared."""

from __future__ import annotations

import pytest
from tests.analysis.runs import arm, block, run

from outboxbench.analysis.comparison import compare_arms
from outboxbench.report.charts.ratio_rows import ratio_tables
from outboxbench.results.model import Arm, WorkerEnvironment


def measured(strategy: str, environment: str | None = None, server: str | None = None) -> Arm:
    blocks = [block(number, 1_000.0 + number) for number in range(3)]
    return arm(
        f"{strategy}/{environment}/{server}",
        blocks,
        strategy=strategy,
        environment=environment
        and WorkerEnvironment(name=environment, python="3.11.7", packages={}),
        server=server,
    )


def names(*pairs: tuple[Arm, Arm]) -> tuple[str, list[str]]:
    arms = {each.name: each for pair in pairs for each in pair}
    compared = compare_arms(pairs, lambda _metric, _rounds: 0.05)
    (table,) = ratio_tables(run(*arms.values(), comparisons=compared, reference="asyncpg"))
    return table.title, sorted(row.name for row in table.rows)


@pytest.mark.parametrize(
    ("base", "head", "title", "name"),
    [
        ("asyncpg==0.30.0", "asyncpg==0.31.0", ", asyncpg==…", "asyncpg, 0.31.0 ÷ 0.30.0"),
        ("base", "head", "", "asyncpg, head ÷ base"),
        ("as installed", "uvloop==0.21.0", "", "asyncpg, uvloop==0.21.0 ÷ as installed"),
    ],
)
def test_versions_are_named_by_what_tells_them_apart(
    base: str, head: str, title: str, name: str
) -> None:
    told, rows = names((measured("asyncpg", base), measured("asyncpg", head)))

    assert rows == [name]
    assert told == f"charge, matched profile{title}"


def test_servers_are_named_by_their_versions_beside_other_strategies_too() -> None:
    old, new = "PostgreSQL 15.14", "PostgreSQL 18.6"
    base = measured("asyncpg", server=old)

    told, rows = names(
        (base, measured("asyncpg", server=new)), (base, measured("psycopg", server=old))
    )

    assert told == "charge, matched profile, PostgreSQL …"
    assert rows == [
        "asyncpg, 18.6 ÷ 15.14",
        "psycopg ÷ asyncpg, 15.14",
    ]


def test_a_version_is_never_cut_by_what_other_versions_have_in_common() -> None:
    first = "asyncpg==0.30.0, psycopg==3.2"
    base = measured("asyncpg", first)

    told, rows = names(
        (base, measured("asyncpg", "asyncpg==0.30.0, psycopg==3.3")),
        (base, measured("asyncpg", "asyncpg==0.31.0")),
        (base, measured("psycopg", first)),
    )

    assert told == "charge, matched profile, asyncpg==…, asyncpg==0.30.0, psycopg==…"
    assert rows == [
        "asyncpg, 0.31.0 ÷ 0.30.0, psycopg==3.2",
        "asyncpg, 3.3 ÷ 3.2",
        f"psycopg ÷ asyncpg, {first}",
    ]


def test_strategies_without_versions_are_held_against_the_reference_in_the_title() -> None:
    assert names((measured("asyncpg"), measured("psycopg"))) == (
        "charge, matched profile, ÷ asyncpg",
        ["psycopg uvloop"],
    )

"""A DSN is read as libpq reads it, or refused without showing its password."""

from __future__ import annotations

import pytest

from outboxbench.core.strategies.settings import DatabaseAddress
from outboxbench.harness.errors import BadInput
from outboxbench.harness.postgres.dsn import parse_dsn

SECRET = "geheim"


@pytest.fixture(autouse=True)
def _no_libpq_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PGHOST", "PGPORT", "PGUSER", "PGPASSWORD", "PGDATABASE", "PGSSLMODE"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    "dsn",
    [
        f"postgresql://me:{SECRET}@db.example:6543/shop?sslmode=require",
        f"postgres://me:{SECRET}@db.example:6543/shop?sslmode=require",
        f"host=db.example port=6543 user=me password={SECRET} dbname=shop sslmode=require",
    ],
)
def test_uris_and_pairs_mean_the_same(dsn: str) -> None:
    assert parse_dsn(dsn) == DatabaseAddress(
        "db.example", 6543, "me", SECRET, "shop", sslmode="require"
    )


def test_what_is_left_out_has_libpqs_defaults() -> None:
    address = parse_dsn("postgresql://me@")
    assert address == DatabaseAddress("localhost", 5432, "me", "", "me", sslmode="prefer")


def test_what_is_left_out_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGPASSWORD", SECRET)
    monkeypatch.setenv("PGPORT", "6543")
    assert parse_dsn("host=h user=me").password == SECRET
    assert parse_dsn("host=h user=me").port == 6543
    assert parse_dsn("host=h user=me password=other port=1").password == "other"


@pytest.mark.parametrize(
    ("dsn", "sentence"),
    [
        ("nonsense", "cannot be read"),
        (f"postgresql+asyncpg://me:{SECRET}@h/d", "cannot be read"),
        (f"postgresql://me:{SECRET}%zz@h/d", "cannot be read"),
        (f"postgresql://me:x@{SECRET}@h/d", "write @ as %40"),
        (f"postgresql://me:1/{SECRET}@h/d", "write @ as %40"),
        (f"postgresql://me:{SECRET}/x@h/d", "write @ as %40"),
        (f"postgresql://me:{SECRET}@h:99999/d", "port must be a number from 1 to 65535"),
        (f"postgresql://me:{SECRET}@h:none/d", "port must be a number from 1 to 65535"),
        (f"postgresql://me:{SECRET}@h1,h2/d", "several hosts"),
        (f"host=/var/run user=me password={SECRET}", "Unix socket"),
        (f"host=h password={SECRET} sslmode=perhaps", "sslmode is perhaps: it must be disable"),
        (f"host=h password={SECRET} options=-cfsync=off", "may not set options: only host, port"),
    ],
)
def test_a_dsn_that_cannot_be_used_is_refused_without_its_password(dsn: str, sentence: str) -> None:
    with pytest.raises(BadInput, match=sentence) as refusal:
        parse_dsn(dsn)
    assert SECRET not in str(refusal.value)
    assert refusal.value.__cause__ is None

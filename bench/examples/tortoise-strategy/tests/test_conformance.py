"""Tortoise ORM is a strategy because it passes the contract, in both profiles."""

from outboxbench.testing import PostgresContract

pytest_plugins = ["outboxbench.testing.fixtures"]


class TestTortoise(PostgresContract):
    strategy_name = "tortoise"

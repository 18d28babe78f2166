"""The contract works for a project that has nothing but a strategy and these few lines."""

import pytest

pytest_plugins = ["pytester"]

THEIR_TESTS = """
from dataclasses import replace

import pytest

from outboxbench.core.strategies.asyncpg import ASYNCPG
from outboxbench.testing import PostgresContract

pytest_plugins = ["outboxbench.testing.fixtures"]


class TestMine(PostgresContract):
    @pytest.fixture
    def strategy(self):
        return replace(ASYNCPG, name="mine")


class TestNamed(PostgresContract):
    strategy_name = "psycopg"
"""


def test_a_strategy_is_put_through_the_contract_in_a_few_lines(
    pytester: pytest.Pytester,
) -> None:
    pytester.makepyfile(test_mine=THEIR_TESTS)
    result = pytester.runpytest_subprocess(
        "-k", "test_a_deposit_is_stored", "-p", "no:cacheprovider"
    )
    # Two strategies in two profiles.
    result.assert_outcomes(passed=4, deselected=result.parseoutcomes()["deselected"])

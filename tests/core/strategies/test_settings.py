"""Settings reach a process of their own as they were."""

from __future__ import annotations

import json
from dataclasses import asdict, replace

import pytest

from outboxbench.core.strategies.settings import DatabaseAddress, StrategySettings

HERE = DatabaseAddress("here", 1, "user", "password", "database")
THERE, ELSEWHERE = replace(HERE, host="there", port=2), replace(HERE, host="elsewhere", port=3)


@pytest.mark.parametrize(
    "address", [HERE, HERE.or_at(THERE), HERE.or_at(THERE.or_at(ELSEWHERE))], ids=["1", "2", "3"]
)
def test_they_survive_json_with_all_hosts_of_their_address(address: DatabaseAddress) -> None:
    settings = StrategySettings(address, own_parameters={"synchronous_commit": "off"})
    assert StrategySettings.of_fields(json.loads(json.dumps(asdict(settings)))) == settings


def test_hosts_are_in_the_order_in_which_they_were_named() -> None:
    assert HERE.or_at(THERE).or_at(ELSEWHERE).hosts == (
        ("here", 1),
        ("there", 2),
        ("elsewhere", 3),
    )

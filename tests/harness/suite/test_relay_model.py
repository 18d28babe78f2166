"""What a suite says of relays is read key by key; what is wrong is one sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from outboxbench.harness.errors import BadInput
from outboxbench.harness.suite.model import load_suite

if TYPE_CHECKING:
    from pathlib import Path

HEAD = 'name = "mine"\ndescription = "mine"\n'
MATRIX = '[[{key}]]\nstrategies = ["asyncpg"]\n'


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "mine.toml"


def refusal(file: Path, text: str) -> str:
    file.write_text(text, encoding="utf-8")
    with pytest.raises(BadInput) as caught:
        load_suite(str(file))
    message = str(caught.value)
    assert "\n" not in message
    return message.removeprefix(f"the suite {file} is not valid: ")


def test_drains_and_chains_need_little_and_are_measured_under_every_plan(file: Path) -> None:
    matrices = MATRIX.format(key="drains") + MATRIX.format(key="chains")
    file.write_text(HEAD + matrices, encoding="utf-8")

    suite = load_suite(str(file))

    (drains,), (chains,) = suite.drains, suite.chains
    assert suite.arms == ()
    for matrix in (drains, chains):
        assert matrix.plans == ("lease", "sharded", "delete")
        assert (matrix.loops, matrix.brokers, matrix.relays) == (("uvloop",), ("memory",), (1,))
    assert (drains.shapes, drains.batches, drains.busy_us) == (("interleaved",), (500,), (0,))
    assert (drains.messages, drains.aggregates) == (100_000, 1_000)
    assert chains.wake_ups == ("notify",)


COMMON = [
    (
        'plans = ["queue"]',
        "plans[0] cannot be 'queue': it must be 'lease', 'sharded', 'delete' or 'log'",
    ),
    ('plans = "lease"', "plans cannot be 'lease': it must be a list"),
    ("plans = []", "plans cannot be []: it must name one or more"),
    (
        'brokers = ["memory", "kafka"]',
        "brokers[1] cannot be 'kafka': it must be 'memory' or 'nats'",
    ),
    ('loops = ["trio"]', "loops[0] cannot be 'trio': it must be 'asyncio' or 'uvloop'"),
    ("relays = [0]", "relays[0] cannot be 0: it must be 1 or more"),
    ("relays = 2", "relays cannot be 2: it must be a list"),
    ("relays = [true]", "relays[0] cannot be True: it must be a whole number"),
    ("lease_s = 0", "lease_s cannot be 0: it must be greater than 0"),
    ('lease_s = "10"', "lease_s cannot be '10': it must be a number"),
]
DRAINS = [
    ("messages = 0", "messages cannot be 0: it must be 1 or more"),
    ("messages = 1e3", "messages cannot be 1000.0: it must be a whole number"),
    (
        "aggregates = 1",
        "aggregates cannot be 1: it must be 2 or more, for one of them to be hot",
    ),
    (
        'shapes = ["flat"]',
        "shapes[0] cannot be 'flat': it must be 'interleaved', 'clustered' or 'hot'",
    ),
    ("batches = [10, 0]", "batches[1] cannot be 0: it must be 1 or more"),
    ("busy_us = [-1.0]", "busy_us[0] cannot be -1.0: it must be 0 or more"),
    ("busy_us = [nan]", "busy_us[0] cannot be nan: it must be a number that is finite"),
]
CHAINS = [
    ("orders_per_s = 0", "orders_per_s cannot be 0: it must be greater than 0"),
    ("orders_per_s = 1e6", "orders_per_s cannot be 1000000.0: it must be 100000 or less"),
    ('orders_per_s = "many"', "orders_per_s cannot be 'many': it must be a number"),
    ("orders_per_s = [150.0]", "orders_per_s cannot be [150.0]: it must be a number"),
    ("clients = 0", "clients cannot be 0: it must be 1 or more"),
    ("handlers = 1.5", "handlers cannot be 1.5: it must be a whole number"),
    (
        'wake_ups = ["bell"]',
        "wake_ups[0] cannot be 'bell': it must be 'notify', 'announce' or 'poll'",
    ),
    ("batch = [10]", "batch cannot be [10]: it must be a whole number"),
]


@pytest.mark.parametrize(
    ("key", "line", "message"),
    [
        *(("drains", *case) for case in (*COMMON, *DRAINS)),
        *(("chains", *case) for case in (*COMMON, *CHAINS)),
    ],
)
def test_a_mistake_is_named_with_its_place_its_value_and_what_is_allowed(
    key: str, line: str, message: str, file: Path
) -> None:
    text = HEAD + MATRIX.format(key=key) + line

    assert refusal(file, text) == f"{key}[0].{message}"


@pytest.mark.parametrize(
    ("key", "wrong", "own"),
    [("drains", "batch = 1", "batches, busy_us"), ("chains", "shapes = []", "wake_ups, batch")],
)
def test_a_key_that_is_unknown_here_is_named_with_those_that_are_known(
    key: str, wrong: str, own: str, file: Path
) -> None:
    message = refusal(file, HEAD + MATRIX.format(key=key) + wrong)

    name = wrong.partition(" ")[0]
    assert message.startswith(
        f"the key {key}[0].{name} is unknown: "
        "allowed are strategies, loops, plans, brokers, relays, lease_s, "
    )
    assert message.endswith(own)


@pytest.mark.parametrize("key", ["drains", "chains"])
def test_a_strategy_is_needed_and_has_to_be_known(key: str, file: Path) -> None:
    assert refusal(file, f"{HEAD}[[{key}]]") == f"the key {key}[0].strategies is missing"
    message = refusal(file, f'{HEAD}[[{key}]]\nstrategies = ["asyncpgg"]')
    assert message.startswith(f"{key}[0].strategies[0] cannot be 'asyncpgg': allowed are asyncpg,")

"""A mix is a function of its seed, names only what exists, and knows what its commands leave."""

from __future__ import annotations

from collections import Counter
from itertools import islice
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from outboxbench.core.application.bootstrap import bootstrap
from outboxbench.core.application.outcome import Outcome
from outboxbench.core.application.retry import RetryPolicy, run_operation
from outboxbench.core.domain.ordering import AmendOrderLine, PlaceOrder
from outboxbench.core.domain.payments import ChargeAccount
from outboxbench.core.strategies.registry import load_strategy
from outboxbench.core.strategies.settings import StrategySettings
from outboxbench.harness.load.command_mix import CommandMix, Request
from outboxbench.harness.load.dataset import LINES_PER_ORDER, Dataset, account_id, order_id
from outboxbench.harness.postgres.final_state import read_final_state
from outboxbench.harness.postgres.server import connect

if TYPE_CHECKING:
    from outboxbench.core.strategies.settings import DatabaseAddress

DATASET = Dataset(accounts=12, orders=5)
MANY = 3000


def requests(name: str, seed: str, number: int = MANY) -> list[Request]:
    mix = CommandMix(name, DATASET, seed)
    return [mix.next() for _ in range(number)]


@pytest.mark.parametrize("name", CommandMix.SHARES)
def test_a_seed_determines_every_request(name: str) -> None:
    assert requests(name, "1/0/a") == requests(name, "1/0/a")
    assert requests(name, "1/0/a", 20) != requests(name, "1/0/b", 20)


@pytest.mark.parametrize("name", CommandMix.SHARES)
def test_commands_come_in_their_shares(name: str) -> None:
    shares = CommandMix.SHARES[name]
    seen = Counter(request.name for request in requests(name, "shares"))

    for command, share in shares.items():
        assert seen[command] / MANY == pytest.approx(share / sum(shares.values()), abs=0.05)


@pytest.mark.parametrize("name", CommandMix.SHARES)
def test_every_command_of_a_mix_comes_once_for_the_warm_up(name: str) -> None:
    mix = CommandMix(name, DATASET, "1")

    assert [request.name for request in mix.one_of_each()] == list(CommandMix.SHARES[name])


def test_no_two_requests_share_an_operation_or_a_new_order() -> None:
    asked = requests("mixed", "ids")
    placed = [each.command.order_id for each in asked if isinstance(each.command, PlaceOrder)]

    assert len({request.op_id for request in asked}) == MANY
    assert len(set(placed)) == len(placed) > 0


def test_only_aggregates_of_the_dataset_are_asked_for_and_all_of_them_are() -> None:
    accounts, orders, lines = set(), set(), set()
    for request in requests("mixed", "targets"):
        match request.command:
            case ChargeAccount() | PlaceOrder() as command:
                accounts.add(command.account_id)
            case AmendOrderLine() as command:
                orders.add(command.order_id)
                lines.add(command.line_no)

    assert accounts == {account_id(number) for number in range(1, DATASET.accounts + 1)}
    assert orders == {order_id(number) for number in range(1, DATASET.orders + 1)}
    assert lines == set(range(1, LINES_PER_ORDER + 1))


def test_half_of_a_hot_mix_wants_one_account() -> None:
    wanted = Counter(
        request.command.account_id
        for request in requests("hot", "hot")
        if isinstance(request.command, ChargeAccount)
    )

    (hottest, times), (_, next_times) = wanted.most_common(2)
    assert hottest == account_id(1)
    assert times > MANY / 2 > 4 * next_times


def test_a_request_says_what_it_charges() -> None:
    for request in requests("mixed", "cents"):
        if isinstance(request.command, ChargeAccount):
            assert request.charged_cents == request.command.amount_cents > 0
        else:
            assert request.charged_cents == 0


def test_the_database_holds_the_aggregates_that_a_dataset_names(seeded: DatabaseAddress) -> None:
    with connect(seeded) as connection:
        accounts = {row[0] for row in connection.execute("SELECT id FROM accounts")}
        orders = {row[0] for row in connection.execute("SELECT id FROM orders")}
        owners = {row[0] for row in connection.execute("SELECT account_id FROM orders")}

    assert accounts == {account_id(number) for number in range(1, DATASET.accounts + 1)}
    assert orders == {order_id(number) for number in range(1, DATASET.orders + 1)}
    assert owners <= accounts


@pytest.mark.parametrize("command", CommandMix.TOPICS)
async def test_a_command_leaves_the_messages_of_its_topics(
    command: str, seeded: DatabaseAddress
) -> None:
    name = next(mix for mix, shares in CommandMix.SHARES.items() if command in shares)
    mix = CommandMix(name, DATASET, str(uuid4()))
    request = next(each for each in mix.one_of_each() if each.name == command)
    before = read_final_state(seeded)
    persistence = await load_strategy("asyncpg").open(StrategySettings(seeded, pool_size=1))
    try:
        result = await run_operation(
            bootstrap(persistence), request.command, request.op_id, RetryPolicy(1)
        )
    finally:
        await persistence.close()
    after = read_final_state(seeded)

    assert result.outcome is Outcome.OK
    left = Counter(after.messages_by_topic) - Counter(before.messages_by_topic)
    assert left == Counter(CommandMix.TOPICS[command])
    assert before.balance_cents - after.balance_cents == request.charged_cents


def test_the_commands_of_all_mixes_have_topics() -> None:
    named = {command for shares in CommandMix.SHARES.values() for command in shares}

    assert named == set(CommandMix.TOPICS)


def test_requests_of_two_clients_differ() -> None:
    first, second = (CommandMix("charge", DATASET, f"1/{client}") for client in range(2))

    ids = {request.op_id for request in islice(iter(first.next, None), 100)}
    assert not ids & {second.next().op_id for _ in range(100)}

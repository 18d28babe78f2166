"""The log of every PostgreSQL on the machine is read, not of the embedded one alone."""

from __future__ import annotations

import asyncio
import secrets
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from tests.waiting import until

from outboxbench.analysis.relay_checks import judge_chain
from outboxbench.core.application.bootstrap import bootstrap, bootstrap_delivery
from outboxbench.core.application.doorbell import Doorbell
from outboxbench.core.application.outcome import Attempt
from outboxbench.core.application.relay import Relay
from outboxbench.core.application.relay_settings import RelaySettings
from outboxbench.core.brokers.memory import MemoryBroker
from outboxbench.core.domain.ordering import OrderLine, PlaceOrder
from outboxbench.core.domain.payments import Deposit, OpenAccount
from outboxbench.core.replication.opening import open_log_outbox
from outboxbench.core.strategies.registry import load_strategy
from outboxbench.core.strategies.settings import StrategySettings
from outboxbench.harness.postgres.chain_state import read_chain
from outboxbench.harness.postgres.databases import Databases
from outboxbench.harness.postgres.server import open_server
from outboxbench.harness.postgres.tuning import LOG_RELAY_SETTINGS
from outboxbench.harness.relay_database import prepare_database

if TYPE_CHECKING:
    from outboxbench.harness.janitor import Janitor

SYSTEM_FOLDERS = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
LINES = (OrderLine(1, "tea", 2, 450),)


@pytest.mark.parametrize("pg_bin", SYSTEM_FOLDERS, ids=str)
async def test_an_order_goes_its_whole_way_through_the_log(pg_bin: Path, janitor: Janitor) -> None:
    with (
        open_server(None, pg_bin, janitor, LOG_RELAY_SETTINGS) as server,
        Databases(server, f"log{secrets.token_hex(4)}") as databases,
    ):
        address = databases.create("chain")
        major = prepare_database(address, "log", announces=False)
        assert major == server.major
        settings = StrategySettings(address, pool_size=4, server_major=major).for_relay(10.0)
        persistence = await load_strategy("asyncpg").open(settings)
        doorbell = Doorbell()
        outbox = await open_log_outbox(settings, doorbell.ring)
        broker = MemoryBroker()
        delivery = bootstrap_delivery(persistence, outbox, broker, concurrency=2)
        relay = Relay(outbox, delivery, RelaySettings(), doorbell)
        running = asyncio.create_task(relay.run())
        try:
            account_id, order_id = uuid4(), uuid4()
            bus = bootstrap(persistence)
            for command in (
                OpenAccount(account_id=account_id),
                Deposit(account_id=account_id, amount_cents=900),
                PlaceOrder(order_id=order_id, account_id=account_id, lines=LINES),
            ):
                await bus.handle(command, Attempt(uuid4()))
            await until(lambda: "order.confirmed" in {each.topic for each in broker.published})
        finally:
            relay.stop()
            await running
            await outbox.close()
            await persistence.close()
        assert judge_chain(read_chain(address)).verdict == "pass"

"""What commands that relay have in common: their options, and a relay put together of them."""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, TypeVar, get_args
from urllib.parse import urlsplit

import typer

from outboxbench.core.application.bootstrap import bootstrap_delivery
from outboxbench.core.application.delivery import Unavailable
from outboxbench.core.application.outbox import AnyRelayPlan
from outboxbench.core.application.outcome import PersistenceError
from outboxbench.core.application.relay_service import KEEP_S, Housekeeping, RelayService
from outboxbench.core.application.relay_settings import RelaySettings
from outboxbench.core.brokers.lines import LinesBroker
from outboxbench.core.strategies.settings import StrategySettings
from outboxbench.harness.errors import BadInput, CannotRun
from outboxbench.harness.postgres.dsn import parse_dsn
from outboxbench.harness.relay_outbox import open_relay_outbox

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from outboxbench.core.application.ports import Broker
    from outboxbench.core.strategies.registry import Strategy
    from outboxbench.core.strategies.settings import DatabaseAddress
    from outboxbench.harness.relaying.job import WakeUp

T = TypeVar("T", bound=str)

DSN_VARIABLE = "OUTBOXBENCH_DSN"
STOP_PATIENCE_S = 15.0
OWN_CONNECTIONS = 2
"""One to claim and one to settle, beside those of the handlers."""

Dsn = Annotated[
    str | None,
    typer.Option(
        envvar=DSN_VARIABLE, help="The database, outboxbench_*; better in the environment."
    ),
]
StrategyOption = Annotated[
    str, typer.Option(help="What reaches the database, see `list strategies`.")
]
Plan = Annotated[
    str, typer.Option(help=f"How relays share the outbox: {', '.join(get_args(AnyRelayPlan))}.")
]
BrokerOption = Annotated[
    str,
    typer.Option(help="Where messages for the outside go: nats://host:port, or - for lines."),
]
Handlers = Annotated[int, typer.Option(metavar="N", min=1, help="Messages handled at a time.")]
Lease = Annotated[
    float, typer.Option(metavar="S", min=0.1, help="Seconds until another relay takes over.")
]


@dataclass(frozen=True, slots=True)
class RelayOptions:
    """How a relay is to work. Times are in seconds."""

    plan: AnyRelayPlan
    wake_up: WakeUp
    broker: str = "-"
    handlers: int = 8
    largest_batch: int = 500
    lease_s: float = 10.0
    keep_s: float = KEEP_S


@asynccontextmanager
async def open_relay_service(
    strategy: Strategy,
    settings: StrategySettings,
    options: RelayOptions,
    observe: Callable[[str], None],
) -> AsyncIterator[RelayService]:
    """Yield a relay on a prepared database, with a pool of its own; it does not run yet.

    Raises:
        PersistenceError: the database cannot be reached.
        HarnessError: the broker cannot be, or there is no such one.
    """
    async with AsyncExitStack() as stack:
        persistence = await strategy.open(settings)
        stack.push_async_callback(persistence.close)
        opened = await stack.enter_async_context(
            open_relay_outbox(
                options.plan,
                persistence,
                settings,
                lease_s=options.lease_s,
                wake_up=options.wake_up,
                observe=observe,
            )
        )
        receiver = await _broker(options.broker)
        stack.push_async_callback(receiver.close)
        yield RelayService(
            opened.outbox,
            bootstrap_delivery(opened.units, opened.outbox, receiver, concurrency=options.handlers),
            RelaySettings(
                largest_batch=options.largest_batch,
                max_in_flight=2 * options.largest_batch,
                lease_s=options.lease_s,
            ),
            listen=opened.listen,
            doorbell=opened.doorbell,
            housekeeping=Housekeeping(keep_s=options.keep_s),
            observe=observe,
        )


def relay_settings(
    address: DatabaseAddress, options: RelayOptions, server_major: int
) -> StrategySettings:
    """Return what a relay opens its strategy with."""
    return StrategySettings(
        address, pool_size=options.handlers + OWN_CONNECTIONS, server_major=server_major
    ).for_relay(options.lease_s)


async def settle_and_report(
    service: RelayService, running: asyncio.Task[None], observe: Callable[[str], None]
) -> None:
    """Wait until a relay that was asked to stop has settled what is on its way, within limits."""
    try:
        async with asyncio.timeout(STOP_PATIENCE_S):
            await running
    except TimeoutError:
        observe(f"what was on its way is not settled after {STOP_PATIENCE_S:g} s, and comes again")
    tally = service.relay.tally
    observe(
        f"{tally.delivered} delivered, {tally.refused} refused, {tally.dead} of them dead, "
        f"{tally.late} settled too late"
    )


def run_on_uvloop(work: Callable[[], Awaitable[None]]) -> None:
    """Run until it is done; what cannot be reached is the user's sentence."""

    async def run() -> None:
        await work()

    import uvloop

    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(run())
    except (PersistenceError, Unavailable) as error:
        raise CannotRun(f"{error}: check that it runs, and start again") from error


def address_of(dsn: str | None) -> DatabaseAddress:
    """Return the database that is named.

    Raises:
        BadInput: none is, or not so that it can be read.
    """
    if dsn is None:
        raise BadInput(f"no database is named: set {DSN_VARIABLE}, or give --dsn")
    return parse_dsn(dsn)


def chosen(what: str, name: str, known: tuple[T, ...]) -> T:
    """Return the one of several words that is named.

    Raises:
        BadInput: none of them is.
    """
    for each in known:
        if name == each:
            return each
    raise BadInput(f"there is no {what} {name!r}: take {', '.join(known)}")


async def _broker(name: str) -> Broker:
    if name == "-":
        return LinesBroker(sys.stdout)
    try:
        url = urlsplit(name)
        host, port = url.hostname, url.port or 4222
    except ValueError:
        raise _no_broker(name) from None
    if url.scheme != "nats" or not host:
        raise _no_broker(name)
    try:
        from outboxbench.core.brokers.nats import LoginRefused, NatsBroker
    except ImportError:
        raise CannotRun("NATS needs nats-py: install outboxbench[nats]") from None
    try:
        return await NatsBroker.connect(
            f"nats://{host}:{port}",
            user=os.environ.get("NATS_USER", url.username),
            password=os.environ.get("NATS_PASSWORD", url.password),
        )
    except LoginRefused as error:
        raise BadInput(f"{error}: set NATS_USER and NATS_PASSWORD in the environment") from error


def _no_broker(name: str) -> BadInput:
    # What stands before an @ may be a password.
    shown = name.rpartition("@")[2]
    return BadInput(f"there is no broker {shown!r}: write nats://host:port, or - for lines")

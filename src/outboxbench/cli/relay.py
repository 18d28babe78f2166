"""`outboxbench relay`: the relay as a process, how its outbox stands, and a second chance."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from contextlib import AsyncExitStack
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, get_args
from urllib.parse import urlsplit
from uuid import UUID

import typer
from rich.console import Console

from outboxbench.cli.outbox_table import print_outbox
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
from outboxbench.harness.relay_database import open_relay_database, prepare_database
from outboxbench.harness.relay_outbox import open_relay_outbox
from outboxbench.harness.strategies import load_measurable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from outboxbench.core.application.ports import Broker
    from outboxbench.core.strategies.settings import DatabaseAddress

DSN_VARIABLE = "OUTBOXBENCH_DSN"
STOP_PATIENCE_S = 15.0
OWN_CONNECTIONS = 2
"""One to claim and one to settle, beside those of the handlers."""

app = typer.Typer(
    help="Deliver the messages of an outbox, see how it stands, and let the dead try again.",
    no_args_is_help=True,
)

Dsn = Annotated[
    str | None,
    typer.Option(
        envvar=DSN_VARIABLE, help="The database, outboxbench_*; better in the environment."
    ),
]
Strategy = Annotated[str, typer.Option(help="What reaches the database, see `list strategies`.")]


@app.command()
def run(
    *,
    strategy: Strategy = "asyncpg",
    dsn: Dsn = None,
    plan: Annotated[
        str, typer.Option(help=f"How relays share the outbox: {', '.join(get_args(AnyRelayPlan))}.")
    ] = "lease",
    broker: Annotated[
        str,
        typer.Option(help="Where messages for the outside go: nats://host:port, or - for lines."),
    ] = "-",
    notify: Annotated[
        bool, typer.Option(help="Have commits announce themselves, or look all the time.")
    ] = True,
    handlers: Annotated[
        int, typer.Option(metavar="N", min=1, help="Messages handled at a time.")
    ] = 8,
    batch: Annotated[
        int, typer.Option(metavar="N", min=1, help="Most messages claimed at a time.")
    ] = 500,
    lease: Annotated[
        float, typer.Option(metavar="S", min=0.1, help="Seconds until another relay takes over.")
    ] = 10.0,
    keep: Annotated[
        float, typer.Option(metavar="S", min=0, help="Seconds that what is delivered is kept.")
    ] = KEEP_S,
) -> None:
    """Deliver until interrupted: to the handlers of this package, and to a broker.

    Example: OUTBOXBENCH_DSN=postgresql://me@127.0.0.1/outboxbench_demo outboxbench relay run
    """
    chosen = load_measurable(strategy)
    relay_plan = _plan(plan)
    address = _address(dsn)
    server_major = prepare_database(address, relay_plan, announces=notify)
    settings = StrategySettings(
        address, pool_size=handlers + OWN_CONNECTIONS, server_major=server_major
    ).for_relay(lease)
    relaying = RelaySettings(largest_batch=batch, max_in_flight=2 * batch, lease_s=lease)

    async def work() -> None:
        async with AsyncExitStack() as stack:
            persistence = await chosen.open(settings)
            stack.push_async_callback(persistence.close)
            opened = await stack.enter_async_context(
                open_relay_outbox(
                    relay_plan,
                    persistence,
                    settings,
                    lease_s=lease,
                    wake_up="notify" if notify else "poll",
                    observe=_say,
                )
            )
            receiver = await _broker(broker)
            stack.push_async_callback(receiver.close)
            outbox = opened.outbox
            await _run_until_asked_to_stop(
                RelayService(
                    outbox,
                    bootstrap_delivery(opened.units, outbox, receiver, concurrency=handlers),
                    relaying,
                    listen=opened.listen,
                    doorbell=opened.doorbell,
                    housekeeping=Housekeeping(keep_s=keep),
                    observe=_say,
                )
            )

    _run(work)


@app.command()
def status(
    *,
    dsn: Dsn = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show what waits in an outbox, and what was refused.

    Example: outboxbench relay status --json
    """

    async def work() -> None:
        async with open_relay_database(_address(dsn)) as outbox:
            found = await outbox.status()
        if as_json:
            typer.echo(json.dumps(asdict(found), indent=2, default=str))
        else:
            print_outbox(Console(), found)

    _run(work)


@app.command()
def redrive(
    *,
    dsn: Dsn = None,
    aggregate: Annotated[
        str | None, typer.Option(metavar="ID", help="Of this aggregate alone.")
    ] = None,
) -> None:
    """Let messages that were refused, or are dead, be tried again at once.

    Example: outboxbench relay redrive --aggregate 7f7c0a9e-52f1-4d7c-9a3e-0b8d0f2f4c11
    """
    aggregate_id = None if aggregate is None else _uuid(aggregate)

    async def work() -> None:
        async with open_relay_database(_address(dsn)) as outbox:
            count = await outbox.redrive(aggregate_id)
        typer.echo(f"{count} message{'' if count == 1 else 's'} will be tried again")

    _run(work)


async def _run_until_asked_to_stop(service: RelayService) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, service.stop)
    _say("the relay runs; Ctrl-C stops it")
    running = asyncio.create_task(service.run())
    stopped = asyncio.create_task(service.relay.wait_until_stopping())
    await asyncio.wait((running, stopped), return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    try:
        async with asyncio.timeout(STOP_PATIENCE_S):
            await running
    except TimeoutError:
        _say(f"what was on its way is not settled after {STOP_PATIENCE_S:g} s, and comes again")
    tally = service.relay.tally
    _say(
        f"{tally.delivered} delivered, {tally.refused} refused, {tally.dead} of them dead, "
        f"{tally.late} settled too late"
    )


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


def _run(work: Callable[[], Awaitable[None]]) -> None:
    async def run() -> None:
        await work()

    import uvloop

    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(run())
    except (PersistenceError, Unavailable) as error:
        raise CannotRun(f"{error}: check that it runs, and start again") from error


def _plan(name: str) -> AnyRelayPlan:
    plans: tuple[AnyRelayPlan, ...] = get_args(AnyRelayPlan)
    for plan in plans:
        if name == plan:
            return plan
    raise BadInput(f"there is no relay plan {name!r}: take {', '.join(plans)}")


def _address(dsn: str | None) -> DatabaseAddress:
    if dsn is None:
        raise BadInput(f"no database is named: set {DSN_VARIABLE}, or give --dsn")
    return parse_dsn(dsn)


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise BadInput(f"{text!r} is no id of an aggregate: it must be a UUID") from None


def _say(what: str) -> None:
    typer.echo(f"outboxbench relay: {what}", err=True)

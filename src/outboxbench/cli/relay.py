"""`outboxbench relay`: the relay as a process, how its outbox stands, and a second chance."""

from __future__ import annotations

import asyncio
import json
import signal
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, get_args
from uuid import UUID

import typer
from rich.console import Console

from outboxbench.cli.outbox_table import print_outbox
from outboxbench.cli.relay_parts import (
    BrokerOption,
    Dsn,
    Handlers,
    Lease,
    Plan,
    RelayOptions,
    StrategyOption,
    address_of,
    chosen,
    open_relay_service,
    relay_settings,
    run_on_uvloop,
    settle_and_report,
)
from outboxbench.core.application.outbox import AnyRelayPlan
from outboxbench.core.application.relay_service import KEEP_S
from outboxbench.harness.errors import BadInput
from outboxbench.harness.relay_database import open_relay_database, prepare_database
from outboxbench.harness.relaying.job import WakeUp
from outboxbench.harness.strategies import load_measurable

if TYPE_CHECKING:
    from outboxbench.core.application.relay_service import RelayService

app = typer.Typer(
    help="Deliver the messages of an outbox, see how it stands, and let the dead try again.",
    no_args_is_help=True,
)


@app.command()
def run(
    *,
    strategy: StrategyOption = "asyncpg",
    dsn: Dsn = None,
    plan: Plan = "lease",
    broker: BrokerOption = "-",
    wake_up: Annotated[
        str,
        typer.Option(
            help="What tells of commits: notify (a trigger), announce (whoever has committed, as "
            "`serve` does), or poll (nobody: look all the time)."
        ),
    ] = "notify",
    handlers: Handlers = 8,
    batch: Annotated[
        int, typer.Option(metavar="N", min=1, help="Most messages claimed at a time.")
    ] = 500,
    lease: Lease = 10.0,
    keep: Annotated[
        float, typer.Option(metavar="S", min=0, help="Seconds that what is delivered is kept.")
    ] = KEEP_S,
) -> None:
    """Deliver until interrupted: to the handlers of this package, and to a broker.

    Example: OUTBOXBENCH_DSN=postgresql://me@127.0.0.1/outboxbench_demo outboxbench relay run
    """
    loaded = load_measurable(strategy)
    options = RelayOptions(
        chosen("relay plan", plan, get_args(AnyRelayPlan)),
        chosen("wake-up", wake_up, get_args(WakeUp)),
        broker,
        handlers=handlers,
        largest_batch=batch,
        lease_s=lease,
        keep_s=keep,
    )
    address = address_of(dsn)
    server_major = prepare_database(address, options.plan, announces=options.wake_up == "notify")
    settings = relay_settings(address, options, server_major)

    async def work() -> None:
        async with open_relay_service(loaded, settings, options, _say) as service:
            await _run_until_asked_to_stop(service)

    run_on_uvloop(work)


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
        async with open_relay_database(address_of(dsn)) as outbox:
            found = await outbox.status()
        if as_json:
            typer.echo(json.dumps(asdict(found), indent=2, default=str))
        else:
            print_outbox(Console(), found)

    run_on_uvloop(work)


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
        async with open_relay_database(address_of(dsn)) as outbox:
            count = await outbox.redrive(aggregate_id)
        typer.echo(f"{count} message{'' if count == 1 else 's'} will be tried again")

    run_on_uvloop(work)


async def _run_until_asked_to_stop(service: RelayService) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, service.stop)
    _say("the relay runs; Ctrl-C stops it")
    running = asyncio.create_task(service.run())
    stopped = asyncio.create_task(service.relay.wait_until_stopping())
    await asyncio.wait((running, stopped), return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    await settle_and_report(service, running, _say)


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise BadInput(f"{text!r} is no id of an aggregate: it must be a UUID") from None


def _say(what: str) -> None:
    typer.echo(f"outboxbench relay: {what}", err=True)

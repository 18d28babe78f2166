"""`outboxbench serve`: the domain as an HTTP service over one strategy."""

from __future__ import annotations

import asyncio
import ipaddress
import os
import re
import signal
import socket
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal, get_args

import typer

from outboxbench.cli.relay_parts import (
    BrokerOption,
    Dsn,
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
from outboxbench.core.application.announcing import announced
from outboxbench.core.application.outbox import AnyRelayPlan
from outboxbench.core.strategies.settings import StrategySettings
from outboxbench.harness.errors import BadInput, CannotRun
from outboxbench.harness.relay_database import prepare_database
from outboxbench.harness.strategies import load_measurable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from outboxbench.core.application.ports import Persistence, UnitsOfWork
    from outboxbench.core.strategies.registry import Strategy

TOKEN_VARIABLE = "OUTBOXBENCH_TOKEN"  # noqa: S105 - the name of a variable
BACKLOG = 1_024
"""Connections that wait to be accepted, where many come at once."""

_TOKEN = re.compile(r"[!-~]+")

RelayPlace = Literal["process", "task", "none"]


@dataclass(frozen=True, slots=True)
class ServiceOptions:
    """How a service is to work. `most_in_flight` operations are under way at a time."""

    pool_size: int
    most_in_flight: int
    deadline_s: float
    token: str | None


def serve(
    *,
    strategy: StrategyOption = "asyncpg",
    dsn: Dsn = None,
    host: Annotated[
        str, typer.Option(help="Where to listen; anything but this machine asks for a token.")
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(metavar="N", min=0, max=65_535, help="0 takes a free one.")
    ] = 8_080,
    pool_size: Annotated[
        int, typer.Option(metavar="N", min=1, help="Connections to the database.")
    ] = 16,
    in_flight: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=1,
            help="Most operations under way; who comes beyond gets 503. By default twice the pool.",
        ),
    ] = None,
    deadline: Annotated[
        float, typer.Option(metavar="S", min=0.1, help="Seconds that an answer takes at most.")
    ] = 5.0,
    relay: Annotated[
        str,
        typer.Option(
            help="Where it runs: as a process of its own (process) or in this one (task), told of "
            "commits; nowhere that is told of them (none)."
        ),
    ] = "process",
    plan: Plan = "lease",
    broker: BrokerOption = "-",
) -> None:
    """Serve accounts and orders over HTTP until interrupted.

    Clients have to show what the variable OUTBOXBENCH_TOKEN holds, where it is set.

    Example: OUTBOXBENCH_DSN=postgresql://me@127.0.0.1/outboxbench_demo outboxbench serve --relay
    task
    """
    loaded = load_measurable(strategy)
    place: RelayPlace = chosen("place for a relay", relay, get_args(RelayPlace))
    relaying = RelayOptions(chosen("relay plan", plan, get_args(AnyRelayPlan)), "announce", broker)
    token = os.environ.get(TOKEN_VARIABLE) or None
    if token is not None and not _TOKEN.fullmatch(token):
        raise BadInput(f"the token in {TOKEN_VARIABLE} must be of ASCII characters, without spaces")
    if token is None and not _is_loopback(host):
        raise BadInput(
            f"whoever reaches {host} could use the service: set {TOKEN_VARIABLE}, "
            "or listen on 127.0.0.1"
        )
    address = address_of(dsn)
    options = ServiceOptions(pool_size, in_flight or 2 * pool_size, deadline, token)
    with _listener(host, port) as listener:
        server_major = prepare_database(address, relaying.plan, announces=False)
        settings = StrategySettings(address, pool_size=pool_size, server_major=server_major)

        async def work() -> None:
            async with AsyncExitStack() as stack:
                if place == "task":
                    await stack.enter_async_context(
                        _relaying(loaded, relay_settings(address, relaying, server_major), relaying)
                    )
                persistence = await loaded.open(settings)
                stack.push_async_callback(persistence.close)
                units: UnitsOfWork = persistence
                if place != "none":
                    units = await stack.enter_async_context(announced(persistence, _say))
                await _serve(loaded.name, persistence, units, relaying.plan, options, listener)

        run_on_uvloop(work)
    _say("all requests are answered")


async def _serve(
    name: str,
    persistence: Persistence,
    units: UnitsOfWork,
    plan: AnyRelayPlan,
    options: ServiceOptions,
    listener: socket.socket,
) -> None:
    try:
        from outboxbench.web.assembly import open_app
        from outboxbench.web.operations import Limits
        from outboxbench.web.server import HttpServer
    except ImportError as error:
        raise CannotRun(f"serving needs {error.name}: install outboxbench[web]") from error
    async with open_app(
        persistence,
        units,
        Limits(options.most_in_flight, options.deadline_s),
        pool_size=options.pool_size,
        relay_plan=plan,
        token=options.token,
        observe=_say,
    ) as app:
        host, port = listener.getsockname()[:2]
        shown = f"[{host}]" if ":" in host else host
        _say(f"{name} serves at http://{shown}:{port}; Ctrl-C stops it")
        server = HttpServer(app, listener)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, server.stop)
        await server.run()


@asynccontextmanager
async def _relaying(
    strategy: Strategy, settings: StrategySettings, options: RelayOptions
) -> AsyncIterator[None]:
    """Have a relay run beside the service, and settle what it has in hand at the end."""
    async with open_relay_service(strategy, settings, options, _say) as service:
        running = asyncio.create_task(service.run())
        try:
            yield
        finally:
            service.stop()
            await settle_and_report(service, running, _say)


def _listener(host: str, port: int) -> socket.socket:
    """Return a socket that listens.

    Raises:
        BadInput: there is no such address here.
        CannotRun: somebody else listens there.
    """
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except socket.gaierror:
        raise BadInput(f"there is no address {host!r}: name one of this machine's") from None
    except OSError as error:
        raise CannotRun(
            f"cannot listen on {host}:{port} ({os.strerror(error.errno or 0)}): free it, or give "
            "another --port"
        ) from None


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _say(what: str) -> None:
    typer.echo(f"outboxbench serve: {what}", err=True)

"""One block of a service: its instances on a fresh database, and Locust's users before them."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Protocol

from outboxbench.harness.errors import CannotRun
from outboxbench.harness.http.instance import Instance, RelayInstance
from outboxbench.harness.http.locust_process import LocustProcess
from outboxbench.harness.http.relayed import moment_of, read_relayed, wait_until_delivered
from outboxbench.harness.relay_database import prepare_database
from outboxbench.harness.suite.measurement import from_workers
from outboxbench.results.block import HttpTimes

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from outboxbench.core.strategies.settings import DatabaseAddress
    from outboxbench.harness.http.load_plan import LoadPlan
    from outboxbench.harness.http.request_times import MedianRequest
    from outboxbench.harness.janitor import Janitor
    from outboxbench.harness.load.job import Window
    from outboxbench.harness.suite.measurement import Measurement, Surveillance
    from outboxbench.harness.suite.plan import ServiceArm
    from outboxbench.results.deliveries import Relayed


class WatchWindow(Protocol):
    """Watches a window, of which it is told the processes of the clients and of the helpers."""

    def __call__(
        self, window: Window, clients: Sequence[int], helpers: Sequence[int]
    ) -> Surveillance:
        """Return once it is over."""
        ...


@dataclass(frozen=True, slots=True)
class LoadedService:
    """What came out of a service under load, before anything is judged."""

    window: Window
    measurement: Measurement
    times: HttpTimes | None
    relayed: Relayed | None


def run_service(
    arm: ServiceArm,
    plan: LoadPlan,
    address: DatabaseAddress,
    janitor: Janitor,
    *,
    watch_window: WatchWindow,
    checkpoint: Callable[[], object],
) -> LoadedService:
    """Load the instances of a service for a window, and have them answer what is under way.

    Raises:
        CannotRun: an instance or Locust did not start, or did not come to its end.
    """
    prepare_database(address, "lease", announces=False)
    since = moment_of(address)
    checkpoint()
    options = (
        *("--pool-size", str(arm.pool_size)),
        # A closed loop is bounded by its clients: nobody is turned away.
        *("--in-flight", str(arm.clients + 1)),
        *("--relay", "process" if arm.relays else "none"),
    )
    with ExitStack() as stack:
        lines = stack.enter_context(TemporaryFile("w+", encoding="utf-8"))
        instances = [
            stack.enter_context(Instance(arm.strategy.name, address, options, janitor))
            for _ in range(arm.instances)
        ]
        relays = [
            stack.enter_context(RelayInstance(arm.strategy.name, address, lines, janitor))
            for _ in range(arm.relays)
        ]
        urls = [instance.url() for instance in instances]
        for relay in relays:
            relay.wait_until_ready()
        locust = stack.enter_context(LocustProcess(plan, arm.clients, urls, janitor))
        window = locust.window()
        services = [each.pid for each in instances]
        beside = [*locust.pids, *(relay.pid for relay in relays)]
        surveillance = watch_window(window, services, beside)
        generators = len(locust.pids)
        result = locust.result()
        for instance in instances:
            instance.stop()
        relayed = None
        if relays:
            wait_until_delivered(address)
            for relay in relays:
                relay.stop()
            lines.seek(0)
            relayed = read_relayed(address, since, lines)
    if len(result.workers) != plan.workers:
        raise CannotRun(
            f"{len(result.workers)} of {plan.workers} processes of Locust told what they have "
            "counted: run the suite again"
        )
    measurement = from_workers(result.workers, surveillance)
    attempted = sum(measurement.outcomes.values())
    times = (
        None
        if result.median is None
        else http_times(
            result.median,
            (surveillance.helpers_cpu_s or ())[:generators],
            attempted,
            window.seconds,
        )
    )
    return LoadedService(window, measurement, times, relayed)


def http_times(
    median: MedianRequest,
    generators_cpu_s: Sequence[float],
    attempted: int,
    seconds: float,
) -> HttpTimes:
    """Tell what a typical request was made of.

    Args:
        median: as clients and the service have told.
        generators_cpu_s: what each process of the load generator used; none where nobody can tell.
        attempted: operations that they sent in that time.
        seconds: how long that was.
    """
    client_us = sum(generators_cpu_s) * 1e6 / attempted if attempted else 0.0
    # A user's own processor time may be in another user's wait, and then the whole is less.
    client_us = min(client_us, median.outside)
    return HttpTimes(
        samples=median.samples,
        total_us=median.total,
        client_us=client_us,
        wire_us=median.outside - client_us,
        service_us=median.service,
        pool_wait_us=median.pool_wait,
        transaction_us=median.transaction,
        busiest_generator_share=max(generators_cpu_s) / seconds if generators_cpu_s else None,
    )

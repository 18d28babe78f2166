"""The load as Locust runs it: in one process, or as a master with workers on one machine or many.

The master says when the window is, once all users are there; each worker counts by itself and
tells the master all its counts when it is done, so that they merge without loss.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from time import monotonic_ns
from typing import TYPE_CHECKING, Any, Final, cast, get_args

import gevent
from gevent.event import Event
from locust import runners
from locust.exception import StopUser
from locust.runners import MasterRunner, WorkerRunner

from outboxbench.harness.http.load_plan import LoadPlan, Shape, share_of_load
from outboxbench.harness.http.load_session import LoadSession
from outboxbench.harness.load.arrivals import ArrivalProcess
from outboxbench.harness.load.command_mix import CommandMix
from outboxbench.harness.load.job import Window

if TYPE_CHECKING:
    from locust.argument_parser import LocustArgumentParser
    from locust.env import Environment
    from locust.event import Events

    from outboxbench.harness.http.load_session import Ask

BEGIN: Final = "outboxbench.begin"
RESULT: Final = "outboxbench.result"

_LEAD_S: Final = 0.1
"""Between saying when the window begins and its beginning: the message has to cross the wire."""

_SILENT_S: Final = 30
"""For which a worker may say nothing: users that ask without a pause, on a machine that is full."""

_FOR_EVER_S: Final = 7 * 24 * 3600.0


class LoadRun:
    """What one process of Locust does for a load."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._begun = Event()
        self._session: LoadSession | None = None
        self._window: Window | None = None
        self._users = 0
        self._is_told = False
        self._results: list[dict[str, Any]] = []
        runner = environment.runner
        if isinstance(runner, MasterRunner):
            # Locust takes a worker for lost that says nothing for three seconds, and ends the load.
            runners.HEARTBEAT_LIVENESS = _SILENT_S
            runner.register_message(RESULT, self._on_result)
        elif isinstance(runner, WorkerRunner):
            runner.register_message(BEGIN, self._on_begin)
        environment.events.spawning_complete.add_listener(self._on_spawned)
        environment.events.test_stop.add_listener(self._on_stop)

    def run_user(self, ask: Ask) -> None:
        """Run the operations that fall to a user, until there are no more.

        Raises:
            StopUser: there are none.
        """
        self._begun.wait()
        session = self._session
        assert session is not None
        self._users += 1
        try:
            mix = session.new_mix()
            while session.run_next(mix, ask):
                pass
        finally:
            self._users -= 1
            if self._is_over:
                self._tell_if_idle()
        raise StopUser

    def share_of_users(self) -> float:
        """Return the share of the users that there is to be now."""
        window, options = self._window, self._environment.parsed_options
        assert options is not None
        if window is None or options.rate:
            return 1.0 if options.rate else share_of_load(options.shape, 0.0)
        elapsed_ns = monotonic_ns() - window.begins_ns
        return share_of_load(options.shape, elapsed_ns / (window.closes_ns - window.begins_ns))

    @property
    def _is_over(self) -> bool:
        return self._window is not None and monotonic_ns() >= self._window.closes_ns

    def _on_spawned(self, user_count: int, **_: object) -> None:  # noqa: ARG002
        runner = self._environment.runner
        if self._window is not None or isinstance(runner, WorkerRunner):
            return
        plan = _plan(self._environment)
        if isinstance(runner, MasterRunner):
            clients = list(runner.clients)
            fields = {**plan.to_fields(), "workers": len(clients)}
            for number, client in enumerate(clients):
                runner.send_message(BEGIN, {"worker": number, "plan": fields}, client)
            self._window = _window(plan)
        else:
            self._begin(plan, 0)
        assert self._window is not None
        # For whoever has started this, and watches the machine meanwhile.
        sys.stdout.write(json.dumps({"window": [*_moments(self._window)]}) + "\n")
        sys.stdout.flush()

    def _on_begin(self, environment: Environment, msg: Any) -> None:  # noqa: ARG002
        self._begin(LoadPlan(**msg.data["plan"]), msg.data["worker"])

    def _begin(self, plan: LoadPlan, worker: int) -> None:
        self._window = _window(plan)
        self._session = LoadSession(plan, self._window, worker)
        self._begun.set()
        # Where there are fewer users than workers, one of these has nobody to wait for.
        remaining_s = (self._window.closes_ns - monotonic_ns()) / 1e9
        gevent.spawn_later(remaining_s + _LEAD_S, self._tell_if_idle)

    def _on_stop(self, **_: object) -> None:
        if isinstance(self._environment.runner, MasterRunner):
            return
        self._tell()

    def _tell_if_idle(self) -> None:
        if self._users == 0:
            self._tell()

    def _tell(self) -> None:
        """Tell the master, or take note, of what was counted; once."""
        session = self._session
        if session is None or self._is_told:
            return
        self._is_told = True
        runner = self._environment.runner
        if isinstance(runner, WorkerRunner):
            runner.send_message(RESULT, session.result())
        else:
            self._results.append(session.result())
            self._write()

    def _on_result(self, environment: Environment, msg: Any) -> None:  # noqa: ARG002
        self._results.append(msg.data)
        runner = self._environment.runner
        assert isinstance(runner, MasterRunner)
        # Workers that are lost on the way are not waited for.
        if len(self._results) >= min(len(runner.clients), self._expected):
            self._write()

    @property
    def _expected(self) -> int:
        options = self._environment.parsed_options
        return max(1, options.expect_workers if options is not None else 1)

    def _write(self) -> None:
        options, runner = self._environment.parsed_options, self._environment.runner
        assert options is not None
        assert runner is not None
        if options.results:
            Path(options.results).write_text(json.dumps(self._results), encoding="utf-8")
        if options.headless:
            gevent.spawn(runner.quit)


def add_options(parser: LocustArgumentParser) -> None:
    """Add what a load can be told on Locust's command line, in its environment and its page."""
    group = parser.add_argument_group("outboxbench")
    group.add_argument(
        "--mix",
        choices=list(CommandMix.SHARES),
        default="charge",
        env_var="LOCUST_MIX",
        help="what is asked for",
    )
    group.add_argument(
        "--rate",
        type=float,
        default=0.0,
        env_var="LOCUST_RATE",
        help="operations per second over all workers, whether or not answers come; "
        "0: each user asks again as soon as it has its answer",
    )
    group.add_argument(
        "--shape",
        choices=list(get_args(Shape)),
        default="constant",
        env_var="LOCUST_SHAPE",
        help="how the rate, or the number of users, goes over the time of the window",
    )
    group.add_argument(
        "--arrivals",
        choices=list(get_args(ArrivalProcess)),
        default="poisson",
        env_var="LOCUST_ARRIVALS",
        help="how operations come at a rate",
    )
    group.add_argument(
        "--max-wait",
        type=float,
        default=1.0,
        env_var="LOCUST_MAX_WAIT",
        help="seconds after which an operation is skipped for which no user was free",
    )
    group.add_argument(
        "--warm-up",
        type=float,
        default=2.0,
        env_var="LOCUST_WARM_UP",
        help="seconds before the window",
    )
    group.add_argument(
        "--window",
        type=float,
        default=0.0,
        env_var="LOCUST_WINDOW",
        help="seconds that are measured; 0: until the run is stopped",
    )
    group.add_argument(
        "--accounts",
        type=int,
        default=10_000,
        env_var="LOCUST_ACCOUNTS",
        help="accounts that the database was filled with",
    )
    group.add_argument(
        "--orders",
        type=int,
        default=1_000,
        env_var="LOCUST_ORDERS",
        help="orders that the database was filled with",
    )
    group.add_argument(
        "--load-seed",
        default="1",
        env_var="LOCUST_LOAD_SEED",
        help="determines what is asked for, and when",
    )
    group.add_argument(
        "--journals",
        default="",
        env_var="LOCUST_JOURNALS",
        help="a folder in which every attempt is put on record, for a judge on this machine",
    )
    group.add_argument(
        "--results",
        default="",
        env_var="LOCUST_RESULTS",
        help="where all counts are written, as JSON",
    )


_runs: dict[int, LoadRun] = {}


def run_of(environment: Environment) -> LoadRun:
    """Return what this process does for the load of an environment."""
    return _runs[id(environment)]


def register(events: Events) -> None:
    """Have Locust take part in our loads."""

    @events.init_command_line_parser.add_listener
    def _(parser: LocustArgumentParser, **_: object) -> None:
        add_options(parser)

    @events.init.add_listener
    def _(environment: Environment, **_: object) -> None:
        _runs[id(environment)] = LoadRun(environment)


def _plan(environment: Environment) -> LoadPlan:
    options = cast("Any", environment.parsed_options)
    return LoadPlan(
        mix=options.mix,
        accounts=options.accounts,
        orders=options.orders,
        seed=options.load_seed,
        warm_up_s=options.warm_up,
        window_s=options.window or _FOR_EVER_S,
        shape=options.shape,
        rate_per_s=options.rate or None,
        arrivals=options.arrivals,
        max_wait_s=options.max_wait,
        journals=options.journals or None,
    )


def _window(plan: LoadPlan) -> Window:
    """Return the window of a plan that begins in a moment, on the clock of this machine."""
    begins_ns = monotonic_ns() + round(_LEAD_S * 1e9)
    opens_ns = begins_ns + round(plan.warm_up_s * 1e9)
    return Window.of(begins_ns, opens_ns, opens_ns + round(plan.window_s * 1e9))


def _moments(window: Window) -> tuple[int, int, int, int]:
    return (window.begins_ns, window.opens_ns, window.closes_ns, window.interval_ns)

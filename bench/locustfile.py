"""Loads a service with the mixes of the suites.

    locust -f bench/locustfile.py --host http://127.0.0.1:8080 --users 16 --mix charge --processes 2

Operations that are never answered count as indeterminate. With --rate they come as they are due and
their latencies run from then; Locust's own statistics begin when a request is sent.
"""

from __future__ import annotations

import os
from itertools import count
from typing import TYPE_CHECKING

from locust import FastHttpUser, LoadTestShape, constant, events, task

from outboxbench.harness.http.load_session import Reply
from outboxbench.harness.http.locust_run import register, run_of

if TYPE_CHECKING:
    from uuid import UUID

    from locust.env import Environment

    from outboxbench.harness.http.asking import HttpRequest

register(events)

_TOKEN = os.environ.get("OUTBOXBENCH_TOKEN")
_NUMBERS = count()


class Client(FastHttpUser):
    """Asks for one operation after the other, as it is told."""

    wait_time = constant(0)
    connection_timeout = 5.0
    network_timeout = 15.0

    def __init__(self, environment: Environment) -> None:
        # Several instances, separated by commas, are taken in turns.
        hosts = (environment.host or "").split(",")
        self.host = hosts[next(_NUMBERS) % len(hosts)]
        super().__init__(environment)

    @task
    def operate(self) -> None:
        """Run the operations that fall to this user."""
        run_of(self.environment).run_user(self._ask)

    def _ask(self, request: HttpRequest, op_id: UUID) -> Reply:
        headers = {"Content-Type": "application/json", "Idempotency-Key": str(op_id)}
        if _TOKEN:
            headers["Authorization"] = f"Bearer {_TOKEN}"
        answer = self.client.request(
            request.method,
            request.path,
            name=request.name,
            data=request.body.decode(),
            headers=headers,
        )
        if not answer.status_code:
            return Reply(0, error=getattr(answer, "error", None))
        timing = "" if answer.headers is None else str(answer.headers.get("Server-Timing", ""))
        return Reply(answer.status_code, answer.content or b"", timing)


class Shape(LoadTestShape):
    """As many users as Locust is told, or the share of them that --shape wants at the moment."""

    use_common_options = True

    def tick(self) -> tuple[int, float]:
        """Return how many users there are to be, and how many begin in a second."""
        assert self.runner is not None
        environment = self.runner.environment
        assert environment.parsed_options is not None
        users = environment.parsed_options.num_users or 1
        return max(1, round(users * run_of(environment).share_of_users())), users

"""The service as a process: how it is started, used, and asked to stop."""

from __future__ import annotations

import re
import signal
import socket
from typing import TYPE_CHECKING

import httpx
import pytest

from outboxbench.harness.postgres.server import connect

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator

    from tests.e2e.conftest import World

    from outboxbench.core.strategies.settings import DatabaseAddress

PATIENCE_S = 60.0


@pytest.fixture
def dsn(world: World, database: DatabaseAddress, dsn_of: Callable[[DatabaseAddress], str]) -> str:
    """The database of the test, in the environment of whatever is called."""
    dsn = dsn_of(database)
    world.environment["OUTBOXBENCH_DSN"] = dsn
    return dsn


class Started:
    """A service that was started, and says where it is."""

    def __init__(self, world: World, *options: str) -> None:
        self.process: subprocess.Popen[str] = world.start("serve", "--port", "0", *options)
        self.said: list[str] = []

    @property
    def url(self) -> str:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.said.append(line)
            if found := re.search(r"serves at (http://\S+);", line):
                return found[1]
        raise AssertionError("".join(self.said))

    def end(self, number: int = signal.SIGTERM) -> tuple[int, str]:
        """Ask it to stop; return its exit code and what it has said until then."""
        self.process.send_signal(number)
        _, errors = self.process.communicate(timeout=PATIENCE_S)
        return self.process.returncode, "".join(self.said) + errors


@pytest.fixture
def start(world: World, dsn: str) -> Iterator[Callable[..., Started]]:  # noqa: ARG001
    """Starts a service, which does not outlive the test."""
    all_started: list[Started] = []

    def start(*options: str) -> Started:
        all_started.append(Started(world, *options))
        return all_started[-1]

    yield start
    for each in all_started:
        each.process.kill()
        each.process.communicate()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_makes_its_tables_serves_and_ends_when_asked_to(
    number: int, start: Callable[..., Started]
) -> None:
    service = start("--strategy", "psycopg")
    with httpx.Client(base_url=service.url) as client:
        opened = client.post("/accounts")
        assert opened.status_code == 201
        assert client.get(opened.headers["Location"]).json()["balance_cents"] == 0
        assert client.get("/health/ready").status_code == 200

        code, said = service.end(number)

    assert code == 0
    assert said.endswith("outboxbench serve: all requests are answered\n")
    assert "Traceback" not in said


def test_answers_that_nobody_waits_for_any_more_are_no_mistake(
    start: Callable[..., Started],
) -> None:
    service = start()
    address = httpx.URL(service.url)
    request = b"POST /accounts HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}"
    for _ in range(20):
        with socket.create_connection((address.host, address.port)) as client:
            # The server is told of the end of the connection while it answers the first.
            client.sendall(request + request)

    _, said = service.end()

    assert len(said.strip().splitlines()) == 2, said


def test_an_order_is_charged_for_and_confirmed_by_the_relay_in_the_process(
    start: Callable[..., Started], wait_for: Callable[[Callable[[], bool]], bool]
) -> None:
    service = start("--relay", "task")
    line = {"line_no": 1, "sku": "tea", "quantity": 2, "unit_price_cents": 350}
    with httpx.Client(base_url=service.url) as client:
        account = client.post("/accounts").headers["Location"]
        client.post(f"{account}/deposits", json={"amount_cents": 1_000})
        order = {"account_id": account.rpartition("/")[2], "lines": [line]}
        placed = client.post("/orders", json=order).headers["Location"]

        assert wait_for(lambda: bool(client.get(placed).json()["status"] == "confirmed"))
        assert client.get(account).json()["balance_cents"] == 300

    code, said = service.end()
    assert code == 0
    assert re.search(r"serve: \d+ delivered, 0 refused, 0 of them dead", said)


def test_two_services_may_begin_on_one_empty_database(start: Callable[..., Started]) -> None:
    services = [start(), start("--strategy", "orm-asyncpg")]
    opened = [httpx.post(f"{each.url}/accounts").headers["Location"] for each in services]

    assert len(set(opened)) == 2
    assert [each.end()[0] for each in services] == [0, 0]


def test_the_token_comes_from_the_environment(world: World, start: Callable[..., Started]) -> None:
    world.environment["OUTBOXBENCH_TOKEN"] = "open-sesame"
    service = start()
    url = service.url

    assert httpx.post(f"{url}/accounts").status_code == 401
    shown = {"Authorization": "Bearer open-sesame"}
    assert httpx.post(f"{url}/accounts", headers=shown).status_code == 201
    assert "open-sesame" not in service.end()[1]


def test_what_is_asked_wrongly_is_answered_in_a_sentence(
    world: World,
    database: DatabaseAddress,
    dsn_of: Callable[[DatabaseAddress], str],
    dsn: str,  # noqa: ARG001
) -> None:
    foreign = dsn_of(database.with_database("postgres"))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        for options, code, answer in (
            (("--dsn", foreign), 2, "the database postgres is left alone: name one whose name"),
            (("--strategy", "memory"), 2, "the strategy memory needs no server"),
            (("--strategy", "asyncpq"), 2, "there is no strategy 'asyncpq'; registered are"),
            (
                ("--relay", "beside"),
                2,
                "there is no place for a relay 'beside': take process, task, none",
            ),
            (("--plan", "magic"), 2, "there is no relay plan 'magic': take lease"),
            (("--relay", "task", "--broker", "rabbit"), 2, "there is no broker 'rabbit': write"),
            (("--host", "0.0.0.0"), 2, "set OUTBOXBENCH_TOKEN, or listen on 127.0.0.1"),  # noqa: S104
            (("--port", port), 3, f"cannot listen on 127.0.0.1:{port} (Address already in use)"),
            (("--pool-size", "0"), 2, "--pool-size"),
            (("--deadline", "0"), 2, "--deadline"),
        ):
            arguments = options if "--port" in options else ("--port", "0", *options)
            result = world.call("serve", *arguments)
            assert result.returncode == code, result.stderr
            assert answer in result.stderr
            assert "Traceback" not in result.stderr
            assert result.stderr.count("\n") == 1, result.stderr


def test_no_password_of_the_database_is_told(
    world: World, dsn: str, database: DatabaseAddress, start: Callable[..., Started]
) -> None:
    service = start()
    url = service.url
    with connect(database) as connection:
        connection.execute("DROP TABLE outbox CASCADE")
    broken = httpx.post(f"{url}/accounts")
    _, said = service.end()

    assert broken.status_code == 500
    assert "relation" not in broken.text
    assert "POST /accounts" in said
    assert database.password not in said + broken.text
    assert dsn not in said
    assert world.environment["OUTBOXBENCH_DSN"] == dsn

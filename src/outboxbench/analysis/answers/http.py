"""What HTTP adds to an operation, in CPU and in what clients see."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from outboxbench.analysis.answers.answer import Answer
from outboxbench.analysis.answers.measured import distrusted, rounds_of
from outboxbench.analysis.answers.words import counted, figure, listed
from outboxbench.analysis.http_cost import http_costs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from outboxbench.analysis.http_cost import Difference, HttpCost
    from outboxbench.results.model import Run

HTTP: Final = "What does HTTP add?"


def over_http(run: Run) -> Iterator[Answer]:
    """Say what a request to the service costs beyond the same operation in process."""
    out = distrusted(run)
    costs = [
        each
        for each in http_costs(run)
        if each.service.strategy not in out and each.cpu_us and each.p50_us
    ]
    if not costs:
        return
    # Of services that differ in their number of instances the smallest is the plainest answer.
    fewest = min(_instances(each) for each in costs)
    costs = [each for each in costs if _instances(each) == fewest]
    first = costs[0]
    told = [
        f"{_added(each.cpu_us)} µs CPU and {_added(each.p50_us)} µs to the median with "
        f"{each.service.strategy}"
        for each in costs
        if each.cpu_us
        if each.p50_us
    ]
    clients = first.service.settings.get("clients")
    load = counted(clients, "client") if isinstance(clients, int) else "clients"
    arms = [arm for each in costs for arm in (each.service, each.in_process)]
    yield Answer(
        HTTP,
        f"{listed(told)}.",
        f"{first.service.workload}, {first.service.profile}, {load}, "
        f"{counted(fewest, 'instance')} on the same machine; "
        f"{rounds_of(arms)}; means of differences within a round [95% interval]",
    )


def _instances(cost: HttpCost) -> int:
    instances = cost.service.settings["instances"]
    assert isinstance(instances, int)
    return instances


def _added(difference: Difference) -> str:
    low, high = figure(round(difference.low)), figure(round(difference.high))
    return f"{figure(round(difference.mean))} [{low}, {high}]"

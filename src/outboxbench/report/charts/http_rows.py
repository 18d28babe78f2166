"""The rows of the chart of requests: each strategy in process, and over HTTP with its parts."""

from __future__ import annotations

from statistics import mean, median
from typing import TYPE_CHECKING, NamedTuple

from outboxbench.analysis.comparable import comparable_arms, is_over_http, settings_text
from outboxbench.analysis.http_cost import http_costs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from outboxbench.results.block import HttpTimes
    from outboxbench.results.model import Arm, Run

_PARTS = ("transaction_us", "pool_wait_us", "service_us", "wire_us", "client_us")


class HttpRow(NamedTuple):
    """An arm; `parts` is empty in process, where only the whole is known."""

    arm: Arm
    name: str
    place: str
    total_us: float
    parts: Mapping[str, float]
    cpu_us: float | None


class HttpPanel(NamedTuple):
    """Services under one load, each below its twin in process if there is one."""

    title: str
    settings_text: str
    rows: list[HttpRow]


def http_panels(run: Run) -> list[HttpPanel]:
    """Return a panel for each load of services, the strategy with the shortest requests on top."""
    twins = {cost.service.name: cost.in_process for cost in http_costs(run)}
    panels = []
    for arms in comparable_arms(run):
        if not is_over_http(arms.settings):
            continue
        rows = []
        for arm in sorted(arms.strategies, key=lambda each: _total_us(each) or 0):
            twin = twins.get(arm.name)
            if twin is not None and (row := _row(twin, arms.label(twin), "direct")):
                rows.append(row)
            if row := _row(arm, arms.label(arm), "HTTP"):
                rows.append(row)
        if rows:
            panels.append(HttpPanel(arms.title, settings_text(arms.settings), rows))
    return panels


def _row(arm: Arm, name: str, place: str) -> HttpRow | None:
    total_us = _total_us(arm)
    if total_us is None or arm.summary is None:
        return None
    times = _times(arm)
    parts = {part: mean(getattr(each, part) for each in times) for part in _PARTS if times}
    return HttpRow(arm, name, place, total_us, parts, arm.summary.client_cpu_us_per_op)


def _total_us(arm: Arm) -> float | None:
    times = _times(arm)
    if times:
        return mean(each.total_us for each in times)
    medians = [block.latency_us.p50 for block in arm.blocks if block.latency_us.p50 is not None]
    return median(medians) if medians else None


def _times(arm: Arm) -> list[HttpTimes]:
    return [block.http for block in arm.blocks if block.http is not None]

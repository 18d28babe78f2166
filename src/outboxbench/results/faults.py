"""What a strategy went through in a run, and what its history says of it."""

from __future__ import annotations

from pydantic import Field, JsonValue

from outboxbench.results.availability import BlockAvailability
from outboxbench.results.block import Check
from outboxbench.results.document import Document, Loop, Profile, Verdict, WritePlan


class FaultArm(Document):
    """One strategy under one fault, injected again and again."""

    name: str
    fault: str
    strategy: str
    write_plan: WritePlan
    driver: str
    loop: Loop
    profile: Profile
    retries: str
    workload: str
    settings: dict[str, JsonValue]
    history: str = Field(description="its path in the run folder")
    history_sha256: str = Field(description="of that file")
    checks: tuple[Check, ...]
    verdict: Verdict
    availability: BlockAvailability

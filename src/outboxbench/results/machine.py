"""The machine, the software and the server that took part in a measurement, and how it was set up.

Units stand in the names. A value that could not be read is null, never 0.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from outboxbench.results.document import (
    Document,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
)


class Environment(Document):
    """The machine and the software that took part."""

    cpu_model: str | None
    cores: Annotated[int, Field(ge=1)]
    cpu_governor: str | None = None
    cpu_mhz: NonNegativeFloat | None = None
    memory_bytes: NonNegativeInt
    cpu_limit_cores: PositiveFloat | None = Field(
        default=None, description="what a container or control group allows; null without a limit"
    )
    memory_limit_bytes: NonNegativeInt | None = Field(
        default=None, description="what a container or control group allows; null without a limit"
    )
    kernel: str
    python: str
    implementation: str
    packages: dict[str, str]
    revision: str | None = Field(
        default=None,
        description="commit of the checkout that outboxbench ran from, with a + where files "
        "differed from it; null where it was installed",
    )
    libpq: str | None
    psycopg_implementation: str | None
    data_filesystem: str | None = Field(
        description="type of the file system under the server's data"
    )
    data_device: str | None = Field(
        default=None, description="the device under the server's data, and its model where known"
    )
    fsync_us: PositiveFloat | None = Field(
        default=None,
        description="what one sync of 8 kB takes where the server's data lies, by pg_test_fsync "
        "with the server's wal_sync_method",
    )


class Server(Document):
    """The PostgreSQL server that was measured against."""

    version: str
    origin: Literal["embedded", "pg-bin", "dsn"]
    settings: dict[str, str] = Field(description="every setting that is not the default")


class Pinning(Document):
    """Which cores the two sides of a measurement were kept on; null where a side was left free."""

    server_cores: tuple[NonNegativeInt, ...] | None = None
    client_cores: tuple[NonNegativeInt, ...] | None = None


class NetworkDelay(Document):
    """A delay that the wire proxy was asked for, and the one that was measured through it."""

    rtt_ms: NonNegativeFloat = Field(description="what a round trip was to take longer")
    samples: NonNegativeInt
    added_p50_us: float = Field(
        description="median round trip through the delay, less that through the proxy without one"
    )
    added_p99_us: float = Field(
        description="99th percentile through the delay, less the median through the proxy without"
    )

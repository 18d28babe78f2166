"""psycopg 3, asynchronous, under each write plan that it can carry."""

from functools import partial

from outboxbench.core.strategies.psycopg.group import open_group
from outboxbench.core.strategies.psycopg.persistence import open_persistence
from outboxbench.core.strategies.psycopg.pipeline import PsycopgPipelineUnitOfWork
from outboxbench.core.strategies.psycopg.single import PsycopgSingleUnitOfWork
from outboxbench.core.strategies.psycopg.unit_of_work import PsycopgUnitOfWork
from outboxbench.core.strategies.registry import Strategy

PSYCOPG = Strategy(
    name="psycopg",
    library="psycopg",
    driver="psycopg",
    write_plan="statements",
    open=partial(open_persistence, PsycopgUnitOfWork),
)
PSYCOPG_SINGLE = Strategy(
    name="psycopg-single",
    library="psycopg",
    driver="psycopg",
    write_plan="single",
    open=partial(open_persistence, PsycopgSingleUnitOfWork, autocommit=True),
)
PSYCOPG_PIPELINE = Strategy(
    name="psycopg-pipeline",
    library="psycopg",
    driver="psycopg",
    write_plan="pipeline",
    open=partial(open_persistence, PsycopgPipelineUnitOfWork, autocommit=True),
)
PSYCOPG_GROUP = Strategy(
    name="psycopg-group",
    library="psycopg",
    driver="psycopg",
    write_plan="group",
    open=open_group,
)

"""One transaction (BEGIN, SELECT, UPDATE with version, two outbox INSERTs, COMMIT) as the users of
each library write it. Every function yields that transaction over a pool of one connection.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import asyncpg
from psycopg import AsyncConnection, conninfo
from psycopg_pool import AsyncConnectionPool
from sqlalchemy import URL, Column, Integer, MetaData, Table, Text, bindparam, insert, select
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from outboxbench.core.strategies.settings import DatabaseAddress

    Transaction: TypeAlias = Callable[[], Awaitable[None]]

Driver: TypeAlias = Literal["asyncpg", "psycopg"]

SCHEMA = """
    CREATE TABLE item (id int PRIMARY KEY, version int NOT NULL);
    CREATE TABLE box (id serial PRIMARY KEY, item_id int NOT NULL, topic text NOT NULL);
    INSERT INTO item VALUES (1, 1);
"""
TOPICS = ("placed", "charged")


class Conflict(Exception):
    """The versioned update hit nothing."""


@asynccontextmanager
async def over_asyncpg(
    address: DatabaseAddress, *, executemany: bool = False, **options: Any
) -> AsyncIterator[Transaction]:
    async with asyncpg.create_pool(
        host=address.host,
        port=address.port,
        user=address.user,
        password=address.password,
        database=address.database,
        ssl="disable",
        min_size=1,
        max_size=1,
        **options,
    ) as pool:

        async def transaction() -> None:
            async with pool.acquire() as connection, connection.transaction():
                version = await connection.fetchval("SELECT version FROM item WHERE id = $1", 1)
                update = "UPDATE item SET version = version + 1 WHERE id = $1 AND version = $2"
                if await connection.execute(update, 1, version) != "UPDATE 1":
                    raise Conflict
                message = "INSERT INTO box (item_id, topic) VALUES ($1, $2)"
                if executemany:
                    await connection.executemany(message, [(1, topic) for topic in TOPICS])
                else:
                    for topic in TOPICS:
                        await connection.execute(message, 1, topic)

        yield transaction


@asynccontextmanager
async def over_psycopg(
    address: DatabaseAddress,
    *,
    executemany: bool = False,
    pipeline: bool = False,
    autocommit: bool = False,
    **options: Any,
) -> AsyncIterator[Transaction]:
    async with AsyncConnectionPool[AsyncConnection[Any]](
        conninfo.make_conninfo(
            host=address.host,
            port=address.port,
            user=address.user,
            password=address.password,
            dbname=address.database,
            sslmode="disable",
        ),
        kwargs={"autocommit": autocommit},
        min_size=1,
        max_size=1,
        **options,
    ) as pool:

        async def work(connection: AsyncConnection[Any]) -> None:
            select = "SELECT version FROM item WHERE id = %s"
            (version,) = await (await connection.execute(select, [1])).fetchone() or (None,)
            update = "UPDATE item SET version = version + 1 WHERE id = %s AND version = %s"
            updated = await connection.execute(update, [1, version])
            # A pipeline has no answer yet.
            if not pipeline and updated.rowcount != 1:
                raise Conflict
            message = "INSERT INTO box (item_id, topic) VALUES (%s, %s)"
            if executemany:
                await connection.cursor().executemany(message, [(1, topic) for topic in TOPICS])
            else:
                for topic in TOPICS:
                    await connection.execute(message, [1, topic])

        async def transaction() -> None:
            async with pool.connection() as connection:
                if pipeline:
                    async with connection.pipeline():
                        await work(connection)
                        await connection.commit()
                elif autocommit:
                    async with connection.transaction():
                        await work(connection)
                else:
                    await work(connection)

        yield transaction


_metadata = MetaData()
_item = Table(
    "item", _metadata, Column("id", Integer, primary_key=True), Column("version", Integer)
)
_box = Table(
    "box",
    _metadata,
    Column("id", Integer, primary_key=True),
    Column("item_id", Integer),
    Column("topic", Text),
)
_UPDATE = (
    _item.update()
    .where(_item.c.id == bindparam("of"), _item.c.version == bindparam("read"))
    .values(version=_item.c.version + 1)
)
# An implicit RETURNING would keep executemany from sending its rows in one go.
_INSERT = insert(_box).inline()


@asynccontextmanager
async def over_core(
    driver: Driver, address: DatabaseAddress, *, as_list: bool = False, **options: Any
) -> AsyncIterator[Transaction]:
    engine = create_async_engine(_url(driver, address), pool_size=1, max_overflow=0, **options)

    async def transaction() -> None:
        async with engine.begin() as connection:
            version = await connection.scalar(select(_item.c.version).where(_item.c.id == 1))
            updated = await connection.execute(_UPDATE, {"of": 1, "read": version})
            if updated.rowcount != 1:
                raise Conflict
            rows = [{"item_id": 1, "topic": topic} for topic in TOPICS]
            for part in [rows] if as_list else [[row] for row in rows]:
                await connection.execute(_INSERT, part if as_list else part[0])

    try:
        yield transaction
    finally:
        await engine.dispose()


class _Row(DeclarativeBase):
    pass


class _Item(_Row):
    __tablename__ = "item"

    id: Mapped[int] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column()

    __mapper_args__ = {"version_id_col": version}


class _Box(_Row):
    __tablename__ = "box"

    id: Mapped[int] = mapped_column(primary_key=True)
    item_id: Mapped[int]
    topic: Mapped[str]


@asynccontextmanager
async def over_orm(
    driver: Driver, address: DatabaseAddress, **options: Any
) -> AsyncIterator[Transaction]:
    engine = create_async_engine(_url(driver, address), pool_size=1, max_overflow=0, **options)

    async def transaction() -> None:
        async with AsyncSession(engine) as session, session.begin():
            item = await session.get_one(_Item, 1)
            item.version += 1
            session.add_all([_Box(item_id=item.id, topic=topic) for topic in TOPICS])

    try:
        yield transaction
    finally:
        await engine.dispose()


def _url(driver: Driver, address: DatabaseAddress) -> URL:
    return URL.create(
        f"postgresql+{driver}",
        username=address.user,
        password=address.password,
        host=address.host,
        port=address.port,
        database=address.database,
    )

"""An ORM whose version check compares a row with itself."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from outboxbench.core.domain.payments import Account
from outboxbench.core.strategies.registry import Strategy
from outboxbench.core.strategies.sqlalchemy_engine import open_engine
from outboxbench.core.strategies.sqlalchemy_orm.mapping import AccountRow
from outboxbench.core.strategies.sqlalchemy_orm.persistence import OrmPersistence
from outboxbench.core.strategies.sqlalchemy_orm.unit_of_work import OrmUnitOfWork

if TYPE_CHECKING:
    from outboxbench.core.application.outcome import Attempt
    from outboxbench.core.application.unit_of_work import Change
    from outboxbench.core.strategies.settings import StrategySettings


class ReadAgain(OrmUnitOfWork):
    """Reads an account anew before it writes, and takes the version from there.

    So `version_id_col` has nothing to object to a balance that follows from an older one.
    """

    async def _write(self, change: Change) -> None:
        account = change.aggregate
        if isinstance(account, Account) and not change.is_new:
            row = await self._session.get(AccountRow, account.id, populate_existing=True)
            if row is not None:
                account.version = row.version
                version = account.next_version
                numbered = [replace(message, version=version) for message in change.messages]
                change = replace(change, messages=numbered)
        await super()._write(change)


class ReadAgainPersistence(OrmPersistence):
    """The ORM's units of work, each of which reads again."""

    def unit_of_work(self, attempt: Attempt) -> ReadAgain:
        """Return a unit of work that reports its progress to `attempt`."""
        return ReadAgain(self._new_session, attempt, self._translate)


async def _open(settings: StrategySettings) -> ReadAgainPersistence:
    return ReadAgainPersistence(await open_engine("asyncpg", settings), "asyncpg", settings)


READ_AGAIN = Strategy("read-again", "sqlalchemy-orm", "asyncpg", "statements", _open)

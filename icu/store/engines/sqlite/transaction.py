"""Statements on the driver's own connection: five times as fast on many rows as through SQLAlchemy."""

from collections.abc import Hashable, Sequence
from functools import cache
from operator import itemgetter
from typing import Any, Final

import aiosqlite
import msgspec
from sqlalchemy import Table, TextClause
from sqlalchemy.dialects import sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from icu.store.engines.base import OverlapError, Values
from icu.store.readings import ABSENT, PATIENT, ReadingRow, to_values
from icu.store.tables.readings import COLUMNS
from icu.vitals.catalogue import SIGNS

# Placeholders of columns that are mostly NULL: see icu.store.readings.to_values.
_PLACEHOLDERS: Final = {
    **{each.name: f"nullif(?, {ABSENT})" for each in SIGNS if each.optional},
    "bp_measured_at": f"nullif(?, {ABSENT})",
    "quality": "nullif(?, '')",
}
INSERT_METRICS: Final = (
    f"INSERT INTO patient_metrics ({', '.join(COLUMNS)})"  # noqa: S608 - names of our own
    f" VALUES ({', '.join(_PLACEHOLDERS.get(each, '?') for each in COLUMNS)}) ON CONFLICT DO NOTHING"
)
# One parameter for all keys, as JSON: SQLite bounds the number of parameters.
_EXISTING: Final = (
    f"SELECT {', '.join(f'm.{name}' for name in COLUMNS)} FROM json_each(?) AS wanted JOIN patient_metrics AS m"  # noqa: S608 - names of our own
    " ON m.patient_id = json_extract(wanted.value, '$[0]') AND m.timestamp = json_extract(wanted.value, '$[1]')"
)
_patient: Final = itemgetter(PATIENT)
_DIALECT: Final = sqlite.dialect(paramstyle="named")


class SqliteTransaction:
    """Transaction on a connection of aiosqlite."""

    def __init__(self, driver: aiosqlite.Connection) -> None:
        self.driver: Final = driver

    async def rows(self, statement: TextClause, values: Values | None = None) -> Sequence[Sequence[Any]]:
        return list(await self.driver.execute_fetchall(compiled(statement), values))

    async def lock(
        self,
        statement: TextClause,
        values: Values | None = None,
        *,
        change: str,  # noqa: ARG002 - the whole database is locked
        keep: str | None = None,  # noqa: ARG002 - likewise
    ) -> Sequence[Sequence[Any]]:
        return await self.rows(statement, values)

    async def execute(self, statement: TextClause, values: Sequence[Values]) -> int:
        return (await self.driver.executemany(compiled(statement), values)).rowcount

    async def insert(self, rows: Sequence[ReadingRow]) -> None:
        if not rows:
            return
        # Those of a patient beside each other, as in the table: each of its pages is then looked for once.
        values = sorted(to_values(rows), key=_patient)
        # No savepoint to go on in the same transaction: it would cost a tenth more, and overlaps are rare.
        if (await self.driver.executemany(INSERT_METRICS, values)).rowcount != len(values):
            raise OverlapError

    async def existing(self, keys: Sequence[tuple[int, int]]) -> Sequence[ReadingRow]:
        found: Any = await self.driver.execute_fetchall(_EXISTING, (msgspec.json.encode(keys).decode(),))
        return list(found)

    async def change_token(self) -> Hashable:
        # SQLite counts the commits of others for each connection, so its number says nothing on another one.
        [(version,)] = await self.driver.execute_fetchall("PRAGMA data_version")
        return self.driver, version

    async def generation(self) -> int:
        [(number,)] = await self.driver.execute_fetchall("PRAGMA user_version")
        return int(number)

    async def load(self, table: Table, rows: Sequence[Sequence[Any]]) -> None:
        names = ", ".join(f'"{each}"' for each in table.columns.keys())  # noqa: SIM118 - no mapping: it iterates columns
        places = ", ".join("?" * len(table.columns))
        await self.driver.executemany(f"INSERT INTO {table.name} ({names}) VALUES ({places})", rows)  # noqa: S608 - as above

    async def last_number(self, table: Table) -> int:
        [key] = table.primary_key.columns.keys()
        # Only tables whose numbers are never given again have a row there.
        [(last,)] = await self.driver.execute_fetchall(
            f"SELECT max(coalesce((SELECT max({key}) FROM {table.name}), 0),"  # noqa: S608 - as above
            " coalesce((SELECT seq FROM sqlite_sequence WHERE name = ?), 0))",
            (table.name,),
        )
        return int(last)

    async def number_behind(self, table: Table, last: int) -> None:
        # SQLite goes on behind the largest number by itself, but for the tables that remember it.
        if table.dialect_options["sqlite"]["autoincrement"]:
            await self.driver.execute_fetchall("DELETE FROM sqlite_sequence WHERE name = ?", (table.name,))
            await self.driver.execute_fetchall("INSERT INTO sqlite_sequence VALUES (?, ?)", (table.name, last))


async def transaction_on(connection: AsyncConnection) -> SqliteTransaction:
    """Wrap a connection in a Transaction. Outside of a transaction each statement commits by itself."""
    driver: Any = (await connection.get_raw_connection()).driver_connection
    return SqliteTransaction(driver)


# Cached: the statements are constants of the program.
@cache
def compiled(statement: TextClause) -> str:
    """The statement as the driver takes it."""
    return str(statement.compile(dialect=_DIALECT))

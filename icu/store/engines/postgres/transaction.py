"""Statements on psycopg's own connection, and COPY: no row goes through SQLAlchemy."""

from collections.abc import Hashable, Sequence
from operator import itemgetter
from typing import Any, Final

from psycopg import errors
from sqlalchemy import Table, TextClause

from icu.store.engines.base import OverlapError, Values
from icu.store.engines.postgres import loading
from icu.store.engines.postgres.connections import Driver, generation_of
from icu.store.engines.postgres.statements import compiled
from icu.store.readings import KEY, ReadingRow
from icu.store.tables.readings import COLUMNS
from icu.vitals.catalogue import SIGNS

# PostgreSQL's types of COLUMNS. The binary format is told them: it takes no number of another width.
_TYPES: Final = {
    "patient_id": "int4",
    "timestamp": "int8",
    "lag": "int8",
    **{each.name: "int4" for each in SIGNS},
    "bp_measured_at": "int8",
    "quality": "varchar",
}
_NAMES: Final = ", ".join(COLUMNS)
_COPY: Final = f"COPY patient_metrics ({_NAMES}) FROM STDIN (FORMAT BINARY)".encode()
_EXISTING: Final = (
    f"SELECT {', '.join(f'm.{name}' for name in COLUMNS)}"  # noqa: S608 - names of our own
    " FROM unnest(%s::int4[], %s::int8[]) AS wanted (patient_id, timestamp)"
    " JOIN patient_metrics AS m ON m.patient_id = wanted.patient_id AND m.timestamp = wanted.timestamp"
).encode()
# Numbers of commands and of the upkeep's transactions. The row of the upkeep is locked: its borders, which decide what
# is stored and marked as late, stand still until readings that were stored by them are committed.
_TOKEN: Final = b"SELECT count, commits FROM command_count, upkeep_state FOR SHARE OF upkeep_state"

_key: Final = itemgetter(KEY)


class PostgresTransaction:
    """Transaction on a connection of psycopg, which begins it by itself."""

    def __init__(self, driver: Driver) -> None:
        self._driver: Final = driver

    async def rows(self, statement: TextClause, values: Values | None = None) -> Sequence[Sequence[Any]]:
        cursor = await self._driver.execute(compiled(statement), values)
        return await cursor.fetchall() if cursor.description else ()

    async def lock(
        self, statement: TextClause, values: Values | None = None, *, change: str, keep: str | None = None
    ) -> Sequence[Sequence[Any]]:
        shared = b"" if keep is None else f" FOR SHARE OF {keep}".encode()
        locking = compiled(statement) + f" FOR UPDATE OF {change}".encode() + shared
        return await (await self._driver.execute(locking, values)).fetchall()

    async def execute(self, statement: TextClause, values: Sequence[Values]) -> int:
        if not values:
            return 0
        async with self._driver.cursor() as cursor:
            if len(values) == 1:
                await cursor.execute(compiled(statement), values[0])
            else:
                await cursor.executemany(compiled(statement), values)
            return cursor.rowcount

    async def insert(self, rows: Sequence[ReadingRow]) -> None:
        if not rows:
            return
        # In the order of the key: pages of the index are touched once, and two sinks wait for each other in one order.
        ordered = sorted(rows, key=_key)
        try:
            async with self._driver.cursor() as cursor, cursor.copy(_COPY) as copy:
                copy.set_types(list(map(_TYPES.__getitem__, COLUMNS)))
                for row in ordered:
                    await copy.write_row(row)
        except errors.UniqueViolation as exc:
            raise OverlapError from exc

    async def existing(self, keys: Sequence[tuple[int, int]]) -> Sequence[ReadingRow]:
        patients, times = [key[0] for key in keys], [key[1] for key in keys]
        return await (await self._driver.execute(_EXISTING, (patients, times))).fetchall()

    async def change_token(self) -> Hashable:
        return await (await self._driver.execute(_TOKEN)).fetchone()

    async def generation(self) -> int:
        return await generation_of(self._driver)

    async def load(self, table: Table, rows: Sequence[Sequence[Any]]) -> None:
        await loading.load(self._driver, table, rows)

    async def last_number(self, table: Table) -> int:
        return await loading.last_number(self._driver, table)

    async def number_behind(self, table: Table, last: int) -> None:
        await loading.number_behind(self._driver, table, last)

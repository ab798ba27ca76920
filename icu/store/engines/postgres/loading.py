"""Rows of any table by COPY, and the numbers that the database gives to rows."""

from collections.abc import Sequence
from typing import Any, Final

from psycopg import sql
from sqlalchemy import BigInteger, Boolean, Float, Integer, LargeBinary, String, Table
from sqlalchemy.types import TypeEngine

from icu.store.engines.postgres.connections import Driver

# The binary format is told the types of the server: BigInteger first, which is an Integer too.
_TYPES: Final[Sequence[tuple[type[TypeEngine[Any]], str]]] = (
    (BigInteger, "int8"),
    (Integer, "int4"),
    (Boolean, "bool"),
    (Float, "float8"),
    (LargeBinary, "bytea"),
    (String, "varchar"),
)
# The server has one for each column that it numbers.
_SEQUENCE: Final = "SELECT pg_get_serial_sequence(%s, %s)"


async def load(driver: Driver, table: Table, rows: Sequence[Sequence[Any]]) -> None:
    """Insert rows: see icu.store.engines.base.Transaction.load. Errors are the driver's."""
    names = sql.SQL(", ").join(map(sql.Identifier, table.columns.keys()))
    copy_in = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)").format(sql.Identifier(table.name), names)
    async with driver.cursor() as cursor, cursor.copy(copy_in) as copy:
        copy.set_types([_type_of(each.type) for each in table.columns])
        for row in rows:
            await copy.write_row(row)


async def last_number(driver: Driver, table: Table) -> int:
    """Return the last number that was given: see icu.store.engines.base.Transaction.last_number."""
    sequence = await _sequence(driver, table)
    statement = sql.SQL("SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM {}").format(sequence)
    [(last,)] = await (await driver.execute(statement)).fetchall()
    return int(last)


async def number_behind(driver: Driver, table: Table, last: int) -> None:
    """Go on behind a number: see icu.store.engines.base.Transaction.number_behind."""
    statement = sql.SQL("SELECT setval({}, {}, {})").format(
        sql.Literal((await _sequence(driver, table)).as_string()), max(last, 1), last > 0
    )
    await driver.execute(statement)


async def _sequence(driver: Driver, table: Table) -> sql.Identifier:
    [key] = table.primary_key.columns.keys()
    [(name,)] = await (await driver.execute(_SEQUENCE, (table.name, key))).fetchall()
    return sql.Identifier(*name.split("."))


def _type_of(column: TypeEngine[Any]) -> str:
    return next(name for kind, name in _TYPES if isinstance(column, kind))

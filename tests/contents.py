"""All that a database holds, and databases that hold something in each column."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, Float, Integer, LargeBinary, String, Table, text

from icu.store.copying.plan import NUMBERED, STATES
from icu.store.engines.base import Transaction
from icu.store.engines.table import engine_of
from icu.store.tables.metadata import METADATA
from tests.stores import rows

# Rows of each filled table.
ROWS = 3


def contents(url: str) -> dict[str, list[tuple[Any, ...]]]:
    """Return the rows of each table, in an order that is the same on all engines."""
    return {name: sorted(_rows(url, table), key=repr) for name, table in METADATA.tables.items()}


def _rows(url: str, table: Table) -> Sequence[tuple[Any, ...]]:
    names = ", ".join(f'"{each.name}"' for each in table.columns)
    found = rows(url, f"SELECT {names} FROM {table.name}")
    truths = [number for number, each in enumerate(table.columns) if isinstance(each.type, Boolean)]
    if not truths:
        return found
    return [tuple(bool(each) if number in truths else each for number, each in enumerate(row)) for row in found]


async def fill(url: str, without: Sequence[str] = ()) -> None:
    """Make a database with a few rows in each table, with a value of its own in each column.

    Args:
        url: A database that does not exist, or is empty.
        without: Tables to leave as they are.
    """

    async def work(transaction: Transaction) -> None:
        for table in METADATA.sorted_tables:
            if table.name in without:
                continue
            if table.name in STATES:
                await transaction.execute(text(f"DELETE FROM {table.name}"), [{}])
            count = 1 if table.name in STATES else ROWS
            await transaction.load(table, [_row(table, number) for number in range(1, count + 1)])
            if table.name in NUMBERED:
                await transaction.number_behind(table, count)

    engine = engine_of(url)
    try:
        await engine.upgrade()
        await engine.transact(work)
    finally:
        await engine.aclose()


def _row(table: Table, number: int) -> list[Any]:
    return [_value(column, number) for column in table.columns]


def _value(column: Column[Any], number: int) -> Any:
    """Make up a value: of columns that may be NULL, it is so in the last row."""
    if column.nullable and number == ROWS:
        return None
    if column.foreign_keys or (column.name == "id" and not isinstance(column.type, String)):
        return number
    if isinstance(column.type, Boolean):
        return number % 2 == 0
    if isinstance(column.type, BigInteger):
        return 2**50 + number
    if isinstance(column.type, Integer):
        return 2**31 - 1 - number
    if isinstance(column.type, Float):
        return number / 3
    if isinstance(column.type, LargeBinary):
        return bytes([0, 255, number])
    assert isinstance(column.type, String)
    return f"ä{column.name[:8]}-{number}"[: column.type.length]

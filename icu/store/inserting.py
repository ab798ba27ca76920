"""Rows of readings into their table: quickly where all are new, compared one by one where some were stored before."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, TypeAlias

import aiosqlite
import msgspec

from icu.messages import Delivery, Refusal
from icu.store.readings import ABSENT, Row, said, to_values
from icu.store.tables import COLUMNS
from icu.vitals.catalogue import SIGNS

_BOUND: Final = {
    **{each.name: f"nullif(?, {ABSENT})" for each in SIGNS if each.optional},
    "bp_measured_at": f"nullif(?, {ABSENT})",
    "quality": "nullif(?, '')",
}
INSERT_METRICS: Final = (
    f"INSERT INTO patient_metrics ({', '.join(COLUMNS)})"  # noqa: S608 - names of our own
    f" VALUES ({', '.join(_BOUND.get(each, '?') for each in COLUMNS)}) ON CONFLICT DO NOTHING"
)
_EXISTING: Final = (
    f"SELECT {', '.join(f'm.{each}' for each in COLUMNS)}"  # noqa: S608 - names of our own
    " FROM json_each(?) AS wanted JOIN patient_metrics AS m"
    " ON m.patient_id = json_extract(wanted.value, '$[0]') AND m.timestamp = json_extract(wanted.value, '$[1]')"
)

Insert: TypeAlias = Callable[
    [aiosqlite.Connection, Sequence[Row], Sequence[Delivery]], Awaitable[tuple[Sequence[Row], list[Refusal]]]
]
"""Stores rows; returns those that were new, and the conflicts."""


class OverlapError(Exception):
    """Some rows of the batch are stored already: the transaction is rolled back and tried again with care."""


async def insert_all(
    driver: aiosqlite.Connection,
    rows: Sequence[Row],
    deliveries: Sequence[Delivery],  # noqa: ARG001 - only conflicts need them
) -> tuple[Sequence[Row], list[Refusal]]:
    """Insert rows of which all are new, as they nearly always are. A savepoint would cost a tenth more."""
    if rows and (await driver.executemany(INSERT_METRICS, to_values(rows))).rowcount != len(rows):
        raise OverlapError
    return rows, []


async def insert_new(
    driver: aiosqlite.Connection, rows: Sequence[Row], deliveries: Sequence[Delivery]
) -> tuple[Sequence[Row], list[Refusal]]:
    """Insert the rows that are new; returns them, and the conflicts among the others."""
    fresh, conflicts = await _compare(driver, rows, deliveries)
    await driver.executemany(INSERT_METRICS, to_values(fresh))
    return fresh, conflicts


async def _compare(
    driver: aiosqlite.Connection, rows: Sequence[Row], deliveries: Sequence[Delivery]
) -> tuple[list[Row], list[Refusal]]:
    """Which rows are new, and which contradict what is stored. The rest say the same again."""
    wanted = msgspec.json.encode([row[:2] for row in rows])
    seen: dict[Any, Any] = {row[:2]: said(row) for row in await driver.execute_fetchall(_EXISTING, (wanted.decode(),))}
    fresh: list[Row] = []
    conflicts: list[Refusal] = []
    for row, delivery in zip(rows, deliveries, strict=True):
        key, says = row[:2], said(row)
        if key not in seen:
            seen[key] = says
            fresh.append(row)
        elif seen[key] != says:
            detail = "this patient has a reading of that time already, with other values"
            conflicts.append(Refusal(delivery, "conflict", detail))
    return fresh, conflicts

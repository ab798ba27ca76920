"""Last readings of patients, read back at a start: in the time that they need, not in that of the whole table."""

from collections.abc import Sequence
from typing import Any

import pytest

from icu.store.engines.sqlite.transaction import SqliteTransaction
from icu.store.writer import open_writer
from tests.stores import rows


async def test_only_the_last_readings_are_looked_at(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each patient's part of the table is sought by its times, whatever SQLite knows of the table's size."""
    original, plan = SqliteTransaction.rows, list[str]()

    async def explained(transaction: SqliteTransaction, statement: Any, values: Any = None) -> Sequence[Sequence[Any]]:
        if "patient_metrics" in str(statement):
            sql = f"EXPLAIN QUERY PLAN {statement}"
            plan.extend(text for *_, text in await transaction.driver.execute_fetchall(sql, values))
        return await original(transaction, statement, values)

    async with open_writer(url, topic="icu.test") as writer:
        monkeypatch.setattr(SqliteTransaction, "rows", explained)
        assert await writer.last_readings(0, 500, 1_000_000) == {}
    assert rows(url, "SELECT count(*) FROM sqlite_master WHERE name = 'sqlite_stat1'") == [(0,)]
    of_readings = [text for text in plan if " metric" in text or "patient_metrics" in text]
    assert len(of_readings) == 5
    for text in of_readings:
        assert "(patient_id=? AND timestamp>?" in text, plan

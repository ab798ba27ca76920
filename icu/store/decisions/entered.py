"""Inputs of NEWS2 that people entered: the newest hold, older ones are kept for trends."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text

from icu.store.engines.base import Connection, Transaction
from icu.vitals.news2.score import Entered

_SELECT: Final = 'SELECT oxygen, consciousness, scale, "by", at FROM news2_inputs JOIN patients ON id = patient_id'
_OF_PATIENT: Final = text(f"{_SELECT} WHERE uuid = :uuid ORDER BY at")
_NEWEST: Final = text(f"{_SELECT} WHERE uuid = :uuid ORDER BY at DESC LIMIT 1")
_ALL_NEWEST: Final = text(
    'SELECT patient_id, oxygen, consciousness, scale, "by", at FROM news2_inputs AS newest'
    " WHERE at = (SELECT max(at) FROM news2_inputs WHERE patient_id = newest.patient_id)"
)


async def entered(asked: Transaction | Connection, patient: UUID) -> list[Entered]:
    """Read everything that was entered for a patient, oldest first."""
    return [_entered(row) for row in await asked.rows(_OF_PATIENT, {"uuid": str(patient)})]


async def newest_entered(asked: Transaction | Connection, patient: UUID) -> Entered | None:
    """Read the inputs that hold for a patient; None if nobody has entered any."""
    rows = await asked.rows(_NEWEST, {"uuid": str(patient)})
    return _entered(rows[0]) if rows else None


async def all_entered(asked: Transaction | Connection) -> dict[int, Entered]:
    """Read the inputs that hold, by the patient's key in the store, of all for whom somebody has entered any."""
    return {key: _entered(row) for key, *row in await asked.rows(_ALL_NEWEST)}


def _entered(row: Sequence[Any]) -> Entered:
    oxygen, consciousness, scale, by, at = row
    return Entered(bool(oxygen), consciousness, scale, by, at)

"""Beds of patients: who has a row, and the lowest free numbers for those without a label."""

from collections.abc import Iterable
from typing import Final
from uuid import UUID

from sqlalchemy import text

from icu.store.engines.base import Transaction

# Version 0: nobody has decided anything yet.
_PLACE: Final = text(
    "INSERT INTO bed_states (patient_id, version, admitted, had) SELECT id, 0, :at, '[]' FROM patients"
    " WHERE uuid = :uuid ON CONFLICT DO NOTHING"
)
# One statement, however many patients there are: both the free numbers and the patients are counted from the lowest on.
_NUMBER: Final = text("""
WITH RECURSIVE numbers (number) AS (
  SELECT 1 UNION ALL SELECT number + 1 FROM numbers
   WHERE number < (SELECT count(*) FROM bed_states WHERE admitted IS NOT NULL)
), free AS (
  SELECT number, row_number() OVER (ORDER BY number) AS place FROM numbers
   WHERE CAST(number AS VARCHAR(16)) NOT IN (SELECT bed FROM bed_states WHERE bed IS NOT NULL)
), without AS (
  SELECT patient_id, version, had, row_number() OVER (ORDER BY patient_id) AS place FROM bed_states
   WHERE bed IS NULL AND admitted IS NOT NULL
)
INSERT INTO bed_states (patient_id, version, had, bed)
SELECT without.patient_id, without.version, without.had, CAST(free.number AS VARCHAR(16))
  FROM without JOIN free ON free.place = without.place WHERE true
    ON CONFLICT (patient_id) DO UPDATE SET bed = excluded.bed
""")


async def place(transaction: Transaction, uuids: Iterable[UUID], *, at: int) -> None:
    """Admit patients who were heard and have no row yet, each to the bed of the lowest free number.

    Args:
        transaction: Open transaction.
        uuids: Patients in the table of patients. Those with a row stay as they are.
        at: Time of the admission, in milliseconds since 1970 UTC.
    """
    await transaction.execute(_PLACE, [{"uuid": str(each), "at": at} for each in uuids])
    await give_numbers(transaction)


async def give_numbers(transaction: Transaction) -> None:
    """Give each admitted patient without a bed the one of the lowest free number."""
    await transaction.rows(_NUMBER)

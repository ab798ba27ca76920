"""Beds of patients: who has a row, and the lowest free numbers for those without a label."""

from collections.abc import Iterable
from itertools import count
from typing import Final
from uuid import UUID

from sqlalchemy import text

from icu.store.engines.base import Transaction

# Version 0: nobody has decided anything yet.
_PLACE: Final = text(
    "INSERT INTO bed_states (patient_id, version, admitted, had, shelves) SELECT id, 0, :at, '[]', '{}' FROM patients"
    " WHERE uuid = :uuid ON CONFLICT DO NOTHING"
)
_BEDS: Final = text("SELECT patient_id, bed FROM bed_states WHERE admitted IS NOT NULL ORDER BY patient_id")
_LABEL: Final = text("UPDATE bed_states SET bed = :bed WHERE patient_id = :patient_id")


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
    beds = await transaction.rows(_BEDS)
    taken = {bed for _, bed in beds}
    # In Python: a database joins the free numbers with the patients in the square of their number.
    free = (number for number in map(str, count(1)) if number not in taken)
    homeless = [patient_id for patient_id, bed in beds if bed is None]
    await transaction.execute(
        _LABEL, [{"patient_id": patient_id, "bed": bed} for patient_id, bed in zip(homeless, free, strict=False)]
    )

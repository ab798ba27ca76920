"""Command about the inputs of NEWS2 that no monitor measures."""

from typing import Final, Literal
from uuid import UUID

from sqlalchemy import text

from icu.store.commands.beds import check_patient
from icu.store.commands.door import Author, Desk, Door
from icu.store.commands.states import News2State
from icu.store.decisions.audit import DONE
from icu.store.decisions.entered import newest_entered
from icu.store.engines.base import Connection, Transaction
from icu.store.readings import from_milliseconds

# Two within a millisecond: the later one counts.
_INSERT: Final = text(
    'INSERT INTO news2_inputs (patient_id, at, oxygen, consciousness, scale, "by")'
    " SELECT id, :at, :oxygen, :consciousness, :scale, :by FROM patients WHERE uuid = :uuid"
    " ON CONFLICT (patient_id, at) DO UPDATE SET oxygen = excluded.oxygen,"
    ' consciousness = excluded.consciousness, scale = excluded.scale, "by" = excluded."by"'
)


async def read_inputs(asked: Transaction | Connection, patient: UUID) -> News2State | None:
    """Read the newest inputs of a patient; None if nobody has entered any."""
    found = await newest_entered(asked, patient)
    if found is None or found.by is None or found.at is None:
        return None
    return News2State(found.oxygen, found.consciousness, found.scale, found.by, from_milliseconds(found.at))


async def set_inputs(
    door: Door,
    patient: UUID,
    author: Author,
    *,
    oxygen: bool,
    consciousness: Literal["alert", "confusion", "voice", "pain", "unresponsive"],
    scale: Literal[1, 2],
) -> News2State:
    """Enter what no monitor measures. Older entries are kept, for trends.

    Raises:
        PatientNotFoundError: There is no such patient.
        StoreError: See Door.carry_out.
    """

    async def work(desk: Desk) -> News2State:
        await check_patient(desk.transaction, patient)
        before = await read_inputs(desk.transaction, patient)
        after = News2State(oxygen, consciousness, scale, desk.author.by, from_milliseconds(desk.now))
        values = {
            "uuid": str(patient),
            "at": desk.now,
            "oxygen": oxygen,
            "consciousness": consciousness,
            "scale": scale,
            "by": desk.author.by,
        }
        await desk.transaction.execute(_INSERT, [values])
        await desk.note(DONE, patient=patient, before=before, after=after)
        return after

    return await door.carry_out("news2", author, work)

"""Command about the inputs of NEWS2 that no monitor measures."""

from typing import Final, Literal
from uuid import UUID

from sqlalchemy import text

from icu.store.commands.beds import check_patient
from icu.store.commands.door import DONE, Author, Desk, Door
from icu.store.commands.states import News2State
from icu.store.engines.base import Connection, Transaction
from icu.store.readings import from_milliseconds

_NEWEST: Final = text(
    'SELECT oxygen, consciousness, scale, "by", at FROM news2_inputs'
    " WHERE patient_id = (SELECT id FROM patients WHERE uuid = :uuid) ORDER BY at DESC LIMIT 1"
)
# Two within a millisecond: the later one counts.
_INSERT: Final = text(
    'INSERT INTO news2_inputs (patient_id, at, oxygen, consciousness, scale, "by")'
    " SELECT id, :at, :oxygen, :consciousness, :scale, :by FROM patients WHERE uuid = :uuid"
    " ON CONFLICT (patient_id, at) DO UPDATE SET oxygen = excluded.oxygen,"
    ' consciousness = excluded.consciousness, scale = excluded.scale, "by" = excluded."by"'
)


async def read_inputs(asked: Transaction | Connection, patient: UUID) -> News2State | None:
    """Read the newest inputs of a patient; None if nobody has entered any."""
    rows = await asked.rows(_NEWEST, {"uuid": str(patient)})
    if not rows:
        return None
    oxygen, consciousness, scale, by, at = rows[0]
    return News2State(bool(oxygen), consciousness, scale, by, from_milliseconds(at))


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

"""Audit of scenarios, which the emulated patients themselves keep."""

from uuid import UUID

from msgspec import Struct

from icu.store.commands.door import Author, Desk, Door
from icu.store.decisions.audit import DONE


async def note_scenario(door: Door, patient: UUID, author: Author, *, before: Struct, after: Struct) -> None:
    """Note in the audit that a scenario has begun for a patient.

    Raises:
        StoreError: See Door.carry_out.
    """

    async def work(desk: Desk) -> None:
        await desk.note(DONE, patient=patient, before=before, after=after)

    await door.carry_out("scenario", author, work)

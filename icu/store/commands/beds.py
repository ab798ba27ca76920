"""Commands about a bed: pause, standby, admit, discharge; and the silence of the ward."""

import unicodedata
from typing import Final
from uuid import UUID

from sqlalchemy import text

from icu.alarms import commands as pure
from icu.alarms.commands import Ruling
from icu.alarms.defaults import LONGEST_PAUSE
from icu.alarms.episodes import BedState
from icu.bounds import check_name
from icu.errors import PatientNotFoundError
from icu.store.alarms.episodes import open_episodes, save
from icu.store.commands.door import Author, Desk, Door
from icu.store.commands.errors import CommandConflictError, SenselessCommandError
from icu.store.commands.states import Bed, Beds, bed_of
from icu.store.decisions.audit import DONE, UNCHANGED
from icu.store.decisions.beds import bed_state, bed_states, relabel, save_beds
from icu.store.engines.base import Transaction
from icu.store.readings import CLOCK_TOLERANCE_MS

# Characters of a bed's label.
LONGEST_LABEL: Final = 16

_KNOWN: Final = text("SELECT 1 FROM patients WHERE uuid = :uuid")
# On the clock that the sender has now, and not ahead of its arrival: a newer one will come.
_NEWEST: Final = text(
    "SELECT timestamp FROM patients JOIN patient_metrics ON patient_id = id"  # noqa: S608 - a number of our own
    " LEFT JOIN bed_states USING (patient_id)"
    f" WHERE uuid = :uuid AND lag >= -{CLOCK_TOLERANCE_MS} AND timestamp + lag >= coalesce(clock_set_at, 0)"
    " ORDER BY timestamp DESC LIMIT 1"
)


async def pause(door: Door, patient: UUID, author: Author, *, seconds: float) -> Bed:
    """Silence the alarms of a bed for some seconds, from now on.

    Raises:
        PatientNotFoundError: There is no such patient.
        SenselessCommandError: It cannot be so long.
        CommandConflictError: The patient is discharged.
        StoreError: See Door.carry_out.
    """
    length = _pause_length(seconds)

    async def work(desk: Desk) -> Bed | CommandConflictError:
        state = await _state(desk.transaction, patient)
        if state.admitted is None:
            return await _refused(desk, state, "discharged", "this patient is discharged: admit the patient first")
        return await _ruled(desk, state, await _paused(desk, state, length))

    return await door.carry_out("pause", author, work)


async def silence(door: Door, author: Author, *, seconds: float) -> Beds:
    """Silence the beds whose alarms sound now, each as by a pause.

    Raises:
        SenselessCommandError: It cannot be so long.
        StoreError: See Door.carry_out.
    """
    length = _pause_length(seconds)

    async def work(desk: Desk) -> Beds:
        sounding = {each.patient for each in await open_episodes(desk.transaction) if each.is_audible}
        states = [each for each in await bed_states(desk.transaction) if each.patient in sounding]
        beds = [await _ruled(desk, each, await _paused(desk, each, length)) for each in states if each.is_watched]
        if not beds:
            await desk.note(UNCHANGED)  # a silence that nobody needed stands in the audit too
        return Beds(beds)

    return await door.carry_out("silence", author, work)


async def standby(door: Door, patient: UUID, author: Author) -> Bed:
    """Stop watching a bed until the patient returns, or somebody admits the patient again; four hours at most.

    Raises:
        PatientNotFoundError: There is no such patient.
        CommandConflictError: The patient is discharged.
        StoreError: See Door.carry_out.
    """

    async def work(desk: Desk) -> Bed | CommandConflictError:
        state = await _state(desk.transaction, patient)
        if state.admitted is None:
            return await _refused(desk, state, "discharged", "this patient is discharged: there is nothing to watch")
        if state.standby is not None and state.standby.until > desk.now:
            return await _unchanged(desk, state)
        opened = await open_episodes(desk.transaction, patient)
        at = await newest(desk.transaction, patient)
        return await _ruled(desk, state, pure.standby(state, opened, by=desk.author.by, now=desk.now, at=at))

    return await door.carry_out("standby", author, work)


async def admit(door: Door, patient: UUID, author: Author, *, bed: str | None) -> Bed:
    """Watch a patient in the bed of this label, or in the present one, or of the lowest free number. Ends a standby.

    Raises:
        PatientNotFoundError: There is no such patient.
        SenselessCommandError: That is no label.
        CommandConflictError: Another patient has the bed.
        StoreError: See Door.carry_out.
    """
    label = None if bed is None else check_label(bed)

    async def work(desk: Desk) -> Bed | CommandConflictError:
        state = await _state(desk.transaction, patient)
        others = await bed_states(desk.transaction)
        holder = next((each for each in others if label is not None and each.bed == label), None)
        if holder is not None and holder.patient != patient:
            why = f"bed {label} is taken by patient {holder.patient}: name another one"
            return await _refused(desk, holder, "bed taken", why, patient=patient)
        if state.is_watched and label in (None, state.bed):
            return await _unchanged(desk, state)
        at = await newest(desk.transaction, patient)
        return await _ruled(desk, state, pure.admit(state, now=desk.now, at=at, label=label), label=label)

    return await door.carry_out("admit", author, work)


async def discharge(door: Door, patient: UUID, author: Author) -> Bed:
    """Watch a patient no more. The bed is free, and only a newer reading brings the patient back.

    Raises:
        PatientNotFoundError: There is no such patient.
        StoreError: See Door.carry_out.
    """

    async def work(desk: Desk) -> Bed:
        state = await _state(desk.transaction, patient)
        if state.admitted is None:
            return await _unchanged(desk, state)
        opened = await open_episodes(desk.transaction, patient)
        at = await newest(desk.transaction, patient)
        return await _ruled(desk, state, pure.discharge(state, opened, by=desk.author.by, now=desk.now, at=at))

    return await door.carry_out("discharge", author, work)


def check_label(label: str) -> str:
    """Return the label of a bed, without blanks at its ends.

    Raises:
        SenselessCommandError: It is none.
    """
    label = unicodedata.normalize("NFC", label.strip())
    try:
        return check_name(label, most=LONGEST_LABEL)
    except ValueError as exc:
        raise SenselessCommandError(f"bed: {exc}".replace("a name", "a label")) from exc


async def check_patient(transaction: Transaction, patient: UUID) -> None:
    """Check that there is such a patient. Raises PatientNotFoundError."""
    if not await transaction.rows(_KNOWN, {"uuid": str(patient)}):
        raise PatientNotFoundError(patient)


async def newest(transaction: Transaction, patient: UUID) -> int | None:
    """Return the time of the patient's newest reading, in milliseconds on the sender's clock; None before the first."""
    found = await transaction.rows(_NEWEST, {"uuid": str(patient)})
    return int(found[0][0]) if found else None


def _pause_length(seconds: float) -> int:
    length = seconds * 1_000
    # Compared before it is rounded: neither NaN nor infinity can be.
    if not 1 <= length <= LONGEST_PAUSE:
        raise SenselessCommandError(
            f"a pause is 2 minutes at most: write seconds above 0, up to {LONGEST_PAUSE // 1_000}"
        )
    return round(length)


async def _state(transaction: Transaction, patient: UUID) -> BedState:
    await check_patient(transaction, patient)
    return await bed_state(transaction, patient)


async def _paused(desk: Desk, state: BedState, length: int) -> Ruling:
    opened = await open_episodes(desk.transaction, state.patient)
    return pure.pause(state, opened, by=desk.author.by, now=desk.now, length=length)


async def _ruled(desk: Desk, before: BedState, ruling: Ruling, *, label: str | None = None) -> Bed:
    """Store the outcome of a command on a bed, and its line in the audit."""
    desk.alarms += await save(desk.transaction, ruling.changes, at=desk.now)
    await save_beds(desk.transaction, [ruling.bed])
    if label is not None:
        await relabel(desk.transaction, before.patient, label)
    after = bed_of(await bed_state(desk.transaction, before.patient), now=desk.now)
    await desk.note(DONE, patient=before.patient, before=bed_of(before, now=desk.now), after=after)
    return after


async def _unchanged(desk: Desk, state: BedState) -> Bed:
    bed = bed_of(state, now=desk.now)
    await desk.note(UNCHANGED, patient=state.patient, before=bed)
    return bed


async def _refused(
    desk: Desk, state: BedState, result: str, why: str, *, patient: UUID | None = None
) -> CommandConflictError:
    bed = bed_of(state, now=desk.now)
    await desk.note(result, patient=patient or state.patient, before=bed)
    return CommandConflictError(why, bed)

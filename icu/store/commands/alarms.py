"""Commands about one alarm: acknowledge and shelve."""

from typing import Final
from uuid import UUID

from icu.alarms import commands as pure
from icu.alarms.blind import WARD, as_of
from icu.alarms.defaults import LONGEST_SHELF
from icu.alarms.effects import Outcome, Refusal
from icu.alarms.episodes import Episode
from icu.alarms.inputs import Acknowledge, Shelve
from icu.store.alarms import episodes
from icu.store.alarms.served import Alarm, alarm_of
from icu.store.commands.door import Author, Desk, Door
from icu.store.commands.errors import AlarmNotFoundError, CommandConflictError, SenselessCommandError
from icu.store.decisions.audit import DONE, UNCHANGED

_MINUTE: Final = 60_000

_WHY: Final[dict[Refusal, str]] = {
    "ended": "this alarm has ended",
    "not raised": "this alarm is pending: its delay is not over",
    "seen before": "this alarm has sounded again since you saw it, or never had this `seen`: look at it, and send its "
    "new `seen`",
    "not to be shelved": "alarms of high priority, and those that say that nobody is watched, cannot be shelved: "
    "acknowledge it, or pause the bed",
}


async def acknowledge(
    door: Door, alarm: UUID, author: Author, *, why: str | None, seen: int, blind: Episode | None = None
) -> Alarm:
    """Acknowledge an alarm. One that is acknowledged already keeps the name of the first person.

    Args:
        door: Door to the database.
        alarm: Id of the alarm.
        author: Person who commands.
        why: Reason, if any.
        seen: Field `seen` of the alarm, as the author saw it.
        blind: The ward's own alarm, if there is one now. The store has it from its acknowledgement on.

    Raises:
        AlarmNotFoundError: There is no such alarm.
        CommandConflictError: It has ended, was not raised, or has sounded again since.
        StoreError: See Door.carry_out.
    """

    async def work(desk: Desk) -> Alarm | CommandConflictError:
        found = await episodes.episode(desk.transaction, alarm)
        before = 0 if found is None else found.version
        if found is None and blind is not None and blind.id == alarm:
            found = blind
        if found is None:
            raise AlarmNotFoundError(alarm)
        if found.patient == WARD and found.is_open:
            found = as_of(found, desk.now)
        outcome = pure.answer(found, Acknowledge(author.by, desk.now, seen, why))
        return await _answered(desk, found, outcome, stored=before)

    return await door.carry_out("acknowledge", author, work)


async def shelve(
    door: Door, alarm: UUID, author: Author, *, why: str, minutes: float, seen: int | None = None
) -> Alarm:
    """Silence an alarm for some minutes.

    Args:
        door: Door to the database.
        alarm: Id of the alarm.
        author: Person who commands.
        why: Reason.
        minutes: More than 0, an hour at most.
        seen: Field `seen` of the alarm, as the author saw it; None accepts any.

    Raises:
        AlarmNotFoundError: There is no such alarm.
        SenselessCommandError: It cannot be shelved for so long.
        CommandConflictError: It has ended, was not raised, has sounded again since, or cannot be shelved.
        StoreError: See Door.carry_out.
    """
    length = _shelf_length(minutes)

    async def work(desk: Desk) -> Alarm | CommandConflictError:
        found = await episodes.episode(desk.transaction, alarm)
        if found is None:
            raise AlarmNotFoundError(alarm)
        command = Shelve(author.by, desk.now, found.seen if seen is None else seen, why, length)
        return await _answered(desk, found, pure.answer(found, command), stored=found.version)

    return await door.carry_out("shelve", author, work)


def _shelf_length(minutes: float) -> int:
    length = minutes * _MINUTE
    # Compared before it is rounded: neither NaN nor infinity can be.
    if not 1 <= length <= LONGEST_SHELF:
        raise SenselessCommandError(
            f"an alarm is shelved for an hour at most: write minutes above 0, up to {LONGEST_SHELF // _MINUTE}"
        )
    return round(length)


async def _answered(desk: Desk, found: Episode, outcome: Outcome, *, stored: int) -> Alarm | CommandConflictError:
    """Store the outcome of a command on an alarm, and its line in the audit.

    Args:
        desk: Of the command.
        found: The alarm before.
        outcome: The alarm after, or the refusal.
        stored: Version in the store; 0 if it is not there.
    """
    before = alarm_of(found)
    patient = before.patient_uuid
    if outcome.refused is not None:
        await desk.note(outcome.refused, patient=patient, alarm=found.id, before=before)
        return CommandConflictError(_WHY[outcome.refused], before)
    if not outcome.changes:
        await desk.note(UNCHANGED, patient=patient, alarm=found.id, before=before)
        return before
    if not stored:
        await episodes.insert(desk.transaction, found)
    desk.alarms += await episodes.save(desk.transaction, outcome.changes, at=desk.now)
    after = alarm_of([each.episode for each in outcome.changes if each.episode.id == found.id][-1])
    await desk.note(DONE, patient=patient, alarm=found.id, before=before, after=after)
    return after

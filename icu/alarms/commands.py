"""Commands of people on a bed: pure, on what the store holds. The store compares and sets, and writes the audit.

Those on one alarm, acknowledge and shelve, are `icu.alarms.machine.step` itself: see `answer`.
"""

from collections.abc import Iterable

from msgspec import Struct
from msgspec.structs import replace

from icu.alarms.conditions import URGENCY
from icu.alarms.defaults import LONGEST_PAUSE, LONGEST_SHELF, LONGEST_STANDBY
from icu.alarms.effects import BedChange, Change, Outcome
from icu.alarms.episodes import BedState, EndReason, Episode, Pause, Standby
from icu.alarms.inputs import Acknowledge, Input, Paused, Settings, Shelve, Stopped
from icu.alarms.machine import step
from icu.alarms.rules import rule_of


class Ruling(Struct, frozen=True):
    """Outcome of a command on a bed."""

    bed: BedChange
    changes: tuple[Change, ...] = ()


def answer(episode: Episode, command: Acknowledge | Shelve) -> Outcome:
    """Acknowledge or shelve an alarm. Nothing changes if it is acknowledged already, or `refused` says why not.

    The new episode of what is pending beside a latched alarm is in the changes, too.
    """
    if isinstance(command, Shelve):
        command = replace(command, length=min(command.length, LONGEST_SHELF))
    return _step(episode, command)


def pause(bed: BedState, episodes: Iterable[Episode], *, by: str, now: int, length: int) -> Ruling:
    """Silence the alarms of a bed for `length` milliseconds, LONGEST_PAUSE at most."""
    open_ones = list(episodes)
    # Those that a pause silences already are no news either.
    sounding = [each.priority for each in open_ones if each.is_audible or each.inhibition == "paused"]
    length = min(length, LONGEST_PAUSE)
    highest = max(sounding, key=URGENCY.__getitem__, default=None)
    return _ruling(bed, open_ones, Paused(), paused=Pause(now + length, by, length, highest))


def standby(bed: BedState, episodes: Iterable[Episode], *, by: str, now: int, at: int | None = None) -> Ruling:
    """Stop watching a bed until the patient returns, LONGEST_STANDBY at most.

    Args:
        bed: State of the bed.
        episodes: Open episodes, which end.
        by: Name of the person.
        now: Server's time.
        at: Time of the end of the episodes, on the sender's clock: of the patient's last reading. By default `now`.
    """
    stood_by = Standby(now, now + LONGEST_STANDBY, by, LONGEST_STANDBY)
    return _ruling(bed, episodes, _stopped("standby", by, now, at), standby=stood_by, paused=None)


def admit(bed: BedState, *, now: int, at: int | None = None, label: str | None = None) -> Ruling:
    """Watch a patient, also one in standby.

    Args:
        bed: State of the bed.
        now: Server's time.
        at: Time of the patient's last reading, on the sender's clock: newer ones are watched. None: there is none.
        label: Label of the bed. None: it keeps the one that it has.
    """
    again = None if at is None else at + 1
    return _ruling(
        bed,
        (),
        Paused(),
        admitted=now if bed.admitted is None else bed.admitted,
        discharged_at=None,
        bed=bed.bed if label is None else label,
        standby=None,
        watched_from=bed.watched_from if bed.is_watched else again,
        watched_since=bed.watched_since if bed.is_watched else now,
    )


def discharge(bed: BedState, episodes: Iterable[Episode], *, by: str, now: int, at: int | None) -> Ruling:
    """Watch a patient no more: the bed is free, and only a newer reading brings the patient back.

    Args:
        bed: State of the bed.
        episodes: Open episodes, which end.
        by: Name of the person.
        now: Server's time.
        at: Time of the patient's last reading, on the sender's clock. None: there is none.
    """
    return _ruling(
        bed,
        episodes,
        _stopped("discharged", by, now, at),
        admitted=None,
        # Not only None: a reading on its way must not bring the patient back. Without any, each one does.
        discharged_at=at,
        bed=None,
        paused=None,
        standby=None,
        shelves={},
    )


def _stopped(reason: EndReason, by: str, now: int, at: int | None) -> Stopped:
    return Stopped(now if at is None else at, reason, by)


def _ruling(before: BedState, episodes: Iterable[Episode], event: Input, **fields: object) -> Ruling:
    changed = replace(before, version=before.version + 1, **fields)
    changes = tuple(change for each in episodes for change in _step(each, event).changes)
    return Ruling(BedChange(changed, before.version), changes)


def _step(episode: Episode, event: Input) -> Outcome:
    # None of these events looks at limits.
    return step(episode, event, Settings(episode.patient, rule_of(episode.condition)))

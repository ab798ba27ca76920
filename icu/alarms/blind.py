"""The condition `ward.blind`: nothing arrives from anybody. One alarm for all beds, which each monitor derives alike.

Its identity comes from the heartbeat's last time, so that all monitors show the same one, and an acknowledgement that
is stored under it holds for all. The sink stores the episode when it is back.
"""

from typing import Final
from uuid import UUID

from msgspec.structs import replace

from icu.alarms.conditions import WARD_BLIND
from icu.alarms.defaults import UNANSWERED
from icu.alarms.episodes import Episode, episode_id

# Milliseconds since the sink's last heartbeat after which the ward is blind. It beats every 2 s at least.
BLIND_AFTER: Final = 10_000

# Owner of the alarms that are no patient's.
WARD: Final = UUID(int=0)


def blind_since(heartbeat: int, unreachable: int | None, now: int) -> int | None:
    """Return the time since which the ward is blind. None: it is not.

    Args:
        heartbeat: Time of the sink's last heartbeat.
        unreachable: Time since which the broker is out of reach, by that heartbeat. None: it is not.
        now: Server's time.
    """
    if unreachable is not None:
        heartbeat = min(heartbeat, unreachable)
    return heartbeat if now - heartbeat >= BLIND_AFTER else None


def ward_blind(since: int) -> Episode:
    """Return the alarm of a ward that is blind since this time, its last time at which it saw."""
    raised = since + BLIND_AFTER
    return Episode(
        id=episode_id(WARD, WARD_BLIND.name, since, 0),
        patient=WARD,
        condition=WARD_BLIND.name,
        version=1,
        presence="present",
        signal="on",
        tier=0,
        onsets=(since,),
        dues=(None,),
        onset=since,
        raised=raised,
        sounded=raised,
        seen=1,
        unanswered_due=raised + UNANSWERED["high"],
    )


def as_of(alarm: Episode, now: int) -> Episode:
    """Return the ward's alarm with what its deadlines have done by now: while the sink is away nobody stores that.

    It sounds again where the reminder after its acknowledgement is due, and is unanswered where nobody has answered.
    """
    reminder = alarm.reminder_due
    if alarm.signal == "acknowledged" and reminder is not None and now >= reminder:
        due = reminder + UNANSWERED["high"]
        alarm = replace(alarm, signal="on", seen=alarm.seen + 1, reminder_due=None, unanswered_due=due)
    if alarm.signal == "on" and alarm.unanswered_due is not None and now >= alarm.unanswered_due:
        alarm = replace(alarm, unanswered=True, unanswered_due=None)
    return alarm


def ended_at(alarm: Episode, now: int) -> Episode:
    """Return the ward's alarm, ended as the sink is back."""
    before = as_of(alarm, now)
    # A clock that was set back meanwhile must not end it before it was raised.
    ended = max(now, before.onset + BLIND_AFTER)
    return replace(
        before,
        version=before.version + 1,
        presence="absent",
        signal="off",
        ceased=ended,
        ended=ended,
        end_reason="itself",
        seen=before.seen + 1,
        reminder_due=None,
        unanswered_due=None,
    )

"""The condition `ward.blind`: nothing arrives from anybody. One alarm for all beds, which each monitor derives alike.

Its identity comes from the heartbeat's last time, so that all monitors show the same one, and an acknowledgement that
is stored under it holds for all. The sink stores the episode when it is back.
"""

from typing import Final
from uuid import UUID

from icu.alarms.conditions import WARD_BLIND
from icu.alarms.defaults import UNANSWERED
from icu.alarms.episodes import Acknowledgement, Episode, episode_id

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


def ward_blind(since: int, acknowledged: Acknowledgement | None = None, ended: int | None = None) -> Episode:
    """Return the alarm of a ward that is blind since this time.

    Args:
        since: Last time at which it saw.
        acknowledged: Acknowledgement that is stored under its identity.
        ended: Time at which the sink was back. None: it is not.
    """
    raised = since + BLIND_AFTER
    return Episode(
        id=episode_id(WARD, WARD_BLIND.name, since, 0),
        patient=WARD,
        condition=WARD_BLIND.name,
        version=1 + (acknowledged is not None) + (ended is not None),
        presence="present" if ended is None else "absent",
        signal="off" if ended is not None else "on" if acknowledged is None else "acknowledged",
        tier=0,
        onsets=(since,),
        dues=(None,),
        onset=since,
        raised=raised,
        ceased=ended,
        ended=ended,
        sounded=raised,
        end_reason=None if ended is None else "itself",
        seen=1 + (ended is not None),
        acknowledged=acknowledged,
        unanswered_due=raised + UNANSWERED["high"] if acknowledged is None and ended is None else None,
    )

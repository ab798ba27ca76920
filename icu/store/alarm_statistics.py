"""Alarms, beds and commands of a span of time, for the statistics.

Not kept yet, and so absent: for how long patients had valid data, and for how long signs were flagged; and when those
were admitted who are discharged now.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from msgspec import Struct
from sqlalchemy import text

from icu.alarms.episodes import BedState
from icu.alarms.records import Bed, LimitChange, Record, Silence
from icu.store.alarm_history import Chosen, alarm_page
from icu.store.audit import DONE
from icu.store.beds import bed_states
from icu.store.engines.base import Connection

_HOUR: Final = 3_600_000

_SUPPRESSED: Final = text(
    "SELECT subject, sum(amount) FROM alarm_counts JOIN patients ON patients.id = patient_id"
    " WHERE kind = 'suppressed_by_delay' AND hour > :since AND hour < :until AND (:patient = '' OR uuid = :patient)"
    " GROUP BY subject ORDER BY subject"
)
_COMMANDS: Final = text(
    'SELECT at, "by", command, patient_uuid, "after" FROM audit WHERE at >= :since AND at < :until AND result = :done'
    " AND command IN ('pause', 'silence', 'shelve', 'limits', 'limits auto')"
    " AND (:patient = '' OR patient_uuid = :patient) ORDER BY id LIMIT :limit"
)


class Found(Struct, frozen=True):
    """Content of a span of time."""

    records: Sequence[Record]
    beds: Sequence[Bed]
    silences: Sequence[Silence]
    changes: Sequence[LimitChange]
    # Number by condition.
    suppressed: Mapping[str, int]
    # False if there was more than may be read.
    complete: bool


class _Until(Struct):
    until: datetime


class _After(Struct):
    """State after a command that silences."""

    paused: _Until | None = None
    shelved: _Until | None = None


async def find_statistics(connection: Connection, since: int, until: int, patient: UUID | None, *, most: int) -> Found:
    """Read what there was in a span of time.

    Args:
        connection: Connection for reading.
        since: Milliseconds since 1970: alarms by their onset, commands by the server's time.
        until: The end, not included.
        patient: The patient; None for all.
        most: The most alarms, and the most commands, to read.
    """
    page = await alarm_page(connection, Chosen(since=since, until=until, patient=patient), limit=most)
    values = {"since": since, "until": until, "patient": "" if patient is None else str(patient)}
    commands = await connection.rows(_COMMANDS, {**values, "done": DONE, "limit": most + 1})
    # The hour in which the span begins is counted as a whole.
    suppressed = await connection.rows(_SUPPRESSED, {**values, "since": since - _HOUR})
    beds = [each for each in await bed_states(connection) if patient in {None, each.patient}]
    return Found(
        records=[Record(each, each.sounded) for each in page.episodes],
        beds=[bed for each in beds if (bed := _bed(each, since, until)) is not None],
        silences=[silence for each in commands if (silence := _silence(each)) is not None],
        changes=[_change(each) for each in commands if each[2].startswith("limits")],
        suppressed={name: int(count) for name, count in suppressed},
        complete=page.last is None and len(commands) <= most,
    )


def _bed(state: BedState, since: int, until: int) -> Bed | None:
    """Return the time of a patient who is admitted; None for one who was not yet."""
    if state.admitted is None or state.admitted >= until:
        return None
    watched = until - max(since, state.admitted)
    if state.standby is not None:
        watched -= max(0, until - max(since, state.standby.since))
    return Bed(state.patient, watched, None, None)


def _silence(row: Sequence[Any]) -> Silence | None:
    at, by, command, _, after = row
    if after is None or command not in {"pause", "silence", "shelve"}:
        return None
    state = msgspec.json.decode(after, type=_After)
    granted = state.shelved if command == "shelve" else state.paused
    if granted is None:
        return None
    return Silence("shelf" if command == "shelve" else "pause", by, round(granted.until.timestamp() * 1_000) - at)


def _change(row: Sequence[Any]) -> LimitChange:
    _, by, _, patient, _ = row
    return LimitChange(None if patient is None else UUID(patient), by)

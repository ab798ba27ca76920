"""Alarms, beds and commands of a span of time, for the statistics.

Not kept, and so absent: when those were admitted who are discharged now.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from msgspec import Struct, field
from sqlalchemy import text

from icu.alarms.episodes import BedState
from icu.alarms.records import Bed, LimitChange, Record, Silence
from icu.alarms.tally import BEGUN, COUNTED, FLAGGED, HOUR, MONITORED
from icu.store.alarms.history import Chosen, alarm_page
from icu.store.decisions.audit import DONE
from icu.store.decisions.beds import bed_states
from icu.store.engines.base import Connection

_SUPPRESSED: Final = text(
    "SELECT subject, sum(amount) FROM alarm_counts JOIN patients ON patients.id = patient_id"
    " WHERE kind = 'suppressed_by_delay' AND hour > :since AND hour < :until AND (:patient = '' OR uuid = :patient)"
    " GROUP BY subject ORDER BY subject"
)
# Hours that lie in the span and after the admission as a whole, together, and by themselves those that do not. They are
# the sender's.
_TIMES: Final = text(
    f"SELECT uuid, kind, subject,"  # noqa: S608 - names and a number of our own
    f" CASE WHEN hour >= :since AND hour >= admitted AND hour + {HOUR} <= :until THEN -1 ELSE hour END AS part,"
    " sum(amount) FROM alarm_counts JOIN patients ON patients.id = alarm_counts.patient_id"
    " JOIN bed_states ON bed_states.patient_id = patients.id"
    f" WHERE kind IN ('{MONITORED}', '{FLAGGED}') AND hour > :since - {HOUR} AND hour < :until"
    " AND (:patient = '' OR uuid = :patient) GROUP BY uuid, kind, subject, part"
)
_COUNTED: Final = text(
    f"SELECT uuid, kind, amount FROM patients JOIN alarm_counts ON patient_id = id AND hour = 0"  # noqa: S608 - names of our own
    f" WHERE kind IN ('{BEGUN}', '{COUNTED}') AND (:patient = '' OR uuid = :patient)"
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
    suppressed = await connection.rows(_SUPPRESSED, {**values, "since": since - HOUR})
    times = _times(await connection.rows(_COUNTED, values), await connection.rows(_TIMES, values))
    beds = [each for each in await bed_states(connection) if patient in {None, each.patient}]
    return Found(
        records=[Record(each, each.sounded) for each in page.episodes],
        beds=[bed for each in beds if (bed := _bed(each, times.get(each.patient), since, until)) is not None],
        silences=[silence for each in commands if (silence := _silence(each)) is not None],
        changes=[_change(each) for each in commands if each[2].startswith("limits")],
        suppressed={name: int(count) for name, count in suppressed},
        complete=page.last is None and len(commands) <= most,
    )


class _Times(Struct):
    """Times of one patient, as they stand in the table."""

    # Time from which they are counted, and up to which.
    begin: int = 0
    end: int = 0
    # Field, or nothing for valid data; beginning of an hour, -1 for those that lie in the span; milliseconds.
    parts: list[tuple[str, int, int]] = field(default_factory=list)

    def add_up(self, admitted: int, since: int, until: int) -> Mapping[str, int]:
        """Add up the times by field. Of an hour that lies partly in the span, a part in proportion counts."""
        sums = Counter[str]()
        for name, hour, amount in self.parts:
            begin = max(hour, self.begin, admitted)
            # Hours after the last one are those of a clock that was set back.
            end = min(hour + HOUR, self.end) if hour < self.end else hour + HOUR
            inside = min(end, until) - max(begin, since)
            sums[name] += amount if hour < 0 else round(amount * _share(inside, end - begin))
        return sums


def _share(part: int, whole: int) -> float:
    return max(0, part) / whole if whole > 0 else 0.0


def _times(counted: Iterable[Sequence[Any]], rows: Iterable[Sequence[Any]]) -> Mapping[UUID, _Times]:
    """Return the times of each patient who was ever counted."""
    found = defaultdict[UUID, _Times](_Times)
    for patient, kind, time in counted:
        setattr(found[UUID(patient)], "begin" if kind == BEGUN else "end", int(time))
    for patient, _, subject, hour, amount in rows:
        found[UUID(patient)].parts.append((subject, int(hour), int(amount)))
    return found


def _bed(state: BedState, times: _Times | None, since: int, until: int) -> Bed | None:
    """Return the time of a patient who is admitted; None for one who was not yet."""
    if state.admitted is None or state.admitted >= until:
        return None
    watched = until - max(since, state.admitted)
    if state.standby is not None:
        watched -= max(0, until - max(since, state.standby.since))
    if times is None or times.begin > max(since, state.admitted):
        return Bed(state.patient, watched, None, None)
    sums = dict(times.add_up(state.admitted, since, until))
    return Bed(state.patient, watched, sums.pop("", 0), sums)


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

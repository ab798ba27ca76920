"""Ends of a patient's history in the sources that hold it, hours whose roll-ups are not used, and what is deleted."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from sqlalchemy import text

from icu.errors import PatientNotFoundError
from icu.store.engines.base import Connection
from icu.store.errors import StoreUnavailableError
from icu.store.rollups.coverage import HOUR, HOURS, MINUTES, READINGS, Coverage, Source, down
from icu.store.upkeep_state import read_upkeep_state

_ENDS: Final = {
    each: text(
        f"SELECT (SELECT {each.time} FROM {each.table} WHERE patient_id = patients.id AND {each.time} >= :since"  # noqa: S608 - names of our own
        f" AND {each.time} < :until ORDER BY {each.time} LIMIT 1),"
        f" (SELECT {each.time} FROM {each.table} WHERE patient_id = patients.id AND {each.time} >= :since"
        f" AND {each.time} < :until ORDER BY {each.time} DESC LIMIT 1) FROM patients WHERE uuid = :uuid"
    )
    for each in (READINGS, MINUTES, HOURS)
}
_LATE_HOURS: Final = text(
    "SELECT hour FROM late_hours WHERE patient_id = (SELECT id FROM patients WHERE uuid = :uuid)"
    " AND hour >= :since AND hour < :until ORDER BY hour"
)
_ALL_LATE_HOURS: Final = text(
    "SELECT patients.uuid, late_hours.hour FROM late_hours JOIN patients ON patients.id = late_hours.patient_id"
    " WHERE late_hours.hour >= :since AND late_hours.hour < :until ORDER BY late_hours.hour"
)


async def find_ends(
    connection: Connection, uuid: UUID, coverage: Coverage, since: int, until: int
) -> tuple[int, int] | None:
    """Find the part of a span, within what the coverage leaves of it, in which there is anything of a patient.

    Returns:
        Begin and end, the latter excluded; None where there is nothing.

    Raises:
        PatientNotFoundError: There is no such patient.
    """
    begins: list[int] = []
    end: int | None = None
    for each in reversed(coverage.sources):
        least = max(since, coverage.horizons[each])
        # The last minute, or hour, has to end within the span.
        values = {"uuid": str(uuid), "since": least, "until": until - each.unit + 1}
        found = await connection.rows(_ENDS[each], values)
        if not found:
            raise PatientNotFoundError(uuid)
        [(first, last)] = found
        if first is not None:
            begins.append(first)
            # Where there are readings, the newest of all is one of them.
            end = last + each.unit if end is None else end
    return coverage.widened(min(begins), end, (since, until)) if end is not None else None


async def late_hours(connection: Connection, uuid: UUID, since: int, until: int) -> Sequence[int]:
    """Find the hours of a patient within a span whose roll-ups lack readings, oldest first."""
    values = {"uuid": str(uuid), "since": down(since, HOUR), "until": until}
    return [hour for (hour,) in await connection.rows(_LATE_HOURS, values)]


async def all_late_hours(connection: Connection, since: int, until: int) -> dict[str, list[int]]:
    """Find the hours within a span whose roll-ups lack readings, oldest first, by the patient's uuid."""
    found: dict[str, list[int]] = {}
    for uuid, hour in await connection.rows(_ALL_LATE_HOURS, {"since": down(since, HOUR), "until": until}):
        found.setdefault(uuid, []).append(hour)
    return found


async def check_kept(connection: Connection, source: Source, since: int) -> None:
    """Check that nothing of a source from this time on was deleted, or is about to be.

    Raises:
        StoreUnavailableError: Some of it may have been.
    """
    if since < source.horizon(await read_upkeep_state(connection)):
        raise StoreUnavailableError("readings were deleted while they were read: ask again")

"""Alarms of a span of time, page by page, the newest first. Those that were never raised are no alarms."""

from functools import cache
from typing import Final, NamedTuple
from uuid import UUID

from msgspec import Struct
from sqlalchemy import TextClause

from icu.alarms.conditions import Priority
from icu.alarms.episodes import Episode
from icu.store.alarms.episodes import select, selection
from icu.store.engines.base import Connection

# Conditions in SQL, by the values that they need.
_CHOSEN: Final = {
    "since": "alarms.onset >= :since",
    "until": "alarms.onset < :until",
    "patient": "patients.uuid = :patient",
    "condition": "alarms.condition = :condition",
    "priority": "alarms.priority = :priority",
    "onset": "(alarms.onset, alarms.id) < (:onset, :id)",
}


class Cursor(NamedTuple):
    """Cursor of an alarm in the order of the history."""

    # Milliseconds since 1970.
    onset: int
    id: str


class Chosen(Struct, frozen=True):
    """Choice of alarms. None chooses all."""

    # Onsets, in milliseconds since 1970: from `since` on, and before `until`.
    since: int | None = None
    until: int | None = None
    patient: UUID | None = None
    condition: str | None = None
    priority: Priority | None = None


class AlarmPage(Struct, frozen=True):
    """Some alarms, the newest first."""

    episodes: list[Episode]
    # Cursor of the last one, behind which the next page goes on; None where there is none.
    last: Cursor | None


async def alarm_page(connection: Connection, chosen: Chosen, *, limit: int, after: Cursor | None = None) -> AlarmPage:
    """Read up to `limit` alarms, behind a place.

    Args:
        connection: Connection for reading.
        chosen: Choice of alarms.
        limit: The most alarms to return.
        after: The last place of the page before; None for the first page.
    """
    values = {
        "since": chosen.since,
        "until": chosen.until,
        "patient": None if chosen.patient is None else str(chosen.patient),
        "condition": chosen.condition,
        "priority": chosen.priority,
        **({} if after is None else after._asdict()),
    }
    given = {name: value for name, value in values.items() if value is not None}
    statement = _statement(tuple(name for name in _CHOSEN if name in given))
    found = await select(connection, statement, {**given, "limit": limit + 1})
    page = found[:limit]
    return AlarmPage(page, Cursor(page[-1].onset, str(page[-1].id)) if len(found) > limit else None)


@cache
def _statement(names: tuple[str, ...]) -> TextClause:
    conditions = "".join(f" AND {_CHOSEN[name]}" for name in names)
    return selection(
        f"WHERE alarms.raised IS NOT NULL{conditions} ORDER BY alarms.onset DESC, alarms.id DESC LIMIT :limit"
    )

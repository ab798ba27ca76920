"""Episodes of alarms in the store: rows of the table of alarms, and the outbox of their events."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import TextClause, text

from icu.alarms.effects import Change, Effects
from icu.alarms.episodes import Acknowledgement, Episode, Shelf
from icu.store.alarms.served import alarm_of
from icu.store.engines.base import Connection, Transaction, Values
from icu.store.errors import VersionConflictError
from icu.store.journal.entries import AlarmNews

# Columns that are fields of an episode, by the same name.
_PLAIN: Final = (
    "condition",
    "version",
    "presence",
    "signal",
    "inhibition",
    "tier",
    "clearing_since",
    "clearing_due",
    "blind_since",
    "blind_total",
    "onset",
    "raised",
    "ceased",
    "ended",
    "end_reason",
    "ended_by",
    "value",
    "worst",
    "ward_limits",
    "patient_limits",
    "last_valid_at",
    "late",
    "repeats",
    "sounded",
    "seen",
    "reminder_due",
    "unanswered_due",
    "unanswered",
)
# Those that are made of fields.
_MADE: Final = (
    "kind",
    "priority",
    "onsets",
    "dues",
    "limit_value",
    "acknowledged_at",
    "acknowledged_by",
    "acknowledged_why",
    "shelved_until",
    "shelved_by",
    "shelved_why",
    "shelved_length",
)
_COLUMNS: Final = (*_PLAIN, *_MADE)

# Compare-and-set: it changes no row that has another version than before.
_SAVE: Final = text(
    f"INSERT INTO alarms (id, patient_id, {', '.join(_COLUMNS)})"  # noqa: S608 - names of our own
    " VALUES (:id, (SELECT id FROM patients WHERE uuid = :patient),"
    f" {', '.join(f':{each}' for each in _COLUMNS)}) ON CONFLICT (id) DO UPDATE SET"
    f" {', '.join(f'{each} = excluded.{each}' for each in _COLUMNS)} WHERE alarms.version = :before"
)
# One that was never raised leaves no row.
_DELETE: Final = text("DELETE FROM alarms WHERE id = :id AND version = :before")
_SELECT: Final = (
    f"SELECT alarms.id, patients.uuid, {', '.join(f'alarms.{each}' for each in _COLUMNS)} FROM alarms"  # noqa: S608 - names of our own
    " LEFT JOIN patients ON patients.id = alarms.patient_id"
)
_ONE: Final = text(f"{_SELECT} WHERE alarms.id = :id")
_OPEN: Final = text(f"{_SELECT} WHERE alarms.ended IS NULL ORDER BY alarms.onset, alarms.id")
_OPEN_OF_PATIENT: Final = text(
    f"{_SELECT} WHERE alarms.ended IS NULL AND patients.uuid = :patient ORDER BY alarms.onset, alarms.id"
)
_SEND: Final = text(
    "INSERT INTO outbox (alarm, version, event, payload, written) VALUES (:alarm, :version, :event, :payload, :written)"
)

# Owner of the ward's own alarm.
_WARD: Final = UUID(int=0)


async def episode(asked: Transaction | Connection, identity: UUID) -> Episode | None:
    """Read one episode, open or ended; None for an unknown identity."""
    rows = await asked.rows(_ONE, {"id": str(identity)})
    return _episode(rows[0]) if rows else None


async def open_episodes(asked: Transaction | Connection, patient: UUID | None = None) -> list[Episode]:
    """Read the open episodes of a patient, or of all and of the ward, oldest first. Pending ones are among them."""
    if patient is None:
        rows = await asked.rows(_OPEN)
    else:
        rows = await asked.rows(_OPEN_OF_PATIENT, {"patient": str(patient)})
    return [_episode(row) for row in rows]


def selection(rest: str) -> TextClause:
    """Make a statement that selects episodes, of this SQL behind its tables: alarms, and their patients."""
    return text(f"{_SELECT} {rest}")


async def select(asked: Transaction | Connection, statement: TextClause, values: Values) -> list[Episode]:
    """Read the episodes that a statement of `selection` finds, in its order."""
    return [_episode(row) for row in await asked.rows(statement, values)]


async def insert(transaction: Transaction, found: Episode) -> None:
    """Store an episode that was derived, not evaluated, as it is. It has no event."""
    await save(transaction, [Change(found, 0, None)], at=found.onset)


async def save(transaction: Transaction, changes: Iterable[Change], *, at: int) -> list[AlarmNews]:
    """Store changed episodes, and append their events to the outbox. Pending ones that have ended are deleted.

    Args:
        transaction: Open transaction.
        changes: Changes of one or more episodes, in their order. Each compares with the version before.
        at: Server's time, in milliseconds since 1970 UTC, by which events that nobody takes grow old.

    Returns:
        The events, for the journal.

    Raises:
        VersionConflictError: Somebody else has changed an episode meanwhile.
    """
    effects = Effects(changes=list(changes))
    gone, kept = _parted(effects.rows)
    # First: the condition may be pending again.
    await _compare_and_set(transaction, _DELETE, [{"id": str(each.episode.id), "before": each.before} for each in gone])
    await _compare_and_set(transaction, _SAVE, [_values(each) for each in kept])
    events = [(change, msgspec.json.encode(alarm_of(change.episode)).decode()) for change in effects.events]
    if events:
        await transaction.execute(_SEND, [_event(change, payload, at) for change, payload in events])
    return [_news(change, payload) for change, payload in events]


def _parted(rows: Iterable[Change]) -> tuple[list[Change], list[Change]]:
    """Part stored episodes that ended without ever being raised from those to store."""
    gone, kept = [], []
    for each in rows:
        if each.episode.is_open or each.episode.raised is not None:
            kept.append(each)
        elif each.before:
            gone.append(each)
    return gone, kept


async def _compare_and_set(transaction: Transaction, statement: TextClause, values: Sequence[Values]) -> None:
    if values and await transaction.execute(statement, values) != len(values):
        raise VersionConflictError("an alarm was changed meanwhile: ask again")


def _values(change: Change) -> Values:
    found = change.episode
    return {
        "id": str(found.id),
        "patient": str(found.patient),
        "before": change.before,
        **{each: getattr(found, each) for each in _PLAIN},
        "kind": found.definition.kind,
        "priority": found.priority,
        "onsets": msgspec.json.encode(found.onsets).decode(),
        "dues": msgspec.json.encode(found.dues).decode(),
        "limit_value": found.limit,
        **_parts("acknowledged", found.acknowledged, Acknowledgement),
        **_parts("shelved", found.shelved, Shelf),
    }


def _parts(prefix: str, part: Acknowledgement | Shelf | None, kind: type[Acknowledgement | Shelf]) -> Values:
    return {f"{prefix}_{each}": part and getattr(part, each) for each in kind.__struct_fields__}


def _event(change: Change, payload: str, at: int) -> Values:
    found = change.episode
    values = {"alarm": str(found.id), "version": found.version, "event": change.event, "payload": payload}
    return {**values, "written": at}


def _news(change: Change, payload: str) -> AlarmNews:
    assert change.event is not None  # noqa: S101 - Effects.events has such alone
    patient = change.episode.patient
    return AlarmNews(None if patient == _WARD else patient, change.event, payload)


def _episode(row: Sequence[Any]) -> Episode:
    identity, patient, *values = row
    columns: Mapping[str, Any] = dict(zip(_COLUMNS, values, strict=True))
    return Episode(
        id=UUID(identity),
        patient=UUID(patient) if patient else _WARD,
        **{each: columns[each] for each in _PLAIN} | {each: bool(columns[each]) for each in ("late", "unanswered")},
        onsets=msgspec.json.decode(columns["onsets"], type=tuple[int | None, ...]),
        dues=msgspec.json.decode(columns["dues"], type=tuple[int | None, ...]),
        limit=columns["limit_value"],
        acknowledged=_part("acknowledged", columns, Acknowledgement),
        shelved=_part("shelved", columns, Shelf),
    )


def _part(prefix: str, columns: Mapping[str, Any], kind: type[Any]) -> Any:  # noqa: ANN401 - of that type
    if columns[f"{prefix}_by"] is None:
        return None
    return kind(**{each: columns[f"{prefix}_{each}"] for each in kind.__struct_fields__})

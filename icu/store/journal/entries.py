"""Journal of what each transaction stored, under rising batch numbers, for live streams to follow.

An entry is MessagePack: its kind, and for readings the names of the columns and the rows, about 40 bytes a reading. It
costs the sink next to nothing, and each monitor makes its own events. Entries name their columns, so that they outlive
a change of the tables, and their kind, so that a program skips unknown ones.

A transaction that introduces or renames patients has an entry of them before the one of its readings, with a number of
its own: a client that was cut off between the two goes on at the readings. It also has one, if only of no patient,
where other programs may have written to the database before: copies of it in memory are of no use then.

A transaction in which alarms start, change or end has an entry of these events behind the one of its readings.

Batch numbers count readings: the number of an entry is the last one plus its readings, or plus one for an entry of
patients or alarms, so that the journal can be cut to a number of readings. A new database begins at the time of its
first batch, in milliseconds since 1970, so that its numbers are not those of an older database.
"""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

import msgspec
from msgspec import UNSET, Struct, UnsetType

from icu.alarms.effects import EventKind
from icu.store.readings import ReadingRow
from icu.store.tables.readings import COLUMNS

# Kinds of entries.
READINGS: Final = "readings"
PATIENTS: Final = "patients"
ALARMS: Final = "alarms"


class PatientNews(Struct, frozen=True, omit_defaults=True):
    """Changes of a patient in one transaction. UNSET fields stand as before; a new patient has both."""

    # In the store.
    key: int
    uuid: UUID
    # None as long as no sender has stated one.
    name: str | UnsetType | None = UNSET
    # Seconds between two observations; None as long as no sender has stated it.
    interval: float | UnsetType | None = UNSET


class AlarmNews(Struct, frozen=True, array_like=True):
    """Event of an alarm."""

    # None for the ward's own alarm.
    patient: UUID | None
    event: EventKind
    # JSON of the alarm as the API serves it: icu.store.alarms.served.Alarm.
    alarm: str


class Entry(Struct, frozen=True):
    """Content of an entry."""

    # In the order of COLUMNS.
    rows: Sequence[ReadingRow] = ()
    news: Sequence[PatientNews] = ()
    # In the order in which they came about.
    alarms: Sequence[AlarmNews] = ()
    # True where entries of patients say who is new in the rows. Sinks of an older version wrote none.
    introduced: bool = False
    # True where other programs may have written to the database before.
    anew: bool = False
    # True where this and the entry before it say all that has changed between them.
    complete: bool = False


class _Entry(Struct, array_like=True):
    """Entry of any kind. The fields behind the kind depend on it."""

    kind: str


class _Readings(_Entry, array_like=True):
    columns: tuple[str, ...]
    rows: Sequence[ReadingRow]
    introduced: bool = False


class _Patients(_Entry, array_like=True):
    news: Sequence[PatientNews]
    # True where other programs may have written to the database before.
    anew: bool = False


class _Alarms(_Entry, array_like=True):
    alarms: Sequence[AlarmNews]


_encoder: Final = msgspec.msgpack.Encoder()
_entries: Final = msgspec.msgpack.Decoder(_Entry)
_readings: Final = msgspec.msgpack.Decoder(_Readings)
_patients: Final = msgspec.msgpack.Decoder(_Patients)
_alarms: Final = msgspec.msgpack.Decoder(_Alarms)


def encode(rows: Sequence[ReadingRow]) -> bytes:
    """Encode rows, in the order of COLUMNS, as the payload of an entry."""
    return _encoder.encode(_Readings(READINGS, COLUMNS, rows, introduced=True))


def encode_patients(news: Sequence[PatientNews], *, anew: bool = False) -> bytes:
    """Encode the payload of an entry of patients.

    Args:
        news: Patients who are new or have changed.
        anew: True where other programs may have written to the database before.
    """
    return _encoder.encode(_Patients(PATIENTS, news, anew))


def encode_alarms(alarms: Sequence[AlarmNews]) -> bytes:
    """Encode the payload of an entry of events of alarms."""
    return _encoder.encode(_Alarms(ALARMS, alarms))


def decode(payload: bytes) -> Entry:
    """Decode the payload of an entry.

    Returns:
        Nothing, and incomplete, for an entry of an unknown kind. Missing columns of rows are None, unknown ones are
        left out.
    """
    kind = _entries.decode(payload).kind
    if kind == READINGS:
        readings = _readings.decode(payload)
        return Entry(_in_order(readings), introduced=readings.introduced, complete=readings.introduced)
    if kind == PATIENTS:
        patients = _patients.decode(payload)
        return Entry(news=patients.news, anew=patients.anew, complete=not patients.anew)
    if kind == ALARMS:
        return Entry(alarms=_alarms.decode(payload).alarms, complete=True)
    return Entry()


def _in_order(entry: _Readings) -> Sequence[ReadingRow]:
    if entry.columns == COLUMNS:
        return entry.rows
    return [tuple(map(dict(zip(entry.columns, row, strict=True)).get, COLUMNS)) for row in entry.rows]

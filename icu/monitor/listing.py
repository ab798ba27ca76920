"""The list of patients as JSON: each reading is encoded once, and only its age is written anew for each answer."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple
from uuid import UUID

import msgspec
from anyio.lowlevel import checkpoint
from msgspec import Struct

from icu.monitor.ages import AgeOf, Ages
from icu.monitor.alarms.urgency import is_active, urgency
from icu.monitor.freshness import Behind
from icu.monitor.roster import Kept
from icu.monitor.schemas import WorstAlarm
from icu.store.alarms.served import Alarm
from icu.store.commands.states import Silence
from icu.store.decisions.beds import Place
from icu.store.json_texts import json_texts
from icu.store.reader import PatientState
from icu.store.readings import LAG, TIMESTAMP, from_milliseconds
from icu.store.tables.readings import COLUMNS

# Patients that are encoded in one turn of the loop: one to three milliseconds.
SLICE: Final = 1_000

_encoder: Final = msgspec.json.Encoder()

_NO_PLACE: Final = Place(None, None, None, None, None)
_NOBODY: Final[Mapping[int, Behind]] = {}


class Latest(NamedTuple):
    """A patient with the latest reading, as they are listed."""

    # JSON up to the age.
    text: str
    # Of the reading, in seconds since 1970; None before the first.
    arrived: float | None


class Listed(Struct, frozen=True):
    """The patients of an answer."""

    patients: Sequence[Kept]
    # By the patient's key, those whose latest reading is not the newest.
    exceptions: Mapping[int, Latest]


class _Head(Struct, frozen=True):
    uuid: UUID
    name: str | None
    bed: str | None = None
    paused: Silence | None = None
    standby: Silence | None = None
    alarm: WorstAlarm | None = None


def latest_of(patient: Kept, state: PatientState) -> Latest:
    """Encode a patient with the latest reading as the store has it."""
    arrived = None if state.arrived is None else state.arrived.timestamp()
    return Latest(_text(_head(patient), "null", _encoder.encode(state.latest).decode()), arrived)


async def encode_patients(
    listed: Listed, ages: Ages, blind: Behind | None = None, unwatched: Mapping[int, Behind] = _NOBODY
) -> bytes:
    """Encode the list as a JSON array of PatientSummary, with the ages at this moment.

    Args:
        listed: The patients.
        ages: Ages of their readings.
        blind: What is behind for all of them; None while the ward is watched.
        unwatched: What is behind for some of them then, by the patient's key.
    """
    texts: list[str] = []
    others = {key: _ends(each) for key, each in unwatched.items()} if blind is None else {}
    for start in range(0, len(listed.patients), SLICE):
        if start:
            await checkpoint()
        part = listed.patients[start : start + SLICE]
        _renew([each for each in part if not each.text])
        _append(texts, part, listed.exceptions, ages.at_present(), _ends(blind), others)
    return f"[{''.join(texts).removesuffix(',')}]".encode()


def _renew(patients: Sequence[Kept]) -> None:
    """Encode patients who have changed, with their newest readings."""
    for patient in patients:
        patient.head = patient.head or _head(patient)
        if patient.row is None:
            patient.text = _text(patient.head, "null", "null")
    measured = [(each, each.row) for each in patients if each.row is not None]
    if measured:
        columns = dict(zip(COLUMNS, zip(*(row for _, row in measured), strict=True), strict=True))
        for (patient, row), reading in zip(measured, json_texts(columns, slice(None)), strict=True):
            news2, until = patient.scoring.text(row)
            patient.reading, patient.aged = reading, None
            patient.text, patient.until = _text(patient.head, news2, reading), until / 1_000
            patient.arrived = (row[TIMESTAMP] + row[LAG]) / 1_000


def _rescored(patient: Kept, age: float | None) -> str:
    """Return the text of a patient some of whose values are too old for NEWS2, or of unknown age."""
    if patient.row is None or age is None:
        return _text(patient.head, "null", patient.reading)
    aged, milliseconds = patient.aged, round(1_000 * age)
    if aged is None or not aged.since < milliseconds <= aged.until:
        aged = patient.aged = patient.scoring.aged(patient.row, milliseconds)
    return _text(patient.head, aged.json, patient.reading)


def _head(patient: Kept) -> str:
    place = patient.place or _NO_PLACE
    head = _Head(
        patient.uuid,
        patient.name,
        place.bed,
        _silence(place.paused_by, place.paused_until),
        _silence(place.standby_by, place.standby_until),
        _worst(patient.alarms.values()),
    )
    return _encoder.encode(head).decode().removesuffix("}")


def _silence(by: str | None, until: int | None) -> Silence | None:
    return None if by is None or until is None else Silence(by, from_milliseconds(until))


def _worst(alarms: Iterable[Alarm]) -> WorstAlarm | None:
    worst = min(filter(is_active, alarms), key=urgency, default=None)
    if worst is None:
        return None
    return WorstAlarm(worst.id, worst.condition, worst.priority, worst.signal, worst.raised or worst.onset)


def _text(head: str, news2: str, reading: str) -> str:
    return f'{head},"news2":{news2},"latest":{reading},"latest_age_seconds":'


class _Ends(NamedTuple):
    """Ends of a patient's object."""

    fresh: str
    stale: str
    unknown: str


def _ends(blind: Behind | None) -> _Ends:
    """Return the ends while the ward is watched, or where something is behind for all: then nothing is fresh."""
    if blind is None:
        return _Ends(
            ',"stale":false,"behind":null},', ',"stale":true,"behind":"patient"},', ',"stale":null,"behind":null},'
        )
    return _Ends(*[f',"stale":true,"behind":"{blind}"}},'] * 3)


def _append(
    texts: list[str],
    patients: Sequence[Kept],
    exceptions: Mapping[int, Latest],
    age_of: AgeOf,
    ends: _Ends,
    others: Mapping[int, _Ends],
) -> None:
    # Two texts for each, which are joined at the end: to join them here too takes half as long again.
    for patient in patients:
        fresh, stale, unknown = others.get(patient.key, ends)
        exception = exceptions.get(patient.key)
        text, arrived = exception or (patient.text, patient.arrived)
        age = age_of(patient.number, arrived)
        if (age is None or age > patient.until) and exception is None:
            text = _rescored(patient, age)
        texts.append(text)
        if age is None:
            texts.append(f"null{unknown}")
        elif age > patient.stale_after:
            texts.append(f"{age:.3f}{stale}")  # the store keeps arrivals to the millisecond
        else:
            texts.append(f"{age:.3f}{fresh}")

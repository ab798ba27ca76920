"""The list of patients as JSON: each reading is encoded once, and only its age is written anew for each answer."""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple
from uuid import UUID

import msgspec
from anyio.lowlevel import checkpoint
from msgspec import Struct

from icu.monitor.ages import AgeOf, Ages
from icu.monitor.roster import Kept
from icu.store.json_texts import json_texts
from icu.store.reader import PatientState
from icu.store.readings import LAG, TIMESTAMP
from icu.store.tables import COLUMNS

# Patients that are encoded in one turn of the loop: one to three milliseconds.
SLICE: Final = 1_000

_encoder: Final = msgspec.json.Encoder()


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


class _Names(Struct, frozen=True):
    uuid: UUID
    name: str | None


def latest_of(state: PatientState) -> Latest:
    """Encode a patient as the store has it."""
    arrived = None if state.arrived is None else state.arrived.timestamp()
    return Latest(_text(_head(state.uuid, state.name), _encoder.encode(state.latest).decode()), arrived)


async def encode_patients(listed: Listed, ages: Ages) -> bytes:
    """Encode the list as a JSON array of PatientSummary, with the ages at this moment."""
    texts: list[str] = []
    for start in range(0, len(listed.patients), SLICE):
        if start:
            await checkpoint()
        part = listed.patients[start : start + SLICE]
        _renew([each for each in part if not each.text])
        _append(texts, part, listed.exceptions, ages.at_present())
    return f"[{''.join(texts).removesuffix(',')}]".encode()


def _renew(patients: Sequence[Kept]) -> None:
    """Encode patients who have changed, with their newest readings."""
    for patient in patients:
        patient.head = patient.head or _head(patient.uuid, patient.name)
        patient.text = _text(patient.head, "null")
    measured = [(each, each.row) for each in patients if each.row is not None]
    if measured:
        columns = dict(zip(COLUMNS, zip(*(row for _, row in measured), strict=True), strict=True))
        for (patient, row), reading in zip(measured, json_texts(columns, slice(None)), strict=True):
            patient.text = _text(patient.head, reading)
            patient.arrived = (row[TIMESTAMP] + row[LAG]) / 1000


def _head(uuid: UUID, name: str | None) -> str:
    return _encoder.encode(_Names(uuid, name)).decode().removesuffix("}")


def _text(head: str, reading: str) -> str:
    return f'{head},"latest":{reading},"latest_age_seconds":'


def _append(texts: list[str], patients: Sequence[Kept], exceptions: Mapping[int, Latest], age_of: AgeOf) -> None:
    # Two texts for each, which are joined at the end: to join them here too takes half as long again.
    for patient in patients:
        text, arrived = exceptions.get(patient.key) or (patient.text, patient.arrived)
        age = age_of(patient.number, arrived)
        texts.append(text)
        if age is None:
            texts.append('null,"stale":null},')
        elif age > patient.stale_after:
            texts.append(f'{age:.3f},"stale":true}},')  # the store keeps arrivals to the millisecond
        else:
            texts.append(f'{age:.3f},"stale":false}},')

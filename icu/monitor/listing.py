"""The list of patients as JSON: each reading is encoded once, and only its age is written anew for each answer."""

from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

import msgspec
from anyio.lowlevel import checkpoint
from msgspec import Struct

from icu.monitor.ages import AgeOf, Ages
from icu.monitor.roster import Kept, Latest
from icu.store.json_texts import json_texts
from icu.store.reader import PatientState
from icu.store.readings import LAG, TIMESTAMP
from icu.store.tables import COLUMNS

# Patients that are encoded in one turn of the loop: one to three milliseconds.
SLICE: Final = 1_000

_NONE_YET: Final = Latest("null", None)

_encoder: Final = msgspec.json.Encoder()


class Listed(Struct, frozen=True):
    """The patients of an answer."""

    patients: Sequence[Kept]
    # By the patient's key, latest readings that are not the newest.
    exceptions: Mapping[int, Latest]


class _Head(Struct, frozen=True):
    uuid: UUID
    name: str | None


def latest_of(state: PatientState) -> Latest:
    """Encode the latest reading of a patient as the store has it."""
    text = _encoder.encode(state.latest).decode()
    return Latest(text, None if state.arrived is None else state.arrived.timestamp())


async def encode_patients(listed: Listed, ages: Ages) -> bytes:
    """Encode the list as a JSON array of PatientSummary, with the ages at this moment."""
    texts: list[str] = []
    for start in range(0, len(listed.patients), SLICE):
        if start:
            await checkpoint()
        part = listed.patients[start : start + SLICE]
        _renew([each for each in part if each.latest is None])
        age_of = ages.at_present()
        texts += [_text(each, listed.exceptions.get(each.key) or each.latest or _NONE_YET, age_of) for each in part]
    return f"[{','.join(texts)}]".encode()


def _renew(patients: Sequence[Kept]) -> None:
    """Encode the newest readings of patients anew."""
    measured = [(each, each.row) for each in patients if each.row is not None]
    if measured:
        columns = dict(zip(COLUMNS, zip(*(row for _, row in measured), strict=True), strict=True))
        for (patient, row), text in zip(measured, json_texts(columns, slice(None)), strict=True):
            patient.latest = Latest(text, (row[TIMESTAMP] + row[LAG]) / 1000)


def _text(patient: Kept, latest: Latest, age_of: AgeOf) -> str:
    if patient.head is None:
        patient.head = _encoder.encode(_Head(patient.uuid, patient.name)).decode().removesuffix("}") + ',"latest":'
    age = age_of(patient.number, latest.arrived)
    if age is None:
        return f'{patient.head}{latest.text},"latest_age_seconds":null,"stale":null}}'
    # The store keeps arrivals to the millisecond.
    stale = "true" if age > patient.stale_after else "false"
    return f'{patient.head}{latest.text},"latest_age_seconds":{age:.3f},"stale":{stale}}}'

"""Batches of the journal as server-sent events."""

from collections.abc import Iterable, Sequence
from typing import Final, TypeAlias
from uuid import UUID

import msgspec
from msgspec import UNSET

from icu.monitor.schemas import PatientName
from icu.store.journal.following import Batch
from icu.store.readings import PatientReading

# Patients whose events a client gets; None for all patients.
Filter: TypeAlias = frozenset[UUID] | None

_encoder: Final = msgspec.json.Encoder()


def encode(batches: Iterable[Batch], patients: Filter) -> bytes:
    """Encode batches as events, of patients before those of readings and of alarms.

    Args:
        batches: In the order of their numbers.
        patients: Those of whom the events tell.

    Returns:
        Server-sent events; empty where no batch has news, readings or alarms of the patients.
    """
    return b"".join(part for batch in batches for part in _events(batch, patients))


def _events(batch: Batch, patients: Filter) -> Iterable[bytes]:
    names, readings = _names(batch, patients), _readings(batch, patients)
    if names:
        # In a batch that has readings too, the number is theirs: a client that is cut off between the two comes back
        # with the number before, and gets both again.
        yield _event(b"patients", _encoder.encode(names), None if readings else batch.number)
    if readings:
        yield _event(b"readings", _encoder.encode(readings), batch.number)
    if alarms := _alarms(batch, patients):
        yield _event(b"alarms", b"[%b]" % b",".join(alarms), batch.number)


def _names(batch: Batch, patients: Filter) -> Sequence[PatientName]:
    """List the patients who are new or have another name; an interval is no news for clients."""
    return [
        PatientName(each.uuid, each.name)
        for each in batch.news
        if each.name is not UNSET and (patients is None or each.uuid in patients)
    ]


def _readings(batch: Batch, patients: Filter) -> Sequence[PatientReading]:
    if patients is None:
        return batch.readings
    return [each for each in batch.readings if each.patient_uuid in patients]


def _alarms(batch: Batch, patients: Filter) -> Sequence[bytes]:
    """List the alarms that have changed, as JSON. Those of the ward are everybody's."""
    return [
        each.alarm.encode()
        for each in batch.alarms
        if patients is None or each.patient is None or each.patient in patients
    ]


def _event(kind: bytes, data: bytes, number: int | None) -> bytes:
    id_line = b"" if number is None else b"id: %d\n" % number
    return b"%bevent: %b\ndata: %b\n\n" % (id_line, kind, data)

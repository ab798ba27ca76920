"""Fast decoding of plain records, which nearly all are.

An Observation is checked by code that runs whenever one is made, and has a uuid object. Here a record becomes its
values without one, and uuids, names and pressures, which a ward repeats, are checked once each. Whatever is not plainly
right is left to `icu.sink.decoding`, which alone judges what is accepted.
"""

from datetime import UTC
from typing import Any, Final
from uuid import UUID

import msgspec

from icu.bounds import FIRST_YEAR, LAST_YEAR, check_name, check_time, check_uuid
from icu.messages import Delivery, Observation, key_of
from icu.sink.decoding import MAX_DEPTH
from icu.store.readings import Cache, ObservedRow, to_observed

# The fields of an Observation, without the checks that its constructor makes, and with the uuid as text.
_Fields: Final = msgspec.defstruct(
    "_Fields",
    [
        (each.name, str if each.name == "patient_uuid" else each.type, each.default)
        for each in msgspec.structs.fields(Observation)
    ],
    kw_only=True,
    gc=False,
)
_fields: Final = msgspec.json.Decoder[Any](_Fields)


def decode_plain(delivery: Delivery) -> ObservedRow | None:
    """Decode a plain record; None for any other, right or wrong."""
    value = delivery.value
    # A record of at most so many bytes cannot nest too deeply.
    if value is None or len(value) > MAX_DEPTH:
        return None
    try:
        fields = _fields.decode(value)
        patient, key = _patients[fields.patient_uuid]
        _names[fields.patient_name]
        timestamp = fields.timestamp
        if timestamp.tzinfo is not UTC or not FIRST_YEAR <= timestamp.year <= LAST_YEAR:
            fields.timestamp = check_time(timestamp)
        observed = to_observed(fields, patient)
        if not value.isascii():
            value.decode()  # msgspec does not check the fields that it ignores
    except (msgspec.MsgspecError, ValueError, TypeError, RecursionError):
        return None
    if delivery.key not in (None, key) or not _is_plain_pressure_time(fields):
        return None
    return observed


def _is_plain_pressure_time(fields: Any) -> bool:  # noqa: ANN401 - its type is made above
    measured = fields.bp_measured_at
    return measured is None or (measured.tzinfo is UTC and measured.year >= FIRST_YEAR and measured <= fields.timestamp)


def _to_patient(text: str) -> tuple[int, bytes]:
    """Convert a uuid to an integer, and to the key of the patient's records."""
    uuid = check_uuid(msgspec.convert(text, UUID))
    return uuid.int, key_of(uuid)


_patients: Final = Cache(_to_patient)
_names: Final = Cache[str | None, str | None](lambda name: None if name is None else check_name(name))

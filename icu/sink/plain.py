"""Fast decoding of plain records, which nearly all are.

An Observation is checked by code that runs whenever one is made, and has a uuid object. Here a record becomes its
values without one, and uuids, names and pressures, which a ward repeats, are checked once each. Whatever is not plainly
right is left to `icu.sink.decoding`, which alone judges what is accepted.
"""

from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import msgspec

from icu.bounds import FIRST_YEAR, LAST_YEAR, check_name, check_uuid
from icu.messages import Delivery, Observation, key_of
from icu.sink.decoding import MAX_DEPTH
from icu.store.readings import TIMESTAMP, Cache, ObservedRow, milliseconds, to_observed

# The years of readings: their first moment, and their first and end in milliseconds.
_EPOCH: Final = datetime(FIRST_YEAR, 1, 1, tzinfo=UTC)
_FIRST: Final = milliseconds(_EPOCH)
_END: Final = milliseconds(datetime(LAST_YEAR + 1, 1, 1, tzinfo=UTC))

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
        observed = to_observed(fields, patient)
        sent, measured = fields.timestamp, fields.bp_measured_at
        is_plain = (
            _FIRST <= observed[TIMESTAMP] < _END
            and (measured is None or _EPOCH <= measured <= sent)
            and (delivery.key is None or delivery.key == key)
            # msgspec does not check the fields that it ignores.
            and (value.isascii() or bool(value.decode()))
        )
    # A time without a zone is a TypeError.
    except (msgspec.MsgspecError, ValueError, TypeError, RecursionError):
        return None
    return observed if is_plain else None


def _to_patient(text: str) -> tuple[int, bytes]:
    """Convert a uuid to an integer, and to the key of the patient's records."""
    uuid = check_uuid(msgspec.convert(text, UUID))
    return uuid.int, key_of(uuid)


_patients: Final = Cache(_to_patient)
_names: Final = Cache[str | None, str | None](lambda name: None if name is None else check_name(name))

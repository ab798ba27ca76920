"""What travels on the topic: one Observation as JSON, keyed by the patient's uuid.

An Observation is one set of vital signs of one patient at one time. The names are the brief's own; the JSON stays
readable to `kcat`. Later versions add optional fields, which this version ignores; a version number that this one does
not know means that a field changed its meaning, and the record is refused.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Annotated, Final
from unicodedata import normalize
from uuid import UUID, uuid5

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from icu.bounds import FIRST_YEAR, LAST_YEAR, MAX_NAME_LENGTH, check_name, check_time
from icu.vitals.catalogue import MAP, PULSE, RESP_RATE, SPO2, TEMPERATURE
from icu.vitals.signs import WrittenPressure, parse_blood_pressure

SCHEMA_VERSION: Final = 1
# Seconds from one observation to the next: a day.
LONGEST_INTERVAL: Final = 86_400

_PATIENTS: Final = UUID("5b0c9a52-8f5c-4c56-9c0e-5d2a0c1e7f11")


class Record(Struct, frozen=True, gc=False):
    """One message to send: the key chooses the partition, so that a patient's order is kept."""

    key: bytes
    value: bytes


class Delivery(Struct, frozen=True, gc=False):
    """One message as it came from the transport. Either part may be missing: other programs write to the topic too."""

    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()


class Position(Struct, frozen=True, gc=False):
    """Where to go on reading a partition: the offset of the next record, in the log that `mark` identifies."""

    next: int
    mark: str


class Refusal(Struct, frozen=True, gc=False):
    """A delivery that cannot be stored, and why: what becomes a dead letter."""

    delivery: Delivery
    reason: str
    detail: str


class Implausible(Struct, frozen=True, gc=False):
    """An impossible value in a delivery. A reading is stored without it."""

    delivery: Delivery
    # The field's, for instance `spo2`.
    name: str
    # As it came.
    value: str


SchemaVersion = Annotated[int, Meta(ge=0, le=SCHEMA_VERSION)]

# Python's `$` would let a line feed through; \Z, which would not, is unknown to the schema's readers.
Flag = Annotated[
    str,
    Meta(
        pattern=r"^[a-z][a-z-]{0,31}(?!\n)$",
        description="motion, damped: the value is doubtful; probe-off, lead-off, low-perfusion: it is absent; "
        "implausible: it was impossible, and is absent",
        examples=["motion"],
    ),
]


class Quality(Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """Why a sign's value is doubtful or absent; absent for a sign of which nothing is said.

    Our own senders say `motion` (the value is shown all the same), `probe-off`, `lead-off`, `damped`, `low-perfusion`
    and `implausible`. The sink says `implausible` of an impossible value, which it leaves out.
    """

    pulse: Flag | None = None
    resp_rate: Flag | None = None
    # Of the mean pressure too, but for `implausible`.
    bp: Flag | None = None
    spo2: Flag | None = None
    temperature: Flag | None = None
    map: Annotated[
        Flag | None,
        Meta(description="implausible, of the mean pressure; all else of it stands in bp", examples=["implausible"]),
    ] = None


_NOTHING_SAID: Final = Quality()


class Observation(Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """One set of vital signs. A sign that was not measured is absent. Checked when made, whoever makes it.

    The store keeps times to the millisecond and values to the hundredth.
    """

    patient_uuid: UUID
    # Aware; normalised to UTC.
    timestamp: datetime
    patient_name: Annotated[str, Meta(max_length=MAX_NAME_LENGTH)] | None = None
    # Heart rate, /min.
    pulse: Annotated[int, PULSE.whole] | Annotated[float, PULSE.exact] | None = None
    # /min.
    resp_rate: Annotated[int, RESP_RATE.whole] | Annotated[float, RESP_RATE.exact] | None = None
    # Systolic/diastolic, mm[Hg], as text: `120/80`; `119/-` where a half is unknown.
    bp: str | None = None
    # %. What lies between 0 and 1 is a fraction.
    spo2: Annotated[int, SPO2.whole] | Annotated[float, SPO2.exact] | None = None
    # Cel.
    temperature: Annotated[int, TEMPERATURE.whole] | Annotated[float, TEMPERATURE.exact] | None = None
    # Mean arterial pressure, mm[Hg].
    map: Annotated[int, MAP.whole] | Annotated[float, MAP.exact] | None = None
    # When `bp` and `map` were measured, where that was before `timestamp`: between two inflations of a cuff the last
    # value stands. Aware; normalised to UTC.
    bp_measured_at: datetime | None = None
    # None where it would be empty.
    quality: Quality | None = None
    # Seconds until the sender's next observation is due.
    interval: Annotated[float, Meta(gt=0, le=LONGEST_INTERVAL)] | None = None
    # 0: a sender that states none, as in the brief.
    schema_version: SchemaVersion = 0

    def __post_init__(self) -> None:
        if not self.patient_uuid.int:
            raise ValueError("the patient's uuid is nil")
        # Asked here, for a call for each message would be a tenth of decoding it.
        timestamp = self.timestamp
        if timestamp.tzinfo is not UTC or not FIRST_YEAR <= timestamp.year <= LAST_YEAR:
            msgspec.structs.force_setattr(self, "timestamp", _utc("timestamp", timestamp))
        if self.patient_name is not None:
            check_name(self.patient_name)
        if self.bp is not None:
            parse_blood_pressure(self.bp)
        if self.bp_measured_at is not None:
            _check_pressure_time(self, self.bp_measured_at)
        if self.quality is not None and self.quality == _NOTHING_SAID:
            msgspec.structs.force_setattr(self, "quality", None)


class Served(Struct, frozen=True, gc=False):
    """Vital signs of one patient at one time, as everybody serves them. A sign that was not measured is null; the later
    ones are absent then."""

    timestamp: Annotated[
        datetime,
        Meta(description="When it was measured, UTC, to the millisecond", examples=["2026-01-31T12:00:00Z"]),
    ]
    pulse: Annotated[float, PULSE.served] | None
    resp_rate: Annotated[float, RESP_RATE.served] | None
    bp: WrittenPressure | None
    spo2: Annotated[float, SPO2.served] | None
    temperature: Annotated[float, TEMPERATURE.served] | None
    map: Annotated[float, MAP.served] | UnsetType = UNSET
    bp_measured_at: Annotated[
        datetime | UnsetType,
        Meta(
            description="When bp and map were measured, UTC, if not at the timestamp: by a cuff, for instance",
            examples=["2026-01-31T11:55:00Z"],
        ),
    ] = UNSET
    quality: Annotated[
        Quality | UnsetType,
        Meta(description="By sign, why its value is doubtful or absent: motion, for instance, or implausible"),
    ] = UNSET


_encoder: Final = msgspec.json.Encoder()


def encode(observations: Sequence[Observation]) -> list[Record]:
    """The records to publish."""
    return [Record(key_of(each.patient_uuid), _encoder.encode(each)) for each in observations]


def key_of(patient_uuid: UUID) -> bytes:
    """The key of a patient's records."""
    return _key_of_number(patient_uuid.int)


@lru_cache(maxsize=65_536)
def _key_of_number(number: int) -> bytes:
    """Cached by number: to hash and compare UUIDs takes longer than to encode the rest of an observation."""
    return str(UUID(int=number)).encode()


def uuid_of_name(name: str) -> UUID:
    """The identity of a patient who was given only a name: the same at every start."""
    return uuid5(_PATIENTS, normalize("NFC", name.strip()))


def _utc(name: str, moment: datetime) -> datetime:
    try:
        return check_time(moment)
    except ValueError as exc:
        raise ValueError(f"{name} {exc}") from exc


def _check_pressure_time(observation: Observation, moment: datetime) -> None:
    """Normalise it as the timestamp is, behind which it cannot lie."""
    if moment.tzinfo is not UTC or moment.year < FIRST_YEAR:
        moment = _utc("bp_measured_at", moment)
        msgspec.structs.force_setattr(observation, "bp_measured_at", moment)
    if moment > observation.timestamp:
        raise ValueError("bp_measured_at is later than timestamp")

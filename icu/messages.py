"""Messages on the topic: one Observation each, as JSON, keyed by the patient's uuid.

An Observation is one set of vital signs of one patient at one time. The names are the brief's own; the JSON stays
readable to `kcat`. Later versions add optional fields, which this version ignores. An unknown version number means that
a field changed its meaning: the record is refused.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Annotated, Final, Literal, TypeAlias
from unicodedata import normalize
from uuid import UUID, uuid5

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from icu.bounds import FIRST_YEAR, LAST_YEAR, MAX_NAME_LENGTH, check_name, check_time
from icu.vitals.catalogue import MAP, PULSE, RESP_RATE, SPO2, TEMPERATURE
from icu.vitals.signs import WrittenPressure, parse_blood_pressure

# Raised when a field changes its meaning.
SCHEMA_VERSION: Final = 1

# Seconds from one observation to the next at most: a day.
LONGEST_INTERVAL: Final = 86_400

# Namespace of the uuids that are made from names. Never to be changed: each patient would become another one.
_PATIENTS: Final = UUID("5b0c9a52-8f5c-4c56-9c0e-5d2a0c1e7f11")


class Record(Struct, frozen=True, gc=False):
    """Message to send. The key chooses the partition, which keeps the order of a patient's messages."""

    key: bytes
    value: bytes


class Delivery(Struct, frozen=True, gc=False):
    """Message as received. Key and value may be missing: other programs write to the topic too."""

    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()


class Position(Struct, frozen=True, gc=False):
    """Position in a partition from which to read on."""

    # Offset of the next record.
    next: int
    # Identity of the log that the offset belongs to: see icu.transports.base.
    mark: str


# Reasons for which a delivery is refused, labels of the metrics. docs/operating.md explains each.
Reason: TypeAlias = Literal[
    "malformed", "invalid", "implausible", "key", "conflict", "oversize", "tombstone", "expired"
]


class Refusal(Struct, frozen=True, gc=False):
    """Delivery that cannot be stored, and becomes a dead letter."""

    delivery: Delivery
    reason: Reason
    # Sentence for people. It may quote the sender's text.
    detail: str


class Implausible(Struct, frozen=True, gc=False):
    """Impossible value in a delivery, whose reading is stored without it."""

    delivery: Delivery
    # Name of the field, for instance `spo2`.
    name: str
    # Text of the value, as received.
    value: str


SchemaVersion = Annotated[int, Meta(ge=0, le=SCHEMA_VERSION)]

# Reason why a value is doubtful or absent. Python's `$` matches before a line feed, hence (?!\n): \Z is no part of
# JSON Schema's regular expressions.
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
    """Flags of signs whose values are doubtful or absent. Other signs have none.

    Our own senders write `motion` (the value is shown all the same), `probe-off`, `lead-off`, `damped`, `low-perfusion`
    and `implausible`. The sink writes `implausible` for an impossible value, which it leaves out.
    """

    pulse: Flag | None = None
    resp_rate: Flag | None = None
    # Also for the mean pressure, except `implausible`.
    bp: Flag | None = None
    spo2: Flag | None = None
    temperature: Flag | None = None
    map: Annotated[
        Flag | None,
        Meta(description="implausible, of the mean pressure; all else of it stands in bp", examples=["implausible"]),
    ] = None


_NO_FLAGS: Final = Quality()


class Observation(Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """One set of vital signs of one patient at one time. Signs that were not measured are absent.

    Checked whenever one is made, by a sender as well as by the decoder. The store keeps times to the millisecond and
    values to the hundredth.
    """

    patient_uuid: UUID
    # Time of measurement, aware; normalised to UTC.
    timestamp: datetime
    patient_name: Annotated[str, Meta(max_length=MAX_NAME_LENGTH)] | None = None
    # Heart rate, /min.
    pulse: Annotated[int, PULSE.whole] | Annotated[float, PULSE.exact] | None = None
    # Respiratory rate, /min.
    resp_rate: Annotated[int, RESP_RATE.whole] | Annotated[float, RESP_RATE.exact] | None = None
    # Systolic/diastolic, mm[Hg], as text: `120/80`; `119/-` where a half is unknown.
    bp: str | None = None
    # Oxygen saturation, %. Values between 0 and 1 are refused: they are fractions.
    spo2: Annotated[int, SPO2.whole] | Annotated[float, SPO2.exact] | None = None
    # Body temperature, Cel.
    temperature: Annotated[int, TEMPERATURE.whole] | Annotated[float, TEMPERATURE.exact] | None = None
    # Mean arterial pressure, mm[Hg].
    map: Annotated[int, MAP.whole] | Annotated[float, MAP.exact] | None = None
    # Time of measurement of `bp` and `map`, if before `timestamp`: between two inflations of a cuff the last value
    # stands. Aware; normalised to UTC.
    bp_measured_at: datetime | None = None
    # None if no sign has a flag.
    quality: Quality | None = None
    # Seconds until the sender's next observation is due.
    interval: Annotated[float, Meta(gt=0, le=LONGEST_INTERVAL)] | None = None
    # 0 for senders that state no version, as in the brief.
    schema_version: SchemaVersion = 0

    def __post_init__(self) -> None:
        if not self.patient_uuid.int:
            raise ValueError("the patient's uuid is nil")
        # Inline: a function call for each message would be a tenth of the time of decoding.
        timestamp = self.timestamp
        if timestamp.tzinfo is not UTC or not FIRST_YEAR <= timestamp.year <= LAST_YEAR:
            msgspec.structs.force_setattr(self, "timestamp", _utc("timestamp", timestamp))
        if self.patient_name is not None:
            check_name(self.patient_name)
        if self.bp is not None:
            parse_blood_pressure(self.bp)
        if self.bp_measured_at is not None:
            _check_pressure_time(self, self.bp_measured_at)
        if self.quality is not None and self.quality == _NO_FLAGS:
            msgspec.structs.force_setattr(self, "quality", None)


class Served(Struct, frozen=True, gc=False):
    """Vital signs of one patient at one time, as served by monitor and bedside.

    Signs of the brief are null if they were not measured, later ones absent.
    """

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
    """Encode observations as records to publish, in their order."""
    # In one pass: JSON has no line feeds within a line.
    lines = _encoder.encode_lines(observations).splitlines()
    return [Record(key_of(each.patient_uuid), line) for each, line in zip(observations, lines, strict=True)]


def key_of(patient_uuid: UUID) -> bytes:
    """Return the key of a patient's records: the uuid as text."""
    return _key_of_number(patient_uuid.int)


# Cached by number: hashing and comparing UUIDs takes longer than encoding the rest of an observation.
@lru_cache(maxsize=65_536)
def _key_of_number(number: int) -> bytes:
    return str(UUID(int=number)).encode()


def uuid_of_name(name: str) -> UUID:
    """Derive the uuid of a patient from a name: the same at every start."""
    return uuid5(_PATIENTS, normalize("NFC", name.strip()))


def _utc(name: str, moment: datetime) -> datetime:
    try:
        return check_time(moment)
    except ValueError as exc:
        raise ValueError(f"{name} {exc}") from exc


def _check_pressure_time(observation: Observation, moment: datetime) -> None:
    """Check and normalise `bp_measured_at`.

    Raises:
        ValueError: It has no zone, lies outside the years of readings, or later than the timestamp.
    """
    if moment.tzinfo is not UTC or moment.year < FIRST_YEAR:
        moment = _utc("bp_measured_at", moment)
        msgspec.structs.force_setattr(observation, "bp_measured_at", moment)
    if moment > observation.timestamp:
        raise ValueError("bp_measured_at is later than timestamp")

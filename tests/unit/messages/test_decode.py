"""What is accepted from the topic, what is refused and with which reason."""

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from icu.errors import MessageError
from icu.messages import MAX_VALUE_BYTES, Delivery, Observation, Quality, decode, encode, uuid_of_name
from tests.hostile import INVALID, MALFORMED, raw, value
from tests.samples import ANNA, START, delivery, observation


def decoded(data: bytes | None, key: bytes | None = None) -> Observation:
    """What the sink makes of the bytes."""
    return decode(Delivery(0, 0, key, data))


@pytest.mark.parametrize("data", MALFORMED.values(), ids=MALFORMED)
def test_malformed_bytes_are_refused(data: bytes) -> None:
    """What is no JSON document is a MessageError with reason `malformed`, never another exception."""
    with pytest.raises(MessageError) as caught:
        decoded(data)
    assert caught.value.reason == "malformed"


@pytest.mark.parametrize("data", INVALID.values(), ids=INVALID)
def test_impossible_values_are_refused(data: bytes) -> None:
    """JSON that is no observation is a MessageError with reason `invalid` and says where."""
    with pytest.raises(MessageError) as caught:
        decoded(data)
    assert caught.value.reason == "invalid"
    assert caught.value.detail


def test_a_tombstone_is_refused() -> None:
    """A record without a value is no observation."""
    with pytest.raises(MessageError, match="tombstone"):
        decoded(None)


@pytest.mark.parametrize("size", [MAX_VALUE_BYTES + 1, 10_000_000])
def test_oversize_values_are_refused_unread(size: int) -> None:
    """A value over the limit is refused by its size, whatever is in it."""
    with pytest.raises(MessageError, match="oversize"):
        decoded(b'"' + b"x" * size)


def test_the_key_of_another_patient_is_refused() -> None:
    """A key that spells another uuid than the value's would break the order per patient."""
    with pytest.raises(MessageError, match="key"):
        decoded(value(), key=str(uuid4()).encode())


@pytest.mark.parametrize("key", [None, b"", b"bed-7", b"\xff\xfe", str(ANNA).encode(), str(ANNA).upper().encode()])
def test_other_keys_are_the_senders_business(key: bytes | None) -> None:
    """No key, the patient's own and any other text are accepted."""
    assert decoded(value(), key=key).patient_uuid == ANNA


ACCEPTED: dict[str, tuple[bytes, dict[str, Any]]] = {
    "epoch in seconds": (raw("timestamp", "1769860800"), {"timestamp": START}),
    "epoch in milliseconds": (raw("timestamp", "1769860800000"), {"timestamp": START}),
    "zone offset": (value(timestamp="2026-01-31T15:00:00+03:00"), {"timestamp": START}),
    "unknown fields": (value(mood="good", nested={"a": [1]}), {"pulse": 72}),
    "nesting of 511 in an ignored field": (value()[:-1] + b',"x":' + b"[" * 511 + b"]" * 511 + b"}", {"pulse": 72}),
    "brackets in ignored text": (value(mood='[{\\"' * 1_000), {"pulse": 72}),
    "1e999 in an ignored field": (value()[:-1] + b',"x":1e999}', {"pulse": 72}),
    "1e999 in an ignored field beside an epoch": (
        raw("timestamp", "1769860800")[:-1] + b',"x":1e999}',
        {"timestamp": START},
    ),
    "5,000 digits in an ignored field beside an epoch": (
        raw("timestamp", "1769860800")[:-1] + b',"x":' + b"9" * 5_000 + b"}",
        {"timestamp": START},
    ),
    "no name": (value(patient_name=None), {"patient_name": None}),
    "missing signs": (value(pulse=None, bp=None), {"pulse": None, "bp": None}),
    "mean pressure": (raw("map", "93"), {"map": 93, "bp_measured_at": None, "quality": None}),
    "the highest mean pressure": (raw("map", "360.0"), {"map": 360}),
    "pressure of earlier": (
        value(bp_measured_at="2026-01-31T14:55:00+03:00"),
        {"bp_measured_at": START - timedelta(minutes=5)},
    ),
    "pressure of earlier beside an epoch": (
        raw("timestamp", "1769860800")[:-1] + b',"bp_measured_at":"2026-01-31T11:55:00Z"}',
        {"timestamp": START, "bp_measured_at": START - timedelta(minutes=5)},
    ),
    "pressure of the same time, in a zone": (
        value(bp_measured_at="2026-01-31T15:00:00+03:00"),
        {"bp_measured_at": START},
    ),
    "doubt": (
        value(quality={"pulse": "lead-off", "bp": "damped"}),
        {"quality": Quality(pulse="lead-off", bp="damped"), "pulse": 72, "bp": "120/80"},
    ),
    "doubt of another sender's": (value(quality={"spo2": "a" * 32}), {"quality": Quality(spo2="a" * 32)}),
    "doubt of an absent sign": (
        value(temperature=None, quality={"temperature": "probe-off"}),
        {"temperature": None, "quality": Quality(temperature="probe-off")},
    ),
    "no doubt": (value(quality={}), {"quality": None}),
    "null doubt": (value(quality={"pulse": None}), {"quality": None}),
    "doubt of an unknown sign alone": (value(quality={"mood": "motion"}), {"quality": None}),
    "null for what is optional": (
        value()[:-1] + b',"map":null,"bp_measured_at":null,"quality":null}',
        {"map": None, "bp_measured_at": None, "quality": None},
    ),
    "null signs": (raw("pulse", "null"), {"pulse": None}),
    "half a pressure": (value(bp="119/-"), {"bp": "119/-"}),
    "decimals in a pressure": (value(bp="119.25/79.5"), {"bp": "119.25/79.5"}),
    "asystole": (raw("pulse", "0"), {"pulse": 0}),
    "duplicate keys: the last wins": (value()[:-1] + b',"pulse":80}', {"pulse": 80}),
    "late": (value(timestamp="1999-01-01T00:00:00Z"), {"timestamp": datetime(1999, 1, 1, tzinfo=UTC)}),
    "early": (value(timestamp="2098-01-01T00:00:00Z"), {"timestamp": datetime(2098, 1, 1, tzinfo=UTC)}),
    "uuid without dashes": (value(patient_uuid=ANNA.hex), {"patient_uuid": ANNA}),
    "a name in Cyrillic": (value(patient_name="Иван Петров"), {"patient_name": "Иван Петров"}),
    "a name with a joiner": (value(patient_name="نگار\u200cسادات"), {"patient_name": "نگار\u200cسادات"}),
}


@pytest.mark.parametrize(("data", "expected"), ACCEPTED.values(), ids=ACCEPTED)
def test_foreign_senders_of_the_briefs_format_are_accepted(data: bytes, expected: dict[str, Any]) -> None:
    """What another program may well send is read as it was meant."""
    found = decoded(data)
    assert {name: getattr(found, name) for name in expected} == expected


@given(st.binary(max_size=300))
def test_no_bytes_at_all_crash_the_decoder(data: bytes) -> None:
    """Whatever comes, decode answers with an observation or a MessageError."""
    try:
        decoded(data)
    except MessageError as error:
        assert error.reason


@given(
    st.one_of(st.none(), st.integers(0, 350), st.integers(0, 35_000).map(lambda n: n / 100)),
    st.datetimes(datetime(1970, 1, 2), datetime(2099, 12, 30), timezones=st.just(UTC)),  # noqa: DTZ001 - hypothesis wants naive bounds
    st.none() | st.timedeltas(timedelta(0), timedelta(hours=12)),
    st.none() | st.from_regex(r"\A[a-z][a-z-]{0,31}\Z"),
)
def test_an_observation_survives_the_wire(
    pulse: float | None, timestamp: datetime, age: timedelta | None, flag: str | None
) -> None:
    """Encoding and decoding give the same observation."""
    sent = Observation(
        patient_uuid=ANNA,
        timestamp=timestamp,
        pulse=pulse,
        bp="120/80",
        map=pulse,
        bp_measured_at=None if age is None else timestamp - age,
        quality=None if flag is None else Quality(bp=flag),
    )
    assert decode(delivery(sent)) == sent


def test_the_wire_is_readable_json_with_the_briefs_names() -> None:
    """The names on the topic are the brief's own, numbers are numbers, a missing sign is absent."""
    [record] = encode([observation(temperature=None)])
    assert record.key == str(ANNA).encode()
    assert json.loads(record.value) == {
        "patient_uuid": str(ANNA),
        "timestamp": "2026-01-31T12:00:00Z",
        "patient_name": "Anna",
        "pulse": 72,
        "resp_rate": 16,
        "bp": "120/80",
        "spo2": 98,
        "interval": 5,
        "schema_version": 1,
    }


def test_what_is_optional_is_readable_json_too() -> None:
    """A time is ISO text, and only the signs of which something is said stand in the quality."""
    eastern = timezone(timedelta(hours=3))
    measured = datetime(2026, 1, 31, 14, 50, tzinfo=eastern)
    [record] = encode([observation(map=93.5, bp_measured_at=measured, quality=Quality(spo2="motion"))])
    found = json.loads(record.value)
    assert {name: found[name] for name in ("map", "bp_measured_at", "quality")} == {
        "map": 93.5,
        "bp_measured_at": "2026-01-31T11:50:00Z",
        "quality": {"spo2": "motion"},
    }


def test_an_impossible_time_of_a_pressure_is_refused_whoever_makes_it() -> None:
    """The message names the field, so that it is not looked for in the timestamp."""
    with pytest.raises(ValueError, match="bp_measured_at is later than timestamp"):
        observation(bp_measured_at=START + timedelta(seconds=1))
    with pytest.raises(ValueError, match="bp_measured_at has no time zone"):
        observation(bp_measured_at=START.replace(tzinfo=None))
    with pytest.raises(ValueError, match="bp_measured_at is outside the years"):
        observation(bp_measured_at=datetime(1960, 1, 1, tzinfo=UTC))


def test_a_name_is_the_same_patient_at_every_start() -> None:
    """The uuid made from a name depends on the name as people read it, and on nothing else."""
    assert uuid_of_name("Zoë") == uuid_of_name(" Zoe\u0308 ") != uuid_of_name("Zoe")

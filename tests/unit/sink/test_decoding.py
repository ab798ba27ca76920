"""Records of the topic: accepted, or refused with a reason."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from icu.messages import Delivery, Implausible, Observation, Quality
from icu.sink import lenient
from icu.sink.decoding import MAX_DEPTH, MAX_VALUE_BYTES, _uuid_in_key, decode
from icu.sink.errors import MessageError
from icu.vitals.signs import parse_blood_pressure, read_halves
from tests.hostile import ALONE, IMPLAUSIBLE, INVALID, MALFORMED, NOTHING_LEFT, WHOLE, raw, value
from tests.samples import ANNA, START

SIGNS = ("pulse", "resp_rate", "bp", "spo2", "temperature", "map")


def decoded(data: bytes | None, key: bytes | None = None) -> Observation:
    """Decode a record without impossible values."""
    implausible: list[Implausible] = []
    observation = decode(Delivery(0, 0, key, data), implausible)
    assert not implausible
    return observation


@pytest.mark.parametrize("data", MALFORMED.values(), ids=MALFORMED)
def test_malformed_bytes_are_refused(data: bytes) -> None:
    """Bytes that are no JSON raise a MessageError with reason `malformed`, never another exception."""
    with pytest.raises(MessageError) as caught:
        decoded(data)
    assert caught.value.reason == "malformed"


@pytest.mark.parametrize("data", INVALID.values(), ids=INVALID)
def test_what_is_no_observation_is_refused(data: bytes) -> None:
    """JSON that is no observation raises a MessageError with reason `invalid` and the place."""
    with pytest.raises(MessageError) as caught:
        decoded(data)
    assert caught.value.reason == "invalid"
    assert caught.value.detail


def test_a_wrong_time_is_reported_as_such() -> None:
    """A wrong time beside an impossible value gets the same message."""
    with pytest.raises(MessageError) as caught:
        decoded(value(timestamp="2226-01-31T12:00:00Z", pulse=-1))
    assert caught.value.reason == "invalid"
    assert caught.value.detail.startswith("timestamp is ")


def test_a_tombstone_is_refused() -> None:
    """A record without a value is no observation."""
    with pytest.raises(MessageError, match="tombstone"):
        decoded(None)


@pytest.mark.parametrize("size", [MAX_VALUE_BYTES + 1, 10_000_000])
def test_oversize_values_are_refused_unread(size: int) -> None:
    """A value over the limit is refused by its size, whatever its content is."""
    with pytest.raises(MessageError, match="oversize"):
        decoded(b'"' + b"x" * size)


def padded(data: bytes, size: int) -> bytes:
    """Return the same document with this number of bytes."""
    return data + b" " * (size - len(data))


def nested(depth: int) -> bytes:
    """Make an observation with nested arrays in an unknown field, and an array beside them."""
    return value(y=[])[:-1] + b',"x":' + b"[" * (depth - 1) + b"]" * (depth - 1) + b"}"


def test_the_largest_and_the_deepest_that_are_allowed_are_accepted() -> None:
    """The largest size and depth are accepted, one more is refused; brackets in texts and arrays side by side do
    not count."""
    assert decoded(padded(value(), MAX_VALUE_BYTES)).patient_uuid == ANNA
    with pytest.raises(MessageError, match="oversize"):
        decoded(padded(value(), MAX_VALUE_BYTES + 1))
    assert decoded(nested(MAX_DEPTH)).patient_uuid == ANNA
    with pytest.raises(MessageError, match="nest deeper"):
        decoded(nested(MAX_DEPTH + 1))
    beside = value()[:-1] + b',"x":[' + b",".join([b"[]"] * MAX_DEPTH) + b"]}"
    assert decoded(beside).patient_uuid == ANNA
    assert decoded(value(x='"' + "[" * 2 * MAX_DEPTH)).patient_uuid == ANNA


def test_the_key_of_another_patient_is_refused() -> None:
    """A key with another uuid than the value's is refused, since it would break the order per patient."""
    with pytest.raises(MessageError, match="key"):
        decoded(value(), key=str(uuid4()).encode())


@pytest.mark.parametrize("key", [None, b"", b"bed-7", b"\xff\xfe", str(ANNA).encode(), str(ANNA).upper().encode()])
def test_other_keys_are_the_senders_business(key: bytes | None) -> None:
    """A record without a key, with the patient's own or with any other text is accepted."""
    assert decoded(value(), key=key).patient_uuid == ANNA


@pytest.mark.parametrize("spelt", ["{}", "urn:uuid:{}"])
def test_spellings_of_a_key(spelt: str) -> None:
    """Each form of a uuid is read; a longer text is none, and is not kept in memory."""
    with pytest.raises(MessageError, match="key"):
        decoded(value(), key=spelt.format(uuid4()).encode())
    before = _uuid_in_key.cache_info().currsize
    assert decoded(value(), key=f"{spelt.format(uuid4())}{'-' * 10_000}".encode()).patient_uuid == ANNA
    assert _uuid_in_key.cache_info().currsize == before


ACCEPTED: dict[str, tuple[bytes, dict[str, Any]]] = {
    "epoch in seconds": (raw("timestamp", "1769860800"), {"timestamp": START}),
    "epoch in milliseconds": (raw("timestamp", "1769860800000"), {"timestamp": START}),
    "epoch in microseconds": (
        raw("timestamp", "1769860800000001"),
        {"timestamp": START + timedelta(microseconds=1)},
    ),
    "epoch with a fraction": (
        raw("timestamp", "1795869100.5461085"),
        {"timestamp": datetime(2026, 11, 28, 12, 31, 40, 546108, UTC)},
    ),
    "epoch in milliseconds with a fraction": (
        raw("timestamp", "1769860800000.5"),
        {"timestamp": START + timedelta(microseconds=500)},
    ),
    "epoch in the form of a float": (raw("timestamp", "1.7698608e9"), {"timestamp": START}),
    "the first epoch": (raw("timestamp", "0"), {"timestamp": datetime(1970, 1, 1, tzinfo=UTC)}),
    "the last second": (raw("timestamp", "4102444799"), {"timestamp": datetime(2099, 12, 31, 23, 59, 59, 0, UTC)}),
    "the first millisecond that is no second": (
        raw("timestamp", "4102444800"),
        {"timestamp": datetime(1970, 2, 17, 11, 34, 4, 800_000, UTC)},
    ),
    "the last microsecond": (
        raw("timestamp", "4102444799999999"),
        {"timestamp": datetime(2099, 12, 31, 23, 59, 59, 999_999, UTC)},
    ),
    "pressure measured at an epoch": (
        raw("bp_measured_at", "1769860799.25"),
        {"timestamp": START, "bp_measured_at": START - timedelta(seconds=0.75)},
    ),
    "pressure measured at the same epoch": (
        value(timestamp=1769860800.3, bp_measured_at=1769860800.3),
        {"timestamp": START + timedelta(seconds=0.3), "bp_measured_at": START + timedelta(seconds=0.3)},
    ),
    "no sign": (value(**ALONE), ALONE),
    "no sign beside an epoch": (value(**ALONE, timestamp=1769860800), {**ALONE, "quality": None}),
    "a pressure of dashes": (value(**{**ALONE, "bp": "-/-"}), {"quality": None}),
    "a pressure of dashes beside an epoch": (
        value(**{**ALONE, "bp": "-/-"}, timestamp=1769860800),
        {"bp": None, "quality": None},
    ),
    "no saturation at all": (raw("spo2", "0"), {"spo2": 0}),
    "no saturation at all, as a float": (raw("spo2", "0.0"), {"spo2": 0, "quality": None}),
    "a saturation below 0 by its sign alone": (raw("spo2", "-0.0"), {"spo2": 0, "quality": None}),
    "one per cent": (raw("spo2", "1.0"), {"spo2": 1}),
    "the same pressure beside an epoch": (value(bp="119.50/80", timestamp=1769860800), {"bp": "119.5/80"}),
    "doubt of the mean": (value(map=93, quality={"map": "motion"}), {"quality": Quality(map="motion")}),
    "an empty name": (value(patient_name=""), {"patient_name": None}),
    "a name of spaces": (value(patient_name="   "), {"patient_name": None}),
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
    """Other programs' variants of the brief's format are accepted with their meaning."""
    found = decoded(data)
    assert {name: getattr(found, name) for name in expected} == expected


@given(st.binary(max_size=300))
def test_no_bytes_at_all_crash_the_decoder(data: bytes) -> None:
    """Any bytes decode to an observation or a MessageError."""
    try:
        decoded(data)
    except MessageError as error:
        assert error.reason


@pytest.mark.parametrize(("data", "instead", "came"), IMPLAUSIBLE.values(), ids=IMPLAUSIBLE)
def test_an_impossible_value_costs_that_value(data: bytes, instead: dict[str, Any], came: dict[str, str]) -> None:
    """An impossible value is absent, flagged and reported as it came; the rest of the reading stays."""
    implausible: list[Implausible] = []
    delivery = Delivery(3, 7, None, data)
    found = decode(delivery, implausible)
    sent = {"timestamp": START, "patient_uuid": ANNA}
    whole = {name: json.loads(data).get(name) for name in WHOLE}
    expected = {**whole, **sent, **instead}
    assert {name: getattr(found, name) for name in expected} == expected
    lost = {sign: "implausible" for sign in SIGNS if sign in came}
    assert found.quality == (Quality(**lost) if lost else None)
    assert {each.name: each.value for each in implausible} == came
    assert all(each.delivery is delivery for each in implausible)


@pytest.mark.parametrize("data", NOTHING_LEFT.values(), ids=NOTHING_LEFT)
def test_a_record_that_keeps_no_value_is_refused(data: bytes) -> None:
    """A record without any possible value is a dead letter that names the values, and they are counted."""
    implausible: list[Implausible] = []
    with pytest.raises(MessageError) as caught:
        decode(Delivery(0, 0, None, data), implausible)
    assert caught.value.reason == "implausible"
    assert implausible
    assert all(each.value in caught.value.detail for each in implausible if each.name in SIGNS)


def test_what_the_sender_says_of_other_signs_stays() -> None:
    """The sender's flags stay, except for that of a sign whose value is left out."""
    said = {"spo2": "motion", "bp": "damped", "pulse": "lead-off"}
    found = decode(Delivery(0, 0, None, value(spo2=101, map=-1, pulse=None, quality=said)), [])
    assert found.quality == Quality(spo2="implausible", bp="damped", pulse="lead-off", map="implausible")


@pytest.mark.parametrize("other", ["another patient's key", "bad utf-8", "deep nesting"])
def test_beside_an_impossible_value_all_else_is_looked_at_as_ever(other: str) -> None:
    """Key and ignored fields are checked beside an impossible value too."""
    data, key = value(spo2=101), str(ANNA).encode()
    if other == "another patient's key":
        key = str(uuid4()).encode()
    elif other == "bad utf-8":
        data = data[:-1] + b',"x":"\xff"}'
    else:
        data = data[:-1] + b',"x":' + b"[" * 600 + b"]" * 600 + b"}"
    with pytest.raises(MessageError) as caught:
        decode(Delivery(0, 0, key, data), [])
    assert caught.value.reason == ("key" if "key" in other else "malformed")


ENDS: dict[str, list[float]] = {
    "pulse": [0, 0.0, 350, 350.0],
    "resp_rate": [0, 200.0],
    "spo2": [0, 0.0, -0.0, 1, 1.0, 99.99, 100, 100.0],
    "temperature": [10, 50.0],
    "map": [0, 360.0],
    "interval": [5e-324, 86_400],
}


@pytest.mark.parametrize(("name", "number"), [(name, number) for name, numbers in ENDS.items() for number in numbers])
def test_beside_an_impossible_value_the_ends_of_a_range_are_kept(name: str, number: float) -> None:
    """Both ends of each range are accepted beside an impossible value too."""
    other = "resp_rate" if name == "pulse" else "pulse"
    found = decode(Delivery(0, 0, None, value(**{name: number, other: -1})), [])
    assert getattr(found, name) == number
    assert msgspec.convert(msgspec.to_builtins(found), Observation) == found


def test_beside_an_impossible_value_a_pressure_may_be_of_the_readings_own_time() -> None:
    """A pressure at the reading's own time, as of an arterial line, is kept; a microsecond later it is left out."""
    implausible: list[Implausible] = []
    now, later = START.isoformat(), (START + timedelta(microseconds=1)).isoformat()
    found = decode(Delivery(0, 0, None, value(pulse=-1, bp_measured_at=now)), implausible)
    assert (found.bp, found.bp_measured_at, len(implausible)) == ("120/80", START, 1)
    found = decode(Delivery(0, 0, None, value(pulse=-1, bp_measured_at=later)), implausible)
    assert (found.bp, found.bp_measured_at) == (None, None)
    assert {each.name for each in implausible[1:]} == {"pulse", "bp", "bp_measured_at"}


def test_the_lenient_record_knows_every_field() -> None:
    """The lenient record has every field of an observation: a missing one would be lost beside an impossible value."""
    assert sorted(lenient._Record.__struct_fields__) == sorted(Observation.__struct_fields__)


NUMBERS = (
    st.integers(-(2**70), 2**70) | st.integers(-10, 400) | st.floats() | st.floats(-1, 400).map(lambda n: round(n, 2))
)
HALVES = st.just("-") | st.integers(-500, 2_000).map(str) | st.floats(-5, 400).map(lambda n: f"{n:.2f}")
MOMENTS = st.integers(-1, 1_769_860_801) | st.floats(1_769_860_790, 1_769_860_810) | st.datetimes().map(str)


@given(
    st.fixed_dictionaries(
        {"timestamp": st.just("2026-01-31T12:00:00Z") | MOMENTS},
        optional={
            **dict.fromkeys(("pulse", "resp_rate", "spo2", "temperature", "map", "interval"), NUMBERS),
            "bp": st.tuples(HALVES, HALVES).map("/".join),
            "bp_measured_at": MOMENTS,
            "quality": st.fixed_dictionaries({}, optional=dict.fromkeys(SIGNS, st.just("motion"))),
        },
    )
)
def test_whatever_numbers_come_a_value_is_kept_or_absent(record: Mapping[str, Any]) -> None:
    """A decoded observation passes the strict type; no value is changed, and none is absent without a reason."""
    implausible: list[Implausible] = []
    try:
        found = decode(Delivery(0, 0, None, json.dumps({"patient_uuid": str(ANNA), **record}).encode()), implausible)
    except MessageError as error:
        assert error.detail
        return
    assert msgspec.convert(msgspec.to_builtins(found), Observation) == found
    names = {each.name for each in implausible}
    for sign in ("pulse", "resp_rate", "spo2", "temperature", "map", "interval"):
        kept = getattr(found, sign)
        assert kept == (None if sign in names else record.get(sign))
    halves = read_halves(record.get("bp", "-/-"))
    kept_halves = parse_blood_pressure(found.bp or "-/-")
    assert all(kept in (None, came) for kept, came in zip(kept_halves, halves, strict=True))
    assert kept_halves == halves or "bp" in names
    flagged = {sign for sign in SIGNS if getattr(found.quality, sign, None) == "implausible"}
    assert flagged == names & set(SIGNS)

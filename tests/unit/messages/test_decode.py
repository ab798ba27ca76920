"""What is accepted from the topic, what is refused and with which reason."""

import json
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from icu.errors import MessageError
from icu.messages import MAX_VALUE_BYTES, Delivery, Observation, decode, encode, uuid_of_name
from tests.samples import ANNA, START, delivery, observation

WHOLE: dict[str, Any] = {
    "patient_uuid": str(ANNA),
    "timestamp": "2026-01-31T12:00:00Z",
    "patient_name": "Anna",
    "pulse": 72,
    "resp_rate": 16,
    "bp": "120/80",
    "spo2": 98,
    "temperature": 36.6,
}


def value(**changes: Any) -> bytes:
    """The whole message with changes; None takes a field out."""
    fields = {name: each for name, each in {**WHOLE, **changes}.items() if each is not None}
    return json.dumps(fields, ensure_ascii=False).encode()


def raw(name: str, text: str) -> bytes:
    """The whole message with one field's value as raw JSON text."""
    return value(**{name: "@"}).replace(b'"@"', text.encode())


def decoded(data: bytes | None, key: bytes | None = None) -> Observation:
    """What the sink makes of the bytes."""
    return decode(Delivery(0, 0, key, data))


MALFORMED: dict[str, bytes] = {
    "empty": b"",
    "truncated": value()[:-5],
    "trailing bytes": value() + b"x",
    "two objects": value() + value(),
    "byte order mark": b"\xef\xbb\xbf" + value(),
    "utf-16": value().decode().encode("utf-16"),
    "bad utf-8": value().replace(b"Anna", b"An\xffna"),
    "100k brackets in an ignored field": value()[:-1] + b',"x":' + b"[" * 100_000,
    "deep nesting in an ignored field": value()[:-1] + b',"x":' + b'{"a":' * 3_000 + b"1" + b"}" * 3_001,
    "NaN": raw("pulse", "NaN"),
    "Infinity": raw("pulse", "Infinity"),
    "msgpack": b"\x82\xa5pulse\x48\xa2bp\xa6120/80",
    "gzip": b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03",
    "lone surrogate": raw("patient_name", '"\\ud800"'),
}

INVALID: dict[str, bytes] = {
    "null": b"null",
    "array": b"[]",
    "100k brackets": b"[" * 100_000,
    "text": b'"hello"',
    "1e999": raw("pulse", "1e999"),
    "boolean": raw("pulse", "true"),
    "text for a number": raw("pulse", '"72"'),
    "negative": raw("pulse", "-1"),
    "2^64": raw("pulse", str(2**64)),
    "pulse beyond any monitor": raw("pulse", "351"),
    "spo2 over 100": raw("spo2", "100.5"),
    "temperature of a fridge": raw("temperature", "4"),
    "no patient": value(patient_uuid=None),
    "no timestamp": value(timestamp=None),
    "bp with a line feed": value(bp="120/80\n"),
    "bp in full-width digits": value(bp="\uff11\uff12\uff10/80"),
    "bp in arabic digits": value(bp="١٢٠/٨٠"),
    "bp upside down": value(bp="80/120"),
    "bp beyond any monitor": value(bp="999/999"),
    "bp of three parts": value(bp="120/80/1"),
    "bp with three decimals": value(bp="120.125/80"),
    "bp as a number": raw("bp", "120"),
    "naive timestamp": value(timestamp="2026-01-31T12:00:00"),
    "30 February": value(timestamp="2026-02-30T12:00:00Z"),
    "1969": value(timestamp="1969-12-31T23:59:59Z"),
    "2100": value(timestamp="2100-01-01T00:00:00Z"),
    "year 1, east": value(timestamp="0001-01-01T00:00:00+14:00"),
    "year 9999, west": value(timestamp="9999-12-31T23:59:59-14:00"),
    "epoch beyond 2099": raw("timestamp", str(2**63)),
    "negative epoch": raw("timestamp", "-1"),
    "fractional epoch": raw("timestamp", "1700000000.5"),
    "nil uuid": value(patient_uuid="00000000-0000-0000-0000-000000000000"),
    "uuid in braces": value(patient_uuid=f"{{{ANNA}}}"),
    "path for a uuid": value(patient_uuid="../../etc/passwd"),
    "name with NUL": value(patient_name="Anna\x00"),
    "name with a line feed": value(patient_name="Anna\n[INFO] all is well"),
    "name with an override": value(patient_name="\u202eannA"),
    "name with escape": value(patient_name="\x1b[2J"),
    "name of 64 KB": value(patient_name="A" * 65_536),
    "name of zero width": value(patient_name="\u200b\u200d"),
    "name of spaces": value(patient_name="   "),
    "empty name": value(patient_name=""),
    "interval of nothing": raw("interval", "0"),
    "a later schema": raw("schema_version", "2"),
}


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
    "no name": (value(patient_name=None), {"patient_name": None}),
    "missing signs": (value(pulse=None, bp=None), {"pulse": None, "bp": None}),
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
)
def test_an_observation_survives_the_wire(pulse: float | None, timestamp: datetime) -> None:
    """Encoding and decoding give the same observation."""
    sent = observation(pulse=pulse)
    sent = Observation(patient_uuid=ANNA, timestamp=timestamp, pulse=pulse, bp=sent.bp)
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


def test_a_name_is_the_same_patient_at_every_start() -> None:
    """The uuid made from a name depends on the name as people read it, and on nothing else."""
    assert uuid_of_name("Zoë") == uuid_of_name(" Zoe\u0308 ") != uuid_of_name("Zoe")

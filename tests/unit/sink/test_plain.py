"""Fast decoding of plain records, beside the decoding of all."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from icu.messages import Delivery, Quality, key_of
from icu.sink.decoding import MAX_DEPTH, decode
from icu.sink.errors import MessageError
from icu.sink.plain import decode_plain
from icu.store.readings import ObservedRow
from tests.hostile import IMPLAUSIBLE, INVALID, MALFORMED, NOTHING_LEFT, value
from tests.samples import ANNA, START, delivery, observation
from tests.stores import observed
from tests.unit.sink.test_decoding import ACCEPTED

OF_ALL_KINDS: dict[str, bytes] = {
    **MALFORMED,
    **INVALID,
    **NOTHING_LEFT,
    **{name: data for name, (data, _) in ACCEPTED.items()},
    **{name: data for name, (data, _, _) in IMPLAUSIBLE.items()},
}


def judged(came: Delivery) -> ObservedRow | None:
    """Values by the decoding of all records, without impossible ones; None if it refuses the record."""
    try:
        [row] = observed(decode(came, []))
    except MessageError:
        return None
    return row


@pytest.mark.parametrize("data", OF_ALL_KINDS.values(), ids=OF_ALL_KINDS)
def test_records_of_all_kinds(data: bytes) -> None:
    """A record is decoded as the decoding of all does, or left to it."""
    came = Delivery(0, 0, None, data)
    assert decode_plain(came) in (None, judged(came))


@pytest.mark.parametrize("data", [*MALFORMED.values(), *INVALID.values(), *NOTHING_LEFT.values()])
def test_no_record_is_refused_here(data: bytes) -> None:
    """No error is raised: the decoding of all says what is wrong."""
    assert decode_plain(Delivery(0, 0, None, data)) is None


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"patient_name": None, "interval": None, "schema_version": 0},
        {"patient_name": "Zoë Ž"},
        {"pulse": None, "resp_rate": 0, "bp": None, "spo2": 97.5, "temperature": None},
        {"map": 93, "bp": "-/80", "bp_measured_at": START},
        {"map": 93.25, "bp_measured_at": START - timedelta(minutes=9), "quality": Quality(bp="damped")},
        {"quality": Quality()},
    ],
)
def test_records_of_monitors_are_plain(fields: dict[str, Any]) -> None:
    """Records of our own senders take the fast way, and so does another zone of the timestamp."""
    came = delivery(observation(0.25, **fields))
    expected = judged(came)
    assert expected is not None
    assert decode_plain(came) == expected
    assert came.value is not None
    there = came.value.replace(b"T12:00:00.250000Z", b"T14:00:00.250000+02:00")
    assert there != came.value
    assert decode_plain(Delivery(0, 0, None, there)) == expected


@pytest.mark.parametrize("key", [None, key_of(ANNA)])
def test_the_patients_own_key_is_plain(key: bytes | None) -> None:
    """A plain record has its patient's key, or none."""
    assert decode_plain(Delivery(0, 0, key, value())) is not None


OTHERS: dict[str, Delivery] = {
    "no value": Delivery(0, 0, None, None),
    "the key of another": Delivery(0, 0, key_of(uuid4()), value()),
    "any other key": Delivery(0, 0, b"bed-7", value()),
    "so long that it may nest too deeply": Delivery(0, 0, None, value() + b" " * MAX_DEPTH),
    "bad UTF-8 in an ignored field": Delivery(0, 0, None, value()[:-1] + b',"x":"\xff"}'),
    "an empty name": Delivery(0, 0, None, value(patient_name=" ")),
    "a control character": Delivery(0, 0, None, value(patient_name="a\nb")),
    "a year before all": Delivery(0, 0, None, value(timestamp="1969-12-31T23:59:59Z")),
    "a year behind all": Delivery(0, 0, None, value(timestamp="2100-01-01T00:00:00Z")),
    "no zone": Delivery(0, 0, None, value(timestamp="2026-01-31T12:00:00")),
    "the nil uuid": Delivery(0, 0, None, value(patient_uuid="0" * 32)),
    "no uuid": Delivery(0, 0, None, value(patient_uuid="Anna")),
    "a pressure upside down": Delivery(0, 0, None, value(bp="80/120")),
    "a pressure of later": Delivery(0, 0, None, value(bp_measured_at="2026-01-31T12:00:01Z")),
    "a pressure of before all": Delivery(0, 0, None, value(bp_measured_at="1969-12-31T12:00:00Z")),
    "a pressure without a zone": Delivery(0, 0, None, value(bp_measured_at="2026-01-31T11:00:00")),
    "a fraction as saturation": Delivery(0, 0, None, value(spo2=0.98)),
}


@pytest.mark.parametrize("came", OTHERS.values(), ids=OTHERS)
def test_all_others_are_left_to_the_decoding_of_all(came: Delivery) -> None:
    """A record that is not plainly right is neither accepted nor refused here."""
    assert decode_plain(came) is None


TIMES = st.datetimes(timezones=st.timezones() | st.none()).map(lambda each: each.isoformat())


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "timestamp": TIMES,
            "pulse": st.none() | st.integers(-1, 351) | st.floats(-1, 351),
            "spo2": st.none() | st.integers(-1, 101) | st.floats(-1, 101),
            "temperature": st.none() | st.floats(9, 51),
            "map": st.none() | st.integers(0, 360) | st.text(max_size=3),
            "bp": st.from_regex(r"\A-?[0-9]{1,3}(\.[0-9]{1,2})?/([0-9]{1,3}|-)\Z") | st.text(max_size=7),
            "bp_measured_at": TIMES,
            "patient_name": st.none() | st.text(st.characters(codec="utf-8"), max_size=9),
            "interval": st.none() | st.integers(-1, 90_000) | st.floats(0, 90_000),
            "quality": st.dictionaries(st.sampled_from(["pulse", "bp", "x"]), st.none() | st.sampled_from("aA")),
            "schema_version": st.integers(-1, 2),
        },
    )
)
def test_both_ways_lead_to_the_same(fields: dict[str, Any]) -> None:
    """For any values the fast way gives what the other one gives, or nothing."""
    came = Delivery(0, 0, None, value(**fields))
    assert decode_plain(came) in (None, judged(came))


@given(st.binary(max_size=300))
def test_no_bytes_at_all_crash_it(data: bytes) -> None:
    """Any bytes are left to the decoding of all, unless they are plain."""
    decode_plain(Delivery(0, 0, None, data))

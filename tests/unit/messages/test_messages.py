"""Messages on the topic: readable JSON under the brief's names, and a loss-free round trip."""

import json
from datetime import UTC, datetime, timedelta, timezone

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from icu.messages import Observation, Quality, Record, encode, uuid_of_name
from tests.samples import ANNA, START, decoded, delivery, observation


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
    assert decoded(delivery(sent)) == sent


@given(
    st.lists(st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), min_size=1, max_size=20), max_size=5)
)
def test_many_are_encoded_as_one_by_one(names: list[str]) -> None:
    """Observations that are encoded together are the same records as those encoded one by one, whatever the names."""
    observations = [
        observation(n, patient=uuid_of_name(str(n)), patient_name=f"x{name}") for n, name in enumerate(names)
    ]
    expected = [Record(str(each.patient_uuid).encode(), msgspec.json.encode(each)) for each in observations]
    assert encode(observations) == expected


def test_the_wire_is_readable_json_with_the_briefs_names() -> None:
    """Names on the topic are the brief's own, numbers are numbers, a missing sign is absent."""
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
    """A time is ISO text, and `quality` has only the flagged signs."""
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
    """The message names the field, so that the error is not looked for in the timestamp."""
    with pytest.raises(ValueError, match="bp_measured_at is later than timestamp"):
        observation(bp_measured_at=START + timedelta(seconds=1))
    with pytest.raises(ValueError, match="bp_measured_at has no time zone"):
        observation(bp_measured_at=START.replace(tzinfo=None))
    with pytest.raises(ValueError, match="bp_measured_at is outside the years"):
        observation(bp_measured_at=datetime(1960, 1, 1, tzinfo=UTC))


def test_a_name_is_the_same_patient_at_every_start() -> None:
    """The uuid of a name depends on the name as people read it, and on nothing else."""
    assert uuid_of_name("Zoë") == uuid_of_name(" Zoe\u0308 ") != uuid_of_name("Zoe")

"""First and last value of each field on the wire, and the normal form of an observation."""

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import msgspec
import pytest

from icu.messages import Observation, Quality
from tests.samples import ANNA, START, observation

EASTERN = timezone(timedelta(hours=3))


def on_the_wire(**fields: Any) -> Observation:
    """Decode a record with these fields."""
    whole = {"patient_uuid": str(ANNA), "timestamp": "2026-01-31T12:00:00Z", **fields}
    return msgspec.json.decode(json.dumps(whole), type=Observation)


@pytest.mark.parametrize(
    ("name", "inside", "outside"),
    [
        ("pulse", [0, 0.0, 350, 350.0], [-1, -0.01, 351, 350.01]),
        ("resp_rate", [0, 0.0, 200, 200.0], [-1, -0.01, 201, 200.01]),
        ("map", [0, 0.0, 360, 360.0], [-1, -0.01, 361, 360.01]),
        ("spo2", [0, 1, 1.0, 100, 100.0], [-1, 0.0, 0.99, 101, 100.01]),
        ("temperature", [10, 10.0, 50, 50.0], [9, 9.99, 51, 50.01]),
        ("interval", [5e-324, 86_400, 86_400.0], [0, 0.0, -1, 86_401, 86_400.01]),
        ("schema_version", [0, 1], [-1, 2]),
        ("patient_name", ["A", "a" * 200], ["", "a" * 201]),
    ],
)
def test_borders(name: str, inside: list[Any], outside: list[Any]) -> None:
    """Both ends of each range are accepted, as integers and as floats, and values beyond them are not."""
    for value in inside:
        assert getattr(on_the_wire(**{name: value}), name) == value
    for value in outside:
        with pytest.raises(msgspec.ValidationError):
            on_the_wire(**{name: value})


@pytest.mark.parametrize("word", ["a", "low-perfusion", "a" * 32])
def test_flags_of_quality(word: str) -> None:
    """Flags have lower-case letters and dashes, up to 32 characters."""
    assert on_the_wire(quality={"spo2": word}).quality == Quality(spo2=word)


@pytest.mark.parametrize("word", ["", "-a", "Motion", "a1", "a_b", "a" * 33, "motion\n", "motion and so on"])
def test_other_texts_are_no_flags(word: str) -> None:
    """Other texts are no flags: front ends may show a flag unescaped."""
    with pytest.raises(msgspec.ValidationError):
        on_the_wire(quality={"spo2": word})


@pytest.mark.parametrize("year", [1970, 2099])
def test_the_first_and_the_last_year(year: int) -> None:
    """Readings and pressure times of the first and the last year are accepted."""
    first = datetime(year, 1, 1, tzinfo=UTC)
    made = Observation(patient_uuid=ANNA, timestamp=first, bp="120/80", bp_measured_at=first)
    assert (made.timestamp, made.bp_measured_at) == (first, first)


@pytest.mark.parametrize("year", [1969, 2100])
def test_other_years_are_refused(year: int) -> None:
    """Other years are refused, on the wire and in code, with the name of the field."""
    with pytest.raises(ValueError, match="timestamp is outside the years 1970 to 2099"):
        Observation(patient_uuid=ANNA, timestamp=datetime(year, 6, 1, tzinfo=UTC))


def test_times_are_utc_whatever_their_zone() -> None:
    """Times of any zone become UTC, so that their texts sort."""
    made = Observation(
        patient_uuid=ANNA, timestamp=START.astimezone(EASTERN), bp="120/80", bp_measured_at=START.astimezone(EASTERN)
    )
    assert made == Observation(patient_uuid=ANNA, timestamp=START, bp="120/80", bp_measured_at=START)
    assert (made.timestamp.tzinfo, made.bp_measured_at and made.bp_measured_at.tzinfo) == (UTC, UTC)


def test_a_year_is_one_of_utc() -> None:
    """The year is that of UTC: new year comes sooner in the east."""
    eve = datetime(2099, 12, 31, 23, tzinfo=UTC)
    assert Observation(patient_uuid=ANNA, timestamp=eve.astimezone(EASTERN)).timestamp == eve


def test_a_time_without_a_zone_is_refused() -> None:
    """The message names the field and says what to write."""
    with pytest.raises(ValueError, match="timestamp has no time zone: write 2026-01-31T12:00:00Z"):
        Observation(patient_uuid=ANNA, timestamp=START.replace(tzinfo=None))


def test_a_pressure_that_is_none_is_refused() -> None:
    """Our own senders cannot make an impossible pressure either."""
    with pytest.raises(ValueError, match="blood pressure is written"):
        observation(bp="120:80")


def test_an_empty_quality_is_none() -> None:
    """An empty quality equals a missing one, so that the observations are equal."""
    assert observation(quality=Quality()) == observation()
    assert on_the_wire(quality={}).quality is None


def test_a_nil_uuid_is_refused() -> None:
    """The nil uuid is no patient's."""
    with pytest.raises(msgspec.ValidationError, match="the patient's uuid is nil"):
        on_the_wire(patient_uuid="00000000-0000-0000-0000-000000000000")

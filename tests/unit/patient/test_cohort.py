"""Simulated patients are plausible and repeatable, their signs are correlated, and scenarios occur."""

from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from icu.messages import Delivery, encode
from icu.vitals.news2 import chart
from tests.samples import START, decoded
from tests.unit.patient.wards import SCENARIOS, cohort, course


@given(
    seed=st.integers(),
    seconds=st.floats(0.1, 3_600),
    scenario=st.sampled_from(sorted(SCENARIOS)),
)
@settings(max_examples=40)
def test_whatever_the_seed_the_message_accepts_it(seed: int, seconds: float, scenario: str) -> None:
    """Every observation is valid, at any severity, with any artefacts and at any interval."""
    patients = cohort(3, seed=seed, rate=100, artefacts=200)
    patients.begin_scenario(0, SCENARIOS[scenario])
    moment = START
    for _ in range(8):
        patients.step(seconds)
        moment += timedelta(seconds=seconds)
        observations = patients.observe([moment, moment + timedelta(seconds=seconds)], seconds)
        moment += timedelta(seconds=seconds)
        for observation, record in zip(observations, encode(observations), strict=True):
            assert decoded(Delivery(0, 0, record.key, record.value)) == observation


@given(
    seed=st.integers(0, 2**32),
    patients=st.integers(1, 60),
    interval=st.sampled_from([0.5, 5.0, 47.0, 90.0]),
    most=st.integers(2, 64),
    scenario=st.sampled_from([None, *sorted(SCENARIOS)]),
)
@settings(max_examples=25)
def test_many_times_at_once_are_the_same_bytes(
    seed: int, patients: int, interval: float, most: int, scenario: str | None
) -> None:
    """Observations of many times made at once are those made one by one, byte for byte, whatever happens meanwhile."""
    singly, together = (cohort(patients, seed=seed, rate=200, artefacts=50) for _ in range(2))
    if scenario is not None:
        for each in (singly, together):
            each.begin_scenario(patients - 1, SCENARIOS[scenario])
    times = [START + number * timedelta(seconds=interval) for number in range(150)]
    expected, found = [], []
    for number in range(0, len(times), most):
        found += together.observe(times[number : number + most], interval)
        together.step(interval)
    for moment in times:
        expected += singly.observe([moment], interval)
        singly.step(interval)
    assert [each.value for each in encode(found)] == [each.value for each in encode(expected)]
    assert singly.truths() == together.truths()


def test_many_times_at_once_hold_all_that_happens() -> None:
    """In hours made at once scenarios begin and end, staff treat, cuffs measure and sensors fail, as one by one."""
    singly, together = (cohort(20, rate=50, artefacts=20) for _ in range(2))
    times = [START + number * timedelta(seconds=30) for number in range(400)]
    found = together.observe(times, 30)
    expected, events = [], set[tuple[str, str]]()
    for number, moment in enumerate(times):
        if number:
            singly.step(30)
        expected += singly.observe([moment], 30)
        events |= {(each.scenario and "scenario", each.event and "treatment") for each in singly.truths()}
    assert [each.value for each in encode(found)] == [each.value for each in encode(expected)]
    assert {word for pair in events for word in pair} == {"", "scenario", "treatment"}
    assert any(each.quality for each in found)
    assert len({each.bp_measured_at for each in found if each.bp_measured_at}) > 100


def test_a_seed_is_a_course() -> None:
    """The same seed gives the same readings, another seed gives others."""
    one, same, other = (course(cohort(4, seed=seed, rate=1, artefacts=1), 300) for seed in (1, 1, 2))
    for sign in one:
        np.testing.assert_array_equal(one[sign], same[sign])
    assert not np.array_equal(one["pulse"], other["pulse"])


def test_a_course_does_not_depend_on_other_patients() -> None:
    """A patient has the same readings alone and among others, at any place."""
    names = [f"patient {number}" for number in range(37)]
    alone = course(cohort([names[20]], rate=5, artefacts=5), 500)
    among = course(cohort(names, rate=5, artefacts=5), 500)
    last = course(cohort(names[:21], rate=5, artefacts=5), 500)
    for sign in alone:
        np.testing.assert_array_equal(alone[sign][:, 0], among[sign][:, 20])
        np.testing.assert_array_equal(alone[sign][:, 0], last[sign][:, -1])


def test_without_a_seed_a_patient_stays_the_same_person() -> None:
    """Without a seed age and condition come from the identity, and the course is new each time."""
    one, again = cohort(5, seed=None), cohort(5, seed=None)
    people = [(each.age, each.sex, each.condition) for each in map(one.truth, range(5))]
    assert people == [(each.age, each.sex, each.condition) for each in map(again.truth, range(5))]
    assert len(set(people)) > 1
    assert not np.array_equal(course(one, 50)["pulse"], course(again, 50)["pulse"])


def test_good_and_bad_values_occur() -> None:
    """In a day of 50 beds every sign scores 3 somewhere in NEWS2, fevers included, and most readings are fine."""
    shown = course(cohort(50, rate=1), 24 * 12, seconds=300)
    for sign, bands in {
        "pulse": chart.PULSE,
        "resp_rate": chart.RESP_RATE,
        "spo2": chart.SPO2,
        "systolic": chart.SYSTOLIC,
    }.items():
        scores = np.array([bands.score(round(100 * value)) for value in shown[sign][np.isfinite(shown[sign])]])
        assert (scores == 3).any(), sign
        assert (scores == 0).mean() > 0.5, sign
    assert (shown["temperature"] > 39).any()
    assert (shown["pulse"] > 140).any()


def test_values_wander_and_do_not_jump() -> None:
    """The pulse changes little from one reading to the next, unlike independent random numbers."""
    pulses = course(cohort(20), 500)["pulse"]
    steps = np.abs(np.diff(pulses, axis=0))
    assert np.median(steps) <= 2
    assert steps.max() <= 15
    assert pulses.std(axis=0).min() > 0.5


def test_a_day_is_more_restless_than_a_minute() -> None:
    """Signs change more within an hour than within a minute, and more within half a day than within an hour."""
    temperatures = course(cohort(100), 24 * 60, seconds=60)["temperature"]
    changes = [np.std(temperatures[lag:] - temperatures[:-lag]) for lag in (1, 60, 720)]
    assert changes[0] < changes[1] / 2 < changes[2] / 3


@pytest.mark.parametrize(
    ("one", "other", "direction"),
    [("pulse", "resp_rate", 1), ("pulse", "temperature", 1), ("spo2", "resp_rate", -1), ("systolic", "diastolic", 1)],
)
def test_signs_go_together(one: str, other: str, direction: int) -> None:
    """Signs are correlated within patients as in the reference: more than by chance, less than by a formula."""
    shown = course(cohort(120), 96, seconds=1_800)
    deviations = {sign: (shown[sign] - shown[sign].mean(axis=0)).ravel() for sign in (one, other)}
    assert 0.06 < direction * np.corrcoef(deviations[one], deviations[other])[0, 1] < 0.9


def test_nights_are_quieter() -> None:
    """Between 2 and 6 (UTC) pulse, pressure and temperature are lower than in the afternoon."""
    shown = course(cohort(200), 48, seconds=1_800)
    hours = np.array([(START.hour + (step + 1) / 2) % 24 for step in range(48)])
    night, afternoon = (hours >= 2) & (hours < 6), (hours >= 14) & (hours < 19)
    for sign in ("pulse", "systolic", "temperature"):
        assert shown[sign][night].mean() < shown[sign][afternoon].mean()


def test_saturation_never_leaves_the_curve() -> None:
    """The saturation comes near 100 % without a cut-off, and varies more where it is low."""
    shown = course(cohort(300), 100, seconds=600)["spo2"]
    assert np.nanmax(shown) <= 100
    low = np.nanmedian(shown, axis=0) < 94
    assert 0 < low.sum() < 100
    assert np.median(np.nanstd(shown[:, low], axis=0)) > 1.5 * np.median(np.nanstd(shown[:, ~low], axis=0))


def test_staff_act_on_what_they_see() -> None:
    """A patient with low pressure gets a vasopressor, which the true state has and no reading shows."""
    patients = cohort(300)
    events = set[str]()
    for _ in range(60):
        patients.step(600)
        events |= {event for each in map(patients.truth, range(300)) for event in each.event.split(", ") if event}
    assert events == {"vasopressor", "antihypertensive", "oxygen", "rate control", "antipyretic", "nursing"}

"""Scenarios have the effects that their files describe, and wrong files are refused."""

from pathlib import Path

import numpy as np
import pytest

from icu.config.errors import ConfigurationError
from icu.patient.body.signs import Floats
from icu.patient.scenarios import Scenario, load_scenarios
from icu.patient.sensors import SHOWN
from tests.unit.patient.wards import SCENARIOS, cohort, course

PATIENTS = 60


def medians(name: str, minutes: int, sign: str) -> Floats:
    """Return a sign of the median patient, minute by minute, from the begin of a scenario for all."""
    patients = cohort(PATIENTS)
    for number in range(PATIENTS):
        patients.begin_scenario(number, SCENARIOS[name])
    return np.nanmedian(course(patients, minutes, 60)[sign], axis=1)


def test_all_that_were_asked_for_are_there() -> None:
    """All required scenarios exist."""
    assert {
        "stable", "sepsis", "sepsis-fast", "haemorrhage", "respiratory-failure", "opioid-apnoea", "pulmonary-embolism",
        "fever", "bradycardia", "tachyarrhythmia", "cardiac-arrest", "hypertensive-crisis",
    } <= set(SCENARIOS)  # fmt: skip


@pytest.mark.parametrize(
    ("name", "minute", "sign", "low", "high"),
    [
        ("haemorrhage", 22, "map", 43, 58),
        ("haemorrhage", 22, "pulse", 115, 150),
        ("respiratory-failure", 45, "spo2", 76, 88),
        ("respiratory-failure", 45, "resp_rate", 29, 42),
        ("opioid-apnoea", 9, "resp_rate", 0, 3),
        ("pulmonary-embolism", 12, "spo2", 80, 89),
        ("fever", 120, "temperature", 38.5, 39.5),
        ("bradycardia", 4, "pulse", 33, 46),
        ("tachyarrhythmia", 8, "pulse", 135, 170),
        ("cardiac-arrest", 1, "pulse", 0, 2),
        ("cardiac-arrest", 4, "pulse", 98, 118),
        ("hypertensive-crisis", 18, "map", 118, 155),
        ("sepsis-fast", 45, "map", 46, 60),
        ("sepsis-fast", 45, "temperature", 38.9, 40),
    ],
)
def test_a_sign_reaches_its_target(name: str, minute: int, sign: str, low: float, high: float) -> None:
    """At the peak of a scenario the median patient has the targets of its file."""
    assert low <= medians(name, minute, sign)[-1] <= high


def test_an_apnoea_is_none_in_nobody() -> None:
    """A target of 0 is reached at any severity, so that its alarm sounds."""
    patients = cohort(PATIENTS)
    for number in range(PATIENTS):
        patients.begin_scenario(number, SCENARIOS["opioid-apnoea"])
    assert (course(patients, 720, 1)["resp_rate"].min(axis=0) == 0).all()


def test_sepsis_is_slow_and_small() -> None:
    """Sepsis changes the median patient by +3.4 beats, -0.6 % and +0.3 Cel in 18 hours, as in the open data, at
    severity 1."""
    patients, healthy = cohort(400), cohort(400)
    for number in range(400):
        patients.begin_scenario(number, SCENARIOS["sepsis"])
    ill, well = (course(each, 108, 600) for each in (patients, healthy))
    change = {sign: np.nanmean(ill[sign][-12:] - well[sign][-12:]) for sign in ("pulse", "spo2", "temperature")}
    # Of severities around 1; what staff do meanwhile differs a little too.
    assert 2.4 < change["pulse"] < 4.4
    assert -1 < change["spo2"] < -0.2
    assert 0.2 < change["temperature"] < 0.4


def test_it_comes_stays_and_goes_without_a_jump() -> None:
    """The median pulse of a haemorrhage rises and falls back in small steps."""
    pulses = medians("haemorrhage", 120, "pulse")
    assert np.abs(np.diff(pulses)).max() < 8
    assert pulses.max() > pulses[0] + 25
    assert abs(pulses[-1] - pulses[0]) < 8


def test_a_target_never_helps() -> None:
    """A patient whose pressure is below a target already is not raised to it."""
    patients = cohort(400)
    before = patients.show().values[SHOWN.index("map")]
    low = before < 60
    assert low.any()
    for number in range(400):
        patients.begin_scenario(number, SCENARIOS["hypotension"])
    after = course(patients, 8, 60)["map"][-1]
    assert np.median(after[low] - before[low]) < 3


def test_a_scenario_that_replaces_another() -> None:
    """A scenario that is replaced in the middle of a phase changes its own patient alone, and without a jump."""
    both, alone = cohort(["Anna", "Boris"]), cohort(["Anna", "Boris"])
    for patients in (both, alone):
        patients.begin_scenario(0, SCENARIOS["tachyarrhythmia"])
        patients.begin_scenario(1, SCENARIOS["fever"])
        course(patients, 20, 5)
    before = both.show().values[:, 0]
    both.begin_scenario(0, SCENARIOS["sepsis"])
    np.testing.assert_array_equal(both.show().values[:, 0], before)
    np.testing.assert_array_equal(course(both, 50)["pulse"][:, 1], course(alone, 50)["pulse"][:, 1])


def test_phases_and_the_end_are_in_the_true_state() -> None:
    """The true state has scenario and phase, and neither after the end."""
    patients = cohort(1)
    patients.begin_scenario(0, SCENARIOS["bradycardia"])
    states = []
    for _ in range(40):
        states.append((patients.truth(0).scenario, patients.truth(0).phase))
        patients.step(60)
    assert list(dict.fromkeys(states)) == [
        ("bradycardia", "slow"), ("bradycardia", "atropine"), ("bradycardia", "recovery"), ("", ""),
    ]  # fmt: skip


def test_another_scenario_takes_over_from_where_the_patient_is() -> None:
    """A new scenario starts from the current signs, without a jump back to health."""
    patients = cohort(40)
    for number in range(40):
        patients.begin_scenario(number, SCENARIOS["tachyarrhythmia"])
    before = course(patients, 20, 15)["pulse"][-1]
    for number in range(40):
        patients.begin_scenario(number, SCENARIOS["cardiac-arrest"])
    after = course(patients, 1, 1)["pulse"][-1]
    assert np.abs(after - before).max() < 25
    assert np.median(before) > 130


def test_stable_is_for_ever() -> None:
    """A patient with `stable` gets no scenario by chance, at any rate."""
    patients = cohort(30, rate=500)
    for number in range(30):
        patients.begin_scenario(number, SCENARIOS["stable"])
    for _ in range(200):
        patients.step(60)
    assert {patients.truth(number).scenario for number in range(30)} == {"stable"}


def test_chance_strikes_as_often_as_the_files_say() -> None:
    """Within a day about as many scenarios begin as their rates add up to."""
    patients = cohort(300, rate=1)
    begun = 0
    inside = [False] * 300
    for _ in range(24 * 12):
        patients.step(300)
        now = [bool(patients.truth(number).scenario) for number in range(300)]
        begun += sum(is_in and not was for is_in, was in zip(now, inside, strict=True))
        inside = now
    expected = 300 * sum(each.per_day for each in SCENARIOS.values())
    assert 0.6 * expected < begun < 1.1 * expected


PHASE = '[[phase]]\nname = "a"\nwithin = 60\n'


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (f'title = "x"\n{PHASE}to = {{ puls = 3 }}', "puls"),
        ('title = "x"\n[[phase]]\nname = "a"\nwithin = -1', "within"),
        ('title = "x"\n[[phase]]\nname = "a"\nwithin = nan', "within"),
        (f'title = "x"\nseverity = [0, 1]\n{PHASE}', "severity"),
        (f'title = "x"\nseverity = [1, 2]\n{PHASE}', "severity"),
        (f'title = "x"\n{PHASE}to = {{ map = -150 }}', "map"),
        (f'title = "x"\n{PHASE}to = {{ temperature = 1 }}', "temperature"),
        (f'title = "x"\nseverity = [1.2, 0.8]\n{PHASE}', "severity"),
        ("title = ", "Invalid value"),
        ('title = "x"', "phase"),
        ('title = "x"\nphase = []', "phase"),
    ],
)
def test_a_wrong_scenario_names_its_file(tmp_path: Path, text: str, why: str) -> None:
    """A wrong scenario is refused with file and key."""
    (tmp_path / "mine.toml").write_text(text)
    with pytest.raises(ConfigurationError, match=f"mine.toml.*{why}"):
        load_scenarios(tmp_path)


def test_every_scenario_has_a_title_and_ends_or_says_so() -> None:
    """Every scenario has a title, and only `stable` lasts for ever."""
    endless = {name for name, each in SCENARIOS.items() if duration(each) == float("inf")}
    assert endless == {"stable"}
    assert len({each.title for each in SCENARIOS.values()}) == len(SCENARIOS)


def duration(scenario: Scenario) -> float:
    """Compute the seconds from begin to end."""
    return sum(each.within + each.lasting for each in scenario.phase)

"""A simulated patient is plausible, repeatable, and sometimes ill."""

import itertools
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from icu.config.load import packaged
from icu.errors import ConfigurationError
from icu.messages import Observation
from icu.patient.physiology import Physiology
from icu.patient.scenarios import Effect, Scenario, load_scenarios
from icu.vitals.signs import VitalSigns, format_blood_pressure
from tests.samples import ANNA, START

SCENARIOS = load_scenarios(packaged("config", "scenarios"))


def course(seed: int, steps: int, seconds: float = 5) -> list[VitalSigns]:
    """What the monitor shows of one patient."""
    patient = Physiology(seed, SCENARIOS)
    return [patient.step(seconds) for _ in range(steps)]


@given(st.integers(), st.floats(0.1, 86_400))
@settings(deadline=None, max_examples=50)
def test_whatever_the_seed_the_message_accepts_it(seed: int, seconds: float) -> None:
    """No patient, however ill and however seldom asked, shows what no monitor can show."""
    for signs in course(seed, 50, seconds):
        assert signs.systolic is not None and signs.diastolic is not None
        assert signs.systolic > signs.diastolic
        Observation(
            patient_uuid=ANNA,
            timestamp=START,
            pulse=signs.pulse,
            resp_rate=signs.resp_rate,
            bp=format_blood_pressure(signs.systolic, signs.diastolic),
            spo2=signs.spo2,
            temperature=signs.temperature,
        )


def test_a_seed_is_a_patient() -> None:
    """The same seed gives the same course, another one another."""
    assert course(1, 100) == course(1, 100)
    assert course(1, 100) != course(2, 100)


def test_good_and_bad_values_occur_within_minutes() -> None:
    """In ten minutes somebody in a ward of eight has a very high pulse, a fever or the like; others have not."""
    ward = [course(seed, 120) for seed in range(8)]
    alarming = [signs for bed in ward for signs in bed if is_alarming(signs)]
    assert alarming
    assert len(alarming) < 8 * 120 / 2


def is_alarming(signs: VitalSigns) -> bool:
    """A value that scores 3 in NEWS2 (Royal College of Physicians, 2017), or a fever over 39."""
    return (
        not 41 <= (signs.pulse or 0) <= 130
        or not 9 <= (signs.resp_rate or 0) <= 24
        or not 91 <= (signs.systolic or 0) <= 219
        or (signs.spo2 or 0) <= 91
        or not 35.1 <= (signs.temperature or 0) <= 39
    )


def test_values_wander_and_do_not_jump() -> None:
    """From one reading to the next the pulse moves a little: independent random numbers would not."""
    pulses = [signs.pulse or 0 for signs in course(3, 500)]
    steps = sorted(abs(after - before) for before, after in itertools.pairwise(pulses))
    assert steps[len(steps) // 2] <= 2
    assert steps[-1] <= 12


def test_a_scenario_comes_stays_and_goes() -> None:
    """Its share of the effect rises from nothing to all and back, without a jump."""
    scenario = Scenario("Fever", onset=100, plateau=50, recovery=200, effect=Effect(temperature=2))
    shares = [scenario.intensity(second) for second in range(351)]
    assert (shares[0], shares[100], shares[150], shares[350]) == (0, 1, 1, 0)
    assert max(abs(after - before) for before, after in itertools.pairwise(shares)) < 0.02


def test_a_scenario_without_an_onset_is_there_at_once() -> None:
    """A sudden event needs no ramp."""
    assert Scenario("Sudden", onset=0, plateau=10, recovery=0, effect=Effect()).intensity(0) == 1


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('title = "x"\nonset = 1\nplateau = 1\nrecovery = 1\n[effect]\npuls = 3', "puls"),
        ('title = "x"\nonset = -1\nplateau = 1\nrecovery = 1\n[effect]', "onset"),
        ("title = ", "Invalid value"),
        ('title = "x"', "onset"),
    ],
)
def test_a_wrong_scenario_names_its_file(tmp_path: Path, text: str, why: str) -> None:
    """Data that somebody wrote is refused with the file and the key."""
    (tmp_path / "mine.toml").write_text(text)
    with pytest.raises(ConfigurationError, match=f"mine.toml.*{why}"):
        load_scenarios(tmp_path)

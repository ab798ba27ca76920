"""Sensors: rounding, cuffs, artefacts and their flags."""

from collections import Counter

import numpy as np
import pytest
from numpy.random import SeedSequence

from icu.patient.body.oxygen import pressure_at, saturation
from icu.patient.sensors import SHOWN, Sensors
from tests.samples import START as START_OF_ALL
from tests.unit.patient.wards import SCENARIOS, cohort, course


def test_what_is_shown_is_rounded() -> None:
    """Values are rounded: whole numbers, and tenths of a degree."""
    for sign, values in course(cohort(50), 50).items():
        scaled = values * (10 if sign == "temperature" else 1)
        np.testing.assert_allclose(scaled, np.rint(scaled), atol=1e-9)


def test_a_cuff_measures_every_ten_minutes() -> None:
    """A cuff's value holds until the next measurement, with its time; a line's value is of now."""
    patients = cohort(40)
    moments: list[list[float]] = []
    pressures = []
    for _ in range(360):
        patients.step(5)
        shown = patients.show()
        moments.append(shown.pressure_at.tolist())
        pressures.append(shown.values[-3:].T.tolist())
    seen = 0
    for patient in range(40):
        changes = sorted({row[patient] for row in moments})
        if len(changes) == 360:
            continue  # an arterial line
        seen += 1
        assert len(changes) in {3, 4}
        assert set(np.diff(changes)) == {600}
        for moment in changes:
            values = {tuple(row[patient]) for row, at in zip(pressures, moments, strict=True) if at[patient] == moment}
            assert len(values) == 1
    assert 15 < seen < 33


def test_the_mean_is_measured_for_itself() -> None:
    """The mean lies between the two others, but not exactly where a formula would put it."""
    shown = course(cohort(200), 20, 1_800)
    inside = (shown["diastolic"] < shown["map"]) & (shown["map"] < shown["systolic"])
    assert inside.mean() > 0.99
    residual = shown["map"] - shown["diastolic"] - (shown["systolic"] - shown["diastolic"]) / 3
    assert 3 < residual.std() < 8


def test_no_sensor_fails_unless_it_is_asked_to() -> None:
    """Artefacts are off by default."""
    patients = cohort(50)
    for _ in range(200):
        patients.step(60)
        assert not patients.show().failing.any()
        assert all(each.quality is None for each in patients.observe([START_OF_ALL], 60))


def test_failures_are_flagged_sign_by_sign() -> None:
    """An unmeasured sign is absent, a doubtful one is shown, and both are flagged."""
    patients = cohort(100, artefacts=60)
    flags = Counter[tuple[str, str, bool]]()
    for _ in range(300):
        patients.step(60)
        for each in patients.observe([START_OF_ALL], 60):
            values = {"pulse": each.pulse, "resp_rate": each.resp_rate, "bp": each.bp, "spo2": each.spo2}
            values["temperature"] = each.temperature
            for sign, value in values.items():
                flag = getattr(each.quality, sign, None)
                assert flag is not None or value is not None
                if flag:
                    flags[sign, flag, value is None] += 1
    assert set(flags) >= {
        ("pulse", "motion", False), ("resp_rate", "motion", False), ("spo2", "motion", False),
        ("spo2", "probe-off", True), ("temperature", "probe-off", True),
        ("pulse", "lead-off", True), ("resp_rate", "lead-off", True), ("bp", "damped", False),
    }  # fmt: skip


def test_a_damped_line_keeps_its_mean() -> None:
    """In a damped line the systolic pressure falls, the diastolic rises, and the mean stays."""
    patients, clean = cohort(300, artefacts=100), cohort(300)
    narrowed = []
    for _ in range(100):
        patients.step(60)
        clean.step(60)
        shown, true = patients.show(), clean.show()
        damped = shown.failing[1]
        systolic, diastolic, mean = shown.values[-3:]
        width = (systolic - diastolic) / (true.values[-3] - true.values[-2])
        narrowed += width[damped].tolist()
        # Once in a while the others close in on it.
        assert (mean != true.values[-1]).mean() < 0.02
        assert np.abs(mean - true.values[-1]).max() <= 2
        assert (diastolic <= mean).all()
        assert (mean <= systolic).all()
    assert len(narrowed) > 50
    assert 0.45 < np.median(narrowed) < 0.65


def test_without_a_pulse_there_is_no_saturation() -> None:
    """In cardiac arrest an oximeter shows no value, with the reason."""
    patients = cohort(1)
    patients.begin_scenario(0, SCENARIOS["cardiac-arrest"])
    patients.step(50)
    [observation] = patients.observe([START_OF_ALL], 5)
    assert observation.pulse is not None and observation.pulse <= 2
    assert observation.spo2 is None
    assert observation.quality is not None and observation.quality.spo2 == "low-perfusion"


@pytest.mark.parametrize(("pressure", "expected"), [(27, 50), (40, 75), (60, 91), (80, 95.5), (100, 97.5), (150, 99)])
def test_the_dissociation_curve(pressure: float, expected: float) -> None:
    """The dissociation curve passes through the points of textbooks."""
    assert saturation(np.array(pressure)) == pytest.approx(expected, abs=1.5)


def test_the_curve_can_be_read_both_ways() -> None:
    """The pressure at a saturation gives that saturation."""
    shares = np.linspace(1, 99.8, 200)
    np.testing.assert_allclose(saturation(pressure_at(shares)), shares, rtol=1e-9)


def test_pressures_are_in_order_even_in_an_arrest() -> None:
    """Noise puts neither systolic below diastolic nor the mean outside the two, even in an arrest."""
    body = np.repeat([[80.0], [16.0], [6.0], [0.5], [90.0], [37.0]], 500, axis=1)
    sensors = Sensors([SeedSequence(number) for number in range(500)], 0.0, body)
    shown = sensors.show([sensors.read(0.0, body)]).values[0]
    systolic, diastolic, mean = (shown[SHOWN.index(name)] for name in ("systolic", "diastolic", "map"))
    assert (diastolic <= mean).all()
    assert (mean <= systolic).all()

"""Pictures are reproducible, and small enough for a README."""

from pathlib import Path

import numpy as np
import pytest

from icu.errors import UsageError
from icu.patient.errors import UnknownScenarioError
from icu.patient.sensors import SHOWN
from icu.study import courses
from icu.study.pictures import draw


def test_a_scenario_with_its_phases(tmp_path: Path) -> None:
    """A picture of a scenario names each phase; text stays text; the same arguments give the same bytes."""
    course = courses.scenario("cardiac-arrest", 0)
    for name in ("a.svg", "b.svg"):
        draw(tmp_path / name, [course])
    content = (tmp_path / "a.svg").read_text()
    assert content == (tmp_path / "b.svg").read_text()
    for word in ("Cardiac arrest and return", "compressions", "post-arrest", "mm[Hg]", "minutes"):
        assert f">{word}<" in content
    assert len(content) < 300_000


def test_what_is_drawn_of_a_scenario() -> None:
    """A course begins at 0, its phases follow each other, and there is no saturation where no pulse is found."""
    course = courses.scenario("cardiac-arrest", 0)
    assert course.seconds[0] < 0 == course.phases[0].begin
    assert [each.end for each in course.phases[:-1]] == [each.begin for each in course.phases[1:]]
    collapse = (course.seconds > 30) & (course.seconds < 70)
    assert np.isnan(course.values[SHOWN.index("spo2"), collapse]).all()
    assert course.measured.all()


def test_a_phase_without_end_is_shown_for_an_hour() -> None:
    """A phase without end, as of `stable`, is shown for an hour."""
    assert courses.scenario("stable", 0).phases[-1].end == 3_660


def test_patients(tmp_path: Path) -> None:
    """Patients of the data set are drawn side by side; a cuff's pressure has steps."""
    found = [courses.day(number, 0, 24.0) for number in range(1, 5)]
    assert {bool(each.measured.all()) for each in found} == {True, False}
    draw(tmp_path / "patients.png", found)
    assert (tmp_path / "patients.png").read_bytes().startswith(b"\x89PNG")


def test_what_cannot_be_drawn(tmp_path: Path) -> None:
    """An unknown scenario, and an unknown kind of file, are errors."""
    with pytest.raises(UnknownScenarioError):
        courses.scenario("no-such", 0)
    with pytest.raises(UsageError, match=r"pictures end in \.svg or \.png"):
        draw(tmp_path / "a.jpg", [])

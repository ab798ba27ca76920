"""Patients of one child: their names and patterns, and the progress of those who began in the past."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import pytest

from icu.messages import uuid_of_name
from icu.patient.cohort import Cohort
from icu.patient.patients import EmulatedPatients, Identity
from icu.patient.recordings.recording import Recording, Row
from icu.patient.replayed import ReplayedBay
from icu.patient.simulated import SimulatedBay
from icu.vitals.catalogue import VitalSigns
from tests.samples import START

NOW = START + timedelta(hours=2)


@pytest.mark.parametrize(
    ("pattern", "answer"),
    [
        ("Anna [ICU]", True),
        ("Anna*", True),
        ("*", True),
        (str(uuid_of_name("Anna")), True),
        (str(uuid_of_name("Anna")).upper(), True),
        ("Anna", False),
        ("anna [icu]", False),
        (str(UUID(int=1)), False),
    ],
)
def test_who_is_meant(pattern: str, answer: bool) -> None:
    """A patient is found by its exact name, even if it looks like a pattern, by a pattern, or by its uuid in any
    case."""
    assert Identity(uuid_of_name("Anna"), "Anna [ICU]").matches(pattern) is answer


def bays(count: int) -> Sequence[SimulatedBay]:
    """Bays of a patient each, two hours behind."""
    cohorts = [Cohort([Identity(uuid_of_name(str(n)), str(n))], {}, start=START, seed=7) for n in range(count)]
    return [
        SimulatedBay(each, interval=3_600, offset=0, start=START, launch=NOW, speed=float("inf")) for each in cohorts
    ]


def send(bay: SimulatedBay, now: datetime = NOW) -> None:
    """Advance a bay as an emulator does."""
    bay.observe()
    bay.advance(0, now)


def test_how_far_they_are() -> None:
    """The progress is that of the last bay; bays that have caught up count as done."""
    first, second = bays(2)
    patients = EmulatedPatients([first, second], {}, start=START)
    assert patients.progress(NOW) == 0
    send(first)
    assert patients.progress(NOW) == 0
    send(second)
    assert patients.progress(NOW) == 0.5
    send(first)
    send(second)
    assert patients.progress(NOW) == 1
    send(first)
    send(second)
    assert patients.progress(NOW + timedelta(hours=100)) == 1


def test_who_begins_now_has_no_way_to_go() -> None:
    """Nobody waits for patients who catch up with nothing; a clock that is set back is no matter."""
    assert EmulatedPatients(bays(1), {}).progress(NOW) == 1
    assert EmulatedPatients(bays(1), {}, start=START).progress(START - timedelta(hours=1)) == 0


def test_a_recording_has_no_way_to_go() -> None:
    """A recording is at 100 %, also behind its last row, where it has no time."""
    recording = Recording([Row(0.0, VitalSigns(pulse=70))], 0.0, 0)
    bay = ReplayedBay(Identity(uuid_of_name("Anna"), "Anna"), recording, origin=START, speed=1)
    patients = EmulatedPatients([bay], {})
    assert patients.progress(NOW) == 1
    bay.observe()
    bay.advance(0, NOW)
    assert bay.due() is None
    assert patients.progress(NOW) == 1

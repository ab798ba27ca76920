"""Patients in the store: their names, their intervals and their readings."""

import pytest

from icu.store.writer import Writer
from tests.samples import ANNA, BORIS, observation
from tests.stores import rows, store


async def test_the_last_name_of_a_batch_stands(writer: Writer, url: str) -> None:
    """The last name counts, of several in one transaction as of several transactions."""
    names = ["Anna", "Anna A.", "Anna B."]
    await store(writer, [observation(n, patient_name=name) for n, name in enumerate(names)])
    assert rows(url, "SELECT name FROM patients") == [("Anna B.",)]


async def test_what_a_record_does_not_say_stays_as_it_was(writer: Writer, url: str) -> None:
    """A new interval without a name keeps the name, and a new name without an interval keeps the interval."""
    await store(writer, [observation(0, interval=5)])
    await store(writer, [observation(1, patient_name=None, interval=10)], start=1)
    assert rows(url, "SELECT name, interval FROM patients") == [("Anna", 10.0)]
    await store(writer, [observation(2, patient_name="Anna A.", interval=None)], start=2)
    assert rows(url, "SELECT name, interval FROM patients") == [("Anna A.", 10.0)]


async def test_a_new_patient_beside_duplicates_is_introduced(writer: Writer, url: str) -> None:
    """Duplicates roll back the first attempt with the new patient's row; the second one inserts it again."""
    await store(writer, [observation(0)])
    result = await store(writer, [observation(0), observation(0, patient=BORIS)], start=1)
    assert (result.stored, result.duplicates) == (1, 1)
    assert rows(url, "SELECT uuid FROM patients ORDER BY id") == [(str(ANNA),), (str(BORIS),)]


async def test_two_patients_may_have_readings_of_one_time(writer: Writer) -> None:
    """Readings of two patients at one time are no conflict, also beside duplicates, which are compared."""
    await store(writer, [observation(0), observation(5)])
    result = await store(writer, [observation(0), observation(0, patient=BORIS, pulse=60)], start=2)
    assert (result.stored, result.duplicates, list(result.refusals)) == (1, 1, [])


OTHER_SIGNS = {"pulse": 73, "resp_rate": 17, "bp": "121/80", "spo2": 97, "temperature": 36.7}


@pytest.mark.parametrize("sign", [*OTHER_SIGNS, "diastolic"])
async def test_another_value_of_any_sign_is_a_conflict(writer: Writer, sign: str) -> None:
    """Another value of any sign is a conflict, not a duplicate, which would be dropped."""
    await store(writer, [observation(0)])
    changed = {"bp": "120/81"} if sign == "diastolic" else {sign: OTHER_SIGNS[sign]}
    result = await store(writer, [observation(0, **changed)], start=1)
    assert [each.reason for each in result.refusals] == ["conflict"]

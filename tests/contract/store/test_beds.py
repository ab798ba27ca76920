"""Beds: each patient who is heard gets the lowest free number, which the database keeps."""

from uuid import UUID

import pytest

from icu.messages import Position, uuid_of_name
from icu.store.writer import Writer, open_writer
from tests.samples import ANNA, BORIS, observation
from tests.stores import NOON, execute, is_file, note_statements, rows, store

BEDS = "SELECT uuid, bed FROM patients JOIN bed_states ON patient_id = id ORDER BY id"


async def test_the_lowest_free_numbers(writer: Writer, url: str) -> None:
    """Patients get numbers in the order in which they come; those of discharged ones and of nobody are taken first."""
    patients = [uuid_of_name(str(number)) for number in range(6)]
    await store(writer, [observation(patient=each) for each in patients[:4]])
    assert rows(url, BEDS) == [(str(each), str(number)) for number, each in enumerate(patients[:4], 1)]
    execute(url, "UPDATE bed_states SET bed = NULL, admitted = NULL WHERE bed = '2'")
    execute(url, "UPDATE bed_states SET bed = 'A 5' WHERE bed = '1'")
    await store(writer, [observation(patient=each) for each in patients[4:]], start=4)
    assert [bed for _, bed in rows(url, BEDS)] == ["A 5", None, "3", "4", "1", "2"]


async def test_thousands_at_once(writer: Writer, url: str) -> None:
    """A ward that starts as a whole gets its beds in one transaction, which has a deadline of 5 s."""
    count = 10_000 if is_file(url) else 3_000  # a server is asked over a network
    everybody = [observation(patient=UUID(int=number + 1)) for number in range(count)]
    assert (await store(writer, everybody)).stored == count
    assert rows(url, "SELECT count(DISTINCT bed), max(CAST(bed AS INTEGER)) FROM bed_states") == [(count, count)]


async def test_beds_are_kept(url: str) -> None:
    """A new sink gives nobody another bed."""
    for offset, patients in enumerate([[ANNA], [BORIS, ANNA]]):
        async with open_writer(url, topic="icu.test") as writer:
            await writer.begin({0: Position(offset, "m")}, other_logs=frozenset())
            await store(writer, [observation(offset, patient=each) for each in patients], start=offset)
    assert rows(url, BEDS) == [(str(ANNA), "1"), (str(BORIS), "2")]
    assert rows(url, "SELECT DISTINCT admitted FROM bed_states") == [(NOON,)]


async def test_patients_of_an_older_database(writer: Writer, url: str) -> None:
    """Patients from before there were beds get one when they are heard; those who are not heard get none."""
    execute(url, f"INSERT INTO patients (uuid) VALUES ('{BORIS}'), ('{ANNA}')")
    await store(writer, [observation(0)])
    assert rows(url, BEDS) == [(str(ANNA), "1")]


async def test_a_batch_of_known_patients_asks_nothing(
    writer: Writer, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beds cost statements only where somebody is new."""
    await store(writer, [observation(0)])
    statements = note_statements(monkeypatch, ["rows"])
    await store(writer, [observation(1)], start=1)
    assert not [each for each in statements if "bed_states" in each]

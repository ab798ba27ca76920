"""The stream tells of patients who are new or have another name, and of nobody to clients of others."""

from urllib.parse import urlencode
from uuid import UUID, uuid4

import httpx
import pytest
from anyio import to_thread

from icu.messages import Position
from icu.monitor.stream import MAX_PATIENTS
from icu.store.writer import Writer
from tests.samples import ANNA, BORIS, observation
from tests.stores import make_sink_older, store
from tests.unit.monitor.test_stream import Event, Stream, following, pulses, settled

__all__ = ["settled"]

CLARA = UUID(int=3)
ANNOUNCED_BORIS = [{"uuid": str(BORIS), "name": "Boris"}]


async def events(stream: Stream, count: int) -> list[Event]:
    """The next events."""
    return [await stream.event() for _ in range(count)]


async def test_a_new_patient_is_told_before_the_first_reading(writer: Writer, settled: httpx.AsyncClient) -> None:
    """Each under an id of its own, which rises; who is known is not told of again."""
    async with following(settled) as stream:
        begin = stream.last_id
        await store(writer, [observation(1, pulse=61), observation(1, patient=BORIS, pulse=70)], start=1)
        await store(writer, [observation(2, patient=BORIS, pulse=71)], start=3)
        told, first, second = await events(stream, 3)
    assert [each.kind for each in (told, first, second)] == ["patients", "readings", "readings"]
    assert told.data == ANNOUNCED_BORIS
    assert (pulses(first), pulses(second)) == ([61, 70], [71])
    ids = [begin, told.id, first.id, second.id]
    assert ids == sorted({each or 0 for each in ids})


async def test_a_client_that_was_cut_off_between_the_two(writer: Writer, settled: httpx.AsyncClient) -> None:
    """It goes on where it was: neither the patient nor the readings are missed, and nothing comes twice."""
    async with following(settled) as stream:
        begin = stream.last_id
        await store(writer, [observation(1, patient=BORIS, pulse=70)], start=1)
        [told] = await events(stream, 1)
    async with following(settled, begin) as stream:
        missed = await events(stream, 2)
    assert ([each.kind for each in missed], missed[0]) == (["patients", "readings"], told)
    async with following(settled, told.id) as stream:
        [reading] = await events(stream, 1)
    assert (reading.kind, pulses(reading)) == ("readings", [70])


async def test_another_name_is_told(writer: Writer, settled: httpx.AsyncClient) -> None:
    """Before the readings under it; a reading without a name takes none away, and an interval is no news."""
    async with following(settled) as stream:
        await store(writer, [observation(1, patient_name=None, pulse=61)], start=1)
        await store(writer, [observation(2, interval=60, pulse=62)], start=2)
        await store(writer, [observation(3, patient_name="Anna B.", pulse=63)], start=3)
        found = await events(stream, 4)
    assert [each.kind for each in found] == ["readings", "readings", "patients", "readings"]
    assert found[2].data == [{"uuid": str(ANNA), "name": "Anna B."}]


async def test_another_name_beside_a_reading_that_was_stored_before(writer: Writer, settled: httpx.AsyncClient) -> None:
    """The news has no readings behind it, and comes all the same, once."""
    async with following(settled) as stream:
        await store(writer, [observation(0, pulse=60, patient_name="Anna B.")], start=1)
        await store(writer, [observation(1, pulse=61, patient_name="Anna B.")], start=2)
        told, reading = await events(stream, 2)
    assert (told.kind, told.data[0]["name"], reading.kind) == ("patients", "Anna B.", "readings")


async def test_a_patient_without_a_name(writer: Writer, settled: httpx.AsyncClient) -> None:
    """Is told with null, and told again once a name comes."""
    async with following(settled) as stream:
        await store(writer, [observation(1, patient=BORIS, patient_name=None)], start=1)
        await store(writer, [observation(2, patient=BORIS)], start=2)
        found = await events(stream, 4)
    assert [each.data[0]["name"] for each in found if each.kind == "patients"] == [None, "Boris"]


async def test_a_sink_that_begins_anew_tells_of_nobody_twice(writer: Writer, settled: httpx.AsyncClient) -> None:
    """It knows from the database who was there before."""
    async with following(settled) as stream:
        await writer.begin({0: Position(1, "m")}, other_logs=frozenset())
        await store(writer, [observation(1, pulse=61), observation(1, patient=BORIS)], start=1)
        told, reading = await events(stream, 2)
    assert (told.data, reading.kind) == (ANNOUNCED_BORIS, "readings")


async def test_several_patients_only(writer: Writer, settled: httpx.AsyncClient) -> None:
    """`?patient=` may stand several times: their readings and names, and nothing of anybody else."""
    async with following(settled) as stream:
        await store(writer, [observation(0, patient=BORIS)], start=1)
        await events(stream, 2)  # from now on clients begin behind them
    async with following(settled, patient=[str(ANNA), str(BORIS), str(ANNA)]) as stream:
        begin = stream.last_id
        sent = [observation(1, patient=each, pulse=60 + place) for place, each in enumerate((ANNA, CLARA, BORIS))]
        await store(writer, sent, start=2)
        await store(writer, [observation(2, patient=CLARA)], start=5)
        await store(writer, [observation(2, patient=BORIS, patient_name="Boris B.", pulse=70)], start=6)
        found = await events(stream, 3)
    assert [each.kind for each in found] == ["readings", "patients", "readings"]
    assert (pulses(found[0]), found[1].data[0]["name"], pulses(found[2])) == ([60, 62], "Boris B.", [70])
    async with following(settled, begin, patient=[str(ANNA), str(BORIS)]) as stream:
        assert await events(stream, 3) == found


async def test_one_unknown_patient_among_known_ones(writer: Writer, settled: httpx.AsyncClient) -> None:
    """404, and which."""
    stranger = uuid4()
    response = await settled.get("stream", params={"patient": [str(ANNA), str(stranger)]})
    assert response.status_code == 404
    assert str(stranger) in response.json()["detail"]


@pytest.mark.parametrize(
    ("query", "said"),
    [
        (f"patient={ANNA}&patient=anna", "patient: write a uuid"),
        ("patient=", "patient: write a uuid"),
        (
            urlencode([("patient", str(UUID(int=n))) for n in range(1, MAX_PATIENTS + 2)]),
            "name at most 100, or follow all",
        ),
    ],
)
async def test_patients_that_cannot_be_followed(settled: httpx.AsyncClient, query: str, said: str) -> None:
    """400, and what to write."""
    response = await settled.get(f"stream?{query}")
    assert (response.status_code, said in response.json()["detail"]) == (400, True)


async def test_as_many_patients_as_may_be_named(writer: Writer, settled: httpx.AsyncClient) -> None:
    """All of them are followed."""
    many = [UUID(int=n) for n in range(1, MAX_PATIENTS + 1)]
    async with following(settled) as stream:
        await store(writer, [observation(0, patient=each, patient_name=str(each.int)) for each in many], start=1)
        await events(stream, 2)  # from now on clients begin behind them
    async with following(settled, patient=[str(each) for each in many]) as stream:
        await store(writer, [observation(1, patient=each, patient_name=None) for each in many], start=101)
        [event] = await events(stream, 1)
    assert [each["patient_uuid"] for each in event.data] == [str(each) for each in many]


async def test_a_new_patient_of_an_older_sink(writer: Writer, settled: httpx.AsyncClient, url: str) -> None:
    """Is told in the same way. A client that is cut off between the two gets both again."""
    async with following(settled) as stream:
        await store(writer, [observation(1)], start=1)
        begin = (await stream.event()).id
        await to_thread.run_sync(make_sink_older, url)
        await store(writer, [observation(2), observation(2, patient=BORIS, pulse=70)], start=2)
        told = await stream.event()
        assert stream.last_id == begin
        first = await stream.event()
    assert (told.kind, told.data) == ("patients", ANNOUNCED_BORIS)
    assert (first.kind, pulses(first)) == ("readings", [72, 70])
    async with following(settled, begin, patient=str(BORIS)) as stream:
        again = await events(stream, 2)
        await store(writer, [observation(3, patient=BORIS, pulse=71)], start=4)
        later = await stream.event()
    assert [each.kind for each in again] == ["patients", "readings"]
    assert (later.kind, pulses(later)) == ("readings", [71])

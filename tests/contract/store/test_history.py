"""Answers about a whole span: columns of readings, and statistics of buckets, against naive ones from pages."""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import anyio
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from icu.errors import PatientNotFoundError
from icu.messages import Quality
from icu.store.doubts import words_of
from icu.store.errors import StoreUnavailableError
from icu.store.history import buckets as stored_buckets
from icu.store.history import patient as history
from icu.store.history.buckets import BUCKET_COLUMNS, Slice
from icu.store.history.patient import READING_COLUMNS, History
from icu.store.json_texts import json_texts
from icu.store.reader import Reader
from icu.store.readings import Columns
from icu.store.writer import Writer
from tests.histories import QUALITIES, VALUES, buckets, moment, values, varied, words
from tests.samples import ANNA, BORIS, START, observation
from tests.stores import Offsets, execute, store

Rows = list[dict[str, Any]]


async def served(reader: Reader, uuid: UUID = ANNA) -> Rows:
    """All readings, as they are served in a page."""
    page = await reader.page(uuid, limit=10_000, order="asc")
    return json_rows(page.readings)


def json_rows(readings: Columns) -> Rows:
    """Readings as they are served."""
    return [json.loads(each) for each in json_texts(readings, slice(None))]


async def read(found: History) -> Rows:
    """All rows, from their columns."""
    slices = [each async for each in found.slices()]
    assert all(each.count and rows_of(each)[-1]["timestamp"] == each.last for each in slices)
    return [row for each in slices for row in rows_of(each)]


def rows_of(some: Slice) -> Rows:
    """Rows of a slice."""
    columns = {name: json.loads(array) for name, array in some.columns.items()}
    assert {len(column) for column in columns.values()} == {some.count}
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def statistics(row: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Statistics of a bucket by sign, in units."""
    found: dict[str, dict[str, Any]] = {}
    for name, value in row.items():
        sign, _, statistic = name.rpartition("_")
        if sign:
            is_value = statistic in {"min", "mean", "max"} and value is not None
            found.setdefault(sign, {})[statistic] = value / 100 if is_value else value
    return found


@pytest.fixture(params=[1, 7, 20_000])
def slices(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """Readings of a slice."""
    monkeypatch.setattr(history, "SLICE", request.param)
    monkeypatch.setattr(stored_buckets, "STATISTICS_SLICE", request.param)
    monkeypatch.setattr(stored_buckets, "SHORT", 0)
    monkeypatch.setattr(history, "PAGE", request.param)
    return int(request.param)


async def test_columns_are_the_readings(writer: Writer, reader: Reader, slices: int) -> None:
    """Value by value, in the order of time, without what belongs to somebody else; words are those of the reading."""
    await store(writer, [*varied(50, step=[0.25, 5, 60]), observation(3, patient=BORIS)])
    expected = await served(reader)
    found = await History.find(reader, ANNA, most=1_000)
    rows = await read(found)
    assert found.rows == len(rows) == 50
    assert [row["timestamp"] for row in rows] == [moment(each) for each in expected]
    for row, reading in zip(rows, expected, strict=True):
        assert tuple(row) == READING_COLUMNS
        for sign, value in values(reading).items():
            assert row[sign] == (None if value is None else round(100 * value)), sign
        assert dict(words_of(row["quality"]) if row["quality"] else {}) == words(reading)


async def test_pages_are_the_readings(writer: Writer, reader: Reader, slices: int) -> None:
    """One after the other, each once."""
    await store(writer, varied(20, step=[0.25, 5, 60]))
    found = await History.find(reader, ANNA, since=START, most=1_000)
    pages = [json_rows(page) async for page in found.pages()]
    assert [each for page in pages for each in page] == await served(reader)
    assert {len(page) for page in pages[:-1]} <= {slices}


@pytest.mark.parametrize(
    ("since", "until", "seconds"),
    [(0, 2, [0, 1]), (0.5, 2.001, [1, 2]), (2, 2, []), (3, 9, [3, 4]), (-9, 0, []), (9, 10, [])],
)
async def test_the_borders_of_a_span(
    writer: Writer, reader: Reader, since: float, until: float, seconds: Sequence[int]
) -> None:
    """`since` belongs to it, `until` does not, in readings and buckets alike; nothing is a history too."""
    await store(writer, [observation(n) for n in range(5)])
    ends = {"since": START + timedelta(seconds=since), "until": START + timedelta(seconds=until)}
    for every in (None, 1_000):
        found = await History.find(reader, ANNA, **ends, every=every, most=10)
        begins = [(row["timestamp"] - moment_of(START)) / 1000 for row in await read(found)]
        assert begins == seconds
        assert found.rows == len(seconds)


def moment_of(when: datetime) -> int:
    """Milliseconds since 1970."""
    return round(when.timestamp() * 1000)


def observations() -> st.SearchStrategy[dict[int, dict[str, Any]]]:
    """Fields of observations by their time: seconds and thousandths after START."""
    fields = {name: st.sampled_from(choice) for name, choice in VALUES.items()}
    times = st.one_of(st.integers(0, 20_000), st.integers(0, 200).map(lambda second: 1_000 * second))
    return st.dictionaries(times, st.fixed_dictionaries({**fields, "quality": st.sampled_from(QUALITIES)}), max_size=30)


# A reading of nothing.
BARE: dict[str, Any] = dict.fromkeys(VALUES)


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(
    fields=observations(),
    every=st.sampled_from([1_000, 1_500, 5_000, 7_000, 60_000, 3_600_000, 86_400_000]),
    size=st.sampled_from([1, 4, 20_000]),
)
async def test_buckets_are_those_of_a_naive_oracle(
    writer: Writer, reader: Reader, offsets: Offsets, fields: dict[int, dict[str, Any]], every: int, size: int
) -> None:
    """Whole multiples of `every`, none invented; doubtful values are counted apart, and in no other statistic."""
    patient = uuid4()
    sent = [observation(ms / 1000, patient=patient, **each) for ms, each in fields.items()]
    # One of nothing, so that the patient is known.
    await store(writer, [observation(patient=patient, **BARE), *sent], start=offsets.take(len(sent) + 1))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stored_buckets, "STATISTICS_SLICE", size)
        patch.setattr(stored_buckets, "SHORT", 0)
        rows = await read(await History.find(reader, patient, every=every, most=1_000_000))
    expected = buckets(await served(reader, patient), every)
    assert {row.pop("timestamp"): statistics(row) for row in rows} == expected
    assert len(rows) == len(expected)


async def test_buckets_begin_at_whole_multiples(writer: Writer, reader: Reader) -> None:
    """Of 7 s since 1970, whenever the span begins; a mean is rounded to the hundredth, halves up."""
    pulses = [71, 72, 72.25, 72.26, 100]
    await store(writer, [observation(n, pulse=pulse) for n, pulse in enumerate(pulses)])
    found = await History.find(reader, ANNA, since=START + timedelta(seconds=1), every=7_000, most=10)
    rows = await read(found)
    assert all(tuple(row) == BUCKET_COLUMNS for row in rows)
    assert [row["timestamp"] % 7_000 for row in rows] == [0] * len(rows)
    assert sum(row["pulse_count"] for row in rows) == 4
    ends = {"since": START + timedelta(seconds=2), "until": START + timedelta(seconds=4)}
    [bucket] = await read(await History.find(reader, ANNA, **ends, every=3_600_000, most=10))
    assert (bucket["pulse_min"], bucket["pulse_mean"], bucket["pulse_max"]) == (7_225, 7_226, 7_226)


async def test_what_is_doubtful(writer: Writer, reader: Reader) -> None:
    """A word about a pressure is one about its mean, unless it says that the pressure was impossible."""
    said = [None, Quality(bp="damped"), Quality(bp="implausible"), Quality(map="implausible"), Quality(resp_rate="x")]
    await store(writer, [observation(n, map=93, quality=each) for n, each in enumerate(said)])
    [bucket] = await read(await History.find(reader, ANNA, every=86_400_000, most=10))
    flagged = {sign: each["flagged"] for sign, each in statistics(bucket).items() if each["flagged"]}
    assert flagged == {"resp_rate": 1, "systolic": 2, "diastolic": 2, "map": 2}


@pytest.mark.parametrize("every", [None, 1_000])
async def test_a_history_of_nobody(writer: Writer, reader: Reader, every: int | None) -> None:
    """A patient that nobody knows is an error."""
    with pytest.raises(PatientNotFoundError):
        await History.find(reader, UUID(int=1), every=every, most=10)


@pytest.mark.parametrize(("most", "rows"), [(4, 5), (5, 5), (6, 5), (1, 2)])
async def test_rows_are_counted_so_far(writer: Writer, reader: Reader, most: int, rows: int) -> None:
    """Up to one more than asked for; buckets that do not exist do not count where there are many possible ones."""
    await store(writer, [observation(1_000 * n) for n in range(5)])
    assert (await History.find(reader, ANNA, most=most)).rows == rows
    assert (await History.find(reader, ANNA, every=1_000, most=most)).rows == rows


async def test_readings_that_vanish(writer: Writer, reader: Reader, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer shorter than announced is an error, not a whole answer."""
    monkeypatch.setattr(history, "SLICE", 2)
    monkeypatch.setattr(history, "PAGE", 2)
    await store(writer, [observation(n) for n in range(6)])
    found = await History.find(reader, ANNA, most=10)
    slices, pages = found.slices(), found.pages()
    await anext(slices)
    await anext(pages)
    execute(url, f"DELETE FROM patient_metrics WHERE timestamp > {moment_of(START) + 3_000}")
    for each in (slices, pages):
        with pytest.raises(StoreUnavailableError, match="vanished"):
            [_ async for _ in each]


async def test_late_readings_do_not_lengthen_it(
    writer: Writer, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its ends are fixed when it is found: a live patient's history ends."""
    monkeypatch.setattr(history, "SLICE", 2)
    await store(writer, [observation(n) for n in range(4)])
    found = await History.find(reader, ANNA, most=10)
    slices = found.slices()
    rows = (await anext(slices)).count
    await store(writer, [observation(n) for n in (0.5, 4, 5)], start=4)
    async for each in slices:
        rows += each.count
    assert rows == 4


async def test_short_questions_beside_many_long_answers(writer: Writer, reader: Reader) -> None:
    """However many long answers are being read, what is answered in a moment finds a connection."""
    await store(writer, [observation(0)])
    identity = await reader.look()
    over = anyio.Event()

    async def read_long() -> None:
        async with reader.connection(identity):
            await over.wait()

    async with anyio.create_task_group() as group:
        for _ in range(50):
            group.start_soon(read_long)
        await anyio.wait_all_tasks_blocked()
        with anyio.fail_after(4):  # less than a connection is waited for
            found = await reader.patient(ANNA, now=START)
        over.set()
    assert found.uuid == ANNA

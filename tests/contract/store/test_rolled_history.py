"""Statistics of buckets that are read from roll-ups, against naive ones of the readings."""

from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from icu.store.errors import StoreUnavailableError
from icu.store.history import buckets as stored_buckets
from icu.store.history import patient as history
from icu.store.history.patient import History
from icu.store.history.ward import WardHistory, WardSpan
from icu.store.reader import Reader
from icu.store.rollups.coverage import HOURS, MINUTES, READINGS, Coverage, Piece
from icu.store.upkeep_state import UpkeepState
from icu.store.writer import Writer
from icu.vitals.catalogue import BY_NAME
from tests.contract.store.test_history import read, rows_of, served, statistics
from tests.histories import QUALITIES, VALUES, moment, varied
from tests.rolled_histories import HOUR, MINUTE, delete, remaining, roll_up, set_state
from tests.samples import ANNA, observation
from tests.stores import NOON, Offsets, execute, store

SIGN_NAMES = tuple(BY_NAME)
# Hours of the examples' readings.
SPAN = 6


class Question(NamedTuple):
    """A span, and the length of its buckets, in milliseconds since 1970."""

    since: int
    until: int
    every: int


class Example(NamedTuple):
    """Readings, how far the upkeep has come with them, and questions. Times are milliseconds since 1970."""

    fields: dict[int, dict[str, Any]]
    rolled_until: int
    # Of readings, minutes and hours.
    horizons: tuple[int, int, int]
    # Times of readings that came later.
    late: set[int]
    questions: list[Question]


LENGTHS = [1_000, 90_000, MINUTE, 7 * MINUTE, 15 * MINUTE, HOUR, 2 * HOUR, 5 * HOUR, 24 * HOUR]


@st.composite
def examples(draw: st.DrawFn) -> Example:
    """Examples, in which times often are whole minutes and hours, or just beside."""
    minute = st.integers(0, SPAN * 60).map(lambda number: NOON + number * MINUTE)
    hour = st.integers(0, SPAN).map(lambda number: NOON + number * HOUR)
    beside = st.one_of(minute.map(lambda at: at + 1), hour.map(lambda at: at - 1))
    time = st.one_of(st.integers(NOON, NOON + SPAN * HOUR), minute, hour, beside)
    values = st.fixed_dictionaries(
        {**{name: st.sampled_from(choice) for name, choice in VALUES.items()}, "quality": st.sampled_from(QUALITIES)}
    )
    fields = draw(st.dictionaries(time, values, min_size=8, max_size=40))
    rolled_until = draw(st.one_of(minute, hour))
    horizons: list[int] = []
    for _ in range(3):
        hours = (min([rolled_until, *horizons]) - NOON) // HOUR
        horizons.append(NOON + HOUR * draw(st.integers(0, hours)))
    candidates = sorted(each for each in fields if each >= horizons[0])
    late = draw(st.sets(st.sampled_from(candidates))) if candidates else set()
    spans = st.tuples(time, time, st.sampled_from(LENGTHS)).map(
        lambda drawn: Question(min(drawn[:2]), max(drawn[:2]), drawn[2])
    )
    questions = draw(st.lists(spans, min_size=3, max_size=6))
    return Example(fields, rolled_until, (horizons[0], horizons[1], horizons[2]), late, questions)


@settings(max_examples=15, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(example=examples(), size=st.sampled_from([1, 3, 10_000]))
async def test_buckets_are_those_of_a_naive_oracle(
    writer: Writer, reader: Reader, url: str, offsets: Offsets, example: Example, size: int
) -> None:
    """To the last number, whatever is rolled up, late or deleted by then; of one patient and of the ward."""
    patient = uuid4()
    sent = [observation((ms - NOON) / 1000, patient=patient, **each) for ms, each in example.fields.items()]
    begin_anew(url)
    await store(writer, sent, start=offsets.take(len(sent)))
    readings = await served(reader, patient)
    roll_up(url, until=example.rolled_until, without=example.late)
    raw, minute, hour = example.horizons
    delete(url, raw=raw, minute=minute, hour=hour)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stored_buckets, "STATISTICS_SLICE", size)
        patch.setattr(stored_buckets, "SHORT", 0)
        patch.setattr(stored_buckets, "ROLLUPS_SLICE", size)
        for question in example.questions:
            await check(reader, patient, question, remaining(readings, *question, example.horizons))


async def check(reader: Reader, patient: UUID, question: Question, expected: dict[int, Any]) -> None:
    """Check the answers to a question, of the patient and of the ward."""
    since, until, every = question
    found = await History.find(reader, patient, since=when(since), until=when(until), every=every, most=10**6)
    answer = await read(found)
    assert {row["timestamp"]: statistics(row) for row in answer} == expected
    assert len(answer) == len(expected) <= found.rows
    # From what was held for its checksum, too.
    assert await found.checksum(10**6) is not None
    assert await read(found) == answer
    ward = await WardHistory.find(reader, WardSpan(since, until, every, SIGN_NAMES))
    [of_ward] = [rows_of(each) async for someone, each in ward.slices() if someone.uuid == patient]
    assert of_ward == answer


async def test_four_hours_of_which_all_may_be_said(writer: Writer, reader: Reader, url: str) -> None:
    """Of the first only the hour is left, of the second its minutes; the third was late, and the last goes on."""
    await store(writer, varied(80, step=[20, 400]))
    readings = await served(reader)
    late = {moment(each) for each in readings[::2] if NOON + 2 * HOUR <= moment(each) < NOON + 3 * HOUR}
    roll_up(url, until=NOON + 3 * HOUR + 10 * MINUTE, without=late)
    raw, minute, hour = horizons = [NOON + 2 * HOUR, NOON + HOUR, NOON]
    delete(url, raw=raw, minute=minute, hour=hour)
    spans = [(0, 5 * HOUR), (10 * MINUTE, 4 * HOUR), (HOUR + 90_500, 2 * HOUR - 500), (0, 50 * MINUTE)]
    for since, until in [*spans, (2 * HOUR + 7, 3 * HOUR + 7), (3 * HOUR - 1, 3 * HOUR + 20 * MINUTE + 1)]:
        for every in LENGTHS:
            question = Question(NOON + since, NOON + until, every)
            await check(reader, ANNA, question, remaining(readings, *question, horizons))


def begin_anew(url: str) -> None:
    """Take away all readings and roll-ups, and what the upkeep has done."""
    for table in ("patient_metrics", "minute_rollups", "hour_rollups", "late_hours"):
        execute(url, f"DELETE FROM {table}")
    set_state(url, marked_until=None, rolled_until=None, raw_horizon=None, minute_horizon=None, hour_horizon=None)


def when(moment: int) -> datetime:
    """A time."""
    return datetime.fromtimestamp(moment / 1000, UTC)


async def test_a_last_bucket_in_several_slices(writer: Writer, reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its end is that of the span, however few readings a slice has."""
    monkeypatch.setattr(stored_buckets, "STATISTICS_SLICE", 1)
    monkeypatch.setattr(stored_buckets, "SHORT", 0)
    await store(writer, [observation(second) for second in (10, 20, 50)])
    found = await History.find(reader, ANNA, until=when(NOON + 30_000), every=MINUTE, most=10)
    assert [each["pulse_count"] for each in await read(found)] == [2]


async def test_a_checksum_is_that_of_the_answer(writer: Writer, reader: Reader, url: str) -> None:
    """Made from the roll-ups or held from before, it is the same until the answer changes, and what is left does."""
    await store(writer, varied(300, step=[30]))
    roll_up(url, until=NOON + 2 * HOUR)

    async def checksum(until: int = NOON + 2 * HOUR) -> Any:
        found = await History.find(reader, ANNA, until=when(until), every=15 * MINUTE, most=1_000)
        return await found.checksum(1)

    before = await checksum()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(history, "HELD", 2)
        assert await checksum() == before
    assert await checksum(NOON + 3 * HOUR) != before
    execute(url, f"UPDATE minute_rollups SET pulse_max = pulse_max + 1 WHERE bucket = {NOON + 60 * MINUTE}")
    changed = await checksum()
    assert changed != before
    delete(url, raw=NOON + 2 * HOUR, minute=NOON + HOUR)
    assert await checksum() not in (before, changed)


@pytest.mark.parametrize(
    ("every", "columns"),
    [
        (None, {"raw_horizon": NOON + HOUR}),
        (1_000, {"raw_horizon": NOON + HOUR}),
        (MINUTE, {"raw_horizon": NOON + HOUR, "minute_horizon": NOON + HOUR}),
        (15 * MINUTE, {"raw_horizon": NOON + HOUR, "minute_horizon": NOON + HOUR}),
        (HOUR, {"raw_horizon": NOON + HOUR, "minute_horizon": NOON + HOUR, "hour_horizon": NOON + HOUR}),
        (24 * HOUR, {"raw_horizon": NOON + 3 * HOUR}),
    ],
    ids=["readings", "buckets", "minutes", "many minutes", "hours", "hours and readings"],
)
async def test_what_is_deleted_while_it_is_read(
    writer: Writer, reader: Reader, url: str, every: int | None, columns: dict[str, int]
) -> None:
    """A horizon that moves ends the answer: no bucket is made from what is left."""
    await store(writer, varied(300, step=[30]))
    roll_up(url, until=NOON + 2 * HOUR)
    found = await History.find(reader, ANNA, every=every, most=1_000_000)
    set_state(url, **columns)
    with pytest.raises(StoreUnavailableError, match="deleted while they were read"):
        await read(found)
    if every is None:
        with pytest.raises(StoreUnavailableError, match="deleted while they were read"):
            [_ async for _ in found.pages()]


async def test_horizons_of_others_do_not_matter(writer: Writer, reader: Reader, url: str) -> None:
    """Roll-ups are read on while readings of the same time are deleted."""
    await store(writer, varied(300, step=[30]))
    roll_up(url, until=NOON + 2 * HOUR)
    found = await History.find(reader, ANNA, until=when(NOON + HOUR), every=MINUTE, most=100)
    whole = await read(found)
    delete(url, raw=NOON + HOUR)
    assert await read(found) == whole


@pytest.mark.parametrize(
    ("every", "since", "until", "kept"),
    [
        (None, 0, 9 * HOUR, (4 * HOUR, None)),
        (90_000, 0, 9 * HOUR, (4 * HOUR, None)),
        (MINUTE, 0, 9 * HOUR, (2 * HOUR, None)),
        (HOUR, 0, 9 * HOUR, (HOUR, None)),
        (HOUR, HOUR, 9 * HOUR, (None, None)),
        (HOUR, HOUR + 1, 9 * HOUR, (2 * HOUR, None)),
        (HOUR, 2 * HOUR + 1, 9 * HOUR, (2 * HOUR + MINUTE, None)),
        (MINUTE, 3 * HOUR, 3 * HOUR + MINUTE + 1, (None, 3 * HOUR + MINUTE)),
        (HOUR, HOUR, 2 * HOUR - 1, (None, HOUR)),
        (HOUR, 4 * HOUR + 1, 9 * HOUR - 1, (None, None)),
        (None, 5 * HOUR, 6 * HOUR, (None, None)),
    ],
)
def test_what_is_told_of_deleted_readings(
    every: int | None, since: int, until: int, kept: tuple[int | None, int | None]
) -> None:
    """The ends that are left, where readings before 4 h, minutes before 2 h and hours before 1 h are gone."""
    state = UpkeepState(rolled_until=8 * HOUR, raw_horizon=4 * HOUR, minute_horizon=2 * HOUR, hour_horizon=HOUR)
    assert Coverage(state, every).kept(since, until) == kept


def test_sources_of_a_span() -> None:
    """Hours in its middle, minutes and readings at its ends, and readings in an hour that is late."""
    coverage = Coverage(UpkeepState(rolled_until=9 * HOUR + 10 * MINUTE), 2 * HOUR)
    assert coverage.pieces(HOUR - 90_000, 9 * HOUR + 20 * MINUTE, [4 * HOUR]) == [
        Piece(READINGS, HOUR - 90_000, HOUR - MINUTE),
        Piece(MINUTES, HOUR - MINUTE, HOUR),
        Piece(HOURS, HOUR, 4 * HOUR),
        Piece(READINGS, 4 * HOUR, 5 * HOUR),
        Piece(HOURS, 5 * HOUR, 9 * HOUR),
        Piece(MINUTES, 9 * HOUR, 9 * HOUR + 10 * MINUTE),
        Piece(READINGS, 9 * HOUR + 10 * MINUTE, 9 * HOUR + 20 * MINUTE),
    ]
    assert coverage.sources == (HOURS, MINUTES, READINGS)
    # Where the readings are gone, nothing can take the place of a roll-up.
    deleted = Coverage(UpkeepState(rolled_until=9 * HOUR, raw_horizon=5 * HOUR), HOUR)
    assert deleted.pieces(0, 9 * HOUR, [4 * HOUR]) == [Piece(HOURS, 0, 9 * HOUR)]


@pytest.mark.parametrize(("most", "counted"), [(3, 4), (4, 4), (5, 4)])
async def test_buckets_are_counted_in_their_sources(
    writer: Writer, reader: Reader, url: str, most: int, counted: int
) -> None:
    """Those that exist, up to one more than asked for: a gap of hours is none."""
    await store(writer, [observation(second) for second in (0, 60, 7_200, 7_260)])
    roll_up(url, until=NOON + HOUR)
    delete(url, raw=NOON + HOUR)
    assert (await History.find(reader, ANNA, every=MINUTE, most=most)).rows == counted

"""Statistics of alarms, by hand and against a naive count over generated ones."""

from collections import Counter
from collections.abc import Sequence
from itertools import accumulate
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from icu.alarms.episodes import Acknowledgement, Episode
from icu.alarms.records import Bed, LimitChange, Record, Silence
from icu.alarms.statistics import DAY, HOUR, Group, Lengths, floods, statistics_of

ANNA, BORIS = UUID(int=1), UUID(int=2)
SECOND = 1_000
MINUTE = 60 * SECOND


def bed(patient: UUID = ANNA, *, watched: int = DAY, monitored: int = DAY, **flagged: int) -> Bed:
    """A bed that was watched for a day."""
    return Bed(patient, watched, monitored, flagged)


def alarm(
    raised: int | None = 0,
    *,
    ended: int | None = None,
    patient: UUID = ANNA,
    condition: str = "spo2.low",
    sounded: int | None = None,
    tier: int = 0,
    **fields: Any,
) -> Record:
    """An alarm that was raised at a time, or was suppressed; it ends by itself if it ends."""
    number = len(Episode.__struct_fields__) + (raised or 0)
    episode = Episode(
        id=UUID(int=number),
        patient=patient,
        condition=condition,
        onsets=(None, None),
        dues=(None, None),
        onset=raised or 0,
        raised=raised,
        tier=-1 if raised is None else tier,
        ended=ended,
        end_reason=fields.pop("end_reason", None if ended is None else "itself"),
        **fields,
    )
    return Record(episode, sounded)


def test_rates_have_the_watched_time_below_them() -> None:
    """Per bed-day of watching, and per hour with valid data: a bed without alarms counts too."""
    found = statistics_of(
        [alarm(0, sounded=0), alarm(1, sounded=1), alarm(2)],
        [bed(), bed(BORIS, watched=DAY // 2, monitored=6 * HOUR)],
    )
    assert (found.beds, found.watched_hours, found.monitored_hours) == (2, 36, 30)
    assert (found.all.raised, found.all.audible) == (3, 2)
    assert (found.all.per_bed_day, found.all.audible_per_bed_day) == (2, 2 / 1.5)
    assert found.all.per_monitored_hour == 0.1


def test_without_time_there_are_no_rates() -> None:
    """An empty ward has no rate, and no division by zero."""
    found = statistics_of([], [])
    assert (found.all.raised, found.all.per_bed_day, found.all.per_monitored_hour) == (0, None, None)
    assert (found.technical_share, found.all.top_tenth_share, found.all.short_share) == (None, None, None)
    assert found.all.duration == Lengths(0, None, None, None)
    assert (found.by_kind, found.flagged_share, found.floods) == ({}, {}, {})


def test_a_suppressed_one_was_no_alarm() -> None:
    """Alarms that ended before their delay count beside the others, and are in no other figure."""
    found = statistics_of([alarm(None, ended=5, end_reason="suppressed"), alarm(None)], [bed()])
    assert (found.all.raised, found.all.suppressed, found.all.ended, found.all.duration.count) == (0, 1, {}, 0)
    assert found.by_condition["spo2.low"].suppressed == 1


def test_how_long_alarms_last() -> None:
    """From raised until the condition was over, in seconds; the ninetieth per cent is a length that occurred."""
    lengths = [1, 2, 14.999, 15, 16, 17, 18, 19, 20, 100]
    records = [alarm(0, ended=round(each * SECOND)) for each in lengths]
    group = statistics_of([*records, alarm(0)], [bed()]).all
    assert group.duration == Lengths(10, 16.5, 20, 100)
    assert group.short_share == 0.3


def test_a_latched_alarm_lasts_as_long_as_its_condition() -> None:
    """Not until somebody acknowledges it, which is a time of another clock."""
    given_at = 40 * DAY
    record = alarm(
        0,
        ended=given_at,
        ceased=30 * SECOND,
        repeats=2,
        end_reason="acknowledged",
        sounded=given_at - 90 * SECOND,
        acknowledged=Acknowledgement("Eva", given_at),
    )
    group = statistics_of([record], [bed()]).all
    assert (group.duration.longest, group.to_acknowledge.longest, group.raised_again) == (30, 90, 2)
    assert (group.ended, group.never_acknowledged) == ({"acknowledged": 1}, 0)


def test_an_alarm_that_nobody_heard_needs_no_answer() -> None:
    """Only what was heard can be acknowledged, and only what has ended was never."""
    records = [
        alarm(0, ended=9, sounded=0),
        alarm(1, ended=9),
        alarm(2, sounded=2),
        alarm(3, ended=9, sounded=3, acknowledged=Acknowledgement("Eva", 5 * SECOND + 3)),
    ]
    group = statistics_of(records, [bed()]).all
    assert (group.audible, group.never_acknowledged) == (3, 1)
    assert group.to_acknowledge == Lengths(1, 5, 5, 5)


@pytest.mark.parametrize(
    ("gap", "patient", "condition", "repeats"),
    [
        (5 * MINUTE, ANNA, "spo2.low", 1),
        (5 * MINUTE + 1, ANNA, "spo2.low", 0),
        (0, BORIS, "spo2.low", 0),
        (0, ANNA, "pulse.low", 0),
    ],
)
def test_repeats(gap: int, patient: UUID, condition: str, repeats: int) -> None:
    """The same condition again at the same bed, up to five minutes after the end of the last one."""
    records = [alarm(10 + gap, patient=patient, condition=condition), alarm(0, ended=10)]
    assert statistics_of(records, [bed(), bed(BORIS)]).all.repeats == repeats


def test_groups() -> None:
    """By kind, by priority with the highest first, and by condition with the most frequent first."""
    records = [
        alarm(0, condition="bp.unavailable"),
        alarm(1, tier=1),
        alarm(2),
        alarm(3),
        alarm(4, condition="pulse.high"),
    ]
    found = statistics_of(records, [bed()])
    counts = {
        name: {key: group.raised for key, group in getattr(found, name).items()}
        for name in ("by_kind", "by_priority", "by_condition")
    }
    assert counts == {
        "by_kind": {"physiological": 4, "technical": 1},
        "by_priority": {"high": 1, "medium": 3, "low": 1},
        "by_condition": {"spo2.low": 3, "bp.unavailable": 1, "pulse.high": 1},
    }
    assert list(counts["by_priority"]) == ["high", "medium", "low"]
    assert next(iter(counts["by_condition"])) == "spo2.low"
    assert found.technical_share == 0.2


def test_the_top_tenth() -> None:
    """Of 20 beds the two that have most; a bed without alarms counts as one."""
    beds = [bed(UUID(int=number)) for number in range(1, 21)]
    records = [alarm(place, patient=UUID(int=number)) for number in (1, 1, 1, 2, 2, 3) for place in range(2)]
    assert statistics_of(records, beds).all.top_tenth_share == 10 / 12
    assert statistics_of(records, beds[:10]).all.top_tenth_share == 6 / 12


@pytest.mark.parametrize(
    ("times", "count"),
    [
        ([MINUTE * each for each in range(9)], 0),
        ([MINUTE * each for each in range(10)], 1),
        ([MINUTE * each for each in range(500)], 1),
        ([0] * 10, 1),
        ([*range(9), 10 * MINUTE], 1),
        ([*range(9), 10 * MINUTE + 1], 0),
        ([*range(10), *range(DAY, DAY + 10)], 2),
    ],
)
def test_floods(times: list[int], count: int) -> None:
    """Ten alarms at one bed within ten minutes; one that goes on is one."""
    assert floods(times) == count


def test_a_flood_is_of_one_bed() -> None:
    """Nine at each of two beds are none."""
    records = [alarm(each, patient=patient) for each in range(9) for patient in (ANNA, BORIS)]
    assert statistics_of(records, [bed(), bed(BORIS)]).floods == {}
    assert statistics_of([*records, alarm(9)], [bed(), bed(BORIS)]).floods == {ANNA: 1}


def test_silences_and_changes() -> None:
    """How many, how long, and by whom; the versions of limits under which alarms were raised."""
    silences = [
        Silence("pause", "Eva", 2 * MINUTE),
        Silence("pause", "Ivan", MINUTE // 2),
        Silence("shelf", "Eva", 10 * MINUTE),
    ]
    changes = [LimitChange(None, "Eva"), LimitChange(ANNA, "Eva"), LimitChange(BORIS, "Ivan")]
    found = statistics_of([alarm(0, ward_limits=3), alarm(1, ward_limits=1)], [bed()], silences, changes)
    assert (found.pauses.count, found.pauses.minutes, found.pauses.by) == (2, 2.5, {"Eva": 1, "Ivan": 1})
    assert (found.shelves.count, found.shelves.minutes, found.shelves.by) == (1, 10, {"Eva": 1})
    assert (found.limit_changes, found.limit_changes_by) == (3, {"Eva": 2, "Ivan": 1})
    assert found.ward_limits == [1, 3]


def test_flagged_time() -> None:
    """A share of the watched time of all beds, by field."""
    beds = [bed(spo2=DAY // 2, bp=DAY // 4), bed(BORIS, spo2=DAY // 4)]
    assert statistics_of([], beds).flagged_share == {"spo2": 0.375, "bp": 0.125}


conditions = st.sampled_from(["spo2.low", "pulse.high", "asystole", "spo2.unavailable", "data.stale"])
times = st.integers(0, 20 * MINUTE)


@st.composite
def records(draw: st.DrawFn) -> list[Record]:
    """Alarms of a few beds."""
    found = []
    for _ in range(draw(st.integers(0, 25))):
        raised, length = draw(st.one_of(st.none(), times)), draw(st.one_of(st.none(), times))
        sounded = draw(st.one_of(st.none(), times)) if raised is not None else None
        given = sounded is not None and draw(st.booleans())
        found.append(
            alarm(
                raised,
                ended=None if length is None else (raised or 0) + length,
                patient=UUID(int=draw(st.integers(1, 3))),
                condition=draw(conditions),
                end_reason=None if length is None else ("itself" if raised is not None else "suppressed"),
                sounded=sounded,
                late=raised is not None and draw(st.booleans()),
                unanswered=raised is not None and draw(st.booleans()),
                acknowledged=Acknowledgement("Eva", (sounded or 0) + draw(times)) if given else None,
            )
        )
    return found


def counted(found: Sequence[Record]) -> dict[str, Any]:
    """The figures of a group, counted one by one."""
    raised = [each.episode for each in found if each.episode.raised is not None]
    heard = [each for each in found if each.episode.raised is not None and each.sounded is not None]
    return {
        "raised": len(raised),
        "audible": len(heard),
        "suppressed": len([each for each in found if each.episode.end_reason == "suppressed"]),
        "ended": Counter(each.end_reason for each in raised if each.end_reason),
        "late": len([each for each in raised if each.late]),
        "unanswered": len([each for each in raised if each.unanswered]),
        "never_acknowledged": len(
            [each for each in heard if each.episode.ended is not None and not each.episode.acknowledged]
        ),
    }


def shown(group: Group, names: Sequence[str]) -> dict[str, Any]:
    """Figures of a group by name."""
    return {name: getattr(group, name) for name in names}


@given(records())
def test_counts_are_those_of_a_naive_count(found: list[Record]) -> None:
    """In all, and in each group; the groups of each way to divide them add up to all."""
    statistics = statistics_of(found, [bed(UUID(int=number)) for number in (1, 2, 3)])
    expected = counted(found)
    assert shown(statistics.all, list(expected)) == expected
    for name, key in [
        ("by_kind", lambda each: each.definition.kind),
        ("by_priority", lambda each: each.priority),
        ("by_condition", lambda each: each.condition),
    ]:
        groups = getattr(statistics, name)
        assert set(groups) == {key(each.episode) for each in found}
        for value, group in groups.items():
            part = counted([each for each in found if key(each.episode) == value])
            assert shown(group, list(part)) == part


@given(records())
def test_lengths_are_those_of_a_naive_count(found: list[Record]) -> None:
    """At least half of the lengths are up to the median, and nine of ten up to the ninetieth per cent."""
    group = statistics_of(found, [bed()]).all
    lengths = [
        (each.episode.ended - each.episode.raised) / SECOND
        for each in found
        if each.episode.raised is not None and each.episode.ended is not None
    ]
    assert group.duration.count == len(lengths)
    if lengths:
        assert group.duration.longest == max(lengths)
        assert group.duration.p90 in lengths
        assert sum(each <= group.duration.p90 for each in lengths) >= 0.9 * len(lengths)
        assert sum(each >= group.duration.p90 for each in lengths) >= 0.1 * len(lengths)
        assert sum(each <= group.duration.median for each in lengths) >= len(lengths) / 2
        assert sum(each >= group.duration.median for each in lengths) >= len(lengths) / 2
        assert group.short_share == sum(each < 15 for each in lengths) / len(lengths)


@given(st.lists(st.tuples(times, times, st.integers(1, 2), conditions), max_size=25, unique_by=lambda each: each[0]))
def test_repeats_as_a_naive_search_finds_them(alarms: list[tuple[int, int, int, str]]) -> None:
    """Each alarm, compared with the last one before it of the same bed and condition."""
    found = [
        alarm(raised, ended=raised + length, patient=UUID(int=patient), condition=condition)
        for raised, length, patient, condition in alarms
    ]
    repeats = 0
    for raised, _, *key in alarms:
        before = [each for each in alarms if list(each[2:]) == key and each[0] < raised]
        if before:
            last = max(before)
            repeats += raised - (last[0] + last[1]) <= 5 * MINUTE
    assert statistics_of(found, [bed()]).all.repeats == repeats


@given(st.lists(st.sampled_from([0, MINUTE // 2, MINUTE, 67 * SECOND, 5 * MINUTE]), max_size=60))
def test_floods_as_a_naive_search_finds_them(gaps: list[int]) -> None:
    """Times that lie in some window of ten minutes with ten alarms, joined where windows overlap."""
    times = list(accumulate(gaps))
    windows = [
        (first, times[place + 9])
        for place, first in enumerate(times[: max(0, len(times) - 9)])
        if times[place + 9] <= first + 10 * MINUTE
    ]
    joined: list[list[int]] = []
    for first, last in windows:
        if joined and first <= joined[-1][1]:
            joined[-1][1] = last
        else:
            joined.append([first, last])
    assert floods(times) == len(joined)

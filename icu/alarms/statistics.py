"""Statistics of alarms that people in this field report, so that a ward can be compared with itself and with others.

An episode is one alarm, however often it sounded. Times of the condition (raised, ended) run in the sender's clock,
those of people in the server's. The lengths of one kind are never taken from the other.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from math import ceil
from statistics import median
from typing import Annotated, Final, TypeAlias
from uuid import UUID

from msgspec import Meta, Struct

from icu.alarms.conditions import CONDITIONS, PRIORITIES
from icu.alarms.episodes import EndReason, Episode
from icu.alarms.records import Bed, LimitChange, Record, Silence

# Milliseconds.
HOUR: Final = 3_600_000
DAY: Final = 24 * HOUR

# Length of an alarm that nobody could have reached in time.
SHORT: Final = 15_000
# Time from the end of an alarm in which the next one of the same condition repeats it.
REPEAT: Final = 300_000
# Alarms at one bed, and the time for them, that are a flood (ISA-18.2 has the same for an operator).
FLOOD: Final = 10
FLOOD_TIME: Final = 600_000
# Per cent.
_TENTH: Final = 10
_P90: Final = 90


class Lengths(Struct, frozen=True):
    """Distribution of lengths, in seconds; None where there are none."""

    count: Annotated[int, Meta(description="Number of lengths")]
    median: Annotated[float | None, Meta(description="Median, s")]
    p90: Annotated[float | None, Meta(description="90 % are at most so long, s")]
    longest: Annotated[float | None, Meta(description="Longest, s")]


class Group(Struct, frozen=True):
    """Alarms of a kind, a priority or a condition."""

    raised: Annotated[int, Meta(description="Alarms that were raised")]
    audible: Annotated[int, Meta(description="Those of `raised` that were heard")]
    raised_again: Annotated[
        int, Meta(description="Times at which one of `raised` was raised again, while it was latched")
    ]
    per_bed_day: Annotated[float | None, Meta(description="`raised` per watched bed and day; null without any time")]
    per_monitored_hour: Annotated[
        float | None, Meta(description="`raised` per monitored hour; null where that is not known")
    ]
    audible_per_bed_day: Annotated[
        float | None, Meta(description="`audible` per watched bed and day; null without any time")
    ]
    suppressed: Annotated[
        int | None,
        Meta(description="Ended before their delay was over: none of `raised`. Null: counted by condition alone"),
    ]
    ended: Annotated[
        Mapping[EndReason, int], Meta(description="Number by reason; those that have not ended are in none")
    ]
    late: Annotated[int, Meta(description="Found in a backlog")]
    unanswered: Annotated[int, Meta(description="Unanswered for too long")]
    duration: Annotated[Lengths, Meta(description="From raised until the condition was over")]
    short_share: Annotated[float | None, Meta(description="Share of these below 15 s")]
    to_acknowledge: Annotated[Lengths, Meta(description="From the first sound to the acknowledgement")]
    never_acknowledged: Annotated[int, Meta(description="Heard, ended, and never acknowledged")]
    repeats: Annotated[
        int,
        Meta(description="Raised within 5 min of the end of the one before, at the same bed and of the same condition"),
    ]
    top_tenth_share: Annotated[
        float | None, Meta(description="Share of `raised` at the tenth of the beds that has most")
    ]


class Silences(Struct, frozen=True):
    """Silences of one kind."""

    count: Annotated[int, Meta(description="Number of silences")]
    minutes: Annotated[float, Meta(description="Minutes that were granted")]
    by: Annotated[Mapping[str, int], Meta(description="Number by person")]


class Statistics(Struct, frozen=True):
    """Statistics of a ward, or of a patient."""

    beds: Annotated[int, Meta(description="Beds that were watched")]
    watched_hours: Annotated[float, Meta(description="Hours in which they were watched, of all beds together")]
    monitored_hours: Annotated[
        float | None,
        Meta(description="Hours with valid data; null, as all that is derived from it, where it is not known"),
    ]
    all: Annotated[Group, Meta(description="All alarms")]
    by_kind: Annotated[Mapping[str, Group], Meta(description="By kind: `physiological`, `technical`")]
    by_priority: Annotated[Mapping[str, Group], Meta(description="By priority")]
    by_condition: Annotated[Mapping[str, Group], Meta(description="By condition: `spo2.low`")]
    technical_share: Annotated[float | None, Meta(description="Share of technical alarms")]
    flagged_share: Annotated[
        Mapping[str, float] | None,
        Meta(description="By field of a reading: share of the watched time. Null where it is not known"),
    ]
    floods: Annotated[
        Mapping[UUID, int],
        Meta(description="Times at which 10 alarms or more were raised at one bed within 10 min, by patient"),
    ]
    pauses: Annotated[Silences, Meta(description="Pauses of beds")]
    shelves: Annotated[Silences, Meta(description="Shelves of alarms")]
    limit_changes: Annotated[int, Meta(description="Changes of limits")]
    limit_changes_by: Annotated[Mapping[str, int], Meta(description="Changes of limits by person")]
    ward_limits: Annotated[
        Sequence[int], Meta(description="Versions of the ward's limits under which alarms were raised")
    ]


class Reference(Struct, frozen=True):
    """Figure of the literature."""

    value: Annotated[float, Meta(description="Figure")]
    unit: Annotated[str, Meta(description="Unit of the figure")]
    source: Annotated[str, Meta(description="Publication")]


# Figures to compare with.
LITERATURE: Final[Mapping[str, Reference]] = {
    "audible_per_bed_day": Reference(187, "alarms a bed-day", "Drew et al., PLoS ONE 2014"),
    "duration_median": Reference(17, "s", "Goerges et al., Anesth Analg 2009"),
    "spo2_top_tenth_share": Reference(0.57, "of the SpO2 alarms", "Lansdowne et al., 2016"),
}

_Records: TypeAlias = Sequence[Record]


def statistics_of(
    records: Iterable[Record],
    beds: Sequence[Bed],
    silences: Iterable[Silence] = (),
    changes: Iterable[LimitChange] = (),
    *,
    suppressed: Mapping[str, int] | None = None,
) -> Statistics:
    """Compute the statistics of a span of time.

    Args:
        records: Alarms that were raised in the span, and those that were pending and ended there.
        beds: Every patient who was watched in the span, with or without alarms.
        silences: Those that began in the span.
        changes: Changes of limits in the span.
        suppressed: Number by condition of those that were pending and ended, where they are not among the records.
    """
    records = sorted(records, key=lambda each: each.episode.onset)
    silences, changes = list(silences), list(changes)
    raised = _raised(records)
    watched = sum(each.watched for each in beds)
    counted = Counter(suppressed or {})
    kinds = Counter[str]()
    for name, count in counted.items():
        kinds[CONDITIONS[name].kind] += count
    technical = sum(each.episode.definition.kind == "technical" for each in raised)
    return Statistics(
        beds=len(beds),
        watched_hours=watched / HOUR,
        monitored_hours=_monitored_hours(beds),
        all=_group(records, beds, counted.total()),
        by_kind=_grouped(records, beds, lambda each: each.definition.kind, kinds),
        by_priority=_grouped(
            records, beds, lambda each: each.priority, None if counted else kinds, order=PRIORITIES[::-1]
        ),
        by_condition=_grouped(records, beds, lambda each: each.condition, counted),
        technical_share=_share(technical, len(raised)),
        flagged_share=_flagged(beds, watched),
        floods={patient: count for patient, times in _times(raised).items() if (count := floods(times))},
        pauses=_silences(each for each in silences if each.kind == "pause"),
        shelves=_silences(each for each in silences if each.kind == "shelf"),
        limit_changes=len(changes),
        limit_changes_by=Counter(each.by for each in changes),
        ward_limits=sorted({each.episode.ward_limits for each in raised}),
    )


def floods(times: Sequence[int]) -> int:
    """Count the floods among the ascending times at which alarms were raised at one bed. Overlapping ones are one."""
    count, end = 0, None
    for first, last in zip(times, times[FLOOD - 1 :], strict=False):
        if last - first <= FLOOD_TIME:
            count += end is None or first > end
            end = last
    return count


def _grouped(
    records: _Records,
    beds: Sequence[Bed],
    key: Callable[[Episode], str],
    suppressed: Mapping[str, int] | None,
    *,
    order: Sequence[str] | None = None,
) -> Mapping[str, Group]:
    """Group the alarms; the groups come in this order, or else those with most alarms first."""
    parts: dict[str, list[Record]] = {}
    for each in records:
        parts.setdefault(key(each.episode), []).append(each)
    for name in suppressed or ():
        parts.setdefault(name, [])
    names = [each for each in order if each in parts] if order else sorted(parts, key=lambda each: -len(parts[each]))
    return {name: _group(parts[name], beds, None if suppressed is None else suppressed.get(name, 0)) for name in names}


def _group(records: _Records, beds: Sequence[Bed], suppressed: int | None) -> Group:
    raised = _raised(records)
    audible = [each for each in raised if each.sounded is not None]
    lengths = [length for each in raised if (length := _length(each.episode)) is not None]
    days = sum(each.watched for each in beds) / DAY
    return Group(
        raised=len(raised),
        audible=len(audible),
        raised_again=sum(each.episode.repeats for each in raised),
        per_bed_day=_share(len(raised), days),
        per_monitored_hour=_share(len(raised), _monitored_hours(beds) or 0),
        audible_per_bed_day=_share(len(audible), days),
        suppressed=None
        if suppressed is None
        else suppressed + sum(each.episode.end_reason == "suppressed" for each in records),
        ended=Counter(each.episode.end_reason for each in raised if each.episode.end_reason is not None),
        late=sum(each.episode.late for each in raised),
        unanswered=sum(each.episode.unanswered for each in raised),
        duration=_lengths(lengths),
        short_share=_share(sum(each < SHORT for each in lengths), len(lengths)),
        to_acknowledge=_lengths([time for each in audible if (time := _time_to_acknowledge(each)) is not None]),
        never_acknowledged=sum(
            each.episode.acknowledged is None and each.episode.ended is not None for each in audible
        ),
        repeats=_repeats(raised),
        top_tenth_share=_top_tenth(raised, beds),
    )


def _raised(records: _Records) -> list[Record]:
    return [each for each in records if each.episode.raised is not None]


def _over(episode: Episode) -> int | None:
    """Time at which the condition was over: of a latched alarm, before it ended."""
    return episode.ended if episode.ceased is None else episode.ceased


def _length(episode: Episode) -> int | None:
    over = _over(episode)
    return None if over is None or episode.raised is None else over - episode.raised


def _time_to_acknowledge(record: Record) -> int | None:
    given = record.episode.acknowledged
    return None if given is None or record.sounded is None else given.at - record.sounded


def _repeats(raised: _Records) -> int:
    """Count the alarms that came soon after the end of the one before, of the same bed and condition."""
    last: dict[tuple[UUID, str], int] = {}
    count = 0
    for episode in sorted((each.episode for each in raised), key=lambda each: each.raised or 0):
        key, began, over = (episode.patient, episode.condition), episode.raised or 0, _over(episode)
        count += key in last and began - last[key] <= REPEAT
        if over is not None:
            last[key] = over
    return count


def _top_tenth(raised: _Records, beds: Sequence[Bed]) -> float | None:
    counts = Counter(each.episode.patient for each in raised)
    most = sorted(counts.values(), reverse=True)[: ceil(len(beds) / _TENTH)]
    return _share(sum(most), len(raised))


def _times(raised: _Records) -> Mapping[UUID, Sequence[int]]:
    """Ascending times of raising, by patient."""
    times: dict[UUID, list[int]] = {}
    for time, patient in sorted((each.episode.raised or 0, each.episode.patient) for each in raised):
        times.setdefault(patient, []).append(time)
    return times


def _monitored_hours(beds: Sequence[Bed]) -> float | None:
    times = [each.monitored for each in beds if each.monitored is not None]
    return sum(times) / HOUR if len(times) == len(beds) else None


def _flagged(beds: Sequence[Bed], watched: int) -> Mapping[str, float] | None:
    flagged: Counter[str] = Counter()
    for each in beds:
        if each.flagged is None:
            return None
        flagged.update(each.flagged)
    return {name: time / watched for name, time in flagged.items()} if watched else {}


def _silences(silences: Iterable[Silence]) -> Silences:
    found = list(silences)
    return Silences(len(found), sum(each.length for each in found) / 60_000, Counter(each.by for each in found))


def _lengths(lengths: Sequence[int]) -> Lengths:
    if not lengths:
        return Lengths(0, None, None, None)
    ordered = sorted(lengths)
    # Nearest rank: a length that occurred.
    p90 = ordered[ceil(len(ordered) * _P90 / 100) - 1]
    return Lengths(len(ordered), median(ordered) / 1_000, p90 / 1_000, ordered[-1] / 1_000)


def _share(part: float, whole: float) -> float | None:
    return part / whole if whole else None

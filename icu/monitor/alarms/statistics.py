"""Route of the statistics of alarms."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final
from uuid import UUID

from litestar import get
from litestar.di import NamedDependency
from msgspec import Meta, structs

from icu.alarms.statistics import LITERATURE, Reference, Statistics, statistics_of
from icu.http.gate import VIEWER
from icu.http.problems import documented
from icu.monitor.errors import InvalidQueryError
from icu.monitor.freshness import Freshness
from icu.monitor.parameters import OnlyPatient, OnsetFrom, OnsetTo
from icu.monitor.queries import AnyRequest, check_parameters, parse_span
from icu.store.reader import Reader
from icu.store.readings import milliseconds

# Alarms, and commands, of an answer, at most: a month of 100 beds with 30 alarms a day.
MAX_ALARMS: Final = 100_000

# Span without `from`.
_USUAL: Final = timedelta(days=1)
_FIRST: Final = datetime.min.replace(tzinfo=UTC)

# What the store does not know, or not to the second.
ABSENT: Final = (
    "monitored_hours, flagged_share: the last two minutes; of hours that lie partly in the span a part in proportion",
    "monitored_hours, flagged_share, where they are null: the time before those of a patient were counted",
    "watched_hours: the time of patients who are discharged now, and of a standby that has ended",
    "suppressed by priority: they are counted by condition alone, in whole hours",
)


class AlarmStatistics(Statistics, frozen=True, kw_only=True):
    """Statistics of the alarms of a span of time."""

    begin: Annotated[datetime, Meta(description="`from` of the request, or a day before the end")]
    end: Annotated[datetime, Meta(description="`to` of the request, or now")]
    patient_uuid: Annotated[UUID | None, Meta(description="Null for the ward")]
    absent: Annotated[Sequence[str], Meta(description="What is not known, or not all of it, and why")]
    literature: Annotated[Mapping[str, Reference], Meta(description="Figures to compare with")]


@get(
    "/alarms/statistics",
    summary="Statistics of the alarms of a span of time",
    tags=["alarms"],
    opt=VIEWER,
    response_description="The statistics",
    responses=documented(400, 404, 503),
)
async def alarm_statistics(
    request: AnyRequest,
    reader: NamedDependency[Reader],
    freshness: NamedDependency[Freshness],
    since: OnsetFrom = None,
    until: OnsetTo = None,
    patient: OnlyPatient = None,
) -> AlarmStatistics:
    """As people in this field report them, beside figures of the literature. Of the last day, unless `from` says so.

    Times are seconds, shares are of 1. `absent` says what is not known.
    """
    check_parameters(request.query_params, ("from", "to", "patient"))
    span = parse_span(since, until)
    end = freshness.now() if span.until is None else span.until
    # Before the first day there is none.
    begin = max(end, _FIRST + _USUAL) - _USUAL if span.since is None else span.since
    if begin > end:
        raise InvalidQueryError("`from` is later than now: give an earlier one, or `to` too")
    found = await reader.alarm_statistics(milliseconds(begin), milliseconds(end), patient, most=MAX_ALARMS)
    if not found.complete:
        raise InvalidQueryError(
            f"over {MAX_ALARMS:,} alarms or commands lie in this span: narrow it by `from` and `to`"
        )
    statistics = statistics_of(found.records, found.beds, found.silences, found.changes, suppressed=found.suppressed)
    return AlarmStatistics(
        **structs.asdict(statistics), begin=begin, end=end, patient_uuid=patient, absent=ABSENT, literature=LITERATURE
    )

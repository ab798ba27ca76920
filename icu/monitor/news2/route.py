"""Route of NEWS2."""

from typing import Annotated, Final, NamedTuple

from litestar import Response, get
from litestar.di import NamedDependency

from icu.http.gate import VIEWER
from icu.http.problems import documented
from icu.monitor.ages import Ages as Clock
from icu.monitor.errors import InvalidQueryError
from icu.monitor.kept import DOCUMENTED, kept_headers
from icu.monitor.metrics import MAX_READINGS, PatientUuid
from icu.monitor.news2.answers import News2, News2Trend, now_answer, trend_answer
from icu.monitor.parameters import every_parameter, from_parameter, to_parameter
from icu.monitor.queries import AnyRequest, Span, check_parameters, parse_every, parse_span
from icu.store.history.news2 import StoredInputs
from icu.store.reader import PatientState, Reader
from icu.store.readings import milliseconds
from icu.store.rollups.coverage import Kept
from icu.vitals.news2.inputs import MaxAges, Trend, score_at
from icu.vitals.news2.score import ASSUMED, Score

# Scores of an answer, at most: a day at one a minute. They hold the loop for 20 ms, and no chart has more pixels.
MAX_SCORES: Final = 2_000


class _Now(NamedTuple):
    """The present by the sender's clock."""

    # Milliseconds since 1970.
    time: int
    # The server's time minus this one, in milliseconds; None if unknown, or before the first reading.
    lag: int | None


@get(
    "/patient/{patient_uuid:uuid}/news2",
    summary="One patient's NEWS2: now, or as a trend",
    tags=["patients"],
    opt=VIEWER,
    response_description="The score, or the trend",
    response_headers=DOCUMENTED,
    responses=documented(400, 404, 503),
)
async def news2(
    request: AnyRequest,
    reader: NamedDependency[Reader],
    ages: NamedDependency[Clock],
    max_ages: NamedDependency[MaxAges],
    patient_uuid: PatientUuid,
    since: Annotated[
        str | None,
        from_parameter("Of a trend: not before this time, with its zone. Without it from the first reading on"),
    ] = None,
    until: Annotated[
        str | None, to_parameter("Of a trend: before this time, with its zone. Without it until now")
    ] = None,
    every: Annotated[
        str | None,
        every_parameter(
            "A trend with a score each so often, 1s to 1d, at whole multiples of it since 1970 UTC", example="1h"
        ),
    ] = None,
) -> Response[News2 | News2Trend]:
    """The National Early Warning Score 2 (Royal College of Physicians, 2017), from the last valid values.

    Advisory: it raises no alarm. Where a sign is missing, flagged or too old there is no total, but a partial sum.
    Oxygen, consciousness and the scale of the saturation are assumed until somebody enters them.
    """
    check_parameters(request.query_params, ("from", "to", "every"))
    span = parse_span(since, until)
    if every is None and span != Span(None, None):
        raise InvalidQueryError("`from` and `to` belong to a trend: write `every` too, for instance every=1h")
    step = None if every is None else parse_every(every)
    now = _now(await reader.patient(patient_uuid, now=ages.now()), ages)
    stored = await StoredInputs.find(reader, patient_uuid, max_ages)
    if step is None:
        return Response(now_answer(patient_uuid, await _score(stored, now), stored.ages, now.lag))
    scores = await _trend(stored, now, span, step)
    kept = Kept(stored.horizon, None) if _begin(span) < stored.horizon else Kept(None, None)
    answer = trend_answer(patient_uuid, scores, step, stored.ages, stored.entered)
    return Response(answer, headers=kept_headers(kept))


def _now(patient: PatientState, ages: Clock) -> _Now:
    """Find the present by the sender's clock: its latest reading, and the time since that arrived."""
    if patient.latest is None or patient.arrived is None:
        return _Now(milliseconds(ages.now()), None)
    time = milliseconds(patient.latest.timestamp)
    age = ages.at_present()(patient.uuid.int, patient.arrived.timestamp())
    if age is None:
        return _Now(time, None)
    return _Now(time + round(1_000 * age), milliseconds(patient.arrived) - time)


async def _score(stored: StoredInputs, now: _Now) -> Score:
    # Where the age of the latest reading is unknown, no value may count.
    rows = [] if now.lag is None else await stored.last_values(now.time, lag=now.lag)
    return score_at(rows, now.time, stored.ages, stored.entered[-1] if stored.entered else ASSUMED)


async def _trend(stored: StoredInputs, now: _Now, span: Span, every: int) -> list[Score]:
    lag = now.lag or 0
    first = await stored.first_time(stored.horizon, lag=lag)
    if first is None:
        return []
    begin = max(first, _begin(span))
    end = now.time + 1 if span.until is None else min(now.time + 1, milliseconds(span.until))
    # The first whole multiple that is not before the beginning.
    times = range(-(-begin // every) * every, end, every)
    if not times:
        return []
    if len(times) > MAX_SCORES:
        raise InvalidQueryError(_too_much(f"{MAX_SCORES:,} scores"))
    oldest = max(times[0] - max(stored.ages), stored.horizon)
    if await stored.count(oldest, times[-1], most=MAX_READINGS) > MAX_READINGS:
        raise InvalidQueryError(_too_much(f"{MAX_READINGS:,} readings"))
    # People enter by the server's clock.
    trend = Trend(times, stored.ages, [((each.at or 0) - lag, each) for each in stored.entered])
    scores = [each async for rows in stored.values(oldest, times[-1], lag=lag) for each in trend.add(rows)]
    return [*scores, *trend.finish()]


def _begin(span: Span) -> int:
    return 0 if span.since is None else milliseconds(span.since)


def _too_much(what: str) -> str:
    return f"over {what} lie in this span: narrow it by `from` and `to`, or write a longer `every`"

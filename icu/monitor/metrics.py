"""Routes of one patient's readings: pages of them, and whole spans in other forms, or as statistics of buckets."""

from typing import Annotated, Final, TypeAlias
from uuid import UUID

from anyio import to_thread
from litestar import get
from litestar.datastructures import MultiDict
from litestar.di import NamedDependency
from litestar.params import PathParameter, QueryParameter
from litestar.response.base import ASGIResponse
from litestar.types import ASGIApp

from icu import __version__
from icu.errors import PatientNotFoundError
from icu.http.caching import NOT_MODIFIED, is_held, not_modified, tagged, weak_tag
from icu.http.downloads import Download
from icu.http.gate import VIEWER
from icu.http.problems import documented
from icu.monitor.access.shares import Exports
from icu.monitor.ages import Ages
from icu.monitor.encoding import encode_readings
from icu.monitor.errors import InvalidQueryError
from icu.monitor.formats.description import METRICS, MetricsOperation
from icu.monitor.formats.table import FORMATS, FormatName
from icu.monitor.kept import kept_headers
from icu.monitor.parameters import every_parameter, from_parameter, to_parameter
from icu.monitor.queries import (
    AnyRequest,
    Span,
    check_parameters,
    check_whole_number,
    make_cursor,
    next_link,
    parse_cursor,
    parse_every,
    parse_span,
)
from icu.store.history.patient import History
from icu.store.reader import Order, Reader
from icu.store.readings import Reading

PatientUuid: TypeAlias = Annotated[UUID, PathParameter(description="A uuid of `GET /patients`")]

# Readings on a page, at most: a page is built in memory.
MAX_PAGE: Final = 10_000
# Readings of a span that is answered whole, at most: two months at 5 s.
MAX_READINGS: Final = 1_000_000
# Buckets of an answer, at most: more than any chart has pixels.
MAX_BUCKETS: Final = 100_000

_TAGS: Final = ["patients"]
# Parameters of pages alone.
_OF_PAGES: Final = ("limit", "order", "cursor")


@get(
    "/patient/{patient_uuid:uuid}/metrics",
    summary="One patient's readings, or statistics of them",
    tags=_TAGS,
    opt=VIEWER,
    operation_class=MetricsOperation,
    responses={200: METRICS, 304: NOT_MODIFIED, **documented(400, 404, 406, 429, 503)},
)
async def list_metrics(
    request: AnyRequest,
    reader: NamedDependency[Reader],
    exports: NamedDependency[Exports],
    patient_uuid: PatientUuid,
    since: Annotated[str | None, from_parameter("Not before this time, with its zone")] = None,
    until: Annotated[str | None, to_parameter("Before this time, with its zone")] = None,
    limit: Annotated[int, QueryParameter(ge=1, le=MAX_PAGE, description="Readings on a page")] = 1_000,
    order: Annotated[
        Order,
        QueryParameter(description="Of pages, by time: the newest or the oldest first"),
    ] = "desc",
    cursor: Annotated[
        str | None, QueryParameter(max_length=64, description="From the Link header of the page before")
    ] = None,
    every: Annotated[
        str | None,
        every_parameter(
            "Statistics of buckets of this length instead of readings: 1s to 1d. Buckets begin at whole multiples of "
            "it since 1970 UTC; where there are no readings there is no bucket",
            example="1min",
        ),
    ] = None,
    format: Annotated[  # noqa: A002 - mistakes are told by the name of the parameter
        FormatName,
        QueryParameter(
            name="format",
            description="`json` of readings comes in pages, all else is the whole span. An Accept header changes "
            "nothing",
        ),
    ] = "json",
) -> ASGIApp:
    """Readings as json come in pages, of which each leads to the next one by a `Link` header with `rel="next"`.

    Other formats, and statistics with `every`, are the whole span, the oldest first: at most 1,000,000 readings or
    100,000 buckets. Of what is deleted there is nothing in an answer, and a header says so.
    """
    check_parameters(request.query_params, ("from", "to", *_OF_PAGES, "every", "format"))
    check_whole_number(request.query_params, "limit")
    span = parse_span(since, until)
    if format == "json" and every is None:
        after = parse_cursor(cursor) if cursor else None
        page = await reader.page(
            patient_uuid, limit=limit, order=order, since=span.since, until=span.until, after=after
        )
        headers = kept_headers(page.kept)
        if page.last:
            headers["Link"] = next_link(request.query_params, make_cursor(page.last))
        return _page(request, await encode_readings(page.readings), headers, is_closed=span.until is not None)
    _refuse_pages(request.query_params)
    return await _whole(request, reader, patient_uuid, span, every, format, exports)


@get(
    "/patient/{patient_uuid:uuid}/metrics/latest",
    summary="One patient's latest reading",
    tags=_TAGS,
    opt=VIEWER,
    response_description="The latest reading",
    responses=documented(400, 404, 503),
)
async def latest_metrics(
    request: AnyRequest, reader: NamedDependency[Reader], ages: NamedDependency[Ages], patient_uuid: PatientUuid
) -> Reading:
    """The reading that is newest; where a sender's clock ran ahead, the one that arrived last."""
    check_parameters(request.query_params, ())
    patient = await reader.patient(patient_uuid, now=ages.now())
    if patient.latest is None:
        raise PatientNotFoundError(patient_uuid)
    return patient.latest


def _refuse_pages(query: MultiDict[str]) -> None:
    for name in _OF_PAGES:
        if name in query:
            raise InvalidQueryError(
                f"`{name}` belongs to pages, which are readings as json: all else is the whole span, the oldest first. "
                "Narrow it by `from` and `to`"
            )


def _page(request: AnyRequest, body: bytes, headers: dict[str, str], *, is_closed: bool) -> ASGIApp:
    """Answer with a page. Of a span that has an end it has the tag of its body, which saves nothing but bytes."""
    if not is_closed:
        return ASGIResponse(body=body, headers=headers)
    tag = weak_tag(body, *headers.values())
    if is_held(request.headers, tag):
        return not_modified(tag)
    return ASGIResponse(body=body, headers={**headers, **tagged(tag)})


async def _whole(
    request: AnyRequest,
    reader: Reader,
    patient_uuid: UUID,
    span: Span,
    every: str | None,
    name: FormatName,
    exports: Exports,
) -> ASGIApp:
    """Answer with a whole span. Where it has an end, the answer has the tag of the readings that it is made from."""
    form = FORMATS[name]
    await to_thread.run_sync(form.check)
    step = None if every is None else parse_every(every)
    most = MAX_BUCKETS if step else MAX_READINGS
    history = await History.find(reader, patient_uuid, since=span.since, until=span.until, every=step, most=most)
    if history.rows > most:
        raise InvalidQueryError(_too_many(every))
    headers = kept_headers(history.kept)
    if form.suffix:
        headers["Content-Disposition"] = f'attachment; filename="{patient_uuid}.{form.suffix}"'
    # Before they are read: what arrives meanwhile may be in the answer, which is taken for an older one then.
    sums = None if span.until is None else await history.checksum(MAX_READINGS)
    if sums is not None:
        tag = weak_tag(__version__, name, every, *sums)
        if is_held(request.headers, tag):
            return not_modified(tag)
        headers |= tagged(tag)
    answer = Download(form.pieces(history), media_type=form.media_type, headers=headers, compressible=form.compressible)
    return exports.one_at_a_time(answer) if history.rows > MAX_PAGE else answer


def _too_many(every: str | None) -> str:
    if every is None:
        return (
            f"over {MAX_READINGS:,} readings lie in this span: narrow it by `from` and `to`, or ask for statistics "
            "(`every=1min`)"
        )
    return (
        f"over {MAX_BUCKETS:,} buckets of {every} lie in this span: write a longer `every`, or narrow the span by "
        "`from` and `to`"
    )

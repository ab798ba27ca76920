"""The brief's paths: the patients, and the readings of one."""

from typing import Annotated, Final
from uuid import UUID

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter

from icu.errors import PatientNotFoundError
from icu.monitor.ages import Ages
from icu.monitor.queries import AnyRequest, check, check_whole, moment_of, next_link, span_of
from icu.monitor.schemas import PatientSummary
from icu.ops.problems import documented
from icu.store.reader import Order, Reader
from icu.store.readings import Reading

MAX_PAGE: Final = 10_000
TAGS: Final = ["patients"]
DATE_TIME: Final = {"format": "date-time"}


@get("/patients", summary="All patients, each with the latest reading", tags=TAGS, responses=documented(400, 503))
async def list_patients(
    request: AnyRequest, reader: NamedDependency[Reader], ages: NamedDependency[Ages]
) -> list[PatientSummary]:
    """The patients that were ever heard of, in the order in which they were first seen."""
    check(request.query_params, ())
    patients = await reader.patients(now=ages.now())
    return [PatientSummary(each.uuid, each.name, each.latest, ages.of(each)) for each in patients]


@get(
    "/patient/{patient_uuid:uuid}/metrics",
    summary="One patient's readings",
    tags=TAGS,
    responses=documented(400, 404, 503),
)
async def list_metrics(
    request: AnyRequest,
    reader: NamedDependency[Reader],
    patient_uuid: FromPath[UUID],
    since: Annotated[
        str | None, QueryParameter(name="from", schema_extra=DATE_TIME, description="Not before this time, with zone")
    ] = None,
    until: Annotated[
        str | None, QueryParameter(name="to", schema_extra=DATE_TIME, description="Before this time, with zone")
    ] = None,
    limit: Annotated[int, QueryParameter(ge=1, le=MAX_PAGE, description="Readings on a page")] = 1_000,
    order: Annotated[Order, QueryParameter(description="By time: the newest or the oldest first")] = "desc",
    cursor: Annotated[
        str | None, QueryParameter(max_length=64, description="From the Link header of the page before")
    ] = None,
) -> Response[list[Reading]]:
    """Readings by time. A page that is not the last carries a `Link` header with `rel="next"`."""
    check(request.query_params, ("from", "to", "limit", "order", "cursor"))
    check_whole(request.query_params, "limit")
    span = span_of(since, until)
    after = moment_of(cursor) if cursor else None
    page = await reader.page(patient_uuid, limit=limit, order=order, since=span.since, until=span.until, after=after)
    link = {"Link": next_link(request.url.path, request.query_params, page.last)} if page.last else None
    return Response(page.readings, headers=link)


@get(
    "/patient/{patient_uuid:uuid}/metrics/latest",
    summary="One patient's latest reading",
    tags=TAGS,
    responses=documented(400, 404, 503),
)
async def latest_metrics(
    request: AnyRequest, reader: NamedDependency[Reader], ages: NamedDependency[Ages], patient_uuid: FromPath[UUID]
) -> Reading:
    """The reading that is newest; where a sender's clock ran ahead, the one that arrived last."""
    check(request.query_params, ())
    patient = await reader.patient(patient_uuid, now=ages.now())
    if patient.latest is None:
        raise PatientNotFoundError(patient_uuid)
    return patient.latest

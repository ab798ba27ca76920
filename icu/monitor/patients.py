"""Routes of the patients, and of one patient's readings."""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Annotated, Final, TypeAlias
from uuid import UUID

from litestar import Response, get
from litestar.datastructures import ResponseHeader
from litestar.di import NamedDependency
from litestar.params import PathParameter, QueryParameter

from icu.errors import PatientNotFoundError
from icu.http.problems import documented
from icu.monitor.ages import Ages
from icu.monitor.encoding import encode_readings, json_response
from icu.monitor.queries import AnyRequest, check_parameters, check_whole_number, next_link, parse_cursor, parse_span
from icu.monitor.schemas import PatientSummary
from icu.store.reader import Order, PatientState, Reader
from icu.store.readings import Reading

PatientUuid: TypeAlias = Annotated[UUID, PathParameter(description="A uuid of `GET /patients`")]

# Readings on a page, at most: a page is built in memory.
MAX_PAGE: Final = 10_000
TAGS: Final = ["patients"]
_DIGITS: Final = re.compile("([0-9]+)")
# For OpenAPI alone: the handlers take text, and parse it with clearer messages.
TIME_SCHEMA: Final = {"format": "date-time", "examples": ["2026-01-31T12:00:00Z"]}


@get(
    "/patients",
    summary="All patients, each with the latest reading",
    tags=TAGS,
    response_description="The patients, sorted by name",
    responses=documented(400, 503),
)
async def list_patients(
    request: AnyRequest, reader: NamedDependency[Reader], ages: NamedDependency[Ages]
) -> list[PatientSummary]:
    """All known patients, sorted by name: Bed 2 before Bed 10, and patients without a name at the end."""
    check_parameters(request.query_params, ())
    patients = sorted(await reader.patients(now=ages.now()), key=_by_name)
    return [PatientSummary(each.uuid, each.name, each.latest, ages.of(each)) for each in patients]


@get(
    "/patient/{patient_uuid:uuid}/metrics",
    summary="One patient's readings",
    tags=TAGS,
    response_description="A page of readings",
    response_headers=[
        ResponseHeader(
            "Link",
            documentation_only=True,
            value="",
            description='The next page (RFC 8288): `<?QUERY>; rel="next"`. Absent on the last page.',
        )
    ],
    responses=documented(400, 404, 503),
)
async def list_metrics(
    request: AnyRequest,
    reader: NamedDependency[Reader],
    patient_uuid: PatientUuid,
    since: Annotated[
        str | None,
        QueryParameter(name="from", schema_extra=TIME_SCHEMA, description="Not before this time, with its zone"),
    ] = None,
    until: Annotated[
        str | None, QueryParameter(name="to", schema_extra=TIME_SCHEMA, description="Before this time, with its zone")
    ] = None,
    limit: Annotated[int, QueryParameter(ge=1, le=MAX_PAGE, description="Readings on a page")] = 1_000,
    order: Annotated[Order, QueryParameter(description="By time: the newest or the oldest first")] = "desc",
    cursor: Annotated[
        str | None, QueryParameter(max_length=64, description="From the Link header of the page before")
    ] = None,
) -> Response[list[Reading]]:
    """Readings by time. A page that is not the last carries a `Link` header with `rel="next"`."""
    check_parameters(request.query_params, ("from", "to", "limit", "order", "cursor"))
    check_whole_number(request.query_params, "limit")
    span = parse_span(since, until)
    after = parse_cursor(cursor) if cursor else None
    page = await reader.page(patient_uuid, limit=limit, order=order, since=span.since, until=span.until, after=after)
    link = {"Link": next_link(request.query_params, page.last)} if page.last else None
    return json_response(await encode_readings(page.readings), headers=link)


@get(
    "/patient/{patient_uuid:uuid}/metrics/latest",
    summary="One patient's latest reading",
    tags=TAGS,
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


def _by_name(patient: PatientState) -> tuple[bool, Sequence[str | int], str]:
    return patient.name is None, _natural(patient.name or ""), str(patient.uuid)


# As many as there may be patients, who are sorted at every request.
@lru_cache(maxsize=16_384)
def _natural(name: str) -> Sequence[str | int]:
    """Make a sort key: the name without its case, and its numbers as integers."""
    # The split has text at even and numbers at odd places, so that only like is compared with like.
    return tuple(int(part) if place % 2 else part for place, part in enumerate(_DIGITS.split(name.casefold())))

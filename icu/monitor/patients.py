"""Route of the patients."""

from typing import Any

from litestar import MediaType, Response, get
from litestar.di import NamedDependency

from icu.http.gate import VIEWER
from icu.http.problems import documented
from icu.monitor.ages import Ages
from icu.monitor.freshness import Freshness
from icu.monitor.latest import LatestReadings
from icu.monitor.listing import encode_patients
from icu.monitor.queries import AnyRequest, check_parameters
from icu.monitor.schemas import PatientSummary


@get(
    "/patients",
    summary="All patients, each with bed, worst alarm and latest reading",
    tags=["patients"],
    opt=VIEWER,
    response_description="The patients, sorted by name",
    responses=documented(400, 503),
)
async def list_patients(
    request: AnyRequest,
    latest_readings: NamedDependency[LatestReadings],
    ages: NamedDependency[Ages],
    freshness: NamedDependency[Freshness],
) -> Response[list[PatientSummary]]:
    """All known patients, sorted by name: Bed 2 before Bed 10, and patients without a name at the end."""
    check_parameters(request.query_params, ())
    listed = await latest_readings.patients(now=ages.now())
    body: Any = await encode_patients(listed, ages, freshness.behind(), freshness.unwatched)
    return Response(body, media_type=MediaType.JSON)

"""Route of the alarms of a span of time."""

from difflib import get_close_matches
from typing import Annotated, Final

from litestar import Response, get
from litestar.datastructures import ResponseHeader
from litestar.di import NamedDependency
from litestar.params import QueryParameter

from icu.alarms.conditions import CONDITIONS, Priority
from icu.http.gate import VIEWER
from icu.http.problems import documented
from icu.monitor.errors import InvalidQueryError
from icu.monitor.parameters import OnlyPatient, OnsetFrom, OnsetTo
from icu.monitor.queries import (
    AnyRequest,
    check_parameters,
    check_whole_number,
    make_place,
    next_link,
    parse_place,
    parse_span,
)
from icu.store.alarms.history import Chosen, Cursor
from icu.store.alarms.served import Alarm, alarm_of
from icu.store.reader import Reader
from icu.store.readings import milliseconds

# Alarms on a page, at most: a page is built in memory.
MAX_PAGE: Final = 1_000


@get(
    "/alarms/history",
    summary="The alarms of a span of time, the newest first",
    tags=["alarms"],
    opt=VIEWER,
    response_description="The alarms",
    response_headers=[
        ResponseHeader(
            "Link",
            documentation_only=True,
            value="",
            description='To the next page, with rel="next" (RFC 8288); absent on the last one',
        )
    ],
    responses=documented(400, 404, 503),
)
async def alarm_history(
    request: AnyRequest,
    reader: NamedDependency[Reader],
    since: OnsetFrom = None,
    until: OnsetTo = None,
    patient: OnlyPatient = None,
    condition: Annotated[
        str | None, QueryParameter(schema_extra={"enum": list(CONDITIONS)}, description="Only of this condition")
    ] = None,
    priority: Annotated[Priority | None, QueryParameter(description="Only these; the worst that an alarm had")] = None,
    limit: Annotated[int, QueryParameter(ge=1, le=MAX_PAGE, description="Alarms on a page")] = 100,
    cursor: Annotated[
        str | None, QueryParameter(max_length=128, description="From the Link header of the page before")
    ] = None,
) -> Response[list[Alarm]]:
    """Those that were raised, open ones among them, by their onset in the sender's time.

    Each page leads to the next one by a `Link` header with `rel="next"`.
    """
    query = request.query_params
    check_parameters(query, ("from", "to", "patient", "condition", "priority", "limit", "cursor"))
    check_whole_number(query, "limit")
    span = parse_span(since, until)
    chosen = Chosen(
        since=None if span.since is None else milliseconds(span.since),
        until=None if span.until is None else milliseconds(span.until),
        patient=patient,
        condition=None if condition is None else check_condition(condition),
        priority=priority,
    )
    page = await reader.alarm_page(chosen, limit=limit, after=Cursor(*parse_place(cursor)) if cursor else None)
    headers = {"Link": next_link(query, make_place(*page.last))} if page.last else {}
    return Response([alarm_of(each) for each in page.episodes], headers=headers)


def check_condition(name: str) -> str:
    """Return the name of a condition. InvalidQueryError for an unknown one."""
    if name in CONDITIONS:
        return name
    near = get_close_matches(name, CONDITIONS, n=1)
    hint = f"did you mean {near[0]}?" if near else "`GET /limits` names those with limits, docs/alarms.md all others"
    raise InvalidQueryError(f"there is no condition {name[:40]!r}: {hint}")

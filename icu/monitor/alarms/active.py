"""Route of the alarms of now, with the ward's own alarm, which this monitor derives."""

from typing import Annotated
from uuid import UUID

from litestar import get
from litestar.di import NamedDependency
from litestar.params import QueryParameter

from icu.alarms.blind import WARD, as_of
from icu.alarms.conditions import Priority
from icu.alarms.episodes import Episode
from icu.http.gate import VIEWER
from icu.http.problems import documented
from icu.monitor.alarms.urgency import is_active, urgency
from icu.monitor.freshness import Freshness
from icu.monitor.queries import AnyRequest, check_parameters
from icu.store.alarms.served import Alarm, alarm_of
from icu.store.reader import Reader
from icu.store.readings import milliseconds


@get(
    "/alarms",
    summary="The alarms of now, the most urgent first",
    tags=["alarms"],
    opt=VIEWER,
    response_description="The alarms",
    responses=documented(400, 404, 503),
)
async def list_alarms(
    request: AnyRequest,
    reader: NamedDependency[Reader],
    freshness: NamedDependency[Freshness],
    patient: Annotated[
        UUID | None, QueryParameter(description="Only this patient's, and `ward.blind`, which is everybody's")
    ] = None,
    priority: Annotated[Priority | None, QueryParameter(description="Only these")] = None,
    pending: Annotated[
        bool, QueryParameter(description="Also those whose delay is not over, behind all others: no alarms yet")
    ] = False,
) -> list[Alarm]:
    """Those that are present, clearing or latched. Of one priority those that sound come first, and then the newest.

    With sink or broker down `ward.blind` stands among them, and all others are as old as the last reading.
    """
    check_parameters(request.query_params, ("patient", "priority", "pending"))
    # The ward's own ones in the store are of the past, but for the one that this monitor derives.
    stored = [each for each in await reader.open_alarms(patient) if each.patient != WARD]
    blind = await _blind(reader, freshness)
    shown = [
        each
        for each in map(alarm_of, (*stored, *blind))
        if (is_active(each) or (pending and each.presence == "pending")) and priority in {None, each.priority}
    ]
    return sorted(shown, key=urgency)


async def _blind(reader: Reader, freshness: Freshness) -> list[Episode]:
    """Return the ward's own alarm, if there is one now; with its acknowledgement, which the store has, and reminder."""
    blind = freshness.blind
    if blind is None:
        return []
    stored = await reader.alarm(blind.id)
    return [as_of(blind if stored is None else stored, milliseconds(freshness.now()))]

"""Routes of the ward as a whole: its places, what is behind, and the audit."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Final
from uuid import UUID

from litestar import get
from litestar.di import NamedDependency
from litestar.params import QueryParameter
from msgspec import Meta, Struct

from icu.config.settings import Ward
from icu.http.gate import NURSE, VIEWER
from icu.http.problems import documented
from icu.monitor.freshness import Behind, Freshness
from icu.monitor.queries import AnyRequest, check_parameters, check_whole_number
from icu.store.commands.states import Bed, bed_of
from icu.store.decisions.audit import AuditEntry
from icu.store.reader import Reader
from icu.store.readings import milliseconds

# Entries of the audit in one answer.
MAX_ENTRIES: Final = 1_000
# Beyond the ids that a database gives.
_HIGHEST: Final = 2**62


class WardState(Struct, frozen=True):
    """The ward: its beds, and whether it is watched."""

    name: Annotated[str, Meta(description="As in the settings", examples=["icu-2"])]
    beds: Annotated[int, Meta(ge=0, description="Places shown; 0 for as many as are taken")]
    time: Annotated[datetime, Meta(description="Of the server")]
    blind_since: Annotated[
        datetime | None,
        Meta(description="Time since which nobody is watched: show no value as fresh. Null if all is well"),
    ]
    behind: Annotated[Behind | None, Meta(description="What is behind then: the sink, or the transport")]
    trouble: Annotated[str | None, Meta(description="What is wrong, and what to do; null if nothing is known to be")]
    heartbeat_age_seconds: Annotated[
        float | None, Meta(description="Since the last sign of life of the sink; null before the first", examples=[0.8])
    ]
    lag: Annotated[int | None, Meta(description="Records that the sink had not fetched then; null before the first")]
    stored: Annotated[datetime | None, Meta(description="Arrival of the last stored readings, as the heartbeat says")]
    taken: Annotated[Sequence[Bed], Meta(description="Beds of the admitted patients, in the order of their admission")]


@get(
    "/ward",
    summary="The ward's beds, and whether it is watched",
    tags=["ward"],
    opt=VIEWER,
    responses=documented(400, 503),
)
async def ward_state(
    request: AnyRequest,
    ward: NamedDependency[Ward],
    reader: NamedDependency[Reader],
    freshness: NamedDependency[Freshness],
) -> WardState:
    """With sink or broker down the ward is blind within 15 s."""
    check_parameters(request.query_params, ())
    now = freshness.now()
    states = await reader.beds()
    heartbeat = freshness.heartbeat
    return WardState(
        name=ward.name,
        beds=ward.beds,
        time=now,
        blind_since=freshness.blind_since,
        behind=freshness.behind(),
        trouble=await freshness.trouble(),
        heartbeat_age_seconds=freshness.age,
        lag=None if heartbeat is None else heartbeat.lag,
        stored=None if heartbeat is None else heartbeat.stored,
        taken=[bed_of(each, now=milliseconds(now)) for each in states if each.admitted is not None],
    )


@get(
    "/audit", summary="Commands of people, the newest first", tags=["alarms"], opt=NURSE, responses=documented(400, 503)
)
async def list_audit(
    request: AnyRequest,
    reader: NamedDependency[Reader],
    patient: Annotated[UUID | None, QueryParameter(description="Only those about this patient")] = None,
    limit: Annotated[int, QueryParameter(ge=1, le=MAX_ENTRIES, description="Entries")] = 100,
    before: Annotated[
        int | None, QueryParameter(ge=0, le=_HIGHEST, description="Only those before the entry of this id")
    ] = None,
) -> list[AuditEntry]:
    """Each command that found its state: done, unchanged, or refused by it. Entries are never changed."""
    check_parameters(request.query_params, ("patient", "limit", "before"))
    for name in ("limit", "before"):
        check_whole_number(request.query_params, name)
    return await reader.audit(limit=limit, patient=patient, before=before)

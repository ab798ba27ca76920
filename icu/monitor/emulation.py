"""Routes about emulated patients: their true states, and the scenarios that they can have."""

from collections.abc import Callable, Sequence
from typing import Annotated, Final
from uuid import UUID

import msgspec
from anyio import to_thread
from litestar import Response, get
from litestar.datastructures import ResponseHeader
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter
from msgspec import Meta, Struct

from icu.emulation import Emulation, State
from icu.errors import IcuError, Kind
from icu.http.caching import NOT_MODIFIED, REVALIDATED, CachedBody
from icu.http.gate import VIEWER
from icu.http.problems import documented
from icu.monitor.metrics import PatientUuid
from icu.monitor.queries import AnyRequest, check_parameters
from icu.monitor.signs import MAX_AGE
from icu.store.reader import Reader


class ScenarioEntry(Struct, frozen=True):
    """A course of illness for emulated patients."""

    name: Annotated[str, Meta(description="To begin it by", examples=["sepsis-fast"])]
    title: Annotated[str, Meta(description="For people", examples=["Sepsis, for teaching"])]
    note: Annotated[str, Meta(description="More about it; empty where there is nothing to say")]
    phases: Annotated[Sequence[str], Meta(description="In their order", examples=[["chills", "shock"]])]


class Catalogue:
    """All scenarios: their names, and the answer that lists them."""

    def __init__(self, entries: Sequence[ScenarioEntry]) -> None:
        self.entries = entries
        self.names = [each.name for each in entries]
        self.body = CachedBody(msgspec.json.encode(entries), max_age=MAX_AGE)


class Scenarios:
    """Catalogue of the scenarios, made when it is first asked for: most monitors never need it.

    Args:
        load: Returns all scenarios. May read files.
    """

    def __init__(self, load: Callable[[], Sequence[ScenarioEntry]]) -> None:
        self._load = load
        self._catalogue: Catalogue | None = None

    async def catalogue(self) -> Catalogue:
        """Return the catalogue."""
        if self._catalogue is None:
            self._catalogue = Catalogue(await to_thread.run_sync(self._load))
        return self._catalogue


@get(
    "/scenarios",
    summary="The scenarios of emulated patients",
    tags=["emulation"],
    opt=VIEWER,
    response_headers=[
        ResponseHeader("ETag", documentation_only=True, value="", description="Of this program's scenarios"),
        ResponseHeader("Cache-Control", documentation_only=True, value="", description="How long they may be kept"),
    ],
    response_description="The scenarios, by name",
    responses={304: NOT_MODIFIED, **documented(400, 503)},
)
async def list_scenarios(
    request: AnyRequest,
    scenarios: NamedDependency[Scenarios],
    emulation: NamedDependency[Emulation],
    patient: Annotated[UUID | None, QueryParameter(description="Only those that this patient can have")] = None,
) -> Response[Sequence[ScenarioEntry]]:
    """They change with the program only. A patient can have all, or none: a recording, or an unknown one."""
    check_parameters(request.query_params, ("patient",))
    catalogue = await scenarios.catalogue()
    if patient is None:
        return catalogue.body.answer(request)
    entries = catalogue.entries if await _is_emulated(emulation, patient) else []
    return Response(entries, headers={"Cache-Control": REVALIDATED})


@get(
    "/patient/{patient_uuid:uuid}/truth",
    summary="What really goes on in an emulated patient",
    tags=["emulation"],
    opt=VIEWER,
    responses=documented(400, 404, 409, 503),
)
async def truth(
    request: AnyRequest,
    patient_uuid: PatientUuid,
    reader: NamedDependency[Reader],
    emulation: NamedDependency[Emulation],
) -> State:
    """409 where the patient is recorded, or no child of this supervisor emulates the patient: nobody knows then."""
    check_parameters(request.query_params, ())
    await reader.check_known(patient_uuid)
    return await emulation.truth(patient_uuid)


async def _is_emulated(emulation: Emulation, patient: UUID) -> bool:
    try:
        await emulation.truth(patient)
    except IcuError as exc:
        if exc.kind not in {Kind.CONFLICT, Kind.MISSING}:
            raise
        return False
    return True


ROUTES: Final[tuple[HTTPRouteHandler, ...]] = (list_scenarios, truth)

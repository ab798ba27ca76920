"""Route of the command to begin a scenario for an emulated patient."""

from typing import Annotated, Final

from litestar import post
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import JSONBody
from loguru import logger
from msgspec import Meta

from icu.emulation import Emulation, State
from icu.http.problems import documented
from icu.monitor.commands.routing import Command, author_of, command
from icu.monitor.emulation import Scenarios
from icu.monitor.errors import UnauditedError
from icu.monitor.metrics import PatientUuid
from icu.monitor.queries import AnyRequest
from icu.store.commands.door import Author, Door
from icu.store.commands.errors import SenselessCommandError
from icu.store.commands.scenarios import note_scenario
from icu.store.errors import StoreError
from icu.store.reader import Reader


class ScenarioCommand(Command, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Order to begin a scenario."""

    scenario: Annotated[
        str, Meta(description="A name of `GET /scenarios`; stable ends whatever goes on", examples=["sepsis-fast"])
    ]


@post(
    "/patient/{patient_uuid:uuid}/scenario",
    **command(
        summary="Begin a scenario of an emulated patient",
        tags=["emulation"],
        responses=documented(400, 401, 403, 404, 409, 413, 415, 422, 503),
    ),
)
async def begin_scenario(
    request: AnyRequest,
    patient_uuid: PatientUuid,
    data: JSONBody[ScenarioCommand],
    reader: NamedDependency[Reader],
    emulation: NamedDependency[Emulation],
    scenarios: NamedDependency[Scenarios],
    door: NamedDependency[Door],
) -> State:
    """It begins at once, in place of what goes on. 409 as for the truth; 422 for an unknown scenario."""
    author = author_of(request, data.by)
    names = (await scenarios.catalogue()).names
    if data.scenario not in names:
        raise SenselessCommandError(f"scenario: write one of {', '.join(names)}")
    await reader.check_known(patient_uuid)
    before, after = await emulation.change_scenario(patient_uuid, data.scenario)
    await _note(door, author, before, after)
    return after


async def _note(door: Door, author: Author, before: State, after: State) -> None:
    # After the order, which takes up to some seconds: in one transaction with it, a child that does not answer would
    # keep the sink from storing.
    try:
        await note_scenario(door, after.patient_uuid, author, before=before, after=after)
    except StoreError as exc:
        logger.error("the audit lacks {} of {} by {}: {}", after.scenario, after.patient_uuid, author.by, exc)
        raise UnauditedError(after.scenario, str(exc)) from exc


ROUTES: Final[tuple[HTTPRouteHandler, ...]] = (begin_scenario,)

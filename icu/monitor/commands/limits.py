"""Routes of alarm limits, of the ward and of a patient."""

from collections.abc import Mapping
from typing import Annotated, Final, TypeAlias

from litestar import get, post, put
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import JSONBody
from msgspec import Meta

from icu.alarms.limits import ConditionLimits
from icu.http.gate import VIEWER
from icu.http.problems import documented
from icu.monitor.commands.routing import Command, author_of, command
from icu.monitor.metrics import PatientUuid
from icu.monitor.queries import AnyRequest, check_parameters
from icu.store.commands import limits
from icu.store.commands.door import Door
from icu.store.commands.states import AllLimits, LimitsState
from icu.store.reader import Reader

Version: TypeAlias = Annotated[int, Meta(ge=0, description="Version of the limits, as its author saw it")]


class LimitsCommand(Command, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Change of limits."""

    version: Version
    conditions: Annotated[Mapping[str, ConditionLimits], Meta(description="By name of the condition: `spo2.low`")]


class AutoCommand(Command, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Order to set limits around the present values."""

    version: Version


@get("/limits", summary="The ward's alarm limits", tags=["alarms"], opt=VIEWER, responses=documented(400, 503))
async def ward_limits(request: AnyRequest, reader: NamedDependency[Reader]) -> LimitsState:
    """They hold for each patient without overrides."""
    check_parameters(request.query_params, ())
    return await reader.limits()


@get(
    "/ward/limits",
    summary="The alarm limits of all patients",
    tags=["alarms"],
    opt=VIEWER,
    responses=documented(400, 503),
)
async def all_limits(request: AnyRequest, reader: NamedDependency[Reader]) -> AllLimits:
    """For pages that show many beds: the ward's, which hold for each patient that is not named, and those of the
    others."""
    check_parameters(request.query_params, ())
    return await reader.all_limits()


@put("/limits", **command(summary="Change the ward's alarm limits", tags=["alarms"]))
async def set_ward_limits(
    request: AnyRequest, data: JSONBody[LimitsCommand], door: NamedDependency[Door]
) -> LimitsState:
    """Keys that are left out stay as they are. 409 for an old `version`."""
    author = author_of(request, data.by)
    return await limits.set_ward_limits(door, author, version=data.version, conditions=data.conditions)


@get(
    "/patient/{patient_uuid:uuid}/limits",
    summary="A patient's alarm limits",
    tags=["alarms"],
    opt=VIEWER,
    responses=documented(400, 404, 503),
)
async def patient_limits(
    request: AnyRequest, patient_uuid: PatientUuid, reader: NamedDependency[Reader]
) -> LimitsState:
    """`conditions` are the patient's own, `in_force` holds the ward's beneath them."""
    check_parameters(request.query_params, ())
    return await reader.limits(patient_uuid)


@put("/patient/{patient_uuid:uuid}/limits", **command(summary="Set a patient's own limits", tags=["alarms"]))
async def set_patient_limits(
    request: AnyRequest, patient_uuid: PatientUuid, data: JSONBody[LimitsCommand], door: NamedDependency[Door]
) -> LimitsState:
    """They take the place of all own ones that there were; without any, the ward's hold. 409 for an old `version`."""
    author = author_of(request, data.by)
    return await limits.set_patient_limits(door, patient_uuid, author, version=data.version, conditions=data.conditions)


@post(
    "/patient/{patient_uuid:uuid}/limits/auto",
    **command(summary="Set limits around a patient's present values", tags=["alarms"]),
)
async def set_auto_limits(
    request: AnyRequest, patient_uuid: PatientUuid, data: JSONBody[AutoCommand], door: NamedDependency[Door]
) -> LimitsState:
    """Signs whose value is missing, doubtful, old or beyond the ward's limits keep theirs: `refused` names them."""
    author = author_of(request, data.by)
    return await limits.set_auto_limits(door, patient_uuid, author, version=data.version)


ROUTES: Final[tuple[HTTPRouteHandler, ...]] = (
    ward_limits,
    all_limits,
    set_ward_limits,
    patient_limits,
    set_patient_limits,
    set_auto_limits,
)

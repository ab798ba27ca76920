"""Route of the inputs of NEWS2 that no monitor measures."""

from typing import Annotated, Final, Literal

from litestar import put
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import JSONBody
from msgspec import Meta

from icu.monitor.commands.routing import Command, author_of, command
from icu.monitor.metrics import PatientUuid
from icu.monitor.queries import AnyRequest
from icu.store.commands import news2
from icu.store.commands.door import Door
from icu.store.commands.states import News2State


class News2Inputs(Command, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Inputs of NEWS2 that no monitor measures."""

    oxygen: Annotated[bool, Meta(description="On supplemental oxygen")]
    consciousness: Annotated[Literal["alert", "confusion", "voice", "pain", "unresponsive"], Meta(description="ACVPU")]
    scale: Annotated[Literal[1, 2], Meta(description="Of the saturation; 2 in hypercapnic respiratory failure")]


@put("/patient/{patient_uuid:uuid}/news2", **command(summary="Enter a patient's inputs of NEWS2", tags=["alarms"]))
async def set_inputs(
    request: AnyRequest, patient_uuid: PatientUuid, data: JSONBody[News2Inputs], door: NamedDependency[Door]
) -> News2State:
    """They hold until others are entered; before the first, air, alert and scale 1 are assumed."""
    author = author_of(request, data.by)
    return await news2.set_inputs(
        door, patient_uuid, author, oxygen=data.oxygen, consciousness=data.consciousness, scale=data.scale
    )


ROUTES: Final[tuple[HTTPRouteHandler, ...]] = (set_inputs,)

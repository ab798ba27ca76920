"""Routes of commands about one alarm."""

from typing import Annotated, Final, TypeAlias
from uuid import UUID

from litestar import post
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import JSONBody, PathParameter
from msgspec import Meta

from icu.monitor.commands.routing import Command, author_of, check_text, command
from icu.monitor.freshness import Freshness
from icu.monitor.queries import AnyRequest
from icu.store.alarms.served import Alarm
from icu.store.commands import alarms
from icu.store.commands.door import Door

AlarmId: TypeAlias = Annotated[UUID, PathParameter(description="An id of `GET /alarms`")]
Why: TypeAlias = Annotated[str, Meta(description="Reason, as typed", examples=["being suctioned"])]


class Acknowledgement(Command, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Acknowledgement of an alarm."""

    seen: Annotated[int, Meta(ge=0, description="Field `seen` of the alarm, as its author saw it")]
    why: Annotated[str | None, Meta(description="Reason, as typed", examples=["seen to"])] = None


class Shelf(Command, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Silence of an alarm."""

    why: Why
    minutes: Annotated[float, Meta(description="60 at most", examples=[10])]
    seen: Annotated[
        Annotated[int, Meta(ge=0)] | None, Meta(description="As for an acknowledgement; without it any")
    ] = None


@post("/alarms/{alarm:uuid}/acknowledge", **command(summary="Acknowledge an alarm", tags=["alarms"]))
async def acknowledge(
    request: AnyRequest,
    alarm: AlarmId,
    data: JSONBody[Acknowledgement],
    door: NamedDependency[Door],
    freshness: NamedDependency[Freshness],
) -> Alarm:
    """It is silent, and sounds again if it is still present after 3 minutes; a latched one ends.

    An alarm that is acknowledged already keeps the name of the first person.
    """
    author = author_of(request, data.by)
    why = None if data.why is None else check_text("why", data.why)
    return await alarms.acknowledge(door, alarm, author, why=why, seen=data.seen, blind=freshness.blind)


@post("/alarms/{alarm:uuid}/shelve", **command(summary="Silence an alarm for some minutes", tags=["alarms"]))
async def shelve(request: AnyRequest, alarm: AlarmId, data: JSONBody[Shelf], door: NamedDependency[Door]) -> Alarm:
    """It is evaluated and shown, but silent; one that gets worse sounds. Not for alarms of high priority."""
    author = author_of(request, data.by)
    why = check_text("why", data.why)
    return await alarms.shelve(door, alarm, author, why=why, minutes=data.minutes, seen=data.seen)


ROUTES: Final[tuple[HTTPRouteHandler, ...]] = (acknowledge, shelve)

"""The route of the ward's state: the supervisor's children."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

import msgspec
from litestar import get
from litestar.di import NamedDependency

from icu.http.gate import VIEWER
from icu.http.problems import documented
from icu.monitor.queries import AnyRequest, check_parameters
from icu.monitor.schemas import ChildStatus

# Returns the children as objects with the attributes of ChildStatus. Raises NoSupervisorError where none runs.
FetchChildren: TypeAlias = Callable[[], Awaitable[Any]]


@get("/supervisor", summary="The supervisor's children", tags=["ward"], opt=VIEWER, responses=documented(400, 503))
async def list_children(request: AnyRequest, fetch_children: NamedDependency[FetchChildren]) -> list[ChildStatus]:
    """Each child's state, in the order in which they are started; below a supervisor its own children."""
    check_parameters(request.query_params, ())
    return msgspec.convert(await fetch_children(), list[ChildStatus], from_attributes=True)

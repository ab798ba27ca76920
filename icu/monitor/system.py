"""How the whole ward is: the supervisor's children."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

import msgspec
from litestar import get
from litestar.di import NamedDependency

from icu.http.problems import documented
from icu.monitor.queries import AnyRequest, check
from icu.monitor.schemas import ChildStatus

Look: TypeAlias = Callable[[], Awaitable[Any]]
"""Answers with the children as objects that have the attributes of ChildStatus. NoSupervisorError where none runs."""


@get("/supervisor", summary="The supervisor's children", tags=["ward"], responses=documented(400, 503))
async def list_children(request: AnyRequest, look: NamedDependency[Look]) -> list[ChildStatus]:
    """Each child's state, in the order in which they are started; below a supervisor its own children."""
    check(request.query_params, ())
    return msgspec.convert(await look(), list[ChildStatus], from_attributes=True)

"""Roles of routes: each handler names the one that it needs in its `opt`, and one guard reads it.

A handler that names none is closed to everybody: it was forgotten.
"""

from collections.abc import Mapping
from typing import Any, Final, Protocol, TypeAlias

from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler
from litestar.types import Guard

from icu.access.roles import Role
from icu.http.clients import is_forwarded
from icu.http.errors import NotOnLoopbackError, RouteWithoutRoleError
from icu.http.hosts import over_loopback

AnyConnection: TypeAlias = ASGIConnection[Any, Any, Any, Any]

_ROLE: Final = "role"


def needing(role: Role) -> dict[str, Any]:
    """Return the `opt` of a handler or router that needs a role."""
    return {_ROLE: role}


PUBLIC: Final[Mapping[str, Any]] = needing(Role.PUBLIC)
VIEWER: Final[Mapping[str, Any]] = needing(Role.VIEWER)
NURSE: Final[Mapping[str, Any]] = needing(Role.NURSE)
ADMIN: Final[Mapping[str, Any]] = needing(Role.ADMIN)


class Gate(Protocol):
    """Decision on who comes in."""

    # Role that `/metrics` needs.
    figures: Role

    async def admit(self, connection: AnyConnection, needed: Role) -> None:
        """Admit a request, or raise the error that answers it.

        Args:
            connection: The request.
            needed: Role that its route needs.

        Raises:
            PatientServiceException: The client is unknown, or may not do this.
        """


class LocalGate:
    """Gate of a face without keys: on loopback everybody may do everything, elsewhere what is public."""

    figures = Role.PUBLIC

    def __init__(self, *, bound_to_loopback: bool) -> None:
        self._bound_to_loopback = bound_to_loopback

    async def admit(self, connection: AnyConnection, needed: Role) -> None:
        if needed is Role.PUBLIC:
            return
        local = self._bound_to_loopback and over_loopback(connection.scope)
        # A proxy on this machine would make the port public.
        if not local or is_forwarded(connection.headers):
            raise NotOnLoopbackError


def role_guard(gate: Gate) -> Guard:
    """Make the guard of all routes of a face."""

    async def check_role(connection: AnyConnection, handler: BaseRouteHandler) -> None:
        # Litestar's own answer to OPTIONS tells the methods of a path, and can name no role.
        if connection.scope.get("method") == "OPTIONS":
            return
        needed = handler.opt.get(_ROLE)
        if needed is None:
            raise RouteWithoutRoleError
        await gate.admit(connection, needed)

    return check_role

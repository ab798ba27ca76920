"""Routes of the session of a browser: log-in, its state, and log-out."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Final, Literal, TypeAlias

from litestar import Response, delete, get, post
from litestar.datastructures import Cookie
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import JSONBody
from msgspec import Meta, Struct

from icu.access.principals import Principal
from icu.access.roles import Role
from icu.config.settings import Secret
from icu.http.clients import address_of_client, is_encrypted, is_local
from icu.http.gate import PUBLIC
from icu.http.problems import documented
from icu.monitor.access.credentials import bearer, cookie_name, session_token
from icu.monitor.access.errors import PlainError
from icu.monitor.access.gate import WardGate
from icu.monitor.queries import AnyRequest, check_parameters
from icu.store.access.log_in import log_in, log_in_with_key
from icu.store.access.sessions import NewSession, log_out
from icu.store.commands.door import Author, Door
from icu.store.commands.errors import SenselessCommandError

# Seconds that a browser keeps the cookie: the most that browsers do. The session itself ends in the database.
_KEPT: Final = 400 * 86_400


RoleName: TypeAlias = Literal["public", "viewer", "nurse", "admin"]

_NAMES: Final[Mapping[Role, RoleName]] = {
    Role.PUBLIC: "public",
    Role.VIEWER: "viewer",
    Role.NURSE: "nurse",
    Role.ADMIN: "admin",
}

# A bound for what is hashed.
Text: TypeAlias = Annotated[str, Meta(max_length=1_000)]


class SessionState(Struct, frozen=True):
    """Principals: clients that are known, with what they may do."""

    open: Annotated[bool, Meta(description="True where nobody needs to log in: on loopback, without keys")]
    who: Annotated[
        str | None,
        Meta(
            description="Name of the person, or `key:` and that of the key; null without a log-in", examples=["okafor"]
        ),
    ]
    role: Annotated[RoleName, Meta(description="The present one")]
    expires: Annotated[
        datetime | None, Meta(description="End of the role: a nurse is a viewer from then on; null without an end")
    ]
    lapsed: Annotated[
        RoleName | None, Meta(description="Role whose time is over: log in again for it. Null if there is none")
    ]


class Credentials(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Name and password of a person, or a key."""

    name: Annotated[Text | None, Meta(description="Of a person", examples=["okafor"])] = None
    password: Annotated[Text | None, Meta(description="Of that person")] = None
    key: Annotated[Text | None, Meta(description="In place of name and password")] = None


@get("/session", summary="Who asks, and what they may do", tags=["access"], opt=PUBLIC, responses=documented(400, 503))
async def session_state(request: AnyRequest, gate: NamedDependency[WardGate]) -> SessionState:
    """Of a key in `Authorization` too. Without a log-in the role is `public`."""
    check_parameters(request.query_params, ())
    if gate.is_open:
        return SessionState(True, None, "admin", None, None)
    caller = await gate.caller(request)
    return _state(None if caller is None else caller.principal)


@post(
    "/session",
    status_code=200,
    summary="Log in",
    tags=["access"],
    opt=PUBLIC,
    responses=documented(400, 401, 403, 413, 415, 422, 503),
)
async def begin_session(
    request: AnyRequest, data: JSONBody[Credentials], gate: NamedDependency[WardGate], door: NamedDependency[Door]
) -> Response[SessionState]:
    """The answer sets a cookie. After several failures, by the name or from the address, it takes some seconds."""
    check_parameters(request.query_params, ())
    session = await _log_in(request, data, gate, door)
    return Response(_state(session.principal), cookies=[_cookie(request, session.token.reveal(), _KEPT)])


@delete(
    "/session", status_code=200, summary="Log out", tags=["access"], opt=PUBLIC, responses=documented(400, 403, 503)
)
async def end_session(
    request: AnyRequest, gate: NamedDependency[WardGate], door: NamedDependency[Door]
) -> Response[SessionState]:
    """It ends the session of the cookie, and takes the cookie back. A key stays valid."""
    check_parameters(request.query_params, ())
    token = None if bearer(request.headers) else session_token(request)
    caller = None if token is None else await gate.caller(request)
    if token is not None and caller is not None and caller.token == token:
        await log_out(door, token, Author(caller.principal.by, address_of_client(request.scope)))
    return Response(_state(None), cookies=[_cookie(request, "", 0)])


async def _log_in(request: AnyRequest, data: Credentials, gate: WardGate, door: Door) -> NewSession:
    source = address_of_client(request.scope)
    match data:
        case Credentials(name=None, password=None, key=str(key)):
            return await log_in_with_key(door, gate.access, Secret(key), source)
        case Credentials(name=str(name), password=str(password), key=None):
            if not (is_encrypted(request.scope) or is_local(request.scope)):
                raise PlainError("a password would travel")
            return await log_in(door, name, Secret(password), source)
        case _:
            raise SenselessCommandError("write `name` and `password`, or `key` alone")


def _cookie(request: AnyRequest, value: str, max_age: int) -> Cookie:
    return Cookie(
        cookie_name(request.scope, request.headers),
        value=value,
        path="/",
        max_age=max_age,
        secure=is_encrypted(request.scope),
        httponly=True,
        samesite="strict",
    )


def _state(principal: Principal | None) -> SessionState:
    if principal is None:
        return SessionState(False, None, "public", None, None)
    lapsed = None if principal.lapsed is None else _NAMES[principal.lapsed]
    return SessionState(False, principal.by, _NAMES[principal.role], principal.expires, lapsed)


ROUTES: Final[tuple[HTTPRouteHandler, ...]] = (session_state, begin_session, end_session)

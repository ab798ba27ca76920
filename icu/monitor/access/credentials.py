"""Credentials of a request: a key, the cookie of a session, or a person whom a proxy has let in."""

import re
from collections.abc import Sequence
from typing import Final

from litestar.datastructures import Headers
from litestar.types import Scope
from msgspec import Struct

from icu.access.principals import Principal, check_principal_name
from icu.access.roles import GIVEN, Role
from icu.http.clients import is_encrypted, is_proxied, own_origin, port_of_client
from icu.http.gate import AnyConnection
from icu.monitor.access.errors import CookieOriginError, UnknownClientError

_BEARER: Final = re.compile(r"\s*bearer\s+(?P<token>\S+)\s*", flags=re.IGNORECASE)

# Methods that change nothing.
_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})


class Trust(Struct, frozen=True):
    """Headers by which a proxy says whom it has let in. Only proxies of the settings are believed."""

    # Header with the name of the person.
    name: str
    # Role of all whom the proxy lets in, unless a header tells it.
    role: Role
    # Header with the person's role, or several with commas between, of which the greatest counts.
    role_header: str | None = None


def bearer(headers: Headers) -> str | None:
    """Return the token of the header Authorization. Other schemes are a proxy's own."""
    found = _BEARER.fullmatch(headers.get("authorization", ""))
    return found["token"] if found else None


def cookie_name(scope: Scope, headers: Headers) -> str:
    """Return the name of the session's cookie. It holds the port, since a browser sends cookies to all ports."""
    name = f"icu-{port_of_client(scope, headers)}"
    return f"__Host-{name}" if is_encrypted(scope) else name


def session_token(connection: AnyConnection) -> str | None:
    """Return the token of the session's cookie."""
    return connection.cookies.get(cookie_name(connection.scope, connection.headers))


def check_origin(connection: AnyConnection, origins: Sequence[str]) -> None:
    """Check that a command with a credential that browsers send by themselves comes from a known page.

    Raises:
        CookieOriginError: It does not say so, or comes from a page of another port of this machine.
    """
    if connection.scope.get("method") in _SAFE:
        return
    origin = connection.headers.get("origin")
    if origin is None or origin not in {own_origin(connection.scope, connection.headers), *origins}:
        raise CookieOriginError


def proxied_person(connection: AnyConnection, trust: Trust | None) -> Principal | None:
    """Return the person whom a proxy of the settings has let in; None if it names nobody.

    Raises:
        UnknownClientError: Name or role cannot be one.
    """
    if trust is None or not is_proxied(connection.scope):
        return None
    name = connection.headers.get(trust.name)
    if not name:
        return None
    try:
        return Principal(check_principal_name(_text(name)), "user", _role(connection.headers, trust))
    except ValueError as exc:
        raise UnknownClientError(f"the proxy's header {trust.name}: {exc}") from exc


def _role(headers: Headers, trust: Trust) -> Role:
    if trust.role_header is None:
        return trust.role
    words = {each.strip() for each in headers.get(trust.role_header, "").split(",")}
    found = [role for role in Role if role.value in words and role.value in GIVEN]
    if not found:
        raise ValueError(f"{trust.role_header} holds no role: write one of {', '.join(GIVEN)}")
    return found[-1]


def _text(value: str) -> str:
    # Headers are decoded as Latin-1, and proxies send UTF-8.
    try:
        return value.encode("latin-1").decode()
    except UnicodeError:
        return value

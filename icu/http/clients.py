"""The client's side of a request: its machine, its scheme, and the proxy between.

A proxy is believed only where the settings name its address. What other clients say of proxies counts for one thing:
that the request may come from another machine than its connection does.
"""

import re
from typing import Final

from litestar.datastructures import Headers
from litestar.types import ASGIApp, Receive, Scope, Send

from icu.http.hosts import is_loopback

# Key in the state of a request: True where a proxy of the settings has sent it.
_PROXIED: Final = "icu.proxied"

# Headers that proxies add, beside X-Forwarded-*. Some lines for nginx set the last one alone.
_OF_PROXIES: Final = frozenset({"forwarded", "via", "x-real-ip"})

# Ports that a Host header leaves out, by scheme.
_PORTS: Final = {"http": "80", "https": "443"}
_PORT: Final = re.compile(r":([0-9]{1,5})\Z")


def noting_proxy(app: ASGIApp, trusted: frozenset[str]) -> ASGIApp:
    """Middleware that notes if a trusted proxy has sent a request, before the client's address takes its place."""

    async def note(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":  # type: ignore[comparison-overlap] # Litestar types only the other scopes
            client = scope["client"]
            scope["state"][_PROXIED] = client is not None and client[0] in trusted
        await app(scope, receive, send)

    return note


def is_proxied(scope: Scope) -> bool:
    """Tell if a proxy that the settings name has sent a request. Other servers than ours never say so."""
    return bool(scope["state"].get(_PROXIED))


def is_forwarded(headers: Headers) -> bool:
    """Tell if a request says that it came through a proxy."""
    return any(name in _OF_PROXIES or name.startswith("x-forwarded-") for name in headers)


def is_local(scope: Scope) -> bool:
    """Tell if the client of a request is a program on this machine."""
    client = scope["client"]
    known = is_proxied(scope) or not is_forwarded(Headers.from_scope(scope))
    return known and client is not None and is_loopback(client[0])


def is_encrypted(scope: Scope) -> bool:
    """Tell if the client's side of a request is https."""
    return scope["scheme"] == "https"


def own_origin(scope: Scope, headers: Headers) -> str:
    """Return the origin of the pages of this server, as the client of a request names it."""
    return f"{scope['scheme']}://{headers.get('host', '')}".lower()


def port_of_client(scope: Scope, headers: Headers) -> str:
    """Return the port that the client of a request has connected to: the proxy's, where there is one."""
    found = _PORT.search(headers.get("host", ""))
    return found[1] if found else _PORTS.get(scope["scheme"], "80")


def address_of_client(scope: Scope) -> str:
    """Return the address of the client of a request, for the audit."""
    client = scope["client"]
    return client[0] if client else "unknown"

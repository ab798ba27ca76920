"""Allowed Host headers, against DNS rebinding.

A page of the Internet whose name is made to resolve to this server's address has the same origin as this server, so
that the browser lets it read everything. The name in the Host header gives it away.
"""

import re
from collections.abc import Callable, Sequence
from ipaddress import ip_address
from typing import Final

from litestar.types import ASGIApp, Receive, Scope, Send

from icu.http.errors import UnknownHostError

LOOPBACK_NAME: Final = r"(localhost|127(\.[0-9]{1,3}){3}|\[::1\])"

# A Host header: a name, or an IPv6 address in brackets, and perhaps a port.
_HOST: Final = re.compile(r"(?P<name>\[[0-9a-f:.]+\]|[^:\[\]]*)(:[0-9]*)?")


def is_loopback(address: str) -> bool:
    """Check if only this machine can reach a server on the address."""
    try:
        found = ip_address(address)
    except ValueError:
        return address == "localhost"
    return (getattr(found, "ipv4_mapped", None) or found).is_loopback


def allowed_hosts(hosts: Sequence[str]) -> Callable[[ASGIApp], ASGIApp]:
    """Middleware for requests, whose Host header must name loopback or one of `hosts`.

    For other names it raises UnknownHostError. Requests without Host come from old tools, never from browsers.
    """
    known = re.compile("|".join([LOOPBACK_NAME, *(re.escape(each.lower()) for each in hosts)]))

    def middleware(app: ASGIApp) -> ASGIApp:
        async def check(scope: Scope, receive: Receive, send: Send) -> None:
            host = dict(scope["headers"]).get(b"host")
            if host and not known.fullmatch(_name(host)):
                raise UnknownHostError
            await app(scope, receive, send)

        return check

    return middleware


def over_loopback(scope: Scope) -> bool:
    """Check if the request came to an address of loopback."""
    server = scope["server"]
    return server is not None and is_loopback(server[0])


def _name(host: bytes) -> str:
    """Name in a Host header, without the port; empty if it is malformed."""
    found = _HOST.fullmatch(host.decode("latin-1").lower())
    return found["name"] if found else ""

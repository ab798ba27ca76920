"""Which names a server on loopback answers to.

A page of the Internet whose own name is made to lead to 127.0.0.1 (DNS rebinding) is of one origin with this server, so
that the browser lets it read everything. What gives it away is the name in the Host header.
"""

import re
from collections.abc import Callable, Sequence
from ipaddress import ip_address
from typing import Final

from litestar.types import ASGIApp, Receive, Scope, Send

from icu.http.errors import UnknownHostError

LOOPBACK_NAME: Final = r"(localhost|127(\.[0-9]{1,3}){3}|\[::1\])"

_HOST: Final = re.compile(r"(?P<name>\[[0-9a-f:.]+\]|[^:\[\]]*)(:[0-9]*)?")


def is_loopback(address: str) -> bool:
    """Whether only this machine can reach what listens on the address."""
    try:
        found = ip_address(address)
    except ValueError:
        return address == "localhost"
    return (getattr(found, "ipv4_mapped", None) or found).is_loopback


def answering_to(hosts: Sequence[str]) -> Callable[[ASGIApp], ASGIApp]:
    """Middleware: what comes in over loopback has to ask for a name of loopback, or for a listed one.

    UnknownHostError for others. Who asks for none, as old tools do, is no browser.
    """
    known = re.compile("|".join([LOOPBACK_NAME, *(re.escape(each.lower()) for each in hosts)]))

    def middleware(app: ASGIApp) -> ASGIApp:
        async def check(scope: Scope, receive: Receive, send: Send) -> None:
            host = dict(scope["headers"]).get(b"host")
            if host and over_loopback(scope) and not known.fullmatch(_name(host)):
                raise UnknownHostError
            await app(scope, receive, send)

        return check

    return middleware


def over_loopback(scope: Scope) -> bool:
    """Tell if the request came to an address that only this machine can reach."""
    server = scope["server"]
    return server is not None and is_loopback(server[0])


def _name(host: bytes) -> str:
    """The header without its port; nothing where it is no host at all."""
    found = _HOST.fullmatch(host.decode("latin-1").lower())
    return found["name"] if found else ""

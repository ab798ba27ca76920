"""Allowed origins of commands, against cross-site request forgery.

A browser sends requests for the pages of any site, and names their origin. CORS only hides the response from a foreign
page; by then the command was carried out, since plain text needs no preflight. So every request that may change
something must have a known origin, and a body of type JSON.
"""

import re
from collections.abc import Callable, Sequence
from typing import Final

from litestar.datastructures import Headers
from litestar.types import ASGIApp, Receive, Scope, Send

from icu.http.clients import own_origin
from icu.http.errors import BodyTypeError, ForeignOriginError
from icu.http.hosts import LOOPBACK_NAME, over_loopback

# Origins of pages from this machine.
LOOPBACK: Final = rf"https?://{LOOPBACK_NAME}(:[0-9]+)?"

# Methods that change nothing.
_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_JSON: Final = re.compile(
    r'application/([a-z0-9!#$&^_.+-]+\+)?json(\s*;\s*charset=("utf-8"|utf-8))?\s*', flags=re.IGNORECASE
)


def allowed_origins(origins: Sequence[str], *, loopback: bool) -> Callable[[ASGIApp], ASGIApp]:
    """Middleware for requests that may change something. They need a known origin or none, and a body of type JSON.

    It raises ForeignOriginError and BodyTypeError. Web sockets, which have no method, need a known origin too.

    Args:
        origins: Known origins, beside the server's own.
        loopback: True if pages from this machine are known too, for requests over loopback.
    """

    def known(origin: str, scope: Scope, headers: Headers) -> bool:
        here = loopback and over_loopback(scope) and re.fullmatch(LOOPBACK, origin) is not None
        return origin == own_origin(scope, headers) or origin in origins or here

    def middleware(app: ASGIApp) -> ASGIApp:
        async def check(scope: Scope, receive: Receive, send: Send) -> None:
            if scope.get("method") not in _SAFE:
                headers = Headers.from_scope(scope)
                if not all(known(each, scope, headers) for each in headers.getall("origin", [])):
                    raise ForeignOriginError
                if _has_body(headers) and not _JSON.fullmatch(headers.get("content-type", "")):
                    raise BodyTypeError
            await app(scope, receive, send)

        return check

    return middleware


def _has_body(headers: Headers) -> bool:
    return "transfer-encoding" in headers or headers.get("content-length", "0").strip("0") != ""

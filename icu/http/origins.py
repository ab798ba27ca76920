"""Which pages may command a server: a browser sends for any page, and names its origin.

CORS keeps the answer from a page of another site, but the order was carried out by then: plain text needs no leave to
be sent. So everything that may change something comes from a known origin, and its body says that it is JSON.
"""

import re
from collections.abc import Callable, Sequence
from typing import Final

from litestar.datastructures import Headers
from litestar.types import ASGIApp, Receive, Scope, Send

from icu.http.errors import BodyTypeError, ForeignOriginError
from icu.http.hosts import LOOPBACK_NAME, over_loopback

# Origins of pages from this machine.
LOOPBACK: Final = rf"https?://{LOOPBACK_NAME}(:[0-9]+)?"

_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_JSON: Final = re.compile(
    r'application/([a-z0-9!#$&^_.+-]+\+)?json(\s*;\s*charset=("utf-8"|utf-8))?\s*', flags=re.IGNORECASE
)


def commanded_from(origins: Sequence[str], *, loopback: bool) -> Callable[[ASGIApp], ASGIApp]:
    """Middleware: each request that may change something comes from no page, from one of the server's own, or from a
    listed origin, and with `loopback` from one of this machine; a body that it has is JSON.

    ForeignOriginError and BodyTypeError for others. Web sockets have no method: they are asked for their origin too.
    """

    def known(origin: str, scope: Scope, headers: Headers) -> bool:
        own = f"{scope['scheme']}://{headers.get('host', '')}".lower()
        here = loopback and over_loopback(scope) and re.fullmatch(LOOPBACK, origin) is not None
        return origin == own or origin in origins or here

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

"""Large answers as gzip, for clients that take it.

Litestar's own compresses streams too, whose events then wait in its buffer; sends gzip to who refuses it (`gzip;q=0`);
and tells caches of the difference only where it did compress.
"""

import gzip
import re
from typing import Final

from litestar.datastructures import Headers, MutableScopeHeaders
from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPResponseStartEvent, Message, Receive, Scope, Send

# Bytes of a body from which on it is compressed.
SMALLEST: Final = 16 * 1024

# Of 9. The highest makes a day of readings smaller by a third, and takes more than ten times as long.
_LEVEL: Final = 1

_ACCEPTED: Final = re.compile(r"(^|,)\s*gzip\s*(;\s*q=(1|0\.[0-9]*[1-9])[0-9.]*\s*)?(,|$)", flags=re.IGNORECASE)

# Headers that speak of the body as it is.
_OF_THESE_BYTES: Final = ("content-encoding", "etag")


def compressing(app: ASGIApp) -> ASGIApp:
    """Middleware: a large body that is sent whole is compressed where the client takes gzip. A stream never is."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == ScopeType.HTTP and _ACCEPTED.search(Headers.from_scope(scope).get("accept-encoding", "")):
            await app(scope, receive, _compressed(send))
        else:
            await app(scope, receive, send)

    return answer


async def vary(message: Message, _scope: Scope) -> None:
    """Tell caches what an answer depends on. CORS would say so only where it lets an origin in."""
    if message["type"] == "http.response.start":
        MutableScopeHeaders.from_message(message)["vary"] = "Accept-Encoding, Origin"


def _compressed(send: Send) -> Send:
    held: HTTPResponseStartEvent | None = None

    async def compress_and_send(message: Message) -> None:
        nonlocal held
        if message["type"] == "http.response.start" and _is_large(MutableScopeHeaders.from_message(message)):
            held = message
            return
        if held is not None and message["type"] == "http.response.body":
            if not message["more_body"]:
                message["body"] = gzip.compress(message["body"], _LEVEL, mtime=0)
                headers = MutableScopeHeaders.from_message(held)
                headers["content-encoding"] = "gzip"
                headers["content-length"] = str(len(message["body"]))
            await send(held)
            held = None
        await send(message)

    return compress_and_send


def _is_large(headers: MutableScopeHeaders) -> bool:
    """Tell if compressing is worth it. A stream does not say how long it is."""
    return int(headers.get("content-length", 0)) >= SMALLEST and not any(each in headers for each in _OF_THESE_BYTES)

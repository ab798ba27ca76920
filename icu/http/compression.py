"""Compression of large responses with gzip, for clients that accept it.

Litestar's own middleware compresses streams too, whose events then wait in its buffer; it sends gzip to clients that
refuse it (`gzip;q=0`); and it sets Vary only on compressed responses.
"""

import gzip
import re
import zlib
from functools import partial
from typing import Final

from anyio import to_thread
from litestar.datastructures import Headers, MutableScopeHeaders
from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPResponseStartEvent, Message, Receive, Scope, Send

# Bytes of a body. Smaller ones are not compressed.
MIN_SIZE: Final = 16 * 1024

# Bytes of a body that is compressed in a thread: it takes a millisecond and more, for which others would wait.
_LARGE: Final = 128 * 1024

# Of 9. The highest level makes a day of readings a third smaller, and takes more than ten times as long.
_LEVEL: Final = 1

# zlib's number for the format.
_GZIP: Final = 16

# gzip in Accept-Encoding, unless its quality is 0.
_ACCEPTED: Final = re.compile(r"(^|,)\s*gzip\s*(;\s*q=(1|0\.[0-9]*[1-9])[0-9.]*\s*)?(,|$)", flags=re.IGNORECASE)


def compressing(app: ASGIApp) -> ASGIApp:
    """Middleware that compresses large bodies for clients that accept gzip, and never streams."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == ScopeType.HTTP and accepts_gzip(scope):
            await app(scope, receive, _compressed(send))
        else:
            await app(scope, receive, send)

    return answer


def accepts_gzip(scope: Scope) -> bool:
    """Tell if the client of a request takes gzip."""
    return _ACCEPTED.search(Headers.from_scope(scope).get("accept-encoding", "")) is not None


class Gzip:
    """Compression of a body in parts, each of which the client can read when it has come."""

    def __init__(self) -> None:
        self._compressor = zlib.compressobj(_LEVEL, wbits=zlib.MAX_WBITS | _GZIP)

    def part(self, body: bytes) -> bytes:
        """Compress the next part."""
        return self._compressor.compress(body) + self._compressor.flush(zlib.Z_SYNC_FLUSH)

    def end(self) -> bytes:
        """End the body."""
        return self._compressor.flush()


async def vary(message: Message, _scope: Scope) -> None:
    """Set Vary on every response."""
    # For caches: also on uncompressed responses, and where CORS allows no origin.
    if message["type"] == "http.response.start":
        MutableScopeHeaders.from_message(message)["vary"] = "Accept-Encoding, Origin"


def _compressed(send: Send) -> Send:
    # The head of a large response, held back until the size of the compressed body is known.
    held: HTTPResponseStartEvent | None = None

    async def compress_and_send(message: Message) -> None:
        nonlocal held
        if message["type"] == "http.response.start" and _is_large(MutableScopeHeaders.from_message(message)):
            held = message
            return
        if held is not None and message["type"] == "http.response.body":
            if not message["more_body"]:
                message["body"] = await _compress(message["body"])
                headers = MutableScopeHeaders.from_message(held)
                headers["content-encoding"] = "gzip"
                headers["content-length"] = str(len(message["body"]))
            await send(held)
            held = None
        await send(message)

    return compress_and_send


async def _compress(body: bytes) -> bytes:
    compress = partial(gzip.compress, body, _LEVEL, mtime=0)
    return compress() if len(body) < _LARGE else await to_thread.run_sync(compress)


def _is_large(headers: MutableScopeHeaders) -> bool:
    # A stream has no content-length.
    return int(headers.get("content-length", 0)) >= MIN_SIZE and not _is_fixed(headers)


def _is_fixed(headers: MutableScopeHeaders) -> bool:
    """Tell if headers describe the body byte by byte. A weak tag does not (RFC 9110, 8.8.1)."""
    return "content-encoding" in headers or not headers.get("etag", "W/").startswith("W/")

"""Answers that clients and proxies may keep: an ETag (RFC 9110), and 304 for a client that has the body already."""

from hashlib import sha256
from typing import Any, Final

from litestar import Request, Response
from litestar.datastructures import Headers
from litestar.openapi import ResponseSpec
from litestar.response.base import ASGIResponse

# For answers with patients' data: no proxy keeps them, and a client asks each time if its own is still right.
REVALIDATED: Final = "private, no-cache"

# For OpenAPI.
NOT_MODIFIED: Final = ResponseSpec(None, description="The client has it already: `If-None-Match` names its ETag")


class CachedBody:
    """A body that changes with the program only.

    Args:
        body: As it is sent.
        max_age: Seconds for which a client may use it without asking again.
    """

    def __init__(self, body: bytes, *, max_age: int) -> None:
        self._body = body
        self._etag = f'"{_digest(body)}"'
        self._headers = {"ETag": self._etag, "Cache-Control": f"public, max-age={max_age}"}

    def answer(self, request: Request[Any, Any, Any]) -> Response[Any]:
        """Answer with the body, or with 304 where `If-None-Match` names it."""
        if is_held(request.headers, self._etag):
            return Response(b"", status_code=304, headers=self._headers)
        return Response(self._body, media_type="application/json", headers=self._headers)


def weak_tag(*parts: object) -> str:
    """Make the entity tag of an answer that is determined by these parts, numbers and texts, and by its address.

    A weak one: the answer is the same with and without compression, and its bytes are not.
    """
    return f'W/"{_digest(repr(parts).encode())}"'


def is_held(headers: Headers, tag: str) -> bool:
    """Tell if `If-None-Match` of a request names this tag: the client has that answer already."""
    # Several lines are one list. Proxies make a tag a weak one when they compress; the comparison is the weak one.
    lines = headers.getall("If-None-Match", [])
    held = [each.strip().removeprefix("W/") for line in lines for each in line.split(",")]
    return held == ["*"] or tag.removeprefix("W/") in held


def not_modified(tag: str) -> ASGIResponse:
    """Answer that the client's own is still right."""
    return ASGIResponse(status_code=304, headers=tagged(tag))


def tagged(tag: str) -> dict[str, str]:
    """Headers of an answer that a client may keep, and has to ask about."""
    return {"ETag": tag, "Cache-Control": REVALIDATED}


def _digest(content: bytes) -> str:
    return sha256(content).hexdigest()[:32]

"""Answers that clients and proxies may keep: an ETag (RFC 9110), and 304 for a client that has the body already."""

from hashlib import sha256
from typing import Any

from litestar import Request, Response


class CachedBody:
    """A body that changes with the program only.

    Args:
        body: As it is sent.
        max_age: Seconds for which a client may use it without asking again.
    """

    def __init__(self, body: bytes, *, max_age: int) -> None:
        self._body = body
        self._etag = f'"{sha256(body).hexdigest()[:32]}"'
        self._headers = {"ETag": self._etag, "Cache-Control": f"public, max-age={max_age}"}

    def answer(self, request: Request[Any, Any, Any]) -> Response[Any]:
        """Answer with the body, or with 304 where `If-None-Match` names it."""
        if self._is_held(request.headers.get("If-None-Match")):
            return Response(b"", status_code=304, headers=self._headers)
        return Response(self._body, media_type="application/json", headers=self._headers)

    def _is_held(self, tags: str | None) -> bool:
        # Proxies make a tag a weak one, W/"...", when they compress; the comparison is the weak one.
        held = [each.strip().removeprefix("W/") for each in (tags or "").split(",")]
        return held == ["*"] or self._etag in held

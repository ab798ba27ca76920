"""HEAD for every route with GET: the same status and headers, without a body."""

from typing import Final

from anyio import CancelScope
from litestar.datastructures import MutableScopeHeaders
from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send

_END: Final[Message] = {"type": "http.response.body", "body": b"", "more_body": False}


def answering_head(app: ASGIApp) -> ASGIApp:
    """Middleware that answers HEAD as GET, without the body. A stream is cancelled after its head."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == ScopeType.HTTP and scope["method"] == "HEAD":
            scope["method"] = "GET"
            with CancelScope() as answered:
                await app(scope, receive, _head_of(scope, send, answered))
        else:
            await app(scope, receive, send)

    return answer


async def allow_head(message: Message, _scope: Scope) -> None:
    """Add HEAD to an Allow header that has GET."""
    if message["type"] == "http.response.start":
        headers = MutableScopeHeaders.from_message(message)
        methods = set(headers.get("allow", "").split(", "))
        if "GET" in methods:
            headers["allow"] = ", ".join(sorted(methods | {"HEAD"}))


def _head_of(scope: HTTPScope, send: Send, answered: CancelScope) -> Send:
    ended = False

    async def send_head(message: Message) -> None:
        nonlocal ended
        if message["type"] == "http.response.start":
            scope["method"] = "HEAD"  # the client's own, for the metrics
            await send(message)
        elif message["type"] == "http.response.body" and not ended:
            ended = True
            await send(_END)
            if message["more_body"]:
                answered.cancel()

    return send_head

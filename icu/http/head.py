"""HEAD beside every GET: the same status and headers, and no body."""

from typing import Final

from anyio import CancelScope
from litestar.datastructures import MutableScopeHeaders
from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send

_END: Final[Message] = {"type": "http.response.body", "body": b"", "more_body": False}


def answering_head(app: ASGIApp) -> ASGIApp:
    """The application, which answers HEAD with what it would answer GET with, up to the body.

    What would go on sending, as a stream does, is cancelled.
    """

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == ScopeType.HTTP and scope["method"] == "HEAD":
            scope["method"] = "GET"
            with CancelScope() as answered:
                await app(scope, receive, _head_of(scope, send, answered))
        else:
            await app(scope, receive, send)

    return answer


async def allow_head(message: Message, _scope: Scope) -> None:
    """Name HEAD wherever an answer names GET as allowed."""
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
            scope["method"] = "HEAD"  # as the server and the figures know it
            await send(message)
        elif message["type"] == "http.response.body" and not ended:
            ended = True
            await send(_END)
            if message["more_body"]:
                answered.cancel()

    return send_head

"""Large answers, made in pieces while they are sent: neither the loop nor the memory holds them as a whole.

An answer of one piece is sent as any other, with its length. The client of a longer one sees that it is whole by its
end, which never comes where a piece cannot be made: the connection is cut.
"""

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing

import anyio
from anyio.lowlevel import checkpoint
from litestar.response.base import ASGIResponse
from litestar.types import Receive, Scope, Send
from loguru import logger

from icu.errors import IcuError
from icu.http.compression import Gzip, accepts_gzip
from icu.http.protocol import cancel_on_disconnect, cut_off


class Download:
    """The response to one client.

    Args:
        pieces: The body; what they raise before the second one is answered as an error. Cancelled when the client goes.
        media_type: Of the body.
        headers: Further ones.
        compressible: False where the body is compressed already.
    """

    def __init__(
        self,
        pieces: AsyncGenerator[bytes, None],
        *,
        media_type: str,
        headers: Mapping[str, str] | None = None,
        compressible: bool = True,
    ) -> None:
        self._pieces = pieces
        self._headers = {"content-type": media_type, **(headers or {})}
        self._compressible = compressible
        self._begun = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        failure: Exception | None = None
        async with anyio.create_task_group() as group:
            group.start_soon(cancel_on_disconnect, receive, group.cancel_scope)
            try:
                async with aclosing(self._pieces):
                    await self._serve(scope, receive, send)
            except Exception as exc:  # noqa: BLE001 - raised below: a task group would wrap it
                failure = exc
            group.cancel_scope.cancel()
        if failure is None:
            return
        if not self._begun:
            raise failure
        _log(failure)
        await cut_off(scope, receive)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        first = await anext(self._pieces, b"")
        second = await anext(self._pieces, None)
        self._begun = True
        if second is None:
            whole = ASGIResponse(body=first, headers=self._headers)
            await whole(scope, receive, send)
            return
        gzip = Gzip() if self._compressible and accepts_gzip(scope) else None
        await send({"type": "http.response.start", "status": 200, "headers": self._head(gzip)})
        await self._send(send, first, gzip)
        await self._send(send, second, gzip)
        async for piece in self._pieces:
            await self._send(send, piece, gzip)
        await send({"type": "http.response.body", "body": gzip.end() if gzip else b"", "more_body": False})

    async def _send(self, send: Send, piece: bytes, gzip: Gzip | None) -> None:
        # To send waits for nothing while the client keeps up: others have their turn here.
        await checkpoint()
        await send({"type": "http.response.body", "body": gzip.part(piece) if gzip else piece, "more_body": True})

    def _head(self, gzip: Gzip | None) -> list[tuple[bytes, bytes]]:
        headers = self._headers if gzip is None else {**self._headers, "content-encoding": "gzip"}
        return [(name.lower().encode(), value.encode()) for name, value in headers.items()]


def _log(failure: Exception) -> None:
    if isinstance(failure, IcuError):
        logger.error("an answer was cut off, its client will notice: {}", failure)
    else:
        logger.opt(exception=failure).error("an answer was cut off, its client will notice")

"""Bodies of requests. One that is no JSON, or is cut off, is a mistake of the client, not an error of the server."""

import re
from typing import Any, Final

from litestar import Request
from litestar.exceptions import InternalServerException, SerializationException

from icu.http.errors import UnreadableBodyError
from icu.http.fields import to_body

# Bytes of a body. No route needs a large one.
MAX_BODY: Final = 100_000

_PLACE: Final = re.compile(r"\(byte (?P<byte>[0-9]+)\)\Z")


class BodyRequest(Request[Any, Any, Any]):
    """A request that raises UnreadableBodyError for an unreadable body."""

    async def body(self) -> bytes:
        """Receive the body. Raises UnreadableBodyError if the connection ends before it."""
        try:
            return await super().body()
        except InternalServerException as exc:
            raise UnreadableBodyError("the connection ended before the body did") from exc

    async def json(self) -> Any:  # noqa: ANN401 - whatever was sent
        """Decode the body to the type of its route. Raises UnreadableBodyError for one that cannot be."""
        # Here, since Litestar would take a text for a number, as in a query.
        return to_body(await self._decoded(), self.route_handler.parsed_fn_signature.parameters["data"].annotation)

    async def _decoded(self) -> Any:  # noqa: ANN401 - whatever was sent
        try:
            return await super().json()
        except (SerializationException, UnicodeDecodeError) as exc:
            raise UnreadableBodyError(_malformed(str(exc))) from exc
        except RecursionError as exc:
            raise UnreadableBodyError("the body nests too deeply") from exc


def _malformed(why: str) -> str:
    """Explain a mistake in the JSON, from the message of msgspec, or of Python's decoder under msgspec before 0.23."""
    if "utf-8" in why.lower():
        return "the body is not UTF-8"
    place = _PLACE.search(why)
    return f"the body is no JSON, from byte {place['byte']} on" if place else "the body is no JSON, or not all of it"

"""Bodies of requests: what is no JSON, or never arrives whole, is the client's mistake and no error of the server."""

import re
from typing import Any, Final

from litestar import Request
from litestar.exceptions import InternalServerException, SerializationException

from icu.http.errors import UnreadableBodyError

MAX_BODY: Final = 100_000
"""Bytes. No route takes a large body."""

_PLACE: Final = re.compile(r"\(byte (?P<byte>[0-9]+)\)\Z")


class BodyRequest(Request[Any, Any, Any]):
    """A request whose body is refused in words."""

    async def body(self) -> bytes:
        """The bytes. UnreadableBodyError where the client goes away before it has sent them all."""
        try:
            return await super().body()
        except InternalServerException as exc:
            raise UnreadableBodyError("the connection ended before the body did") from exc

    async def json(self) -> Any:  # noqa: ANN401 - whatever was sent
        """Decode the body. UnreadableBodyError for what msgspec raises outside its own errors."""
        try:
            return await super().json()
        except SerializationException as exc:
            raise UnreadableBodyError(_malformed(str(exc))) from exc
        except UnicodeDecodeError as exc:
            raise UnreadableBodyError("the body is not UTF-8") from exc
        except RecursionError as exc:
            raise UnreadableBodyError("the body nests too deeply") from exc


def _malformed(why: str) -> str:
    """What is wrong with the JSON, from what msgspec says of it."""
    place = _PLACE.search(why)
    return f"the body is no JSON, from byte {place['byte']} on" if place else "the body is no JSON, or not all of it"

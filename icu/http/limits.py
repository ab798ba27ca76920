"""The guard of every route against connections beyond the cap."""

from typing import Any, Final

from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler

from icu.http.errors import TooManyConnectionsError
from icu.http.protocol import is_refused

# The option of a route that serves connections beyond the cap, too.
BEYOND_CAP: Final = "beyond_cap"


# Async, for Litestar runs other guards in threads: that would be a fifth of a small request.
async def within_cap(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """Refuse a request over a connection beyond the cap, by TooManyConnectionsError."""
    if is_refused(connection.scope) and not handler.opt.get(BEYOND_CAP):
        raise TooManyConnectionsError

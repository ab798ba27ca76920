"""The guard of every route: no answer to a connection beyond the cap, except from routes that say so."""

from typing import Any, Final

from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler

from icu.http.errors import TooManyConnectionsError
from icu.http.protocol import is_refused

# The option of a route that is answered though there are too many connections.
BEYOND_CAP: Final = "beyond_cap"


def within_cap(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """Refuse what came over a connection beyond the cap."""
    if is_refused(connection.scope) and not handler.opt.get(BEYOND_CAP):
        raise TooManyConnectionsError

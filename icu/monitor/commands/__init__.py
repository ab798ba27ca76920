"""Routes by which people command: alarms, beds, limits, and the inputs of NEWS2."""

from typing import Final

from litestar.handlers import HTTPRouteHandler

from icu.monitor.commands import alarms, beds, limits, news2

ROUTES: Final[tuple[HTTPRouteHandler, ...]] = (*alarms.ROUTES, *beds.ROUTES, *limits.ROUTES, *news2.ROUTES)

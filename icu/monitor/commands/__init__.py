"""Routes by which people command: alarms, beds, limits, the inputs of NEWS2, and scenarios."""

from typing import Final

from litestar.handlers import HTTPRouteHandler

from icu.monitor.commands import alarms, beds, limits, news2, scenarios

ROUTES: Final[tuple[HTTPRouteHandler, ...]] = (
    *alarms.ROUTES,
    *beds.ROUTES,
    *limits.ROUTES,
    *news2.ROUTES,
    *scenarios.ROUTES,
)

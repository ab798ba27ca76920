"""Routes that tell of alarms: those of now, and their history."""

from typing import Final

from litestar.handlers import HTTPRouteHandler

from icu.monitor.alarms.active import list_alarms
from icu.monitor.alarms.history import alarm_history

ROUTES: Final[tuple[HTTPRouteHandler, ...]] = (list_alarms, alarm_history)

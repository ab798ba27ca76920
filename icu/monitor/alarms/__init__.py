"""Routes that tell of alarms: those of now, their history, and statistics."""

from typing import Final

from litestar.handlers import HTTPRouteHandler

from icu.monitor.alarms.active import list_alarms
from icu.monitor.alarms.history import alarm_history
from icu.monitor.alarms.statistics import alarm_statistics

ROUTES: Final[tuple[HTTPRouteHandler, ...]] = (list_alarms, alarm_history, alarm_statistics)

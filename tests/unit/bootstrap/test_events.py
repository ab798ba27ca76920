"""What the supervisor's events become for machines."""

from typing import Any

import pytest
from loguru import logger
from prometheus_client import CollectorRegistry, generate_latest

from icu.bootstrap.events import EventFigures, TreeFigures, log_event
from icu.errors import KafkaError, ProcessEndedError
from icu.supervisor.events import ChildFailed, ChildRestarting
from icu.supervisor.view import ChildView, State

REASONS = [
    (ProcessEndedError(78, "icu: no such file"), "exit-78"),
    (ProcessEndedError(-9, ""), "SIGKILL"),
    (KafkaError("away"), "KafkaError"),
]


@pytest.mark.parametrize(("error", "reason"), REASONS)
def test_a_death_says_in_a_word_why(error: Exception, reason: str) -> None:
    """In the records of death and restart, and in the figures."""
    records: list[dict[str, Any]] = []
    logger.add(lambda message: records.append(message.record["extra"]))
    registry = CollectorRegistry()
    figures = EventFigures(registry)
    for event in (ChildFailed("icu-1", error, 1.5), ChildRestarting("icu-1", 0.25, error)):
        log_event(event)
        figures(event)
    assert records == [
        {"child": "icu-1", "event": "death", "reason": reason, "uptime": 1.5},
        {"child": "icu-1", "event": "restart", "reason": reason, "delay": 0.25},
    ]
    assert registry.get_sample_value("icu_child_restarts_total", {"child": "icu-1", "reason": reason}) == 1


def test_supervisors_have_figures_too() -> None:
    """Who is in the counter of restarts has a state and an uptime."""
    registry = CollectorRegistry()
    beds = ChildView("beds", State.RUNNING, uptime=7.0, children=(ChildView("bed-1", State.BACKOFF),))
    registry.register(TreeFigures(lambda: (ChildView("sink", State.RUNNING), beds)))
    text = generate_latest(registry).decode()
    for child, state in (("sink", "running"), ("beds", "running"), ("bed-1", "backoff")):
        assert f'icu_child_state{{child="{child}",state="{state}"}} 1.0' in text
    assert 'icu_child_uptime_seconds{child="beds"} 7.0' in text
